//! Each limit against what is in use: AWS's number, less those of ours that it counts already, plus all of
//! ours that exist, may exist or were promised.
//!
//! A limit of which some number was never seen binds nothing, and is named as unknown.

use std::collections::BTreeMap;

use super::look::Subject;
use super::picture::Fact;
use super::quota::Quota;
use super::verdict::{Bound, Limit, QuotaAsk};
use crate::decide::Core;
use crate::decide::guard::pools::eligible;
use crate::decide::words::Time;

/// Subnets or zones that are named one by one; of more, their number.
const NAMED: usize = 4;

/// What is known of all limits of one group.
#[derive(Debug, Default)]
pub struct Known {
    pub bounds: Vec<Bound>,
    pub unknown: Vec<String>,
    /// When the oldest of the numbers that change by themselves was seen.
    pub oldest: Option<Time>,
}

impl Known {
    /// A number that changes by itself was used.
    fn counted(&mut self, fact: &Fact) {
        self.oldest = Some(self.oldest.map_or(fact.seen_at, |at| at.min(fact.seen_at)));
    }
}

/// What is asked: so many more of this group.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub group: usize,
    pub count: u32,
    pub now: Time,
}

impl Core {
    /// Every limit that a request meets.
    pub(super) fn limits(&self, asked: Asked) -> Known {
        let mut known = Known::default();
        self.group_max(asked, &mut known);
        self.ceilings(asked, &mut known);
        self.template(asked, &mut known);
        self.vcpus(asked, &mut known);
        self.places(asked, &mut known);
        self.targets(asked, &mut known);
        known.bounds.sort_by_key(|b| b.fits);
        known
    }

    /// A group's maximum, and the places under it that are taken or promised. Whoever is kept in quarantine makes
    /// room.
    fn held(&self, asked: Asked) -> (u32, u32) {
        let g = &self.ledger.groups[asked.group];
        let (max, live) =
            if g.spec.asg.is_some() { self.occupied(asked.group) } else { (g.spec.max, g.taken) };
        (max, live.saturating_add(g.queued).saturating_sub(self.gives_way(asked.group, asked.now)))
    }

    fn group_max(&self, asked: Asked, known: &mut Known) {
        let (max, held) = self.held(asked);
        let name = &self.ledger.groups[asked.group].spec.name;
        let fits = max.saturating_sub(held);
        known.bounds.push(Bound {
            limit: Limit::GroupMax,
            subject: name.clone(),
            number: max.into(),
            taken: held.into(),
            each: 1,
            fits,
            text: format!(
                "group '{name}' may have {max}, and {held} are live, pending or asked for: room for {fits}"
            ),
            source: "the configuration and muster's own books".into(),
            age_s: None,
            ask: None,
        });
    }

    fn ceilings(&self, asked: Asked, known: &mut Known) {
        let (_, held) = self.held(asked);
        for ceiling in &self.ledger.groups[asked.group].spec.bounds.ceilings {
            let (name, most) = (&ceiling.name, ceiling.most);
            let fits = most.saturating_sub(held);
            known.bounds.push(Bound {
                limit: Limit::Ceiling,
                subject: name.clone(),
                number: most.into(),
                taken: held.into(),
                each: 1,
                fits,
                text: format!("{name} is enough for {most}, and {held} take it: room for {fits}"),
                source: "the configuration".into(),
                age_s: None,
                ask: None,
            });
        }
    }

    /// Without it every launch is refused.
    fn template(&self, asked: Asked, known: &mut Known) {
        let Some(t) = &self.ledger.groups[asked.group].spec.launch.template else { return };
        let subject = Subject::Template(format!("{} {}", t.id, t.version));
        let Some(fact) = self.preflight.picture.get(&subject) else {
            known.unknown.push(format!("launch template {}, version {}", t.id, t.version));
            return;
        };
        if fact.value == 0 {
            known.bounds.push(Bound {
                limit: Limit::LaunchTemplate,
                subject: t.id.clone(),
                number: 0,
                taken: 0,
                each: 1,
                fits: 0,
                text: format!("launch template {} has no version {}", t.id, t.version),
                source: "DescribeLaunchTemplateVersions".into(),
                age_s: Some(asked.now.since(fact.seen_at).as_secs()),
                ask: None,
            });
        }
    }

    /// The account's vCPUs: of all groups whose types the same quota counts.
    fn vcpus(&self, asked: Asked, known: &mut Known) {
        let Some(kind) = self.ledger.groups[asked.group].spec.instance_type() else {
            known.unknown.push("the instance type, which only the group's own launch template names".into());
            return;
        };
        let Some(quota) = Quota::of_type(kind) else {
            known.unknown.push(format!("which quota counts the vCPUs of {kind}"));
            return;
        };
        let each = self.vcpus_of(kind);
        let usage = self.fact(&Subject::Usage(quota));
        // More than AWS's default is in use: the account has another value, which it was not told.
        let wrong = |limit: &Fact| limit.is_default && usage.is_some_and(|usage| usage.value > limit.value);
        let limit = self.fact(&Subject::Quota(quota)).filter(|limit| !wrong(limit));
        let (Some(each), Some(limit), Some(usage)) = (each, limit, usage) else {
            for (seen, what) in [
                (each.is_some(), format!("the vCPUs of {kind}")),
                (limit.is_some(), format!("quota {quota}")),
                (usage.is_some(), format!("how many {} are in use", quota.title())),
            ] {
                if !seen {
                    known.unknown.push(what);
                }
            }
            return;
        };
        known.counted(&usage);
        let of_group = |group: usize| {
            let g = &self.ledger.groups[group];
            let kind = g.spec.instance_type().filter(|k| Quota::of_type(k) == Some(quota))?;
            Some(i64::from(g.taken + g.queued) * i64::from(self.vcpus_of(kind)?))
        };
        let ours: i64 = (0..self.ledger.groups.len()).filter_map(of_group).sum();
        let taken = (usage.value - i64::from(usage.ours)).max(0) + ours;
        let fits = more((limit.value - taken) / i64::from(each.max(1)));
        let missing = i64::from(asked.count.saturating_sub(fits)) * i64::from(each);
        let default = if limit.is_default { " (AWS's default)" } else { "" };
        known.bounds.push(Bound {
            limit: Limit::Vcpus,
            subject: quota.to_string(),
            number: limit.value,
            taken,
            each,
            fits,
            text: format!(
                "quota {quota} allows {} {}{default}, {taken} are taken, and {kind} has {each}: room for {fits}",
                limit.value,
                quota.title()
            ),
            source: "Service Quotas, AWS/Usage and muster's own books".into(),
            age_s: Some(asked.now.since(usage.seen_at).as_secs()),
            ask: ask(quota, limit.value, missing),
        });
    }

    /// Addresses and interfaces: in each zone the lesser of the two. More interfaces are asked for only where it is
    /// them that are missing.
    fn places(&self, asked: Asked, known: &mut Known) {
        let g = &self.ledger.groups[asked.group];
        let percents = self.percents(asked.group);
        let mut subnets: BTreeMap<&str, &str> = BTreeMap::new();
        for (pool, percent) in g.spec.launch.pools.iter().zip(&percents) {
            if eligible(pool, *percent) {
                subnets.insert(&pool.subnet, &pool.zone);
            }
        }
        let Some(promised) = self.promised(asked.group, &subnets) else { return };
        let quota = self.fact(&Subject::Quota(Quota::Interfaces));
        if quota.is_none() {
            known.unknown.push(format!("quota {}", Quota::Interfaces));
        }
        let mut free: BTreeMap<&str, Option<i64>> = BTreeMap::new();
        let mut addresses = Room::default();
        for (subnet, zone) in &subnets {
            let fact = self.fact(&Subject::Subnet((*subnet).into()));
            let left = fact.map(|f| f.value + i64::from(f.ours) - self.ours_in(|p| p.subnet == *subnet));
            if let Some((fact, left)) = fact.zip(left) {
                known.counted(&fact);
                addresses.see(left, fact.seen_at);
            } else {
                addresses.unknown = true;
                known.unknown.push(format!("free addresses of {subnet}"));
            }
            let in_zone = free.entry(zone).or_insert(Some(0));
            *in_zone = in_zone.zip(left).map(|(sum, left)| sum + left.max(0));
        }
        if !addresses.unknown {
            let fits = more(addresses.left - promised);
            known.bounds.push(Bound {
                limit: Limit::Addresses,
                subject: named(subnets.keys().copied(), "subnets"),
                number: addresses.left,
                taken: promised,
                each: 1,
                fits,
                text: format!(
                    "{} {} {} addresses, and {promised} are promised: room for {fits}",
                    named(subnets.keys().copied(), "subnets"),
                    if subnets.len() == 1 { "has" } else { "have" },
                    addresses.left,
                ),
                source: "DescribeSubnets and muster's own books".into(),
                age_s: addresses.age_s(asked.now),
                ask: None,
            });
        }
        let Some(quota) = quota else { return };
        let mut interfaces = Room::default();
        let mut more_would_help = false;
        for (zone, addresses) in &free {
            let Some(fact) = self.fact(&Subject::Interfaces((*zone).into())) else {
                interfaces.unknown = true;
                known.unknown.push(format!("network interfaces in {zone}"));
                continue;
            };
            known.counted(&fact);
            let left = quota.value - fact.value + i64::from(fact.ours) - self.ours_in(|p| p.zone == *zone);
            more_would_help |= addresses.is_none_or(|a| left < a);
            interfaces.see(addresses.map_or(left, |a| left.min(a)), fact.seen_at);
        }
        if interfaces.unknown {
            return;
        }
        let fits = more(interfaces.left - promised);
        // Spread evenly, rounded up.
        let zones = i64::try_from(free.len().max(1)).unwrap_or(i64::MAX);
        let missing = (i64::from(asked.count.saturating_sub(fits)) + zones - 1) / zones;
        let zones = named(free.keys().copied(), "zones");
        known.bounds.push(Bound {
            limit: Limit::Interfaces,
            subject: Quota::Interfaces.to_string(),
            number: quota.value,
            taken: promised,
            each: 1,
            fits,
            text: format!(
                "quota {} allows {} network interfaces in each zone; with their subnets {zones} can take {}, and \
                 {promised} are promised: room for {fits}",
                Quota::Interfaces,
                quota.value,
                interfaces.left
            ),
            source: "Service Quotas, DescribeNetworkInterfaces and muster's own books".into(),
            age_s: interfaces.age_s(asked.now),
            ask: ask(Quota::Interfaces, quota.value, missing).filter(|_| more_would_help),
        });
    }

    /// Places in these subnets that are promised and not given yet: of every group that may launch there, and
    /// what its Auto Scaling group launched somewhere since they were looked at. None without subnets.
    fn promised(&self, group: usize, subnets: &BTreeMap<&str, &str>) -> Option<i64> {
        let since = subnets.keys().filter_map(|s| self.fact(&Subject::Subnet((*s).into()))).map(|f| f.as_of);
        let since = since.min().unwrap_or(Time(0));
        if subnets.is_empty() {
            return None;
        }
        let shares = |g: usize| {
            g == group
                || self.ledger.groups[g].spec.launch.pools.iter().any(|p| subnets.contains_key(&*p.subnet))
        };
        let groups = (0..self.ledger.groups.len()).filter(|g| shares(*g));
        Some(
            groups
                .map(|g| i64::from(self.ledger.groups[g].queued) + i64::from(self.somewhere(g, since)))
                .sum(),
        )
    }

    /// Instances of a group that somebody else launched since then, nobody knows in which subnet.
    fn somewhere(&self, group: usize, since: Time) -> u32 {
        let g = &self.ledger.groups[group];
        if g.per_pool.iter().sum::<u32>() == g.taken {
            return 0;
        }
        let open = self.ledger.scale_ups.values().filter(|s| s.group == group).flat_map(|s| &s.slots);
        let new = open.filter(|s| s.pool == u16::MAX && s.phase.occupies() && s.launched_at > since);
        u32::try_from(new.count()).unwrap_or(u32::MAX)
    }

    /// Places taken in the pools of all groups that `of` says yes to.
    fn ours_in(&self, of: impl Fn(&crate::decide::group::Pool) -> bool) -> i64 {
        let groups = self.ledger.groups.iter();
        let pools = groups.flat_map(|g| g.spec.launch.pools.iter().zip(&g.per_pool));
        pools.filter(|(pool, _)| of(pool)).map(|(_, n)| i64::from(*n)).sum()
    }

    fn targets(&self, asked: Asked, known: &mut Known) {
        let arns = &self.ledger.groups[asked.group].spec.bounds.target_groups;
        let quota = self.fact(&Subject::Quota(Quota::Targets));
        if quota.is_none() && !arns.is_empty() {
            known.unknown.push(format!("quota {}", Quota::Targets));
        }
        for arn in arns {
            let Some(fact) = self.fact(&Subject::Targets(arn.to_string())) else {
                known.unknown.push(format!("targets of {arn}"));
                continue;
            };
            let Some(quota) = quota else { continue };
            known.counted(&fact);
            let groups = self.ledger.groups.iter().filter(|g| g.spec.bounds.target_groups.contains(arn));
            let ours: i64 = groups.map(|g| i64::from(g.taken + g.queued)).sum();
            let taken = (fact.value - i64::from(fact.ours)).max(0) + ours;
            let fits = more(quota.value - taken);
            let missing = i64::from(asked.count.saturating_sub(fits));
            known.bounds.push(Bound {
                limit: Limit::Targets,
                subject: arn.to_string(),
                number: quota.value,
                taken,
                each: 1,
                fits,
                text: format!(
                    "quota {} allows {} targets in a target group, and {taken} are or will be in {}: room for {fits}",
                    Quota::Targets,
                    quota.value,
                    short_of(arn)
                ),
                source: "Service Quotas, DescribeTargetHealth and muster's own books".into(),
                age_s: Some(asked.now.since(fact.seen_at).as_secs()),
                ask: ask(Quota::Targets, quota.value, missing),
            });
        }
    }

    fn fact(&self, subject: &Subject) -> Option<Fact> {
        self.preflight.picture.get(subject).copied()
    }

    fn vcpus_of(&self, kind: &str) -> Option<u32> {
        let fact = self.fact(&Subject::Vcpus(kind.into()))?;
        u32::try_from(fact.value).ok().filter(|n| *n > 0)
    }

    /// Of our instances (of a quota of vCPUs: of our vCPUs) those that AWS's number of this subject, as of
    /// then, counts.
    pub(super) fn counted_by_aws(&self, subject: &Subject, as_of: Time) -> u32 {
        let mut n = 0;
        let vcpus: Vec<Option<(Quota, u32)>> = self
            .ledger
            .groups
            .iter()
            .map(|g| {
                let kind = g.spec.instance_type()?;
                Some((Quota::of_type(kind)?, self.vcpus_of(kind)?))
            })
            .collect();
        let mut add = |group: usize, pool: u16, launched: Time, running: Time, served: Option<Time>| {
            let spec = &self.ledger.groups[group].spec;
            let pool = spec.launch.pools.get(usize::from(pool));
            n += match subject {
                Subject::Usage(quota) if running <= as_of => {
                    vcpus[group].filter(|(q, _)| q == quota).map_or(0, |(_, each)| each)
                }
                Subject::Subnet(id) => u32::from(launched <= as_of && pool.is_some_and(|p| p.subnet == *id)),
                Subject::Interfaces(zone) => {
                    u32::from(launched <= as_of && pool.is_some_and(|p| p.zone == *zone))
                }
                Subject::Targets(arn) => {
                    let registered = served.is_some_and(|at| at <= as_of);
                    u32::from(registered && spec.bounds.target_groups.iter().any(|a| **a == **arn))
                }
                Subject::Usage(_) | Subject::Quota(_) | Subject::Vcpus(_) | Subject::Template(_) => 0,
            };
        };
        for s in self.ledger.scale_ups.values() {
            for slot in s.slots.iter().filter(|s| s.id.is_some() && s.phase.is_unready()) {
                add(s.group, slot.pool, slot.launched_at, slot.running_at, None);
            }
        }
        for s in self.ledger.serving.values() {
            // It was launched before it ran.
            add(s.group, s.pool, s.running_at, s.running_at, Some(s.since));
        }
        // Whoever is in quarantine exists, and is in no target group.
        for s in self.ledger.aside.values() {
            add(s.group, s.pool, s.running_at, s.running_at, None);
        }
        n
    }
}

/// What is left in several places.
#[derive(Debug, Default)]
struct Room {
    left: i64,
    seen_at: Option<Time>,
    unknown: bool,
}

impl Room {
    fn see(&mut self, left: i64, seen_at: Time) {
        self.left += left.max(0);
        self.seen_at = Some(self.seen_at.map_or(seen_at, |at| at.min(seen_at)));
    }

    fn age_s(&self, now: Time) -> Option<u64> {
        self.seen_at.map(|at| now.since(at).as_secs())
    }
}

/// Instances that fit in so much room.
fn more(room: i64) -> u32 {
    u32::try_from(room.max(0)).unwrap_or(u32::MAX)
}

/// The increase that makes room for so much more; none if nothing is missing.
fn ask(quota: Quota, value: i64, missing: i64) -> Option<QuotaAsk> {
    (missing > 0).then(|| QuotaAsk {
        service: quota.service().into(),
        code: quota.as_str().into(),
        title: quota.title().into(),
        value: value + missing,
    })
}

fn named<'a>(names: impl Iterator<Item = &'a str> + Clone, what: &str) -> String {
    let n = names.clone().count();
    if n > NAMED { format!("{n} {what}") } else { names.collect::<Vec<_>>().join(", ") }
}

/// The name in an ARN such as `...:targetgroup/web/0123`.
fn short_of(arn: &str) -> &str {
    arn.split(":targetgroup/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or(arn)
}
