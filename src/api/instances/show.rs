//! `GET /v1/instances/{slot}`: one slot, all its attempts and what happened to them.

use axum::Json;
use axum::extract::State;

use crate::api::lookup::{self, Name};
use crate::api::params::{MOST_ROWS, Params};
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{InstanceItem, JournalLine, ProblemBody, SlotHistory};
use crate::decide::words::Phase;
use crate::store::JournalFilter;

/// Shows one slot, by its name or by the EC2 id of any instance that was to fill it.
#[utoipa::path(
    get, path = "/v1/instances/{slot}", operation_id = "showInstance", tag = "instances",
    params(("slot" = String, Path, description = "A slot (12-34) or an EC2 instance id (i-...)")),
    responses(
        (status = 200, description = "The slot, its attempts and its history", body = SlotHistory),
        (status = 404, description = "There is no such slot or instance", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<ApiState>,
    Name(name): Name,
    params: Params,
) -> Result<Json<SlotHistory>, Problem> {
    params.finish()?;
    let slot = lookup::slot(&state.store, &name).await?;
    let filter = JournalFilter { slot: Some(slot.id), ..JournalFilter::default() };
    let journal = state.store.journal(&filter, 0, MOST_ROWS).await?;
    Ok(Json(SlotHistory {
        slot: slot.id,
        phase: slot.attempts.last().map_or(Phase::Queued, |newest| newest.phase),
        group: slot.scale_up.group,
        scale_up: slot.scale_up.id,
        attempts: slot.attempts.into_iter().map(InstanceItem::from).collect(),
        journal: journal.into_iter().map(|(number, row)| JournalLine::of(number, row)).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{self, Fake};

    #[tokio::test]
    async fn a_slot_is_shown_with_its_attempts_newest_last_and_its_own_history() {
        let fake = Fake::start().await;
        let mut first = testing::instance(1, 4, 1, Phase::Gone);
        first.id = Some("i-0123456789abcdef0".parse().unwrap());
        first.reason = Some("hung 3 times".into());
        let second = testing::instance(1, 4, 2, Phase::Booting);
        let journal = vec![
            testing::line(1, None, "accepted"),
            testing::line(1, Some(first.instance), "broken"),
            testing::line(1, Some(testing::instance(1, 3, 1, Phase::Booting).instance), "booting"),
            testing::line(1, Some(second.instance), "booting"),
        ];
        fake.write(vec![testing::scale_up(1, 5)], vec![second, first], journal).await;
        for name in ["1-4", "i-0123456789abcdef0"] {
            let shown: SlotHistory = fake.get(&format!("/v1/instances/{name}")).await.json();
            assert_eq!((shown.slot, shown.phase), (testing::slot(1, 4), Phase::Booting));
            let attempts: Vec<_> = shown.attempts.iter().map(|i| (i.attempt, i.reason.as_deref())).collect();
            assert_eq!(attempts, [(1, Some("hung 3 times")), (2, None)]);
            let history: Vec<_> = shown.journal.iter().map(|l| (l.kind.as_str(), l.attempt)).collect();
            assert_eq!(history, [("broken", Some(1)), ("booting", Some(2))]);
        }
    }

    #[tokio::test]
    async fn a_slot_that_no_launch_has_yet_is_queued() {
        let fake = Fake::start().await;
        fake.write(vec![testing::scale_up(1, 5)], vec![], vec![]).await;
        let shown: SlotHistory = fake.get("/v1/instances/1-0").await.json();
        assert_eq!((shown.phase, shown.attempts.len()), (Phase::Queued, 0));
    }

    #[tokio::test]
    async fn what_does_not_exist_is_a_404_that_says_what_can_be_asked_for() {
        let fake = Fake::start().await;
        fake.write(vec![testing::scale_up(1, 5)], vec![], vec![]).await;
        for name in ["1-5", "2-0", "i-0123", "i-%20", "web", "1", "-", "1-0-0"] {
            let answer = fake.get(&format!("/v1/instances/{name}")).await;
            assert_eq!(answer.problem("unknown_slot").0, 404, "{name}");
        }
        assert!(fake.get("/v1/instances/web").await.text().contains("i-..."));
    }
}
