//! `POST /v1/gates/overrides`: let a group launch more than its gateways are known to carry.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;

use crate::api::body::JsonBody;
use crate::api::fields::Fields;
use crate::api::holds::create::taken_by;
use crate::api::holds::{MOST_GROUP, MOST_OWNER, MOST_REASON};
use crate::api::problem::{Kind, Problem};
use crate::api::state::ApiState;
use crate::api::types::{LeaseTaken, NewOverride, ProblemBody};
use crate::decide::gateway::overrides::OverrideAsk;
use crate::decide::order::Order;
use crate::decide::words::Time;

/// In force for so long, unless it is said for how long.
const FOR: Duration = Duration::from_secs(3_600);

/// Overrides the gates of a group, or lets one scale-up through, by name and until then.
///
/// Durable when it is answered, and in force in the same decision; it ends by itself. The same owner who asks again
/// for the same moves the end. `GET /v1/gateways` shows what is in force.
#[utoipa::path(
    post, path = "/v1/gates/overrides", operation_id = "overrideGates", tag = "gateways",
    request_body = NewOverride,
    responses(
        (status = 202, description = "Durable, and in force", body = LeaseTaken),
        (status = 404, description = "There is no such group or open scale-up", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "The group depends on no gateway", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = "4XX", description = "Refused; nothing was stored", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Not ready; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn create(State(state): State<ApiState>, JsonBody(body): JsonBody) -> Result<Response, Problem> {
    let now = state.handle.clock().now();
    let ask = parse(&body, crate::ids::uuid(now), now)?;
    Ok(taken_by(state.order(Order::Override(ask)).await?))
}

fn parse(body: &[u8], id: String, now: Time) -> Result<OverrideAsk, Problem> {
    let mut fields = Fields::read(body)?;
    let subject = fields.text("subject", MOST_GROUP);
    let until = fields.optional_time("until", now).unwrap_or(now.plus(FOR));
    let owner = fields.text("owner", MOST_OWNER);
    let reason = fields.text("reason", MOST_REASON);
    fields.finish()?;
    let (Some(subject), Some(owner), Some(reason)) = (subject, owner, reason) else {
        // `finish` has told what is missing; this is for the compiler.
        return Err(Problem::new(Kind::InvalidFields, "subject, owner and reason must be given"));
    };
    Ok(OverrideAsk { id, subject, until, owner, reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{Fake, NOW};

    #[test]
    fn a_body_becomes_an_ask() {
        let sent = NewOverride {
            subject: "web".into(),
            until: Some("2h".into()),
            owner: "ann".into(),
            reason: "the peak is here".into(),
        };
        let ask = parse(&serde_json::to_vec(&sent).unwrap(), "id".into(), NOW).unwrap();
        assert_eq!((ask.subject.as_str(), ask.until), ("web", NOW.plus(2 * FOR)));
        let short = br#"{"subject": "web", "owner": "ann", "reason": "now"}"#;
        assert_eq!(parse(short, "id".into(), NOW).unwrap().until, NOW.plus(FOR));
    }

    #[test]
    fn every_wrong_field_is_named() {
        for (body, field) in [
            (r#"{"owner": "ann", "reason": "now"}"#, "subject"),
            (r#"{"subject": "web", "reason": "now"}"#, "owner"),
            (r#"{"subject": "web", "owner": "ann"}"#, "reason"),
            (r#"{"subject": "web", "owner": "ann", "reason": "now", "until": "soon"}"#, "until"),
        ] {
            let problem = parse(body.as_bytes(), "id".into(), NOW).unwrap_err();
            assert_eq!(problem.errors[0].field, field, "{body}");
        }
    }

    #[tokio::test]
    async fn it_is_handed_in_and_ended_by_its_id() {
        let fake = Fake::start().await;
        let body = r#"{"subject": "web", "owner": "ann", "reason": "now"}"#;
        let taken: LeaseTaken = fake.post("/v1/gates/overrides", body).await.json();
        assert!(!taken.repeated && !taken.id.is_empty());
        let nothing = fake.post("/v1/gates/overrides", &body.replace("web", "db")).await;
        assert_eq!(nothing.problem("nothing_to_override"), (404, vec!["subject".to_string()]));
        let path = format!("/v1/gates/overrides/{}?by=ann", taken.id);
        let ended: LeaseTaken = fake.send("DELETE", &path, &[], "").await.json();
        assert_eq!(ended.id, taken.id);
    }
}
