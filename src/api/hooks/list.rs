//! `GET /v1/hooks`: lifecycle actions, those that wait for our answer first of all.

use std::str::FromStr;

use axum::Json;
use axum::extract::State;

use crate::api::params::Params;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{HookItem, HookPage, ProblemBody};
use crate::decide::hook::notice::HookState;
use crate::decide::words::HookSeq;
use crate::store::HookFilter;

/// Lists lifecycle actions by number.
#[utoipa::path(
    get, path = "/v1/hooks", operation_id = "listHooks", tag = "hooks",
    params(
        ("state" = Option<String>, Query,
            description = "open, answered, over, expired, or all; only the open ones if left out"),
        ("group" = Option<String>, Query, description = "Only this group's"),
        ("id" = Option<String>, Query, description = "Only those of the instance with this EC2 id"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Most lines; 100 if left out"),
        ("after" = Option<u64>, Query, description = "Only those after this one: the last page's `next`"),
    ),
    responses(
        (status = 200, description = "A page of lifecycle actions", body = HookPage),
        (status = 400, description = "A parameter is not valid", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn list(State(state): State<ApiState>, mut params: Params) -> Result<Json<HookPage>, Problem> {
    let states = params.optional("state").unwrap_or(States(Some(HookState::Open)));
    let filter = HookFilter { state: states.0, group: params.optional("group"), id: params.optional("id") };
    let limit = params.limit();
    let after = params.optional("after").map(HookSeq);
    params.finish()?;
    let rows = state.store.hooks(&filter, after, limit).await?;
    let next = rows.last().filter(|_| rows.len() >= limit as usize).map(|row| row.seq.0);
    let now = state.handle.clock().now();
    Ok(Json(HookPage { hooks: rows.into_iter().map(|row| HookItem::of(row, now)).collect(), next }))
}

/// One state, or all.
struct States(Option<HookState>);

impl FromStr for States {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        if s == "all" {
            return Ok(States(None));
        }
        s.parse().map(|state| States(Some(state))).map_err(|e: String| format!("{e}, or all"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{self, Fake, NOW};
    use crate::decide::hook::notice::HookResult;
    use crate::decide::rows::{Changes, HookRow};
    use crate::decide::words::Time;

    #[tokio::test]
    async fn the_open_ones_are_listed_unless_others_are_asked_for() {
        let fake = Fake::start().await;
        let answered = HookRow {
            state: HookState::Answered,
            done_at: Some(NOW),
            result: Some(HookResult::Continue),
            ..testing::hook(2)
        };
        let hooks = vec![testing::hook(1), answered, testing::hook(3)];
        fake.commit(Changes { hooks, ..Changes::default() }).await;
        let seqs = async |query: &str| {
            let page: HookPage = fake.get(&format!("/v1/hooks{query}")).await.json();
            (page.hooks.iter().map(|h| h.seq).collect::<Vec<_>>(), page.next)
        };
        assert_eq!(seqs("").await, (vec![1, 3], None));
        assert_eq!(seqs("?limit=1").await, (vec![1], Some(1)));
        assert_eq!(seqs("?limit=1&after=1").await, (vec![3], Some(3)));
        assert_eq!(seqs("?state=all").await, (vec![1, 2, 3], None));
        assert_eq!(seqs("?state=answered&group=web").await, (vec![2], None));
        let page: HookPage = fake.get("/v1/hooks").await.json();
        let item = &page.hooks[0];
        assert_eq!((item.asg.as_str(), item.result, item.expires_s), ("web-asg", None, Some(0)));
        assert_eq!(item.ends_at.0, Time(NOW.0 + 3_000_000));
        assert_eq!(fake.get("/v1/hooks?state=dead").await.problem("invalid_query").1, ["state"]);
    }
}
