//! `GET /v1/quarantine`: who is kept, why and until when.

use axum::Json;
use axum::extract::State;

use crate::api::params::Params;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{KeptItem, Quarantine};

/// Lists the broken instances that are kept, and those that are being ended after it.
#[utoipa::path(
    get, path = "/v1/quarantine", operation_id = "listQuarantine", tag = "guards",
    responses((status = 200, description = "All of them, oldest first", body = Quarantine)),
)]
pub async fn list(State(state): State<ApiState>, params: Params) -> Result<Json<Quarantine>, Problem> {
    params.finish()?;
    let (view, now) = (state.handle.view(), state.handle.clock().now());
    Ok(Json(Quarantine { instances: view.quarantine.iter().map(|row| KeptItem::of(row, now)).collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{self, Fake};
    use crate::decide::view::View;

    #[tokio::test]
    async fn one_that_is_kept_is_told_with_its_reason_and_its_end() {
        let fake = Fake::start().await;
        fake.show(View { quarantine: vec![testing::kept()], ..testing::view() });
        let all: Quarantine = fake.get("/v1/quarantine").await.json();
        let kept = &all.instances[0];
        assert_eq!((kept.instance, kept.reason.as_str()), (testing::kept().id, "status 503"));
        assert_eq!(kept.until.0.since(kept.since.0).as_secs(), 3_600);
        // Long over, by the clock of today.
        assert_eq!((kept.left_s, kept.tagged, kept.slot.as_deref()), (0, false, None));
        assert_eq!(fake.get("/v1/quarantine?group=web").await.problem("invalid_query").0, 400);
    }
}
