//! `GET /v1/gateways/{id}`: one request, over or not, and what happened to it.

use axum::Json;
use axum::extract::State;

use super::stored;
use crate::api::lookup::Name;
use crate::api::params::{MOST_ROWS, Params};
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{GatewayRequestHistory, GatewayRequestItem, JournalLine, ProblemBody};
use crate::store::JournalFilter;

/// Shows one request with its history.
#[utoipa::path(
    get, path = "/v1/gateways/{id}", operation_id = "showGatewayRequest", tag = "gateways",
    params(("id" = String, Path, description = "The request's id")),
    responses(
        (status = 200, description = "The request and its history", body = GatewayRequestHistory),
        (status = 404, description = "There is no such request", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<ApiState>,
    Name(id): Name,
    params: Params,
) -> Result<Json<GatewayRequestHistory>, Problem> {
    params.finish()?;
    let row = stored(&state.store, &id).await?;
    let (view, now) = (state.handle.view(), state.handle.clock().now());
    // What the store does not keep is the engine's: the zones, and what it waits for.
    let seen = view.gateway_requests.iter().find(|seen| seen.row == row);
    let request =
        seen.map_or_else(|| GatewayRequestItem::of_row(&row, now), |seen| GatewayRequestItem::of(seen, now));
    let filter = JournalFilter { gateway: Some(id), ..JournalFilter::default() };
    let journal = state.store.journal(&filter, 0, MOST_ROWS).await?;
    let journal = journal.into_iter().map(|(number, row)| JournalLine::of(number, row)).collect();
    Ok(Json(GatewayRequestHistory { request, journal }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{self, Fake};
    use crate::decide::gateway::shown::GatewayRequestView;
    use crate::decide::rows::{Changes, JournalRow};
    use crate::decide::view::View;

    #[tokio::test]
    async fn a_request_is_shown_with_its_own_history() {
        let fake = Fake::start().await;
        let row = testing::gateway_request();
        let about = |id: &str| JournalRow {
            scale_up: None,
            gateway: Some(id.into()),
            ..testing::line(1, None, "gateway_wanted")
        };
        let journal = vec![about("0192"), about(&row.id), testing::line(1, None, "accepted")];
        fake.commit(Changes { gateways: vec![row.clone()], journal, ..Changes::default() }).await;
        let shown: GatewayRequestHistory = fake.get("/v1/gateways/0191").await.json();
        assert_eq!((shown.request.wanted, shown.journal.len()), (200, 1));
        assert_eq!(shown.request.waits, None, "the engine has not said");
        let waits = Some("somebody has to confirm it".to_string());
        let seen = GatewayRequestView { row, zones: Vec::new(), waits: waits.clone() };
        fake.show(View { gateway_requests: vec![seen], ..testing::view() });
        let shown: GatewayRequestHistory = fake.get("/v1/gateways/0191").await.json();
        assert_eq!(shown.request.waits, waits);
        assert_eq!(fake.get("/v1/gateways/0193").await.problem("unknown_gateway_request").0, 404);
    }
}
