//! Who goes first: of the oldest launch version, out of the fullest zone, the longest in service.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::decide::words::{Ec2Id, Time};

/// Somebody who may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub id: Ec2Id,
    pub zone: Arc<str>,
    /// The group's current launch version.
    pub current: bool,
    /// In service since; the beginning of time if that is not known.
    pub since: Time,
}

/// Chooses up to `n` of the candidates; `all` counts the members of each zone, candidates or not.
#[must_use]
pub fn choose(mut candidates: Vec<Candidate>, mut all: BTreeMap<Arc<str>, u32>, n: usize) -> Vec<Ec2Id> {
    // Versions only grow: of those that are not current, the longest in service has the oldest.
    candidates.sort_by_key(|c| (c.current, c.since, c.id));
    let mut chosen = Vec::new();
    while chosen.len() < n && !candidates.is_empty() {
        let outdated = candidates.iter().filter(|c| !c.current).count();
        let among = if outdated > 0 { outdated } else { candidates.len() };
        let fullest = candidates[..among].iter().map(|c| all.get(&c.zone).copied().unwrap_or(0)).max();
        let place = candidates[..among].iter().position(|c| all.get(&c.zone).copied() == fullest);
        let victim = candidates.remove(place.unwrap_or(0));
        if let Some(count) = all.get_mut(&victim.zone) {
            *count = count.saturating_sub(1);
        }
        chosen.push(victim.id);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(n: u32, zone: &str, current: bool) -> Candidate {
        let id = format!("i-{n:017x}").parse().unwrap();
        Candidate { id, zone: Arc::from(zone), current, since: Time(i64::from(n)) }
    }

    fn chosen(candidates: &[Candidate], n: usize) -> Vec<u32> {
        let mut all: BTreeMap<Arc<str>, u32> = BTreeMap::new();
        for c in candidates {
            *all.entry(c.zone.clone()).or_default() += 1;
        }
        let ids = choose(candidates.to_vec(), all, n);
        let number = |id: &Ec2Id| u32::from_str_radix(&id.as_str()[2..], 16).unwrap();
        ids.iter().map(number).collect()
    }

    #[test]
    fn the_oldest_version_goes_first_wherever_it_is() {
        let all = [candidate(1, "a", true), candidate(2, "a", true), candidate(3, "b", false)];
        assert_eq!(chosen(&all, 1), [3]);
        assert_eq!(chosen(&all, 9), [3, 1, 2]);
    }

    #[test]
    fn zones_stay_in_balance() {
        let zones = ["a", "a", "a", "b", "b", "c"];
        let all: Vec<_> = (0..6).zip(zones).map(|(n, z)| candidate(n, z, true)).collect();
        assert_eq!(chosen(&all, 3), [0, 1, 3], "the fullest first, then the fuller of what is left");
    }
}
