//! `GET /v1/scale-ins`: those that are open, and the last ones that are over.

use axum::Json;
use axum::extract::State;

use crate::api::params::Params;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{ScaleInItem, ScaleIns};

/// Lists scale-ins with what they wait for. Refused ones are in the journal.
#[utoipa::path(
    get, path = "/v1/scale-ins", operation_id = "listScaleIns", tag = "groups",
    responses((status = 200, description = "Open ones, and the last fifty that are over", body = ScaleIns)),
)]
pub async fn list(State(state): State<ApiState>, params: Params) -> Result<Json<ScaleIns>, Problem> {
    params.finish()?;
    let view = state.handle.view();
    Ok(Json(ScaleIns { scale_ins: view.scale_ins.iter().map(ScaleInItem::of).collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{self, Fake, NOW};
    use crate::decide::action::Doubt;
    use crate::decide::retire::words::ScaleInState;
    use crate::decide::rows::ScaleInRow;
    use crate::decide::view::ScaleInView;

    #[tokio::test]
    async fn an_open_one_tells_what_it_waits_for() {
        let fake = Fake::start().await;
        let row = ScaleInRow {
            id: "id".into(),
            group: "web".into(),
            count: 60,
            removed: 20,
            reason: "evening".into(),
            idempotency_key: None,
            state: ScaleInState::Open,
            asked_at: NOW,
            done_at: None,
            note: None,
        };
        let doubts = vec![Doubt { guard: "valve", text: "the removal valve is shut".into() }];
        let mut view = testing::view();
        view.scale_ins = vec![ScaleInView { row, doubts }];
        fake.show(view);
        let all: ScaleIns = fake.get("/v1/scale-ins").await.json();
        assert_eq!((all.scale_ins[0].removed, all.scale_ins[0].state), (20, ScaleInState::Open));
        assert_eq!(all.scale_ins[0].waits, ["the removal valve is shut"]);
    }
}
