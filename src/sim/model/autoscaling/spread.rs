//! Where a group launches: in the zone with the fewest, and elsewhere if there is no capacity.

use std::collections::BTreeMap;

use super::super::ec2::call::{RunInstances, TemplateRef};
use super::super::ec2::error::ApiError as Ec2Error;
use super::books::Now;
use super::call::Source;
use super::config::Subnet;
use super::group::Group;
use super::words::{LifecycleState, TerminationPolicy};

/// What is to be launched, and why.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) count: u32,
    pub(super) state: LifecycleState,
    pub(super) cause: &'a str,
    /// Beyond the desired capacity, to balance the zones.
    pub(super) extra: bool,
}

/// The zone with the fewest, the first by name of those.
pub(super) fn fewest<'a>(zones: impl Iterator<Item = (&'a String, &'a u32)>) -> Option<(String, u32)> {
    zones.min_by_key(|(zone, count)| (**count, (*zone).clone())).map(|(zone, count)| (zone.clone(), *count))
}

impl Group {
    /// Launches so many, balanced over the zones that have capacity; how many it got.
    pub(super) fn launch(&mut self, wanted: &Wanted<'_>, now: &mut Now<'_>) -> u32 {
        let mut zones = self.by_zone();
        self.leave_short_zones_out(&mut zones, now.ms);
        let mut left = wanted.count;
        while left > 0 && !zones.is_empty() {
            for (zone, share) in shares(&zones, left) {
                let launched = self.launch_in(&zone, &Wanted { count: share, ..*wanted }, now);
                left -= launched;
                if launched < share {
                    zones.remove(&zone);
                } else if let Some(count) = zones.get_mut(&zone) {
                    *count += launched;
                }
            }
        }
        wanted.count - left
    }

    /// A zone that had no capacity a moment ago is asked again only if all had none.
    fn leave_short_zones_out(&mut self, zones: &mut BTreeMap<String, u32>, now_ms: i64) {
        self.short.retain(|_, until| *until > now_ms);
        if zones.keys().any(|zone| !self.short.contains_key(zone)) {
            zones.retain(|zone, _| !self.short.contains_key(zone));
        }
    }

    /// Launches in one zone, in as many of its subnets and types as it takes; how many it got.
    pub(super) fn launch_in(&mut self, zone: &str, wanted: &Wanted<'_>, now: &mut Now<'_>) -> u32 {
        let places: Vec<Subnet> = self.config.subnets.iter().filter(|s| s.zone == zone).cloned().collect();
        let types = self.types();
        let (mut left, mut why) = (wanted.count, None);
        for place in &places {
            for kind in &types {
                if left == 0 {
                    break;
                }
                match self.launch_at(place, kind.as_deref(), left, now) {
                    Ok(ordinals) => {
                        left -= u32::try_from(ordinals.len()).unwrap_or(left).min(left);
                        self.adopt(&ordinals, wanted, now);
                    }
                    Err(error) => why = Some((place.id.clone(), error.message)),
                }
            }
        }
        if left > 0 {
            let until = now.ms + i64::from(now.books.set().zone_memory_ms);
            self.short.insert(zone.into(), until);
            let (subnet, why) = why.unwrap_or_else(|| {
                let place = places.first().map_or_else(String::new, |p| p.id.clone());
                (place, format!("We currently do not have sufficient capacity in {zone}."))
            });
            self.not_launched(zone, &subnet, wanted.cause, &why, now);
        }
        wanted.count - left
    }

    /// The types the group launches, the first first; none: what its source says.
    pub(super) fn types(&self) -> Vec<Option<String>> {
        let named = self.config.instance_types.iter().cloned().map(Some);
        if self.config.instance_types.is_empty() { vec![None] } else { named.collect() }
    }

    /// One launch in one pool: the ordinals of what was launched.
    pub(super) fn launch_at(
        &self,
        place: &Subnet,
        kind: Option<&str>,
        count: u32,
        now: &mut Now<'_>,
    ) -> Result<Vec<u32>, Ec2Error> {
        let propagated = self.tags.iter().filter(|(_, (_, propagates))| *propagates);
        let mut tags: BTreeMap<String, String> =
            propagated.map(|(key, (value, _))| (key.clone(), value.clone())).collect();
        tags.insert("aws:autoscaling:groupName".into(), self.name.to_string());
        let (template, image) = match &self.config.source {
            Some(Source::Template { id, name, version }) => {
                let (id, name, version) = (id.clone(), name.clone(), version.clone());
                (Some(Box::new(TemplateRef { id, name, version })), None)
            }
            // A launch configuration is not known here; any image will do to be shown.
            Some(Source::Configuration(_)) | None => (None, Some("ami-0123456789abcdef0".into())),
        };
        let call = RunInstances {
            min_count: 1,
            max_count: count,
            subnet: Some(place.id.clone()),
            instance_type: kind.map(str::to_string),
            template,
            image,
            tags,
            ..RunInstances::default()
        };
        if now.books.set().switches.launches_draw_on_run_instances {
            now.ec2.pay_for_group(count, now.ms)?;
        }
        let ids = now.ec2.launch_for_group(&call, now.ms)?;
        Ok(ids.iter().filter_map(|id| now.ec2.ordinal_of(id)).collect())
    }
}

/// So many, each given to the zone that has the fewest then.
fn shares(zones: &BTreeMap<String, u32>, count: u32) -> BTreeMap<String, u32> {
    let mut filled = zones.clone();
    for _ in 0..count {
        let Some((zone, _)) = fewest(filled.iter()) else { break };
        filled.entry(zone).and_modify(|n| *n += 1);
    }
    let given =
        filled.into_iter().map(|(zone, n)| (zone.clone(), n - zones.get(&zone).copied().unwrap_or(0)));
    given.filter(|(_, n)| *n > 0).collect()
}

impl TerminationPolicy {
    /// Greater for those that go first.
    pub(super) fn age(self, launched_ms: i64) -> i64 {
        match self {
            TerminationPolicy::NewestInstance => launched_ms,
            TerminationPolicy::Default
            | TerminationPolicy::OldestInstance
            | TerminationPolicy::OldestLaunchConfiguration
            | TerminationPolicy::OldestLaunchTemplate
            | TerminationPolicy::ClosestToNextInstanceHour
            | TerminationPolicy::AllocationStrategy => -launched_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launches_level_the_zones() {
        let zones = |n: [u32; 3]| -> BTreeMap<String, u32> {
            ["a", "b", "c"].into_iter().map(String::from).zip(n).collect()
        };
        assert_eq!(shares(&zones([0, 0, 0]), 7), zones([3, 2, 2]));
        assert_eq!(
            shares(&zones([5, 1, 0]), 4).into_iter().collect::<Vec<_>>(),
            [("b".to_string(), 2), ("c".to_string(), 2)]
        );
        assert!(shares(&BTreeMap::new(), 3).is_empty());
    }
}
