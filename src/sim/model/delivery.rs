//! What becomes of a notice on its way: lost, or delivered once or more, each copy after a delay of
//! its own, so that they overtake each other.

use super::super::draw::{Draw, Purpose};
use super::super::settings::Delivery;
use super::notice::Notice;

/// When which copies of the notice with this number arrive, of one that was told now.
#[must_use]
pub(super) fn copies(
    settings: &Delivery,
    seed: u64,
    number: u64,
    notice: &Notice,
    now_ms: i64,
) -> Vec<(i64, Notice)> {
    let mut draw = Draw::new(seed, Purpose::Delivery, number);
    // Always the same draws in the same order: turning one fault up leaves the others alone.
    let lost = draw.chance(settings.lost);
    let count = 1 + draw.below(settings.copies_max);
    let mut copy = || (now_ms + i64::from(draw.range(settings.delay)), notice.clone());
    if lost { Vec::new() } else { (0..count).map(|_| copy()).collect() }
}

#[cfg(test)]
mod tests {
    use super::super::super::settings::Range;
    use super::*;

    fn of(settings: &Delivery, number: u64) -> Vec<i64> {
        let notice = Notice::Message { arn: "a".into(), subject: None, body: "{}".into() };
        copies(settings, 3, number, &notice, 1_000).iter().map(|(at, _)| *at).collect()
    }

    #[test]
    fn a_share_is_lost_and_the_rest_comes_once_or_more() {
        let settings = Delivery { lost: 20.0, copies_max: 5, delay: Range { min_ms: 10, max_ms: 20 } };
        let all: Vec<Vec<i64>> = (0..10_000).map(|n| of(&settings, n)).collect();
        let lost = all.iter().filter(|c| c.is_empty()).count();
        assert!((1_850..2_150).contains(&lost), "{lost}");
        for count in 1..=5 {
            let n = all.iter().filter(|c| c.len() == count).count();
            assert!((1_450..1_750).contains(&n), "{count}: {n}");
        }
        assert!(all.iter().flatten().all(|at| (1_010..=1_020).contains(at)));
        assert!(all.iter().any(|c| c.windows(2).any(|w| w[0] > w[1])), "nothing overtakes");
    }

    #[test]
    fn by_default_everything_arrives_once() {
        assert!((0..1_000).all(|n| of(&Delivery::default(), n).len() == 1));
        assert_eq!(of(&Delivery::INSTANT, 7), [1_000]);
    }
}
