//! `DELETE /v1/gateways/{id}`: end a request before its time.

use axum::extract::State;
use axum::response::Response;

use super::answered;
use crate::api::holds::release::end_ask;
use crate::api::lookup::Name;
use crate::api::params::Params;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{GatewayTaken, ProblemBody};
use crate::decide::order::Order;

/// Ends a request; what was reserved before is restored.
///
/// Whoever is not its owner has to say `override=true`. Asking twice changes nothing.
#[utoipa::path(
    delete, path = "/v1/gateways/{id}", operation_id = "releaseGatewayRequest", tag = "gateways",
    params(
        ("id" = String, Path, description = "The request's id"),
        ("by" = String, Query, description = "Who asks"),
        ("override" = Option<bool>, Query, description = "End it although it is somebody else's"),
    ),
    responses(
        (status = 202, description = "Durable", body = GatewayTaken),
        (status = 404, description = "There is no such request, or it is over", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "It is somebody else's", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = "4XX", description = "Refused; nothing was changed", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Not ready; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn release(
    State(state): State<ApiState>,
    Name(id): Name,
    params: Params,
) -> Result<Response, Problem> {
    let taken = state.order(Order::ReleaseGateway(end_ask(id, params)?)).await?;
    answered(&state.store, taken).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::Fake;

    #[tokio::test]
    async fn whoever_ends_one_says_who_he_is() {
        let fake = Fake::start().await;
        let nobody = fake.send("DELETE", "/v1/gateways/0191", &[], "").await;
        assert_eq!(nobody.problem("invalid_query").1, ["by"]);
        let taken: GatewayTaken = fake.send("DELETE", "/v1/gateways/0191?by=ann", &[], "").await.json();
        assert_eq!((taken.id.as_str(), taken.repeated), ("0191", false));
    }
}
