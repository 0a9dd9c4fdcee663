//! `DELETE /v1/holds/{id}`: end a hold before its time.

use axum::extract::State;
use axum::response::Response;

use super::create::taken_by;
use crate::api::lookup::Name;
use crate::api::params::Params;
use crate::api::problem::{Kind, Problem};
use crate::api::state::ApiState;
use crate::api::types::{LeaseTaken, ProblemBody};
use crate::decide::guard::hold::EndAsk;
use crate::decide::order::Order;

/// Ends a hold; what was so before is restored when it was the instance's last.
///
/// Whoever is not its owner has to say `override=true`. Asking twice changes nothing.
#[utoipa::path(
    delete, path = "/v1/holds/{id}", operation_id = "releaseHold", tag = "guards",
    params(
        ("id" = String, Path, description = "The hold's id"),
        ("by" = String, Query, description = "Who asks"),
        ("override" = Option<bool>, Query, description = "End it although it is somebody else's"),
    ),
    responses(
        (status = 202, description = "Durable", body = LeaseTaken),
        (status = 404, description = "There is no such hold, or it is over", body = ProblemBody,
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
    Ok(taken_by(state.order(Order::Release(end_ask(id, params)?)).await?))
}

/// Who ends what.
pub fn end_ask(id: String, mut params: Params) -> Result<EndAsk, Problem> {
    let by: Option<String> = params.optional("by");
    let overrides = params.optional("override").unwrap_or(false);
    params.finish()?;
    let by = by.ok_or_else(|| Problem::field(Kind::InvalidQuery, "by", "is missing; must say who asks"))?;
    Ok(EndAsk { id, by, overrides })
}

#[cfg(test)]
mod tests {
    use crate::api::testing::Fake;

    #[tokio::test]
    async fn whoever_ends_one_says_who_he_is() {
        let fake = Fake::start().await;
        assert_eq!(fake.send("DELETE", "/v1/holds/x", &[], "").await.problem("invalid_query").1, ["by"]);
        let odd = fake.send("DELETE", "/v1/holds/x?by=ann&override=perhaps", &[], "").await;
        assert_eq!(odd.problem("invalid_query").1, ["override"]);
        assert_eq!(fake.asked(), 0);
    }
}
