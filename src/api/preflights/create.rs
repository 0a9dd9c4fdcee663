//! `POST /v1/preflights`: what would become of a scale-up.

use axum::Json;
use axum::extract::State;

use crate::api::body::JsonBody;
use crate::api::problem::Problem;
use crate::api::scale_ups::create::parse;
use crate::api::state::ApiState;
use crate::api::types::{NewScaleUp, Preflight, ProblemBody};

/// Tells what a scale-up would come to: how many fit, what binds, what to ask AWS for, how long it takes.
///
/// It takes the body of a scale-up, stores nothing and asks AWS nothing: it is answered from the last picture.
#[utoipa::path(
    post, path = "/v1/preflights", operation_id = "createPreflight", tag = "scale-ups",
    request_body = NewScaleUp,
    responses(
        (status = 200, description = "What it would come to", body = Preflight),
        (status = "4XX", description = "It would be refused whatever the limits are", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Not ready; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn create(
    State(state): State<ApiState>,
    JsonBody(body): JsonBody,
) -> Result<Json<Preflight>, Problem> {
    let clock = state.handle.clock();
    let now = clock.now();
    let (ask, _) = parse(&body, None, crate::ids::uuid(now), now)?;
    state.check_ready()?;
    let told = state.handle.preflight(ask).await.map_err(|error| Problem::not_taken(error, &clock))?;
    Ok(Json(Preflight::of(&told)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::Fake;

    #[tokio::test]
    async fn it_tells_what_binds_and_what_to_ask_for_and_stores_nothing() {
        let fake = Fake::start().await;
        let answer = fake.post("/v1/preflights", r#"{"group": "web", "count": 1200}"#).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let told: Preflight = answer.json();
        assert_eq!((told.wanted, told.fits), (1_200, 900));
        let binding = told.binding.unwrap();
        assert_eq!((binding.name.as_str(), binding.number, binding.each), ("vcpus", 1_800, 2));
        assert_eq!((told.shortfall[0].missing, told.ask[0].value), (300, 2_400));
        assert_eq!(fake.get("/v1/scale-ups/1").await.status, 404);
    }

    #[tokio::test]
    async fn what_would_be_refused_is() {
        let fake = Fake::start().await;
        let unknown = fake.post("/v1/preflights", r#"{"group": "wbe", "count": 5}"#).await;
        assert_eq!(unknown.problem("unknown_group"), (404, vec!["group".to_string()]));
        let empty = fake.post("/v1/preflights", "{}").await;
        assert_eq!(empty.problem("invalid_fields").0, 422);
    }
}
