//! `GET /v1/keep-failing`: launches that do not settle, and that somebody should look at.

use axum::Json;
use axum::extract::State;

use super::params::Params;
use super::problem::Problem;
use super::state::ApiState;
use super::types::{FailingLaunch, FailingLaunches};

/// Lists launches that keep failing. They go on being tried, at a slow pace, and stop nobody else.
#[utoipa::path(
    get, path = "/v1/keep-failing", operation_id = "listKeepFailing", tag = "groups",
    responses((status = 200, description = "All of them", body = FailingLaunches)),
)]
pub async fn keep_failing(
    State(state): State<ApiState>,
    params: Params,
) -> Result<Json<FailingLaunches>, Problem> {
    params.finish()?;
    let view = state.handle.view();
    Ok(Json(FailingLaunches { launches: view.keep_failing.iter().map(FailingLaunch::of).collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{self, Fake};
    use crate::decide::view;
    use crate::decide::words::{LaunchSeq, Time};

    #[tokio::test]
    async fn a_failing_launch_is_told_with_its_error_and_a_slot_to_ask_about() {
        let fake = Fake::start().await;
        let failing = view::FailingLaunch {
            launch: LaunchSeq(7),
            group: "web".into(),
            count: 100,
            sends: 12,
            error: "InternalError: try again".into(),
            next_try: Time::NEVER,
            slot: Some(testing::slot(1, 40)),
        };
        fake.show(view::View { keep_failing: vec![failing], ..testing::view() });
        let all: FailingLaunches = fake.get("/v1/keep-failing").await.json();
        assert_eq!((all.launches[0].launch, all.launches[0].sends), (7, 12));
        assert_eq!((all.launches[0].slot, all.launches[0].next_try), (Some(testing::slot(1, 40)), None));
        assert_eq!(fake.get("/v1/keep-failing?x=1").await.status, 400);
    }
}
