//! How many of one kind of thing may be in flight, adapting to how it goes.

/// Additive increase, multiplicative decrease, between a floor and a ceiling.
///
/// A success while the lane is full earns 1/limit of a place (so a full lane's worth of successes
/// earns one); trouble takes a quarter away, at most once for each lane's worth of outcomes, since
/// the calls that were in flight together saw the same trouble.
#[derive(Clone, Debug)]
pub struct Lane {
    in_flight: u32,
    limit: f64,
    floor: u32,
    start: u32,
    ceiling: u32,
    /// Outcomes still to come before the next decrease counts.
    deaf: u32,
}

impl Lane {
    /// `floor` is raised to 1, `ceiling` to the floor; starts at `start` within them.
    #[must_use]
    pub fn new(floor: u32, start: u32, ceiling: u32) -> Lane {
        let floor = floor.max(1);
        let ceiling = ceiling.max(floor);
        let start = start.clamp(floor, ceiling);
        Lane { in_flight: 0, limit: f64::from(start), floor, start, ceiling, deaf: 0 }
    }

    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight
    }

    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between floor and ceiling
    pub fn limit(&self) -> u32 {
        self.limit as u32
    }

    #[must_use]
    pub fn room(&self) -> u32 {
        self.limit().saturating_sub(self.in_flight)
    }

    /// Takes a place; false if there is none.
    pub fn enter(&mut self) -> bool {
        let free = self.room() > 0;
        if free {
            self.in_flight += 1;
        }
        free
    }

    /// Gives a place back after it went well.
    pub fn leave_well(&mut self) {
        if self.room() == 0 {
            self.limit = (self.limit + 1.0 / self.limit).min(f64::from(self.ceiling));
        }
        self.leave();
    }

    /// Gives a place back after trouble that more calls at once would make worse.
    pub fn leave_in_trouble(&mut self) {
        if self.deaf == 0 {
            self.deaf = self.in_flight;
            self.shrink();
        }
        self.leave();
    }

    /// Takes a quarter away for trouble that is known from elsewhere.
    pub fn shrink(&mut self) {
        self.limit = (self.limit * 0.75).max(f64::from(self.floor));
    }

    /// As wide as at the start, if it is narrower: what it had adapted to is over.
    pub fn widen(&mut self) {
        self.limit = self.limit.max(f64::from(self.start));
    }

    /// Gives a place back; the outcome says nothing about the lane.
    pub fn leave(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.deaf = self.deaf.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_full_lane_of_successes_earns_one_place_and_one_bad_batch_costs_a_quarter() {
        let mut lane = Lane::new(2, 8, 32);
        for _ in 0..8 {
            assert!(lane.enter());
        }
        assert!(!lane.enter());
        for _ in 0..9 {
            lane.leave_well();
            lane.enter();
        }
        assert_eq!(lane.limit(), 9);
        while lane.enter() {}
        for _ in 0..9 {
            lane.leave_in_trouble();
        }
        assert_eq!(lane.limit(), 6, "one failure, nine witnesses");
    }

    proptest! {
        /// Calls in flight never exceed the ceiling, and the limit stays between its bounds.
        #[test]
        fn never_more_in_flight_than_the_ceiling(
            floor in 0u32..5, start in 0u32..60, ceiling in 0u32..50,
            steps in proptest::collection::vec(0u8..4, 1..400),
        ) {
            let mut lane = Lane::new(floor, start, ceiling);
            let top = ceiling.max(floor.max(1));
            for s in steps {
                match s {
                    0 | 1 => { lane.enter(); }
                    2 => lane.leave_well(),
                    _ => lane.leave_in_trouble(),
                }
                prop_assert!(lane.in_flight() <= top);
                prop_assert!(lane.limit() >= 1 && lane.limit() <= top);
            }
        }
    }
}
