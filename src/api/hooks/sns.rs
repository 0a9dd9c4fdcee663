//! `POST /v1/hooks/sns`: messages of SNS over HTTPS, each with its signature.

use axum::Json;
use axum::extract::{Request, State};

use super::answer;
use crate::api::body;
use crate::api::problem::{Kind, Problem};
use crate::api::state::ApiState;
use crate::api::types::{HookTaken, ProblemBody};
use crate::hooks::inlet::{Door, Outcome};
use crate::hooks::sns::door::Received;
use crate::hooks::sns::message::BODY;
use crate::hooks::sns::refusal::Refusal;

/// Takes a message from SNS.
///
/// Nothing is believed before its signature was verified. SNS gives us 15 s, and tries again after 429
/// and 5xx for up to an hour.
#[utoipa::path(
    post, path = "/v1/hooks/sns", operation_id = "takeMessage", tag = "hooks",
    request_body(content = String, description = "The message, as SNS signs it", content_type = "text/plain"),
    security(()),
    responses(
        (status = 200, description = "Stored, confirmed, or nothing had to be", body = HookTaken),
        (status = "4XX", description = "Turned away for good", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 429, description = "The inbox is full; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "It may pass another time; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn take(State(state): State<ApiState>, request: Request) -> Result<Json<HookTaken>, Problem> {
    let Some(door) = state.doors.sns.clone() else {
        state.doors.inlet.count(Door::Sns, Outcome::Untrusted);
        let detail = "no topic is configured for this door (hooks.sns.topics)";
        return Err(Problem::new(Kind::Untrusted, detail));
    };
    let (parts, body) = request.into_parts();
    let body = body::read(body, BODY).await;
    let body = body.inspect_err(|problem| door.unread(problem.kind == Kind::BodyTooLarge))?;
    let clock = state.handle.clock();
    let received =
        door.receive(&parts.headers, &body, clock.now()).await.map_err(|refusal| turned_away(&refusal))?;
    let (id, taken) = match received {
        Received::Notification { message, id, .. } => {
            (id, answer::hand_in(&state, Door::Sns, &message).await?)
        }
        Received::Again { id, .. } => (id, done(&state, Outcome::Repeated, "taken before")),
        Received::Unsubscribed { id, topic } => {
            tracing::warn!(topic, "a topic has been told to send no more");
            (id, done(&state, Outcome::Acknowledged, "unsubscribed"))
        }
        Received::Confirm { confirmation, id, topic } => {
            door.confirm(&confirmation).await.map_err(|error| {
                let detail = format!("SNS could not be told that '{topic}' may send here: {error}");
                Problem::new(Kind::NotReady, detail).retry_after(clock.on_the_wall(CONFIRM_AGAIN))
            })?;
            tracing::info!(topic, "a topic may send here");
            (id, done(&state, Outcome::Acknowledged, "confirmed"))
        }
    };
    door.taken(&id, clock.now());
    Ok(taken)
}

/// SNS asks again after 20 s in any case.
const CONFIRM_AGAIN: std::time::Duration = std::time::Duration::from_secs(20);

/// What the door dealt with by itself.
fn done(state: &ApiState, outcome: Outcome, what: &str) -> Json<HookTaken> {
    state.doors.inlet.count(Door::Sns, outcome);
    Json(HookTaken { outcome, token: None, what: Some(what.to_string()) })
}

fn turned_away(refusal: &Refusal) -> Problem {
    let kind = match refusal.status() {
        400 => Kind::InvalidBody,
        413 => Kind::BodyTooLarge,
        403 => Kind::Untrusted,
        _ => Kind::NotReady,
    };
    let problem = Problem::new(kind, refusal.to_string());
    match refusal.retry_after {
        Some(wall) => problem.retry_after(wall),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::Fake;
    use crate::hooks::sns::refusal::Reason;

    #[tokio::test]
    async fn without_topics_the_door_is_closed_for_good() {
        let fake = Fake::start().await;
        let answer = fake.send("POST", "/v1/hooks/sns", &[("content-type", "text/plain")], "{}").await;
        assert_eq!(answer.problem("untrusted").0, 403);
    }

    #[test]
    fn each_refusal_keeps_its_status() {
        for reason in Reason::ALL {
            let refusal = Refusal { reason: *reason, detail: "x".into(), retry_after: None };
            assert_eq!(turned_away(&refusal).kind.status().as_u16(), reason.status(), "{reason}");
        }
    }
}
