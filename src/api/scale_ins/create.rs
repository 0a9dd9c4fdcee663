//! `POST /v1/groups/{group}/scale-ins`: ask for fewer instances.

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode};

use crate::api::body::JsonBody;
use crate::api::fields::Fields;
use crate::api::headers::idempotency_key;
use crate::api::lookup::Name;
use crate::api::problem::{Kind, Problem};
use crate::api::state::ApiState;
use crate::api::types::{NewScaleIn, ProblemBody, ScaleInTaken};
use crate::decide::order::Order;
use crate::decide::retire::scale_in::ScaleInAsk;

/// Longest reason.
const MOST_REASON: usize = 500;

/// Asks for COUNT fewer instances of a group in service.
///
/// Taken only if every signal of the group is fresh and says idle, and at least two do; if no scale-up is under
/// way in it, its removal valve is open, nothing is frozen, and its floor is kept. Otherwise refused with each
/// thing that stands against it. Either way the journal has it before the answer goes out. The same is checked
/// again before each step.
#[utoipa::path(
    post, path = "/v1/groups/{group}/scale-ins", operation_id = "createScaleIn", tag = "groups",
    request_body = NewScaleIn,
    params(
        ("group" = String, Path, description = "A configured group"),
        ("Idempotency-Key" = Option<String>, Header,
            description = "1 to 128 visible ASCII characters. The same key with the same content gets the same \
                answer; with other content, 422."),
    ),
    responses(
        (status = 202, description = "Taken and durable", body = ScaleInTaken),
        (status = 409, description = "Something stands against it; `errors` names each signal, value and guard",
            body = ProblemBody, content_type = "application/problem+json"),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Not ready; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn create(
    State(state): State<ApiState>,
    Name(group): Name,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<ScaleInTaken>), Problem> {
    let key = idempotency_key(&headers)?;
    let new = parse(&body)?;
    let ask = ScaleInAsk {
        id: crate::ids::uuid(state.handle.clock().now()),
        group,
        count: new.count,
        reason: new.reason,
        idempotency_key: key,
    };
    let accepted = state.order(Order::ScaleIn(ask)).await?;
    let taken = ScaleInTaken { id: accepted.id, repeated: accepted.repeated };
    Ok((StatusCode::ACCEPTED, Json(taken)))
}

fn parse(body: &[u8]) -> Result<NewScaleIn, Problem> {
    let mut fields = Fields::read(body)?;
    let count = fields.number("count");
    let reason = fields.text("reason", MOST_REASON);
    fields.finish()?;
    let (Some(count), Some(reason)) = (count, reason) else {
        // `finish` has told what is missing; this is for the compiler.
        return Err(Problem::new(Kind::InvalidFields, "count and reason must be given"));
    };
    Ok(NewScaleIn { count, reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::Fake;

    #[test]
    fn count_and_reason_must_be_there() {
        let new = parse(br#"{"count": 60, "reason": "evening"}"#).unwrap();
        assert_eq!(new, NewScaleIn { count: 60, reason: "evening".into() });
        for bad in [r#"{"count": 60}"#, r#"{"reason": "x"}"#, r#"{"count": 1, "reason": "x", "by": "15m"}"#] {
            assert_eq!(parse(bad.as_bytes()).unwrap_err().kind, Kind::InvalidFields, "{bad}");
        }
    }

    #[tokio::test]
    async fn one_is_taken_and_one_refused_with_each_doubt() {
        let fake = Fake::start().await;
        let taken = fake.post("/v1/groups/web/scale-ins", r#"{"count": 1, "reason": "evening"}"#).await;
        assert_eq!(taken.status, 202);
        assert!(!taken.json::<ScaleInTaken>().repeated);
        // The fake engine's group is misled whenever more than ten are to go.
        let refused = fake.post("/v1/groups/web/scale-ins", r#"{"count": 11, "reason": "CPU is low"}"#).await;
        assert_eq!(refused.problem("unsafe"), (409, vec!["signals".to_string(), "valve".to_string()]));
    }
}
