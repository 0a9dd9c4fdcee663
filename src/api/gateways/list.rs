//! `GET /v1/gateways`: what may be scaled ahead of time, and what was asked of it.

use axum::Json;
use axum::extract::State;

use crate::api::params::Params;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{GatewayItem, GatewayRequestItem, Gateways, OverrideItem};

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
        overrides: view.gate_overrides.iter().map(|row| OverrideItem::of(row, now)).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{self, Fake};
    use crate::decide::gateway::gate::GateMode;
    use crate::decide::gateway::load::Load;
    use crate::decide::gateway::observed::{Observation, ObservedView};
    use crate::decide::gateway::shown::{GateView, GatewayRequestView, GatewayView};
    use crate::decide::gateway::words::GatewayKind;
    use crate::decide::view::View;
    use crate::decide::words::Time;

    #[tokio::test]
    async fn a_gateway_is_told_with_what_it_carries_and_what_its_request_waits_for() {
        let fake = Fake::start().await;
        let row = testing::gateway_request();
        let newest = Observation { at: Time(1_800_000_000_000), carried: 62_400, planned: 60_500 };
        let observed = ObservedView { newest: Some(newest), fresh: true, differs: false, refused: None };
        let gateway = GatewayView {
            name: "core".into(),
            kind: GatewayKind::TransitGateway,
            resource: "tgw-1".into(),
            unit: "Gbit/s".into(),
            declared: 100,
            capacity: 100,
            request: Some(row.id.clone()),
            load: Load { confirmed: 100_000, planned: 60_500, unplanned: 1_900 },
            observed: Some(observed),
            gates: vec![GateView {
                group: "web".into(),
                mode: GateMode::Pace,
                each: 50,
                instances: 1_210,
                queued: 500,
                short: Some(testing::gate_short()),
            }],
        };
        let waits = Some("somebody has to confirm it".to_string());
        let request = GatewayRequestView { row: row.clone(), zones: Vec::new(), waits: waits.clone() };
        fake.show(View {
            gateways: vec![gateway],
            gateway_requests: vec![request],
            gate_overrides: vec![testing::gate_override()],
            ..testing::view()
        });
        let all: Gateways = fake.get("/v1/gateways").await.json();
        assert_eq!((all.gateways[0].capacity, all.gateways[0].request.as_deref()), (100, Some("0191")));
        let core = &all.gateways[0];
        assert!((core.may_be_planned - 80.0).abs() < 1e-9 && (core.planned - 60.5).abs() < 1e-9);
        let seen = core.observed.as_ref().unwrap();
        assert!(seen.fresh && !seen.differs && seen.at.is_some());
        assert!((core.unplanned - 1.9).abs() < 1e-9 && (seen.carried.unwrap() - 62.4).abs() < 1e-9);
        assert!(core.gates[0].short_since.is_some() && (core.gates[0].load - 0.05).abs() < 1e-9);
        let overridden = &all.overrides[0];
        assert_eq!((overridden.group.as_str(), overridden.lease.owner.as_str()), ("web", "ann"));
        assert_eq!((all.requests[0].wanted, all.requests[0].waits.clone()), (200, waits));
        assert!(all.requests[0].letter.as_ref().is_some_and(|text| text.contains("tgw-1")));
        assert_eq!(fake.get("/v1/gateways?kind=nat").await.problem("invalid_query").0, 400);
    }
}
