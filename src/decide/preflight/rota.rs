//! What is looked at when: each look on a beat of its own, all of them out of one small budget.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::look::Look;
use super::quota::Quota;
use crate::decide::group::Group;
use crate::decide::words::Time;

/// Quotas change by a request to AWS that people wait for; a launch template when somebody deletes a version.
const SELDOM: Duration = Duration::from_secs(600);
/// An instance type stays what it is.
const ONCE_A_DAY: Duration = Duration::from_secs(86_400);
/// Pause before a look that was throttled or not answered is tried again. The budget makes it longer while
/// nothing is answered.
const AFTER_FAILURE: Duration = Duration::from_secs(10);
/// Most types in one `DescribeInstanceTypes`.
const MOST_TYPES: usize = 100;
/// Most ids in one `DescribeSubnets`: as many as a filter may have values (aws-facts 2.5).
const MOST_SUBNETS: usize = 200;

/// One look, again and again.
#[derive(Debug)]
struct Beat {
    /// What each round begins with.
    first: Look,
    /// What is asked next in this round.
    next: Look,
    every: Duration,
    due: Time,
    out: bool,
    /// When this round began.
    began: Time,
}

/// Every look that the groups need.
#[derive(Debug, Default)]
pub struct Rota(Vec<Beat>);

impl Rota {
    /// What these groups need, once each. `often`: how old counts may become.
    #[must_use]
    pub fn new(groups: &[Arc<Group>], often: Duration) -> Rota {
        let mut types = BTreeSet::new();
        let mut subnets = BTreeSet::new();
        let mut zones: BTreeSet<Arc<str>> = BTreeSet::new();
        let mut targets: BTreeSet<Arc<str>> = BTreeSet::new();
        let mut templates: BTreeSet<(Arc<str>, Arc<str>)> = BTreeSet::new();
        for g in groups {
            types.insert(g.launch.instance_type.clone());
            for pool in &g.launch.pools {
                subnets.insert(pool.subnet.clone());
                zones.insert(Arc::from(pool.zone.as_str()));
            }
            targets.extend(g.bounds.target_groups.iter().cloned());
            templates.extend(
                g.launch.template.iter().map(|t| (Arc::from(t.id.as_str()), Arc::from(t.version.as_str()))),
            );
        }
        let vcpus: BTreeSet<Quota> = types.iter().filter_map(|t| Quota::of_type(t)).collect();
        let mut quotas = vcpus.clone();
        if !groups.is_empty() {
            quotas.insert(Quota::Interfaces);
        }
        if !targets.is_empty() {
            quotas.insert(Quota::Targets);
        }
        let chunks = |all: BTreeSet<String>, most: usize| -> Vec<Arc<[String]>> {
            // An empty type is one that the launch template names: there is nothing to ask about.
            let all: Vec<String> = all.into_iter().filter(|s| !s.is_empty()).collect();
            all.chunks(most).map(Arc::from).collect()
        };
        let beat = |first: Look, every| Beat {
            next: first.clone(),
            first,
            every,
            due: Time(0),
            out: false,
            began: Time(0),
        };
        // In the order in which a start asks: what binds most often first.
        let mut beats = Vec::new();
        beats.extend(quotas.iter().map(|q| beat(Look::Quota(*q), SELDOM)));
        beats.extend(chunks(types, MOST_TYPES).into_iter().map(|t| beat(Look::Types(t), ONCE_A_DAY)));
        beats.extend(chunks(subnets, MOST_SUBNETS).into_iter().map(|s| beat(Look::Subnets(s), often)));
        beats.extend(vcpus.iter().map(|q| beat(Look::Usage(*q), often)));
        beats.extend(targets.into_iter().map(|t| beat(Look::Targets(t), often)));
        beats.extend(
            zones.into_iter().map(|zone| beat(Look::Interfaces { zone, page: None, counted: 0 }, often)),
        );
        beats.extend(templates.into_iter().map(|(id, version)| beat(Look::Template { id, version }, SELDOM)));
        Rota(beats)
    }

    /// When the next look is due.
    #[must_use]
    pub fn next(&self) -> Time {
        self.0.iter().filter(|b| !b.out).map(|b| b.due).min().unwrap_or(Time::NEVER)
    }

    /// The look that is most overdue, if one is due: it goes out now.
    pub fn take(&mut self, now: Time) -> Option<Look> {
        let due = self.0.iter_mut().filter(|b| !b.out && b.due <= now).min_by_key(|b| b.due)?;
        due.out = true;
        if due.next == due.first {
            due.began = now;
        }
        Some(due.next.clone())
    }

    /// It was answered; when its round began. `next` goes on with it.
    pub fn answered(&mut self, look: &Look, next: Option<Look>, now: Time) -> Option<Time> {
        let beat = self.0.iter_mut().find(|b| b.out && b.next == *look)?;
        beat.out = false;
        beat.due = if next.is_some() { now } else { now.plus(beat.every) };
        beat.next = next.unwrap_or_else(|| beat.first.clone());
        Some(beat.began)
    }

    /// It was not: its round begins anew, soon, or when it would have been due if AWS will not show it.
    pub fn failed(&mut self, look: &Look, refused: bool, now: Time) {
        let Some(beat) = self.0.iter_mut().find(|b| b.out && b.next == *look) else { return };
        beat.out = false;
        beat.next = beat.first.clone();
        beat.due = now.plus(if refused { beat.every.max(SELDOM) } else { AFTER_FAILURE });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::tests::world::group;

    const OFTEN: Duration = Duration::from_secs(60);

    fn rota() -> Rota {
        // Two groups in the same place need one picture.
        Rota::new(&[Arc::new(group("web")), Arc::new(group("api"))], OFTEN)
    }

    #[test]
    fn everything_is_looked_at_once_a_beat() {
        let (mut rota, now) = (rota(), Time(1_000_000));
        let mut taken = Vec::new();
        while let Some(look) = rota.take(now) {
            taken.push(look);
        }
        let quotas = taken.iter().filter(|l| matches!(l, Look::Quota(_))).count();
        let zones = taken.iter().filter(|l| matches!(l, Look::Interfaces { .. })).count();
        assert_eq!((quotas, zones, taken.len()), (2, 3, 8), "{taken:?}");
        assert_eq!(rota.next(), Time::NEVER, "all of them are out");
        for look in &taken {
            assert_eq!(rota.answered(look, None, now), Some(now));
        }
        assert_eq!(rota.next(), now.plus(OFTEN));
        assert_eq!(rota.take(now), None);
    }

    #[test]
    fn a_page_is_followed_by_the_next_and_a_failure_begins_the_round_anew() {
        let (mut rota, now) = (rota(), Time(1_000_000));
        let all: Vec<Look> = std::iter::from_fn(|| rota.take(now)).collect();
        let first = all.iter().find(|l| matches!(l, Look::Interfaces { .. })).unwrap().clone();
        let Look::Interfaces { zone, .. } = first.clone() else { panic!("not looked at") };
        let second = Look::Interfaces { zone, page: Some("2".into()), counted: 1_000 };
        rota.answered(&first, Some(second.clone()), now);
        let later = now.plus(Duration::from_secs(1));
        assert_eq!(rota.take(later), Some(second.clone()));
        rota.failed(&second, false, later);
        assert_eq!(rota.take(later), None);
        assert_eq!(rota.take(later.plus(AFTER_FAILURE)), Some(first));
    }
}
