//! How one budget of descriptors is divided between the classes: arithmetic only.

use super::fds::{FdClass, FdLimits};

/// Each class's part, in the order of [`FdClass::ALL`]. The parts are disjoint, so a class that
/// uses up its own takes nothing from another: contacts that hang cannot close the API.
pub(super) type Shares = [u32; CLASSES];

pub(super) const CLASSES: usize = FdClass::ALL.len();

/// Divides `budget`: first what each class cannot do without, then the rest in proportion to what
/// each is still short of its cap. `Err` with the least that would do if even the first is too much.
pub(super) fn divide(budget: u64, limits: &FdLimits) -> Result<Shares, u64> {
    let cap = FdClass::ALL.iter().map(|c| u64::from(limits.cap_of(*c))).collect::<Vec<_>>();
    let floor = FdClass::ALL.iter().zip(&cap).map(|(c, cap)| floor_of(*c).min(*cap)).collect::<Vec<_>>();
    let floors: u64 = floor.iter().sum();
    let spare = budget.checked_sub(floors).ok_or(floors)?;
    let wanted: u64 = cap.iter().sum::<u64>() - floors;

    let mut shares = [0; CLASSES];
    for (share, (floor, cap)) in shares.iter_mut().zip(floor.iter().zip(&cap)) {
        let more = if spare >= wanted { cap - floor } else { spare * (cap - floor) / wanted };
        *share = u32::try_from(floor + more).unwrap_or(u32::MAX);
    }
    Ok(shares)
}

/// The least with which a class still does its work, however slowly.
fn floor_of(class: FdClass) -> u64 {
    match class {
        // Api: one connection that asks, one that follows events, and the permit held ready for the
        // next accept. Cloud: one for each lane, since a launch that hangs must not keep a terminate
        // from going out.
        FdClass::Api | FdClass::Cloud => 3,
        // One that hangs until its timeout, one that goes on.
        FdClass::Contact => 2,
        FdClass::Operator => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_generous_budget_gives_every_class_its_cap() {
        let limits = FdLimits::default();
        assert_eq!(divide(10_000, &limits), Ok([24, 4, 12, 48]));
        assert_eq!(divide(88, &limits), Ok([24, 4, 12, 48]));
    }

    #[test]
    fn a_small_budget_is_shared_in_proportion_and_nobody_gets_nothing() {
        assert_eq!(divide(20, &FdLimits::default()), Ok([5, 1, 4, 8]));
        assert_eq!(divide(9, &FdLimits::default()), Ok([3, 1, 3, 2]));
        assert_eq!(divide(8, &FdLimits::default()), Err(9));
    }

    proptest! {
        #[test]
        fn shares_never_exceed_the_budget_or_the_caps(
            budget in 0u64..400, api in 1u32..200, cloud in 1u32..50, contacts in 1u32..500,
        ) {
            let limits = FdLimits { api, cloud, contacts, ..FdLimits::default() };
            match divide(budget, &limits) {
                Ok(shares) => {
                    prop_assert!(shares.iter().map(|s| u64::from(*s)).sum::<u64>() <= budget);
                    for (class, share) in FdClass::ALL.iter().zip(shares) {
                        prop_assert!(share >= 1 && share <= limits.cap_of(*class));
                    }
                }
                Err(least) => {
                    prop_assert!(budget < least);
                    prop_assert!(divide(least, &limits).is_ok());
                }
            }
        }
    }
}
