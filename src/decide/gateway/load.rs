//! How much a gateway may be planned to carry: whole numbers, in thousandths of its unit, rounded to the safe side.

/// Of what is confirmed, so much may be planned, in percent (DESIGN section 8). Higher: the gateway drops packets
/// when load is uneven over zones or minutes, which no metric of its own tells (aws-facts 6.1). Lower: capacity is
/// paid for that nobody uses.
pub const MAY_BE_PLANNED: u64 = 80;
/// Thousandths in one unit.
pub const MILLI: u64 = 1_000;

/// What a gateway is known to carry, and what is planned to go through it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Thousandths of its unit.
    pub confirmed: u64,
    pub planned: u64,
    /// What it carries that nothing of that explains ([`super::observed`]). 0: nothing, or unknown.
    pub unplanned: u64,
}

impl Load {
    /// As much may be planned.
    #[must_use]
    pub fn may(&self) -> u64 {
        self.confirmed.saturating_mul(MAY_BE_PLANNED) / 100
    }

    /// All that counts against it: an observation only ever adds.
    #[must_use]
    pub fn counted(&self) -> u64 {
        self.planned.saturating_add(self.unplanned)
    }

    /// So many more instances fit that bring `each`; none are too many where they bring nothing.
    #[must_use]
    pub fn room(&self, each: u32) -> u32 {
        let left = self.may().saturating_sub(self.counted());
        let fits = left.checked_div(each.into()).unwrap_or(u64::MAX);
        u32::try_from(fits).unwrap_or(u32::MAX)
    }

    /// The capacity, in whole units, with which so much more may be planned.
    #[must_use]
    pub fn needed(&self, more: u64) -> u32 {
        let wanted = self.counted().saturating_add(more).saturating_mul(100);
        u32::try_from(wanted.div_ceil(MAY_BE_PLANNED * MILLI)).unwrap_or(u32::MAX)
    }
}

/// The sum for so many more that bring `each`: whoever reads it can do it again.
#[must_use]
pub fn sum(load: Load, more: u32, each: u32) -> String {
    let makes = of(more, each);
    format!(
        "each adds {}, {more} make {} more: {} of {} × {MAY_BE_PLANNED} % = {}",
        shown(each.into()),
        shown(makes),
        shown(load.counted().saturating_add(makes)),
        shown(load.confirmed),
        shown(load.may()),
    )
}

/// What so many instances bring that bring `each`.
#[must_use]
pub fn of(instances: u32, each: u32) -> u64 {
    u64::from(instances) * u64::from(each)
}

/// Thousandths as people write them: `80`, `0.05`.
#[must_use]
pub fn shown(milli: u64) -> String {
    let (whole, rest) = (milli / MILLI, milli % MILLI);
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{rest:03}").trim_end_matches('0').to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn eighty_of_a_hundred_are_sixteen_hundred_instances_of_a_twentieth() {
        let load = Load { confirmed: 100_000, ..Load::default() };
        assert_eq!((load.may(), load.room(50)), (80_000, 1_600));
        let full = Load { planned: of(1_600, 50), ..load };
        assert_eq!((full.room(50), full.room(1)), (0, 0));
        assert_eq!(full.needed(of(400, 50)), 125);
        assert_eq!(Load { planned: 90_000, ..load }.room(50), 0, "more is planned than may be");
        assert_eq!(Load::default().room(1), 0, "nobody has said what it carries");
    }

    #[test]
    fn thousandths_are_told_as_people_write_them() {
        for (milli, text) in [(0, "0"), (50, "0.05"), (1, "0.001"), (80_000, "80"), (1_500, "1.5")] {
            assert_eq!(shown(milli), text);
        }
    }

    #[test]
    fn the_sum_is_told_with_what_nobody_planned() {
        let load = Load { confirmed: 200_000, planned: 50_000, unplanned: 12_400 };
        assert_eq!(sum(load, 1_200, 80), "each adds 0.08, 1200 make 96 more: 158.4 of 200 × 80 % = 160");
        assert_eq!((load.counted(), load.room(80)), (62_400, 1_220));
    }

    proptest! {
        #[test]
        fn what_fits_fits_and_one_more_does_not(confirmed in 0u64..20_000_000_000, planned in 0u64..20_000_000_000,
                                                unplanned in 0u64..20_000_000_000, each in 1u32..10_000_000) {
            let load = Load { confirmed, planned, unplanned };
            let room = load.room(each);
            let with = |n: u32| planned + unplanned + of(n, each);
            prop_assert!(room == 0 || with(room) * 100 <= confirmed * MAY_BE_PLANNED);
            prop_assert!(with(room + 1) * 100 > confirmed * MAY_BE_PLANNED);
        }

        #[test]
        fn what_is_asked_for_is_enough_and_no_unit_too_many(planned in 0u64..20_000_000_000,
                                                            more in 1u64..1_000_000_000) {
            let needed = Load { planned, ..Load::default() }.needed(more);
            let may = |units: u32| Load { confirmed: u64::from(units) * MILLI, planned, unplanned: 0 }.may();
            prop_assert!(may(needed) >= planned + more);
            prop_assert!(may(needed - 1) < planned + more);
        }
    }
}
