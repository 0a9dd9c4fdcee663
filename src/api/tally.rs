//! Counting over the rows of one scale-up, where the view does not have the numbers.

use std::collections::{BTreeMap, HashMap};

use super::params::MOST_ROWS;
use super::types::Shortfall;
use crate::decide::rows::{InstanceRow, ScaleUpRow};
use crate::decide::words::{Phase, ScaleUpSeq};
use crate::store::{InstanceFilter, Store, StoreError};

/// Most pages of rows that one answer is worth: 100,000 rows, ten times the largest scale-up that
/// the default limits allow with one attempt a slot. A page takes about a millisecond.
const MOST_PAGES: u32 = 100;

/// Reasons that are told one by one; the rest is summed up.
const MOST_REASONS: usize = 20;

/// Why slots of a scale-up ended without an instance, most first.
pub async fn shortfall(store: &Store, seq: ScaleUpSeq, withdrawn: u32) -> Result<Vec<Shortfall>, StoreError> {
    if withdrawn == 0 {
        return Ok(Vec::new());
    }
    let filter =
        InstanceFilter { scale_up: Some(seq), phase: Some(Phase::Withdrawn), ..InstanceFilter::default() };
    let mut reasons = HashMap::new();
    walk(store, &filter, |row| {
        let reason = row.reason.unwrap_or_else(|| "no reason was recorded".to_string());
        *reasons.entry(reason).or_default() += 1;
    })
    .await?;
    Ok(ranked(reasons, withdrawn))
}

/// Slots by the phase of their newest attempt, counted from the rows.
pub async fn phases(store: &Store, scale_up: &ScaleUpRow) -> Result<BTreeMap<Phase, u32>, StoreError> {
    let filter = InstanceFilter { scale_up: Some(scale_up.seq), ..InstanceFilter::default() };
    let mut newest = HashMap::new();
    // Rows come by slot and attempt, so the newest attempt is the last one seen.
    walk(store, &filter, |row| {
        newest.insert(row.slot().ordinal, row.phase);
    })
    .await?;
    let mut counts: BTreeMap<Phase, u32> = Phase::ALL.iter().map(|p| (*p, 0)).collect();
    let seen = u32::try_from(newest.len()).unwrap_or(u32::MAX);
    for phase in newest.into_values() {
        *counts.entry(phase).or_default() += 1;
    }
    *counts.entry(Phase::Queued).or_default() += scale_up.wanted.saturating_sub(seen);
    Ok(counts)
}

async fn walk(
    store: &Store,
    filter: &InstanceFilter,
    mut each: impl FnMut(InstanceRow),
) -> Result<(), StoreError> {
    let mut after = None;
    for _ in 0..MOST_PAGES {
        let page = store.instances(filter, after, MOST_ROWS).await?;
        let full = page.len() >= MOST_ROWS as usize;
        after = page.last().map(|row| row.instance);
        page.into_iter().for_each(&mut each);
        if !full {
            break;
        }
    }
    Ok(())
}

fn ranked(reasons: HashMap<String, u32>, withdrawn: u32) -> Vec<Shortfall> {
    let mut list: Vec<Shortfall> =
        reasons.into_iter().map(|(reason, count)| Shortfall { reason, count }).collect();
    list.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.reason.cmp(&b.reason)));
    list.truncate(MOST_REASONS);
    let told: u32 = list.iter().map(|s| s.count).sum();
    // The rows may be a little newer than the number; then nothing is left to sum up.
    if let Some(count @ 1..) = withdrawn.checked_sub(told) {
        list.push(Shortfall {
            reason: "other reasons; GET /v1/instances?phase=withdrawn lists them".into(),
            count,
        });
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{self, Fake};

    #[test]
    fn reasons_are_ranked_and_add_up_to_what_is_missing() {
        let reasons = HashMap::from([("a".to_string(), 2), ("b".to_string(), 5), ("c".to_string(), 2)]);
        let told: Vec<_> = ranked(reasons, 9).into_iter().map(|s| (s.reason, s.count)).collect();
        assert_eq!(told, [("b".to_string(), 5), ("a".to_string(), 2), ("c".to_string(), 2)]);

        let many: HashMap<_, _> = (0..500).map(|i| (format!("reason {i:03}"), 1)).collect();
        let told = ranked(many, 500);
        assert_eq!((told.len(), told[20].count), (21, 480));
        assert_eq!(told.iter().map(|s| s.count).sum::<u32>(), 500);
    }

    #[tokio::test]
    async fn rows_are_counted_by_the_newest_attempt_over_many_pages() {
        let fake = Fake::start().await;
        let row = testing::scale_up(1, 3_000);
        let mut rows = Vec::new();
        for ordinal in 0..2_500 {
            rows.push(testing::instance(1, ordinal, 1, Phase::Gone));
            let phase = if ordinal < 1_500 { Phase::InService } else { Phase::Withdrawn };
            rows.push(testing::instance(1, ordinal, 2, phase));
        }
        fake.write(vec![row.clone()], rows, vec![]).await;
        let counts = phases(&fake.store, &row).await.unwrap();
        assert_eq!(
            (
                counts[&Phase::InService],
                counts[&Phase::Withdrawn],
                counts[&Phase::Queued],
                counts[&Phase::Gone]
            ),
            (1_500, 1_000, 500, 0)
        );
        let told = shortfall(&fake.store, row.seq, 1_000).await.unwrap();
        assert_eq!(told.iter().map(|s| s.count).sum::<u32>(), 1_000);
        assert_eq!(shortfall(&fake.store, row.seq, 0).await.unwrap(), []);
    }
}
