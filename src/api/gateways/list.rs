//! `GET /v1/gateways`: what may be scaled ahead of time, and what was asked of it.

use axum::Json;
use axum::extract::State;

use crate::api::params::Params;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{GatewayItem, GatewayRequestItem, Gateways};

/// Lists the configured gateways with what they carry, the requests that are not over, and the last that are.
#[utoipa::path(
    get, path = "/v1/gateways", operation_id = "listGateways", tag = "gateways",
    responses((status = 200, description = "All of them", body = Gateways)),
)]
pub async fn list(State(state): State<ApiState>, params: Params) -> Result<Json<Gateways>, Problem> {
    params.finish()?;
    let (view, now) = (state.handle.view(), state.handle.clock().now());
    Ok(Json(Gateways {
        gateways: view.gateways.iter().map(GatewayItem::of).collect(),
        requests: view.gateway_requests.iter().map(|r| GatewayRequestItem::of(r, now)).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{self, Fake};
    use crate::decide::gateway::shown::{GatewayRequestView, GatewayView};
    use crate::decide::gateway::words::GatewayKind;
    use crate::decide::view::View;

    #[tokio::test]
    async fn a_gateway_is_told_with_what_it_carries_and_what_its_request_waits_for() {
        let fake = Fake::start().await;
        let row = testing::gateway_request();
        let gateway = GatewayView {
            name: "core".into(),
            kind: GatewayKind::TransitGateway,
            resource: "tgw-1".into(),
            unit: "Gbit/s".into(),
            declared: 100,
            capacity: 100,
            request: Some(row.id.clone()),
        };
        let waits = Some("somebody has to confirm it".to_string());
        let request = GatewayRequestView { row: row.clone(), zones: Vec::new(), waits: waits.clone() };
        fake.show(View { gateways: vec![gateway], gateway_requests: vec![request], ..testing::view() });
        let all: Gateways = fake.get("/v1/gateways").await.json();
        assert_eq!((all.gateways[0].capacity, all.gateways[0].request.as_deref()), (100, Some("0191")));
        assert_eq!((all.requests[0].wanted, all.requests[0].waits.clone()), (200, waits));
        assert!(all.requests[0].letter.as_ref().is_some_and(|text| text.contains("tgw-1")));
        assert_eq!(fake.get("/v1/gateways?kind=nat").await.problem("invalid_query").0, 400);
    }
}
