//! `DELETE /v1/gateway-schedules/{name}`: make no more requests by the calendar.

use axum::extract::State;
use axum::response::Response;

use super::taken;
use crate::api::holds::release::end_ask;
use crate::api::lookup::Name;
use crate::api::params::Params;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{ProblemBody, ScheduleTaken};
use crate::decide::order::Order;

/// Removes a schedule; requests that it has made go on until their ends.
///
/// Whoever is not its owner has to say `override=true`.
#[utoipa::path(
    delete, path = "/v1/gateway-schedules/{name}", operation_id = "removeGatewaySchedule", tag = "gateways",
    params(
        ("name" = String, Path, description = "The schedule's name"),
        ("by" = String, Query, description = "Who asks"),
        ("override" = Option<bool>, Query, description = "Remove it although it is somebody else's"),
    ),
    responses(
        (status = 202, description = "Durable", body = ScheduleTaken),
        (status = 404, description = "There is no such schedule", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "It is somebody else's", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = "4XX", description = "Refused; nothing was changed", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Not ready; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn remove(
    State(state): State<ApiState>,
    Name(name): Name,
    params: Params,
) -> Result<Response, Problem> {
    Ok(taken(state.order(Order::RemoveSchedule(end_ask(name, params)?)).await?, Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::Fake;

    #[tokio::test]
    async fn whoever_removes_one_says_who_he_is() {
        let fake = Fake::start().await;
        let path = "/v1/gateway-schedules/january";
        assert_eq!(fake.send("DELETE", path, &[], "").await.problem("invalid_query").1, ["by"]);
        let gone: ScheduleTaken = fake.send("DELETE", &format!("{path}?by=ann"), &[], "").await.json();
        assert_eq!((gone.id.as_str(), gone.repeated, gone.next.len()), ("january", false, 0));
        let never = fake.send("DELETE", "/v1/gateway-schedules/never?by=ann", &[], "").await;
        assert_eq!(never.problem("unknown_schedule").0, 404);
    }
}
