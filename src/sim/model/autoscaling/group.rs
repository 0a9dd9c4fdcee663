//! One group: what it should be, who is in it, and what it has planned.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::ec2::Ec2;
use super::activity::{Activity, ActivityNumber};
use super::agenda::Event;
use super::books::Now;
use super::call::LaunchInstances;
use super::config::Config;
use super::error::ApiError;
use super::hook::Hook;
use super::member::Member;
use super::notify::second;
use super::tally::Tally;
use super::view::{GroupView, InstanceView, LaunchError, Launched, TagView};
use super::warm::WarmPool;
use super::words::{ActivityStatus, LifecycleState, Process, Stage};

/// What a `LaunchInstances` did, for those that repeat it.
#[derive(Clone, Debug)]
pub(super) struct Used {
    pub(super) call: LaunchInstances,
    pub(super) launched: Vec<Launched>,
    pub(super) errors: Vec<LaunchError>,
}

/// What oracles look at: the most there ever was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Peaks {
    /// Coming and in service, beyond the maximum at that moment.
    pub(super) over_max: u32,
    /// Coming and in service.
    pub(super) counted: u32,
    /// Members in whatever state.
    pub(super) all: u32,
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: Arc<str>,
    pub(super) arn: Arc<str>,
    pub(super) created_ms: i64,
    pub(super) min: u32,
    pub(super) max: u32,
    pub(super) desired: u32,
    pub(super) config: Config,
    pub(super) suspended: BTreeSet<Process>,
    pub(super) hooks: BTreeMap<String, Hook>,
    /// By ordinal.
    pub(super) members: BTreeMap<u32, Member>,
    pub(super) tally: Tally,
    pub(super) peaks: Peaks,
    /// ARNs, and when they were attached.
    pub(super) target_groups: BTreeMap<String, i64>,
    /// Value, and whether instances get it.
    pub(super) tags: BTreeMap<String, (String, bool)>,
    pub(super) warm_pool: Option<WarmPool>,
    /// It goes when its last member has gone.
    pub(super) deleting: bool,
    /// When it scales next, if it has planned to.
    pub(super) scales_ms: Option<i64>,
    /// It has planned to look at its instances.
    pub(super) looks: bool,
    /// Launches nothing before, and the pause that led to it.
    pub(super) retry_ms: i64,
    pub(super) pause_ms: u32,
    /// Zones that had no capacity, and until when they are left out.
    pub(super) short: BTreeMap<String, i64>,
    /// When it mends the balance of its zones.
    pub(super) rebalances_ms: Option<i64>,
    /// So many beyond the desired capacity, to balance the zones.
    pub(super) extra: u32,
    /// When the last scaling activity began, for the cooldown.
    pub(super) scaled_ms: Option<i64>,
    /// By client token.
    pub(super) tokens: BTreeMap<String, Used>,
}

impl Group {
    pub(super) fn new(name: &str, arn: Arc<str>, config: Config, now_ms: i64) -> Group {
        Group {
            name: name.into(),
            arn,
            created_ms: now_ms,
            min: 0,
            max: 0,
            desired: 0,
            config,
            suspended: BTreeSet::new(),
            hooks: BTreeMap::new(),
            members: BTreeMap::new(),
            tally: Tally::default(),
            peaks: Peaks::default(),
            target_groups: BTreeMap::new(),
            tags: BTreeMap::new(),
            warm_pool: None,
            deleting: false,
            scales_ms: None,
            looks: false,
            retry_ms: i64::MIN,
            pause_ms: 0,
            short: BTreeMap::new(),
            rebalances_ms: None,
            extra: 0,
            scaled_ms: None,
            tokens: BTreeMap::new(),
        }
    }

    pub(super) fn does(&self, process: Process) -> bool {
        !self.suspended.contains(&process)
    }

    /// A new member.
    pub(super) fn join(&mut self, member: Member, now: &mut Now<'_>) {
        now.books.homes.insert(member.ordinal, self.name.clone());
        self.tally.add(member.stage());
        self.members.insert(member.ordinal, member);
        self.note_peaks();
        self.plan_look(now);
    }

    /// A member goes, without a word to EC2.
    pub(super) fn remove(&mut self, ordinal: u32, now: &mut Now<'_>) -> Option<Member> {
        let member = self.members.remove(&ordinal)?;
        self.tally.remove(member.stage());
        now.books.homes.remove(&ordinal);
        Some(member)
    }

    /// The only way to change a member's state: it keeps the tally and the agenda with it.
    pub(super) fn enter(
        &mut self,
        ordinal: u32,
        state: LifecycleState,
        until_ms: Option<i64>,
        now: &mut Now<'_>,
    ) {
        let Some(member) = self.members.get_mut(&ordinal) else { return };
        self.tally.remove(member.stage());
        (member.state, member.since_ms, member.until_ms) = (state, now.ms, until_ms);
        self.tally.add(member.stage());
        if let Some(at) = until_ms {
            now.books.agenda.plan(at, Event::Step(self.name.clone(), ordinal));
        }
        self.note_peaks();
    }

    pub(super) fn note_peaks(&mut self) {
        let (counted, peaks) = (self.tally.counted(), &mut self.peaks);
        peaks.over_max = peaks.over_max.max(counted.saturating_sub(self.max));
        peaks.counted = peaks.counted.max(counted);
        peaks.all = peaks.all.max(self.tally.all());
    }

    /// It acts on a difference a little later.
    pub(super) fn plan_scale_soon(&mut self, now: &mut Now<'_>) {
        let range = now.books.set().acts_after;
        let at = now.after(range);
        self.plan_scale(at, now);
    }

    /// It scales at that time, or before if that is planned already.
    pub(super) fn plan_scale(&mut self, at_ms: i64, now: &mut Now<'_>) {
        if self.scales_ms.is_none_or(|planned| at_ms < planned) {
            self.scales_ms = Some(at_ms);
            now.books.agenda.plan(at_ms, Event::Scale(self.name.clone()));
        }
    }

    pub(super) fn plan_look(&mut self, now: &mut Now<'_>) {
        if !self.looks && !self.members.is_empty() {
            self.looks = true;
            let at = now.ms + i64::from(now.books.set().health_check_ms);
            now.books.agenda.plan(at, Event::Look(self.name.clone()));
        }
    }

    /// Begins an activity about one instance; one about it that is not over is cancelled. `cause`
    /// goes on after the time.
    pub(super) fn begin(
        &mut self,
        what: &str,
        cause: &str,
        ordinal: u32,
        status: ActivityStatus,
        now: &mut Now<'_>,
    ) -> Option<ActivityNumber> {
        let member = self.members.get_mut(&ordinal)?;
        let number = now.books.uuid();
        let number = now.books.log.begin(Activity {
            id: number,
            group: self.name.clone(),
            group_arn: self.arn.clone(),
            description: format!("{what}: {}", now.ec2.id_of(ordinal)),
            cause: format!("At {} {cause}", second(now.ms)).into(),
            start_ms: now.ms,
            end_ms: None,
            status,
            message: None,
            zone: member.launch.zone.clone(),
            subnet: member.launch.subnet.clone(),
        });
        if let Some(before) = member.activity.replace(number) {
            now.books.log.enter(before, ActivityStatus::Cancelled, None, now.ms);
        }
        Some(number)
    }

    /// A member by its id.
    ///
    /// # Errors
    /// If there is no such instance in this group.
    pub(super) fn member(&self, id: &str, now: &Now<'_>) -> Result<&Member, ApiError> {
        let member = now.ec2.ordinal_of(id).and_then(|ordinal| self.members.get(&ordinal));
        member.ok_or_else(|| ApiError::not_a_member(id, &self.name))
    }

    /// Zones with the number of counted members in each, in order of their name.
    pub(super) fn by_zone(&self) -> BTreeMap<String, u32> {
        let mut counts: BTreeMap<String, u32> =
            self.config.subnets.iter().map(|s| (s.zone.clone(), 0)).collect();
        for member in self.members.values().filter(|m| m.state.counts()) {
            if let Some(count) = counts.get_mut(&member.launch.zone) {
                *count += 1;
            }
        }
        counts
    }

    pub(super) fn instance_view(&self, member: &Member, ec2: &Ec2) -> InstanceView {
        InstanceView {
            id: ec2.id_of(member.ordinal),
            group: self.name.clone(),
            instance_type: member.launch.instance_type.clone(),
            zone: member.launch.zone.clone(),
            state: member.state,
            health: member.health,
            protected: member.protected,
            source: self.config.source.clone(),
        }
    }

    pub(super) fn tag_views(&self) -> Vec<TagView> {
        let view = |(key, (value, propagates)): (&String, &(String, bool))| TagView {
            group: self.name.clone(),
            key: key.clone(),
            value: value.clone(),
            propagates: *propagates,
        };
        self.tags.iter().map(view).collect()
    }

    /// The group as it is shown: without those in its warm pool, which have a call of their own.
    pub(super) fn view(&self, with_instances: bool, ec2: &Ec2) -> GroupView {
        let is_shown = |m: &&Member| !matches!(m.stage(), Stage::Warm | Stage::LeavingWarm);
        let instances = with_instances
            .then(|| self.members.values().filter(is_shown).map(|m| self.instance_view(m, ec2)).collect());
        let config = &self.config;
        GroupView {
            name: self.name.clone(),
            arn: self.arn.to_string(),
            source: config.source.clone(),
            instance_types: config.instance_types.clone(),
            min: self.min,
            max: self.max,
            desired: self.desired,
            default_cooldown: config.default_cooldown,
            zones: self.by_zone().into_keys().collect(),
            subnets: if config.names_subnets {
                config.subnets.iter().map(|s| s.id.clone()).collect()
            } else {
                Vec::new()
            },
            target_groups: self.target_groups.keys().cloned().collect(),
            health_check_type: config.health_check_type.clone(),
            health_check_grace_period: config.health_check_grace_period,
            instances,
            created_ms: self.created_ms,
            suspended: self.suspended.iter().copied().collect(),
            deleting: self.deleting,
            tags: self.tag_views(),
            termination_policies: config.termination_policies.clone(),
            protects_new: config.protects_new,
            warm_pool: self.warm_pool.as_ref().map(WarmPool::view),
            warm_pool_size: self.tally.warm,
        }
    }
}
