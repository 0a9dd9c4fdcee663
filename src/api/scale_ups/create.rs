//! `POST /v1/scale-ups`: ask for more instances.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::LOCATION;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::MOST_REASON;
use super::detail::{promised, seconds_until};
use crate::api::body::JsonBody;
use crate::api::by::By;
use crate::api::fields::Fields;
use crate::api::headers::{IDEMPOTENCY_REPLAYED, idempotency_key};
use crate::api::metrics::Answer;
use crate::api::observe::LONGEST;
use crate::api::problem::{Kind, Problem};
use crate::api::state::ApiState;
use crate::api::types::{Created, Links, NewScaleUp, Preflight, ProblemBody, Stamp};
use crate::decide::action::{Accepted, Refusal};
use crate::decide::event::Ask;
use crate::decide::preflight::verdict::Verdict;
use crate::decide::rows::ScaleUpRow;
use crate::decide::words::Time;

/// Longest name of a group, as the configuration has it.
const MOST_GROUP: usize = 64;

/// Asks for COUNT more instances of a group in service.
///
/// The answer is sent after the request is durable: from then on every instance ends in service or
/// as a shortfall with a reason. What does not fit, by what is known of the account, ends so at once:
/// `preflight` says why, and what to ask AWS for. Send an `Idempotency-Key` to be able to ask again safely.
#[utoipa::path(
    post, path = "/v1/scale-ups", operation_id = "createScaleUp", tag = "scale-ups",
    request_body = NewScaleUp,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "1 to 128 visible ASCII characters. The same key with the same content gets the same answer; \
            with other content, 422.")),
    responses(
        (status = 202, description = "Accepted and durable", body = Created, headers(
            ("Location" = String, description = "The scale-up's path"),
            ("Idempotency-Replayed" = String, description = "`true` if it had been accepted before"))),
        (status = "4XX", description = "Refused; nothing was stored", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 429, description = "The inbox or the list of open scale-ups is full; see Retry-After",
            body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Not ready; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn create(
    State(state): State<ApiState>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let clock = state.handle.clock();
    let now = clock.now();
    let key = idempotency_key(&headers)?;
    let (ask, by) = parse(&body, key, crate::ids::uuid(now), now)?;
    state.check_ready()?;

    let accepted = state.handle.scale_up(ask).await.map_err(|error| Problem::not_taken(error, &clock))?;
    let row = read_back(&state, &accepted).await?;
    let told = told(&state, &row).await;
    if accepted.repeated && !is_same(&row, by, LONGEST.mul_f64(clock.scale())) {
        return Err(Problem::refused(&Refusal::KeyReused { id: row.id }));
    }
    let created = created(&row, told, clock.now());
    let answer = if accepted.repeated { Answer::Repeated } else { Answer::Accepted };
    let mut response = (StatusCode::ACCEPTED, Json(created)).into_response();
    if let Ok(path) = HeaderValue::from_str(&Links::of_self(&accepted.id)) {
        response.headers_mut().insert(LOCATION, path);
    }
    if accepted.repeated {
        response
            .headers_mut()
            .insert(HeaderName::from_static(IDEMPOTENCY_REPLAYED), HeaderValue::from_static("true"));
    }
    response.extensions_mut().insert(answer);
    Ok(response)
}

/// Reads the body. Checks only what can be checked without knowing anything else.
pub(in crate::api) fn parse(
    body: &[u8],
    key: Option<String>,
    id: String,
    now: Time,
) -> Result<(Ask, Option<By>), Problem> {
    let mut fields = Fields::read(body)?;
    let group = fields.text("group", MOST_GROUP);
    let count = fields.number("count");
    let by = fields.optional_text("by", 64).and_then(|s| {
        let by = By::parse(&s).and_then(|by| Ok((by, by.at(now)?)));
        by.map_err(|e| fields.wrong("by", e)).ok()
    });
    let reason = fields.optional_text("reason", MOST_REASON).unwrap_or_default();
    let all_or_nothing = fields.flag("all_or_nothing");
    let emergency = fields.flag("emergency");
    fields.finish()?;
    let (Some(group), Some(count)) = (group, count) else {
        // `finish` has told what is missing; this is for the compiler.
        return Err(Problem::new(Kind::InvalidFields, "group and count must be given"));
    };
    let deadline = by.map(|(_, at)| at);
    let ask = Ask { id, group, count, by: deadline, reason, idempotency_key: key, all_or_nothing, emergency };
    Ok((ask, by.map(|(by, _)| by)))
}

/// Whether a request that repeats a key asks for the same deadline.
///
/// The core does not compare deadlines, since one told as "15m" is another instant each time it is
/// sent. What can be compared is how long after its acceptance the accepted one lay: as long as is
/// asked for now, less the time that the first request spent on its way to the engine.
fn is_same(row: &ScaleUpRow, by: Option<By>, slowest: Duration) -> bool {
    match (row.by, by) {
        (None, None) => true,
        (Some(then), Some(By::At(now))) => then == now,
        (Some(then), Some(By::In(ahead))) => {
            let lay = then.since(row.accepted_at);
            lay <= ahead && ahead.saturating_sub(lay) <= slowest
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// What was accepted, as the store has it.
async fn read_back(state: &ApiState, accepted: &Accepted) -> Result<ScaleUpRow, Problem> {
    // It is accepted whatever happens now, and must not be asked for again under another key.
    let unread = |problem: Problem| {
        let detail = format!(
            "the request was accepted as scale-up {} and is durable, but cannot be shown now: do not send it again, \
             look at the Location",
            accepted.id
        );
        problem.detail(detail).location(Links::of_self(&accepted.id))
    };
    match state.store.scale_up(&accepted.id).await {
        Ok(Some(row)) => Ok(row),
        Ok(None) => Err(unread(Problem::new(Kind::Internal, "").cause("an accepted scale-up has no row"))),
        Err(error) => Err(unread(Problem::from(error))),
    }
}

/// What it was told when it was accepted. It is accepted whether or not that can be read now.
async fn told(state: &ApiState, row: &ScaleUpRow) -> Option<Preflight> {
    let stored = state.store.preflight(row.seq).await.ok()??;
    let verdict: Verdict = serde_json::from_str(&stored.verdict).ok()?;
    Some(Preflight::of(&verdict))
}

fn created(row: &ScaleUpRow, told: Option<Preflight>, now: Time) -> Created {
    let eta = promised(row).and_then(Stamp::unless_never);
    Created {
        id: row.id.clone(),
        seq: row.seq.0,
        group: row.group.clone(),
        wanted: row.wanted,
        state: row.state,
        eta,
        eta_s: eta.map(|at| seconds_until(at, now)),
        late: row.by.is_some_and(|by| eta.is_none_or(|at| at.0 > by)),
        preflight: told,
        links: Links::of(&row.id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{self, Fake, NOW};

    fn read(body: &str) -> Result<Ask, Problem> {
        parse(body.as_bytes(), None, "id".into(), NOW).map(|(ask, _)| ask)
    }

    #[test]
    fn a_body_becomes_an_ask() {
        let ask =
            read(r#"{"group": "web", "count": 1200, "by": "15m", "reason": "first working day"}"#).unwrap();
        assert_eq!(
            ask,
            Ask {
                id: "id".into(),
                group: "web".into(),
                count: 1_200,
                by: Some(NOW.plus(Duration::from_mins(15))),
                reason: "first working day".into(),
                idempotency_key: None,
                all_or_nothing: false,
                emergency: false,
            }
        );
        assert!(read(r#"{"group": "web", "count": 1, "all_or_nothing": true}"#).unwrap().all_or_nothing);
        let ask = read(r#"{"group": "web", "count": 0}"#).unwrap();
        assert_eq!((ask.count, ask.by, ask.reason.as_str()), (0, None, ""), "0 is the core's to refuse");
    }

    #[test]
    fn what_the_command_line_sends_is_understood() {
        let sent = NewScaleUp {
            group: "web".into(),
            count: 1,
            by: Some("1h".into()),
            reason: None,
            all_or_nothing: true,
            emergency: true,
        };
        let ask = read(&serde_json::to_string(&sent).unwrap()).unwrap();
        assert_eq!((ask.by, ask.all_or_nothing), (Some(NOW.plus(Duration::from_hours(1))), true));
        assert!(ask.emergency);
    }

    #[test]
    fn a_wrong_body_is_refused_field_by_field() {
        let long = format!(r#"{{"group": "web", "count": 1, "reason": "{}"}}"#, "x".repeat(501));
        let table = [
            (r#"{"group": "web", "count": 1, "by": "soon"}"#, &["by"][..]),
            (r#"{"group": "web", "count": 1, "by": null}"#, &["by"]),
            (r#"{"group": "web", "count": 1, "by": 900}"#, &["by"]),
            (r#"{"group": "web", "count": 1, "by": "-15m"}"#, &["by"]),
            (r#"{"group": "web", "count": 1, "reason": " "}"#, &["reason"]),
            (&long, &["reason"]),
            (r#"{"group": "web", "count": 1, "priority": 9}"#, &["priority"]),
            (r#"{"group": "web", "count": 1, "all_or_nothing": "yes"}"#, &["all_or_nothing"]),
            (r#"{"group": "web", "count": 1, "emergency": 1}"#, &["emergency"]),
            ("{}", &["group", "count"]),
            (
                r#"{"group": 1, "count": "1", "by": 1, "reason": 1, "x": 1}"#,
                &["group", "count", "by", "reason", "x"],
            ),
        ];
        for (body, expected) in table {
            let problem = read(body).unwrap_err();
            let named: Vec<&str> = problem.errors.iter().map(|e| e.field.as_str()).collect();
            assert_eq!((problem.kind, named.as_slice()), (Kind::InvalidFields, expected), "{body}");
        }
        assert!(read(&long.replace("xx\"", "x\"")).is_ok(), "500 characters are allowed");
    }

    #[test]
    fn a_deadline_sent_again_is_the_same_whether_it_is_told_as_an_instant_or_a_duration() {
        let m15 = Duration::from_mins(15);
        let s = Duration::from_secs;
        // It was asked for at NOW and accepted half a second later.
        let accepted_at = NOW.plus(Duration::from_millis(500));
        let row = |by| ScaleUpRow { by, accepted_at, ..testing::scale_up(1, 5) };
        let deadline = NOW.plus(m15);
        let table = [
            (Some(deadline), Some(By::In(m15)), true),
            (Some(deadline), Some(By::In(m15 + s(9))), true),
            (Some(deadline), Some(By::In(m15 + s(11))), false),
            (Some(deadline), Some(By::In(Duration::from_mins(14))), false),
            (Some(deadline), Some(By::At(deadline)), true),
            (Some(deadline), Some(By::At(deadline.plus(s(1)))), false),
            (Some(deadline), None, false),
            (None, Some(By::In(m15)), false),
            (None, None, true),
        ];
        for (then, now, same) in table {
            assert_eq!(is_same(&row(then), now, s(10)), same, "{then:?} {now:?}");
        }
    }

    #[tokio::test]
    async fn an_accepted_request_is_answered_202_with_its_place() {
        let fake = Fake::start().await;
        let answer = fake.post("/v1/scale-ups", r#"{"group": "web", "count": 1200}"#).await;
        assert_eq!(answer.status, 202);
        let created: Created = answer.json();
        assert_eq!((created.seq, created.wanted, created.group.as_str()), (1, 1_200, "web"));
        assert_eq!(answer.header("location"), Some(created.links.this.clone()));
        assert_eq!(answer.header("idempotency-replayed"), None);
        assert_eq!(created.eta_s, Some(100));
        assert_eq!(fake.get(&created.links.this).await.status, 200);
    }

    #[tokio::test]
    async fn the_same_key_gets_the_same_answer_and_other_content_a_422() {
        let fake = Fake::start().await;
        let send =
            |body: &'static str| fake.send("POST", "/v1/scale-ups", &[("idempotency-key", "k1")], body);
        let first = send(r#"{"group": "web", "count": 5, "by": "15m"}"#).await;
        let second = send(r#"{"group": "web", "count": 5, "by": "15m"}"#).await;
        assert_eq!((first.status, second.status), (202, 202));
        assert_eq!(first.header("idempotency-replayed"), None);
        assert_eq!(second.header("idempotency-replayed").as_deref(), Some("true"));
        assert_eq!(first.json::<Created>().id, second.json::<Created>().id);
        let other = send(r#"{"group": "web", "count": 6, "by": "15m"}"#).await;
        assert_eq!(other.problem("key_reused"), (422, vec!["Idempotency-Key".to_string()]));
        let longer = send(r#"{"group": "web", "count": 5, "by": "16m"}"#).await;
        assert_eq!(longer.status, 422);
        let bad = fake.send("POST", "/v1/scale-ups", &[("idempotency-key", "a b")], "{}").await;
        assert_eq!(bad.problem("invalid_header"), (400, vec!["Idempotency-Key".to_string()]));
    }

    #[tokio::test]
    async fn a_refusal_by_the_core_names_the_field() {
        let fake = Fake::start().await;
        let unknown = fake.post("/v1/scale-ups", r#"{"group": "wbe", "count": 5}"#).await;
        assert_eq!(unknown.problem("unknown_group"), (404, vec!["group".to_string()]));
        let zero = fake.post("/v1/scale-ups", r#"{"group": "web", "count": 0}"#).await;
        assert_eq!(zero.problem("count_out_of_range"), (422, vec!["count".to_string()]));
    }

    #[tokio::test]
    async fn nothing_is_asked_of_an_engine_that_is_not_ready() {
        let fake = Fake::start().await;
        fake.set_ready(crate::engine::handle::Readiness::Starting);
        let answer = fake.post("/v1/scale-ups", r#"{"group": "web", "count": 5}"#).await;
        assert_eq!(answer.problem("not_ready"), (503, vec![]));
        assert_eq!(answer.header("retry-after").as_deref(), Some("1"));
        assert_eq!(fake.asked(), 0);
    }
}
