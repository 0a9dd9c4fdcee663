//! `POST /v1/gateways`: ask that a gateway be scaled ahead of time.

use axum::extract::State;
use axum::response::Response;

use super::{MOST_NAME, MOST_OWNER, MOST_REASON, answered};
use crate::api::body::JsonBody;
use crate::api::fields::Fields;
use crate::api::problem::{Kind, Problem};
use crate::api::state::ApiState;
use crate::api::types::{GatewayTaken, NewGatewayRequest, ProblemBody};
use crate::decide::gateway::GatewayAsk;
use crate::decide::order::Order;
use crate::decide::words::Time;

/// Asks that a gateway have so much capacity, from as soon as can be until then.
///
/// Durable when it is answered. A load balancer's capacity is reserved at AWS, a quota's increase is asked for, and
/// addresses are added to a NAT gateway; of a transit gateway, which AWS has no call for, the answer has text for
/// people, who are reminded until they confirm. The same owner who asks again for the same capacity moves the end.
#[utoipa::path(
    post, path = "/v1/gateways", operation_id = "createGatewayRequest", tag = "gateways",
    request_body = NewGatewayRequest,
    responses(
        (status = 202, description = "Durable", body = GatewayTaken),
        (status = 404, description = "There is no such gateway", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "It has a request already", body = ProblemBody,
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
    answered(&state.store, state.order(Order::AskGateway(ask)).await?).await
}

fn parse(body: &[u8], id: String, now: Time) -> Result<GatewayAsk, Problem> {
    let mut fields = Fields::read(body)?;
    let gateway = fields.text("gateway", MOST_NAME);
    let capacity = fields.number("capacity");
    let needed_by = fields.optional_time("by", now);
    let until = fields.time("until", now);
    let owner = fields.text("owner", MOST_OWNER);
    let reason = fields.optional_text("reason", MOST_REASON).unwrap_or_default();
    fields.finish()?;
    let (Some(gateway), Some(capacity), Some(until), Some(owner)) = (gateway, capacity, until, owner) else {
        // `finish` has told what is missing; this is for the compiler.
        return Err(Problem::new(Kind::InvalidFields, "gateway, capacity, until and owner must be given"));
    };
    Ok(GatewayAsk { id, gateway, capacity, needed_by, until, owner, reason })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::api::testing::{self, Fake, NOW};
    use crate::decide::rows::Changes;

    fn read_all(body: &str) -> Result<GatewayAsk, Problem> {
        parse(body.as_bytes(), "id".into(), NOW)
    }

    #[test]
    fn a_body_becomes_an_ask() {
        let sent = NewGatewayRequest {
            gateway: "core".into(),
            capacity: 200,
            by: Some("30m".into()),
            until: "24h".into(),
            owner: "ann".into(),
            reason: Some("the first working day".into()),
        };
        let ask = read_all(&serde_json::to_string(&sent).unwrap()).unwrap();
        assert_eq!(ask.needed_by, Some(NOW.plus(Duration::from_mins(30))));
        assert_eq!((ask.until, ask.capacity), (NOW.plus(Duration::from_hours(24)), 200));
        let short = read_all(r#"{"gateway": "core", "capacity": 1, "until": "1h", "owner": "ann"}"#).unwrap();
        assert_eq!((short.needed_by, short.reason.as_str()), (None, ""));
    }

    #[test]
    fn every_wrong_field_is_named() {
        for (body, field) in [
            (r#"{"capacity": 1, "until": "1h", "owner": "ann"}"#, "gateway"),
            (r#"{"gateway": "core", "until": "1h", "owner": "ann"}"#, "capacity"),
            (r#"{"gateway": "core", "capacity": "many", "until": "1h", "owner": "ann"}"#, "capacity"),
            (r#"{"gateway": "core", "capacity": 1, "owner": "ann"}"#, "until"),
            (r#"{"gateway": "core", "capacity": 1, "until": "soon", "owner": "ann"}"#, "until"),
            (r#"{"gateway": "core", "capacity": 1, "until": "1h", "by": "soon", "owner": "ann"}"#, "by"),
            (r#"{"gateway": "core", "capacity": 1, "until": "1h"}"#, "owner"),
            (r#"{"gateway": "core", "capacity": 1, "until": "1h", "owner": "a", "for": "1h"}"#, "for"),
        ] {
            let problem = read_all(body).unwrap_err();
            assert_eq!(problem.kind, Kind::InvalidFields, "{body}");
            assert_eq!(problem.errors[0].field, field, "{body}");
        }
    }

    #[tokio::test]
    async fn a_request_is_taken_and_one_of_nothing_is_refused() {
        let fake = Fake::start().await;
        let body = r#"{"gateway": "core", "capacity": 200, "until": "24h", "owner": "ann"}"#;
        let taken: GatewayTaken = fake.post("/v1/gateways", body).await.json();
        assert!(!taken.repeated && !taken.id.is_empty());
        let nowhere = fake.post("/v1/gateways", &body.replace("core", "nowhere")).await;
        assert_eq!(nowhere.problem("unknown_gateway"), (404, vec!["gateway".to_string()]));
    }

    #[tokio::test]
    async fn the_text_for_people_comes_with_the_answer() {
        let fake = Fake::start().await;
        let row = testing::gateway_request();
        fake.commit(Changes { gateways: vec![row.clone()], ..Changes::default() }).await;
        let accepted = crate::decide::action::Accepted { id: row.id.clone(), repeated: true };
        let (_, taken) = super::super::taken(&fake.store, accepted).await.unwrap();
        assert!(taken.letter.unwrap().contains("200 Gbit/s"));
    }
}
