//! `GET /v1/instances`: every attempt at filling a slot.

use std::str::FromStr;

use axum::Json;
use axum::extract::State;

use crate::api::lookup;
use crate::api::params::Params;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{InstanceItem, InstancePage, ProblemBody};
use crate::decide::words::InstanceRef;
use crate::store::InstanceFilter;

/// Lists instances by slot and attempt.
#[utoipa::path(
    get, path = "/v1/instances", operation_id = "listInstances", tag = "instances",
    params(
        ("scale_up" = Option<String>, Query, description = "Only this scale-up's, by public id or number"),
        ("group" = Option<String>, Query, description = "Only this group's"),
        ("phase" = Option<String>, Query, description = "Only those in this phase, for example booting"),
        ("id" = Option<String>, Query, description = "Only the one with this EC2 id"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Most lines; 100 if left out"),
        ("after" = Option<String>, Query, description = "Only those after this one: the last page's `next`"),
    ),
    responses(
        (status = 200, description = "A page of instances", body = InstancePage),
        (status = 400, description = "A parameter is not valid", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 404, description = "There is no such scale-up", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn list(State(state): State<ApiState>, mut params: Params) -> Result<Json<InstancePage>, Problem> {
    let scale_up: Option<String> = params.optional("scale_up");
    let mut filter = InstanceFilter {
        scale_up: None,
        group: params.optional("group"),
        phase: params.optional("phase"),
        id: params.optional("id"),
    };
    let limit = params.limit();
    let after = params.optional("after").map(|Cursor(at)| at);
    params.finish()?;
    if let Some(name) = scale_up {
        filter.scale_up = Some(lookup::scale_up(&state.store, &name).await?.seq);
    }
    let rows = state.store.instances(&filter, after, limit).await?;
    let next = rows.last().filter(|_| rows.len() >= limit as usize).map(|row| row.instance.to_string());
    Ok(Json(InstancePage { instances: rows.into_iter().map(InstanceItem::from).collect(), next }))
}

/// A place in the list: SLOT/ATTEMPT.
struct Cursor(InstanceRef);

impl FromStr for Cursor {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let at = s.split_once('/').and_then(|(slot, attempt)| {
            Some(InstanceRef { slot: slot.parse().ok()?, attempt: attempt.parse().ok()? })
        });
        at.map(Cursor).ok_or_else(|| format!("'{s}' is not a place in the list, for example 12-34/1"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{self, Fake};
    use crate::decide::words::Phase;

    #[tokio::test]
    async fn pages_are_walked_in_order_without_a_gap() {
        let fake = Fake::start().await;
        let mut rows = vec![testing::instance(2, 0, 1, Phase::Booting)];
        for ordinal in 0..3 {
            rows.push(testing::instance(1, ordinal, 1, Phase::Gone));
            rows.push(testing::instance(1, ordinal, 2, Phase::InService));
        }
        fake.write(vec![testing::scale_up(1, 3), testing::scale_up(2, 1)], rows, vec![]).await;
        let mut seen = Vec::new();
        let mut path = "/v1/instances?limit=2".to_string();
        for _ in 0..10 {
            let page: InstancePage = fake.get(&path).await.json();
            seen.extend(page.instances.iter().map(|i| format!("{}/{}", i.slot, i.attempt)));
            let Some(next) = page.next else { break };
            path = format!("/v1/instances?limit=2&after={next}");
        }
        assert_eq!(seen, ["1-0/1", "1-0/2", "1-1/1", "1-1/2", "1-2/1", "1-2/2", "2-0/1"]);
    }

    #[tokio::test]
    async fn filters_keep_what_they_name() {
        let fake = Fake::start().await;
        let mut named = testing::instance(2, 0, 1, Phase::Booting);
        named.id = Some("i-0123456789abcdef0".parse().unwrap());
        named.address = Some("10.0.3.17".parse().unwrap());
        named.zone = Some("us-east-1a".into());
        let rows = vec![testing::instance(1, 0, 1, Phase::InService), named.clone()];
        fake.write(vec![testing::scale_up(1, 1), testing::scale_up(2, 1)], rows, vec![]).await;
        for query in ["scale_up=2", "phase=booting", "id=i-0123456789abcdef0", "group=web&after=1-0/1"] {
            let page: InstancePage = fake.get(&format!("/v1/instances?{query}")).await.json();
            assert_eq!(page.instances, [InstanceItem::from(named.clone())], "{query}");
        }
        let none: InstancePage = fake.get("/v1/instances?group=api").await.json();
        assert_eq!((none.instances, none.next), (vec![], None));
    }

    #[tokio::test]
    async fn a_wrong_parameter_is_told() {
        let fake = Fake::start().await;
        for (query, field) in
            [("phase=dead", "phase"), ("after=1-0", "after"), ("id=%C3%A9", "id"), ("slot=1-0", "slot")]
        {
            let answer = fake.get(&format!("/v1/instances?{query}")).await;
            assert_eq!(answer.problem("invalid_query"), (400, vec![field.to_string()]), "{query}");
        }
        assert_eq!(fake.get("/v1/instances?scale_up=5").await.problem("unknown_scale_up").0, 404);
    }
}
