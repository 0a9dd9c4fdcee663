//! `POST /v1/gateways/{id}/confirm`: say what a gateway carries now.

use axum::extract::State;
use axum::response::Response;

use super::{MOST_OWNER, MOST_REASON, answered};
use crate::api::body::JsonBody;
use crate::api::fields::Fields;
use crate::api::lookup::Name;
use crate::api::problem::{Kind, Problem};
use crate::api::state::ApiState;
use crate::api::types::{GatewayTaken, NewConfirmation, ProblemBody};
use crate::decide::gateway::ConfirmAsk;
use crate::decide::order::Order;

/// Confirms, wholly or in part, what people were asked for; 0 says that it will not be done.
///
/// Only of a gateway that AWS has no call for: of others AWS itself says what is there.
#[utoipa::path(
    post, path = "/v1/gateways/{id}/confirm", operation_id = "confirmGatewayRequest", tag = "gateways",
    params(("id" = String, Path, description = "The request's id")),
    request_body = NewConfirmation,
    responses(
        (status = 202, description = "Durable", body = GatewayTaken),
        (status = 404, description = "There is no such request, or it is over", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "It is not confirmed by hand", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = "4XX", description = "Refused; nothing was changed", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Not ready; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn confirm(
    State(state): State<ApiState>,
    Name(id): Name,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let ask = parse(&body, id)?;
    answered(&state.store, state.order(Order::ConfirmGateway(ask)).await?).await
}

fn parse(body: &[u8], id: String) -> Result<ConfirmAsk, Problem> {
    let mut fields = Fields::read(body)?;
    let capacity = fields.number("capacity");
    let by = fields.text("by", MOST_OWNER);
    let note = fields.optional_text("note", MOST_REASON);
    fields.finish()?;
    let (Some(capacity), Some(by)) = (capacity, by) else {
        // `finish` has told what is missing; this is for the compiler.
        return Err(Problem::new(Kind::InvalidFields, "capacity and by must be given"));
    };
    Ok(ConfirmAsk { id, capacity, by, note })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::Fake;

    #[test]
    fn a_no_is_a_confirmation_of_nothing() {
        let sent = NewConfirmation { capacity: 0, by: "bob".into(), note: Some("not this week".into()) };
        let ask = parse(&serde_json::to_vec(&sent).unwrap(), "0191".into()).unwrap();
        assert_eq!((ask.capacity, ask.by.as_str(), ask.note.as_deref()), (0, "bob", Some("not this week")));
        for (body, field) in [(r#"{"by": "bob"}"#, "capacity"), (r#"{"capacity": 9}"#, "by")] {
            let problem = parse(body.as_bytes(), "0191".into()).unwrap_err();
            assert_eq!(problem.errors[0].field, field, "{body}");
        }
    }

    #[tokio::test]
    async fn it_is_handed_in() {
        let fake = Fake::start().await;
        let taken: GatewayTaken =
            fake.post("/v1/gateways/0191/confirm", r#"{"capacity": 150, "by": "bob"}"#).await.json();
        assert_eq!((taken.id.as_str(), taken.letter), ("0191", None));
    }
}
