//! `GET /v1/scale-ups`: newest first.

use axum::Json;
use axum::extract::State;

use crate::api::params::{Number, Params};
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{ProblemBody, ScaleUpItem, ScaleUpPage};
use crate::decide::words::ScaleUpSeq;
use crate::store::ScaleUpFilter;

/// Lists scale-ups, newest first.
#[utoipa::path(
    get, path = "/v1/scale-ups", operation_id = "listScaleUps", tag = "scale-ups",
    params(
        ("state" = Option<String>, Query, description = "Only these: open, cancelling or done"),
        ("group" = Option<String>, Query, description = "Only this group's"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Most lines; 100 if left out"),
        ("before" = Option<u32>, Query, description = "Only those below this number: the last page's `next`"),
    ),
    responses(
        (status = 200, description = "A page of scale-ups", body = ScaleUpPage),
        (status = 400, description = "A parameter is not valid", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn list(State(state): State<ApiState>, mut params: Params) -> Result<Json<ScaleUpPage>, Problem> {
    let filter = ScaleUpFilter { state: params.optional("state"), group: params.optional("group") };
    let limit = params.limit();
    let before = params.optional("before").map(|Number(n)| ScaleUpSeq(n));
    params.finish()?;
    let rows = state.store.scale_ups(&filter, before, limit).await?;
    // A full page may be the last; then the next one is empty, which costs less than asking for
    // one row more each time.
    let next = rows.last().filter(|_| rows.len() >= limit as usize).map(|row| row.seq.0);
    Ok(Json(ScaleUpPage { scale_ups: rows.into_iter().map(ScaleUpItem::from).collect(), next }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{self, Fake};
    use crate::decide::rows::ScaleUpRow;
    use crate::decide::words::ScaleUpState;

    #[tokio::test]
    async fn pages_are_walked_from_the_newest_to_the_oldest_without_a_gap() {
        let fake = Fake::start().await;
        fake.write((1..=7).map(|seq| testing::scale_up(seq, 1)).collect(), vec![], vec![]).await;
        let mut seen = Vec::new();
        let mut path = "/v1/scale-ups?limit=3".to_string();
        for _ in 0..10 {
            let page: ScaleUpPage = fake.get(&path).await.json();
            seen.extend(page.scale_ups.iter().map(|s| s.seq));
            let Some(next) = page.next else { break };
            path = format!("/v1/scale-ups?limit=3&before={next}");
        }
        assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1]);
    }

    #[tokio::test]
    async fn filters_keep_what_they_name() {
        let fake = Fake::start().await;
        let done = ScaleUpRow { state: ScaleUpState::Done, ..testing::scale_up(1, 1) };
        let other = ScaleUpRow { group: "api".into(), ..testing::scale_up(2, 1) };
        fake.write(vec![done, other, testing::scale_up(3, 1)], vec![], vec![]).await;
        let seqs = async |query: &str| {
            let page: ScaleUpPage = fake.get(&format!("/v1/scale-ups?{query}")).await.json();
            page.scale_ups.iter().map(|s| s.seq).collect::<Vec<_>>()
        };
        assert_eq!(seqs("state=done").await, [1]);
        assert_eq!(seqs("group=api").await, [2]);
        assert_eq!(seqs("group=web&state=open").await, [3]);
        assert_eq!(seqs("group=none").await, [0; 0]);
    }

    #[tokio::test]
    async fn a_wrong_parameter_is_a_400_that_names_it() {
        let fake = Fake::start().await;
        for (query, field) in
            [("state=dead", "state"), ("limit=0", "limit"), ("before=x", "before"), ("sort=asc", "sort")]
        {
            let answer = fake.get(&format!("/v1/scale-ups?{query}")).await;
            assert_eq!(answer.problem("invalid_query"), (400, vec![field.to_string()]), "{query}");
        }
    }
}
