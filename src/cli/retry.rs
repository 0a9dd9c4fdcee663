//! Trying again: how long, how often, and when the service said to come back.

use std::time::Duration;

use super::exit::Failure;
use crate::ids;
use crate::time::{Stopwatch, sleep_on_the_wall};

/// Pause before the second try; doubles with each one after that, up to [`LONGEST_PAUSE`]. A restart
/// of the service takes a second or two, so four or five tries fall into it.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// One try that did not work, and whether another may.
#[derive(Debug)]
pub struct Trouble {
    pub failure: Failure,
    pub again: Again,
}

/// Whether to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// The answer would be the same.
    No,
    /// Not before this has passed, on the wall: `Retry-After`, or zero.
    Yes(Duration),
}

impl Trouble {
    #[must_use]
    pub fn again(failure: Failure) -> Trouble {
        Trouble { failure, again: Again::Yes(Duration::ZERO) }
    }

    #[must_use]
    pub fn for_good(failure: Failure) -> Trouble {
        Trouble { failure, again: Again::No }
    }
}

/// How long to keep trying, counted on the wall from the last success.
#[derive(Debug)]
pub struct Patience {
    limit: Duration,
    since: Stopwatch,
    tries: u32,
}

impl Patience {
    #[must_use]
    pub fn new(limit: Duration) -> Patience {
        Patience { limit, since: Stopwatch::start(), tries: 0 }
    }

    /// Something worked: starts over.
    pub fn reset(&mut self) {
        *self = Patience::new(self.limit);
    }

    /// Waits until it is time for another try, and tells so; gives the failure back when there is to
    /// be none.
    pub async fn wait(&mut self, trouble: Trouble, note: impl Fn(&str)) -> Result<(), Failure> {
        let Again::Yes(not_before) = trouble.again else { return Err(trouble.failure) };
        let Some(pause) = self.pause(self.since.elapsed(), not_before, ids::seed()) else {
            return Err(trouble.failure);
        };
        self.tries += 1;
        note(&format!("{}; trying again in {:.1} s", trouble.failure, pause.as_secs_f64()));
        sleep_on_the_wall(pause).await;
        Ok(())
    }

    /// The pause before the next try; `None` if patience ends first. Between half of the backoff and
    /// all of it, so that many callers do not come back together.
    fn pause(&self, passed: Duration, not_before: Duration, random: u64) -> Option<Duration> {
        let left = self.limit.checked_sub(passed).filter(|left| !left.is_zero())?;
        if not_before > left {
            return None;
        }
        let backoff = FIRST_PAUSE.saturating_mul(1 << self.tries.min(10)).min(LONGEST_PAUSE);
        let half = backoff / 2;
        let jitter = half.mul_f64(f64::from(u32::try_from(random >> 32).unwrap_or(0)) / f64::from(u32::MAX));
        Some((half + jitter).min(left).max(not_before))
    }
}

/// Tries until it works, it cannot, or patience ends.
pub async fn keep_trying<T>(
    limit: Duration,
    note: impl Fn(&str),
    mut one: impl AsyncFnMut() -> Result<T, Trouble>,
) -> Result<T, Failure> {
    let mut patience = Patience::new(limit);
    loop {
        match one().await {
            Ok(value) => return Ok(value),
            Err(trouble) => patience.wait(trouble, &note).await?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn pauses_grow_and_stay_between_half_and_whole() {
        let mut patience = Patience::new(60 * S);
        for (tries, whole) in [(0, 250), (1, 500), (4, 4_000), (5, 5_000), (50, 5_000)] {
            patience.tries = tries;
            let ms = |random| patience.pause(S, Duration::ZERO, random).map(|d| d.as_millis());
            assert_eq!((ms(0), ms(u64::MAX)), (Some(whole / 2), Some(whole)));
        }
    }

    #[test]
    fn the_service_is_asked_no_sooner_than_it_said() {
        let patience = Patience::new(10 * S);
        assert_eq!(patience.pause(S, 3 * S, 0), Some(3 * S));
        assert_eq!(patience.pause(8 * S, 3 * S, 0), None, "that would be after the end");
    }

    #[test]
    fn patience_ends_with_one_last_try() {
        let mut patience = Patience::new(10 * S);
        patience.tries = 9;
        assert_eq!(patience.pause(9 * S, Duration::ZERO, 0), Some(S));
        assert_eq!(patience.pause(10 * S, Duration::ZERO, 0), None);
        assert_eq!(Patience::new(Duration::ZERO).pause(Duration::ZERO, Duration::ZERO, 0), None);
    }
}
