//! `POST /v1/freezes`: no scale-in of a group, or of any.

use axum::extract::State;
use axum::response::Response;

use crate::api::body::JsonBody;
use crate::api::fields::Fields;
use crate::api::holds::create::taken_by;
use crate::api::holds::{MOST_GROUP, MOST_OWNER, MOST_REASON};
use crate::api::problem::{Kind, Problem};
use crate::api::state::ApiState;
use crate::api::types::{LeaseTaken, NewFreeze, ProblemBody};
use crate::decide::guard::freeze::FreezeAsk;
use crate::decide::order::Order;
use crate::decide::words::Time;

/// Freezes a group, or all of them: nothing healthy is taken away until then.
///
/// Durable when it is answered, and obeyed by muster from then on; in force at AWS within seconds, which
/// `GET /v1/freezes` shows. The same owner who asks again for the same groups moves the end.
#[utoipa::path(
    post, path = "/v1/freezes", operation_id = "createFreeze", tag = "guards",
    request_body = NewFreeze,
    responses(
        (status = 202, description = "Durable", body = LeaseTaken),
        (status = 404, description = "There is no such group", body = ProblemBody,
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
    Ok(taken_by(state.order(Order::Freeze(ask)).await?))
}

fn parse(body: &[u8], id: String, now: Time) -> Result<FreezeAsk, Problem> {
    let mut fields = Fields::read(body)?;
    let group = fields.optional_text("group", MOST_GROUP);
    let until = fields.time("until", now);
    let owner = fields.text("owner", MOST_OWNER);
    let reason = fields.optional_text("reason", MOST_REASON).unwrap_or_default();
    fields.finish()?;
    let (Some(until), Some(owner)) = (until, owner) else {
        // `finish` has told what is missing; this is for the compiler.
        return Err(Problem::new(Kind::InvalidFields, "until and owner must be given"));
    };
    Ok(FreezeAsk { id, group, until, owner, reason })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::api::testing::NOW;

    #[test]
    fn a_body_becomes_an_ask() {
        let sent = NewFreeze {
            group: Some("web".into()),
            until: "30m".into(),
            owner: "ann".into(),
            reason: Some("the metrics lie".into()),
        };
        let ask = parse(serde_json::to_string(&sent).unwrap().as_bytes(), "id".into(), NOW).unwrap();
        assert_eq!((ask.group.as_deref(), ask.until), (Some("web"), NOW.plus(Duration::from_mins(30))));
        let all = parse(br#"{"until": "30m", "owner": "ann"}"#, "id".into(), NOW).unwrap();
        assert_eq!(all.group, None);
    }

    #[test]
    fn every_wrong_field_is_named() {
        for (body, field) in [
            (r#"{"owner": "ann"}"#, "until"),
            (r#"{"until": "0s", "owner": "ann"}"#, "until"),
            (r#"{"until": "1h"}"#, "owner"),
            (r#"{"until": "1h", "owner": "ann", "group": null}"#, "group"),
        ] {
            let problem = parse(body.as_bytes(), "id".into(), NOW).unwrap_err();
            assert_eq!(problem.errors[0].field, field, "{body}");
        }
    }
}
