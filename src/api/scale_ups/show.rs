//! `GET /v1/scale-ups/{id}`: how far it is, what waits and why.

use axum::Json;
use axum::extract::State;

use super::detail::detail;
use crate::api::lookup::{self, Name};
use crate::api::params::Params;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{ProblemBody, ScaleUp};

/// Shows one scale-up with its progress.
#[utoipa::path(
    get, path = "/v1/scale-ups/{id}", operation_id = "showScaleUp", tag = "scale-ups",
    params(("id" = String, Path, description = "Public id, or number in this database")),
    responses(
        (status = 200, description = "The scale-up", body = ScaleUp),
        (status = 404, description = "There is no such scale-up", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<ApiState>,
    Name(id): Name,
    params: Params,
) -> Result<Json<ScaleUp>, Problem> {
    params.finish()?;
    let row = lookup::scale_up(&state.store, &id).await?;
    let now = state.handle.clock().now();
    Ok(Json(detail(&state.store, row, &state.handle.view(), now).await?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{self, Fake};
    use crate::decide::rows::ScaleUpRow;
    use crate::decide::words::{Phase, ScaleUpState};

    #[tokio::test]
    async fn it_is_found_by_id_and_by_number_and_otherwise_a_404() {
        let fake = Fake::start().await;
        let row = testing::scale_up(7, 10);
        fake.write(vec![row.clone(), testing::scale_up(9, 10)], vec![], vec![]).await;
        for name in [row.id.as_str(), "7"] {
            let shown: ScaleUp = fake.get(&format!("/v1/scale-ups/{name}")).await.json();
            assert_eq!(shown.item.seq, 7);
        }
        for name in ["8", "0", "4294967295", "no-such-id", "%00", &"x".repeat(65)] {
            let answer = fake.get(&format!("/v1/scale-ups/{name}")).await;
            assert_eq!(answer.status, 404, "{name}");
        }
        assert_eq!(fake.get("/v1/scale-ups/7?verbose=1").await.problem("invalid_query").0, 400);
    }

    #[tokio::test]
    async fn a_shortfall_is_told_with_its_reasons() {
        let fake = Fake::start().await;
        let row =
            ScaleUpRow { state: ScaleUpState::Done, in_service: 1, withdrawn: 3, ..testing::scale_up(1, 4) };
        let withdrawn = |ordinal, why: &str| {
            let mut row = testing::instance(1, ordinal, 1, Phase::Withdrawn);
            row.reason = Some(why.into());
            row
        };
        let rows = vec![
            testing::instance(1, 0, 1, Phase::InService),
            withdrawn(1, "cancelled"),
            withdrawn(2, "no capacity"),
            withdrawn(3, "no capacity"),
        ];
        fake.write(vec![row], rows, vec![]).await;
        let shown: ScaleUp = fake.get("/v1/scale-ups/1").await.json();
        let told: Vec<_> = shown.shortfall.iter().map(|s| (s.reason.as_str(), s.count)).collect();
        assert_eq!(told, [("no capacity", 2), ("cancelled", 1)]);
    }
}
