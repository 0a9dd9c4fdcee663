//! `DELETE /v1/gates/overrides/{id}`: end an override before its time.

use axum::extract::State;
use axum::response::Response;

use crate::api::holds::create::taken_by;
use crate::api::holds::release::end_ask;
use crate::api::lookup::Name;
use crate::api::params::Params;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{LeaseTaken, ProblemBody};
use crate::decide::order::Order;

/// Ends an override; what was launched under it stays.
///
/// Whoever is not its owner has to say `override=true`.
#[utoipa::path(
    delete, path = "/v1/gates/overrides/{id}", operation_id = "endOverride", tag = "gateways",
    params(
        ("id" = String, Path, description = "The override's id"),
        ("by" = String, Query, description = "Who asks"),
        ("override" = Option<bool>, Query, description = "End it although it is somebody else's"),
    ),
    responses(
        (status = 202, description = "Durable", body = LeaseTaken),
        (status = 404, description = "There is no such override, or it is over", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "It is somebody else's", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = "4XX", description = "Refused; nothing was changed", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Not ready; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn end(State(state): State<ApiState>, Name(id): Name, params: Params) -> Result<Response, Problem> {
    Ok(taken_by(state.order(Order::EndOverride(end_ask(id, params)?)).await?))
}
