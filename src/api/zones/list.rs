//! `GET /v1/zones`: every group's zones and what is ordered of them.

use axum::Json;
use axum::extract::State;

use crate::api::params::Params;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{ZoneItem, Zones};

/// Lists the zones of every group with their weights.
#[utoipa::path(
    get, path = "/v1/zones", operation_id = "listZones", tag = "groups",
    responses((status = 200, description = "Group by group", body = Zones)),
)]
pub async fn list(State(state): State<ApiState>, params: Params) -> Result<Json<Zones>, Problem> {
    params.finish()?;
    Ok(Json(Zones { zones: state.handle.view().zones.iter().map(ZoneItem::of).collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{self, Fake};
    use crate::decide::view::View;

    #[tokio::test]
    async fn a_zone_is_told_with_who_closed_it() {
        let fake = Fake::start().await;
        fake.show(View { zones: vec![testing::zone("us-east-1a", 0)], ..testing::view() });
        let all: Zones = fake.get("/v1/zones").await.json();
        let zone = &all.zones[0];
        assert_eq!((zone.group.as_str(), zone.zone.as_str(), zone.percent), ("web", "us-east-1a", 0));
        assert_eq!(zone.ordered.as_ref().and_then(|o| o.reason.as_deref()), Some("grey"));
        assert_eq!(fake.get("/v1/zones?group=web").await.problem("invalid_query").0, 400);
    }
}
