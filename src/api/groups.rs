//! `GET /v1/groups`: the configured groups and how full they are.

use axum::Json;
use axum::extract::State;

use super::params::Params;
use super::problem::Problem;
use super::state::ApiState;
use super::types::{GroupItem, Groups};

/// Lists the groups.
#[utoipa::path(
    get, path = "/v1/groups", operation_id = "listGroups", tag = "groups",
    responses((status = 200, description = "All groups", body = Groups)),
)]
pub async fn groups(State(state): State<ApiState>, params: Params) -> Result<Json<Groups>, Problem> {
    params.finish()?;
    let (view, now) = (state.handle.view(), state.handle.clock().now());
    Ok(Json(Groups { groups: view.groups.iter().map(|g| GroupItem::of(g, now)).collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{self, Fake};

    #[tokio::test]
    async fn a_group_is_told_with_why_it_waits() {
        let fake = Fake::start().await;
        fake.show(testing::view());
        let all: Groups = fake.get("/v1/groups").await.json();
        assert_eq!((all.groups.len(), all.groups[0].taken), (1, 1_080));
        let dog = &all.groups[0].watchdogs[0];
        assert_eq!((dog.limit_s, dog.configured_s, dog.most_s), (74, 150, Some(61)));
        assert!(all.groups[0].wait.as_ref().is_some_and(|w| w.starts_with("instance tokens: 12 of the 100")));
    }
}
