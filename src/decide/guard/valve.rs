//! The removal valve: when too many members of a group are called unhealthy at once, that is a network,
//! a zone or a health check, and not so many dead servers. Nothing in service is removed until it is over;
//! launches go on.
//!
//! It opens as soon as fewer than half of what shuts it are called so, and also when for a whole window it was not
//! more than that: those that are left are dead, and would keep it shut for ever if nobody might remove them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::decide::words::{Ec2Id, Time, named};

/// When a group's valve shuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValveSpec {
    /// More than this share of a group's or a zone's members, in percent, and more than one. 1 to 100.
    pub share: u8,
    /// For how long a member counts that was called unhealthy, even if it is well again.
    pub window: Duration,
}

impl Default for ValveSpec {
    /// AWS's own replacement goes to 10 % at a time (aws-facts 3.4); twice that is not chance. Five minutes
    /// are twenty looks, and as long as a network takes to be called back to order.
    fn default() -> Self {
        ValveSpec { share: 20, window: Duration::from_secs(300) }
    }
}

named! {
    /// What those that are called unhealthy have in common.
    pub enum Common {
        Zone = "zone",
        Subnet = "subnet",
        Version = "launch version",
    }
}

/// A member, by what it may have in common with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub zone: Arc<str>,
    /// Empty where it is not known, as is the version.
    pub subnet: Arc<str>,
    pub version: Arc<str>,
}

impl Member {
    fn get(&self, common: Common) -> &Arc<str> {
        match common {
            Common::Zone => &self.zone,
            Common::Subnet => &self.subnet,
            Common::Version => &self.version,
        }
    }
}

/// A change worth an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    Shut { why: String },
    Opened,
}

/// One group's valve.
#[derive(Debug)]
pub struct Valve {
    spec: ValveSpec,
    /// Members that were called unhealthy, and when they were last.
    reported: BTreeMap<Ec2Id, Time>,
    shut: Option<Shut>,
    /// Since when too few are called unhealthy to shut it; none while there are too many.
    below_since: Option<Time>,
}

/// Since when and why it is shut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shut {
    pub since: Time,
    pub why: String,
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    unhealthy: u32,
    all: u32,
}

impl Tally {
    /// Beyond the share, and more than one.
    fn is_past(self, share: u8) -> bool {
        self.unhealthy > 1 && self.unhealthy * 100 > self.all * u32::from(share)
    }
}

impl Valve {
    #[must_use]
    pub fn new(spec: ValveSpec) -> Valve {
        Valve { spec, reported: BTreeMap::new(), shut: None, below_since: None }
    }

    #[must_use]
    pub fn shut(&self) -> Option<&Shut> {
        self.shut.as_ref()
    }

    /// Looks at a group: all of its members, and who of them is called unhealthy now.
    pub fn look(
        &mut self,
        members: &BTreeMap<Ec2Id, Member>,
        unhealthy: impl Iterator<Item = Ec2Id>,
        now: Time,
    ) -> Option<Turn> {
        self.reported.extend(unhealthy.map(|id| (id, now)));
        let window = self.spec.window;
        self.reported.retain(|id, at| now.since(*at) < window && members.contains_key(id));
        let group = self.tally(members, |_| true);
        let mut zones: Vec<&Arc<str>> = members.values().map(|m| &m.zone).collect();
        zones.sort_unstable();
        zones.dedup();
        let tallies: Vec<Tally> = zones.iter().map(|z| self.tally(members, |m| m.zone == **z)).collect();
        let past = |share| group.is_past(share) || tallies.iter().any(|t| t.is_past(share));
        let (shuts, stays) = (past(self.spec.share), past(self.spec.share / 2));
        self.below_since = (!shuts).then(|| self.below_since.unwrap_or(now));
        let for_long = self.below_since.is_some_and(|at| now.since(at) >= window);
        if self.shut.is_some() {
            // It does not open at what shuts it, or it would flap around one member.
            return (!stays || for_long).then(|| {
                self.shut = None;
                Turn::Opened
            });
        }
        shuts.then(|| {
            let why = self.describe(members, group, &zones, &tallies);
            self.shut = Some(Shut { since: now, why: why.clone() });
            Turn::Shut { why }
        })
    }

    fn tally(&self, members: &BTreeMap<Ec2Id, Member>, of: impl Fn(&Member) -> bool) -> Tally {
        let mut tally = Tally::default();
        for (id, _) in members.iter().filter(|(_, m)| of(m)) {
            tally.all += 1;
            tally.unhealthy += u32::from(self.reported.contains_key(id));
        }
        tally
    }

    fn describe(
        &self,
        members: &BTreeMap<Ec2Id, Member>,
        group: Tally,
        zones: &[&Arc<str>],
        tallies: &[Tally],
    ) -> String {
        let mut text = format!("{} of {} members are called unhealthy", group.unhealthy, group.all);
        if !group.is_past(self.spec.share) {
            let worst = zones.iter().zip(tallies).find(|(_, t)| t.is_past(self.spec.share));
            if let Some((zone, t)) = worst {
                text = format!("{text}, {} of {} in zone {zone}", t.unhealthy, t.all);
            }
        }
        let common: Vec<String> = Common::ALL.iter().filter_map(|c| self.common(members, *c)).collect();
        if common.is_empty() {
            format!("{text}, with no zone, subnet or launch version in common")
        } else {
            format!("{text}; {}", common.join("; "))
        }
    }

    /// What nearly all of the unhealthy have in common, and hardly more than half of all members.
    fn common(&self, members: &BTreeMap<Ec2Id, Member>, common: Common) -> Option<String> {
        let mut counts: BTreeMap<&Arc<str>, Tally> = BTreeMap::new();
        let known = members.iter().filter(|(_, m)| !m.get(common).is_empty());
        for (id, member) in known {
            let tally = counts.entry(member.get(common)).or_default();
            tally.all += 1;
            tally.unhealthy += u32::from(self.reported.contains_key(id));
        }
        let all: Tally = counts.values().fold(Tally::default(), |a, t| Tally {
            unhealthy: a.unhealthy + t.unhealthy,
            all: a.all + t.all,
        });
        let (name, most) = counts.into_iter().max_by_key(|(_, t)| t.unhealthy)?;
        let nearly_all = most.unhealthy * 10 >= all.unhealthy * 8;
        let of_few = most.all * 10 <= all.all * 6;
        (nearly_all && of_few)
            .then(|| format!("{} of those {} have {common} {name}", most.unhealthy, all.unhealthy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_800_000_000_000);

    fn id(n: u32) -> Ec2Id {
        format!("i-{n:017x}").parse().unwrap()
    }

    /// Members 0.. in three zones, the even ones of an older version.
    fn members(n: u32) -> BTreeMap<Ec2Id, Member> {
        let one = |n: u32| Member {
            zone: Arc::from(["a", "b", "c"][n as usize % 3]),
            subnet: Arc::from(""),
            version: Arc::from(if n.is_multiple_of(2) { "old" } else { "new" }),
        };
        (0..n).map(|n| (id(n), one(n))).collect()
    }

    fn valve() -> Valve {
        Valve::new(ValveSpec::default())
    }

    #[test]
    fn one_is_never_too_many_and_more_than_a_fifth_is() {
        let turn = |all, sick: u32| valve().look(&members(all), (0..sick).map(id), NOW);
        assert_eq!(turn(2, 1), None);
        assert_eq!(turn(30, 6), None);
        assert!(matches!(turn(30, 7), Some(Turn::Shut { .. })));
    }

    #[test]
    fn a_zone_is_enough_and_is_named() {
        let in_zone_a = [0, 3, 6].map(id);
        let mut valve = valve();
        let Some(Turn::Shut { why }) = valve.look(&members(30), in_zone_a.into_iter(), NOW) else {
            panic!("3 of 10 in a zone");
        };
        assert_eq!(why, "3 of 30 members are called unhealthy, 3 of 10 in zone a; 3 of those 3 have zone a");
    }

    #[test]
    fn a_launch_version_in_common_is_named() {
        let even = (0..30).filter(|n| n % 2 == 0).map(id);
        let Some(Turn::Shut { why }) = valve().look(&members(30), even, NOW) else { panic!("half of them") };
        assert!(why.ends_with("15 of those 15 have launch version old"), "{why}");
    }

    #[test]
    fn it_opens_by_itself_at_half_the_share_once_reports_are_old() {
        let (mut valve, all) = (valve(), members(30));
        let at = |s| NOW.plus(Duration::from_secs(s));
        assert!(valve.look(&all, (0..18).map(id), at(0)).is_some());
        // One more is no second alarm, and 5 of 30 are fewer than a fifth and more than a tenth.
        assert_eq!(valve.look(&all, (0..20).map(id), at(15)), None);
        assert_eq!(valve.look(&all, (0..5).map(id), at(316)), None);
        assert!(valve.shut().is_some());
        assert_eq!(valve.look(&all, std::iter::once(id(0)), at(617)), Some(Turn::Opened));
        assert_eq!(valve.shut(), None);
    }

    /// Seed 17 of D11: 7 of the 67 in one zone were dead, more than half of what shuts it.
    #[test]
    fn the_dead_alone_do_not_keep_it_shut() {
        let (mut valve, all) = (valve(), members(30));
        let at = |s| NOW.plus(Duration::from_secs(s));
        let dead = || (0..4).map(id);
        valve.look(&all, (0..18).map(id), at(0));
        let opened = (1..=100).map(|n| n * 15).find(|s| valve.look(&all, dead(), at(*s)).is_some());
        assert_eq!(opened, Some(600), "a window until the others are forgotten, and one below the share");
        // Past the share again, it waits for another window.
        valve.look(&all, (0..18).map(id), at(615));
        assert!(valve.shut().is_some());
        assert_eq!(valve.look(&all, dead(), at(1_200)), None);
        valve.look(&all, (0..18).map(id), at(1_215));
        assert_eq!(valve.look(&all, dead(), at(1_520)), None);
        assert!(valve.shut().is_some());
    }

    #[test]
    fn who_has_left_does_not_count() {
        let (mut valve, all) = (valve(), members(30));
        valve.look(&all, (0..6).map(id), NOW);
        let rest: BTreeMap<_, _> = all.into_iter().skip(6).collect();
        assert_eq!(valve.look(&rest, (6..9).map(id), NOW), None, "three of 24, and not nine of 30");
    }
}
