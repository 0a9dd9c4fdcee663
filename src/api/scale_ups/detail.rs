//! A scale-up with its progress: the row, and what the newest view adds to it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::api::tally;
use crate::api::types::{Links, ScaleUp, ScaleUpItem, Shortfall, Stamp, WaitLine};
use crate::decide::rows::ScaleUpRow;
use crate::decide::view::{Progress, View};
use crate::decide::words::{Phase, ScaleUpState, Time};
use crate::store::{Store, StoreError};

/// Everything that is told of one scale-up.
pub async fn detail(store: &Store, row: ScaleUpRow, view: &View, now: Time) -> Result<ScaleUp, StoreError> {
    // A view may lag behind the commit that it shows; a scale-up that is done stays done.
    let lags = |p: &&Progress| row.state == ScaleUpState::Done && p.state != ScaleUpState::Done;
    let progress = view.scale_up(&row.id).filter(|p| !lags(p));
    let phases = match progress {
        Some(p) => p.phases.iter().collect(),
        None if row.state == ScaleUpState::Done => done_phases(&row),
        // Not read back by the engine yet, or owned by another process: the rows know.
        None => tally::phases(store, &row).await?,
    };
    let withdrawn = phases.get(&Phase::Withdrawn).copied().unwrap_or(0);
    let shortfall = tally::shortfall(store, row.seq, withdrawn).await?;
    Ok(assemble(row, progress, phases, shortfall, now))
}

/// The view's numbers are taken together, so that they add up; the row may be a commit or two ahead.
fn assemble(
    row: ScaleUpRow,
    progress: Option<&Progress>,
    phases: BTreeMap<Phase, u32>,
    shortfall: Vec<Shortfall>,
    now: Time,
) -> ScaleUp {
    let eta = match progress {
        Some(p) => p.eta,
        None => promised(&row),
    };
    let mut item = ScaleUpItem::from(row);
    if let Some(p) = progress {
        item.state = p.state;
        item.done_at = p.done_at.map(Stamp);
    }
    let count = |phase| phases.get(&phase).copied().unwrap_or(0);
    item.in_service = count(Phase::InService);
    item.withdrawn = count(Phase::Withdrawn);
    let eta = eta.filter(|_| item.state != ScaleUpState::Done).and_then(Stamp::unless_never);
    ScaleUp {
        links: Links::of(&item.id),
        phases,
        broken_so_far: progress.map(|p| p.broken_so_far),
        waits: progress.map(|p| waits(p, now)).unwrap_or_default(),
        eta,
        eta_s: eta.map(|at| seconds_until(at, now)),
        late: progress.is_some_and(|p| p.late),
        shortfall,
        item,
    }
}

fn waits(progress: &Progress, now: Time) -> Vec<WaitLine> {
    progress.waits.iter().map(|w| WaitLine::of(w, now)).collect()
}

fn done_phases(row: &ScaleUpRow) -> BTreeMap<Phase, u32> {
    let mut phases: BTreeMap<Phase, u32> = Phase::ALL.iter().map(|p| (*p, 0)).collect();
    phases.insert(Phase::InService, row.in_service);
    phases.insert(Phase::Withdrawn, row.withdrawn);
    phases
}

/// When it was expected to be done, as of its acceptance; none if that could not be told.
pub fn promised(row: &ScaleUpRow) -> Option<Time> {
    let ms = u64::try_from(row.eta_ms).ok()?;
    Some(row.accepted_at.plus(Duration::from_millis(ms)))
}

/// Whole seconds of muster's time, rounded up; 0 if it has passed.
pub fn seconds_until(at: Stamp, now: Time) -> u64 {
    let left = at.0.since(now);
    left.as_secs() + u64::from(left.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{self, NOW};

    #[test]
    fn the_view_wins_over_the_row_and_its_numbers_add_up() {
        let view = testing::view();
        let row = ScaleUpRow { in_service: 3, ..testing::scale_up(1, 1_200) };
        let progress = view.scale_up(&row.id).unwrap();
        let shown = assemble(row, Some(progress), progress.phases.iter().collect(), vec![], NOW);
        assert_eq!(shown.phases.values().sum::<u32>(), 1_200);
        assert_eq!(shown.phases.len(), Phase::ALL.len(), "every phase is named");
        assert_eq!((shown.item.in_service, shown.item.withdrawn), (930, 0));
        assert_eq!((shown.eta_s, shown.broken_so_far), (Some(45), Some(4)));
        assert_eq!(shown.waits[0].count, 120);
        assert!(shown.waits[0].text.starts_with("instance tokens: 12 of the 100"), "{:?}", shown.waits);
    }

    #[test]
    fn a_scale_up_done_long_ago_is_told_from_its_row() {
        let row = ScaleUpRow {
            state: ScaleUpState::Done,
            in_service: 9,
            withdrawn: 1,
            done_at: Some(NOW),
            ..testing::scale_up(1, 10)
        };
        let phases = done_phases(&row);
        let shown = assemble(row, None, phases, vec![], NOW);
        assert_eq!((shown.item.in_service, shown.item.withdrawn, shown.eta), (9, 1, None));
        assert_eq!(shown.broken_so_far, None);
    }

    #[test]
    fn seconds_are_rounded_up_and_never_negative() {
        let at = |ms| seconds_until(Stamp(Time(ms)), Time(1_000));
        assert_eq!((at(1_000), at(1_001), at(3_000), at(0)), (0, 1, 2, 0));
    }
}
