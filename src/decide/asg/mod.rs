//! Auto Scaling groups: instances that a group launches are adopted, looked after like any others, and
//! let in by answering the group's lifecycle actions; those that break leave through the group.
//!
//! [`adopt`] gives an instance that nobody asked us for a place in the books and lets it in when it is
//! verified; [`leave`] takes broken ones out; [`raise`] has the group launch, and [`replaced`] knows when it does so by itself; [`sweep`] looks at the groups on a beat and finds what
//! notifications did not tell; [`room`] knows who occupies which place; [`seen`] has
//! AWS's words.

pub(in crate::decide) mod adopt;
mod leave;
mod raise;
mod replaced;
pub(in crate::decide) mod room;
pub mod seen;
mod sweep;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::event::CallError;
use super::group::{Group, Launches};
use super::hook::notice::Transition;
use super::view::AsgView;
use super::words::{Api, Ec2Id, ScaleUpSeq, Time};
use super::{Core, Now};
use leave::Leaving;
pub(in crate::decide) use raise::Raise;
pub use replaced::IN_ITS_STEAD;
use replaced::Shrunk;
pub(in crate::decide) use replaced::{ENDED_BY_GROUP, Replaced};
use seen::{HookSeen, MemberSeen};
pub(in crate::decide) use sweep::Sweeps;

/// The longest a lifecycle action can be drawn out (aws-facts 3.6): 48 h, or 100 heartbeats.
const GLOBAL: (Duration, u32) = (Duration::from_secs(172_800), 100);

/// What is known of one group's Auto Scaling group. Empty for a plain fleet.
#[derive(Debug, Default)]
pub(in crate::decide) struct AsgState {
    pub name: Option<Arc<str>>,
    /// As configured, until it is known from AWS.
    heartbeat: Duration,
    hooks: BTreeMap<String, HookSeen>,
    /// When its hooks were last described.
    hooks_seen_at: Option<Time>,
    /// When somebody last found that they may have changed since.
    hooks_doubted_at: Option<Time>,
    pub seen: Option<Seen>,
    /// Adopted instances get their places in this scale-up.
    adopting: Option<ScaleUpSeq>,
    pub leaving: Leaving,
    /// What is asked of us is launched by raising its desired capacity.
    pub raises_desired: bool,
    pub raises: Vec<Raise>,
    shrunk: Shrunk,
    /// Terminate calls that are out, each of which lowers its desired capacity, and when one was last answered.
    pub resizing: u32,
    pub resized_at: Time,
}

/// A group as it was last seen.
#[derive(Debug)]
pub(in crate::decide) struct Seen {
    pub at: Time,
    /// The question was sent no earlier.
    pub asked_at: Time,
    /// Something has happened that shows that it is not so any more.
    pub stale: bool,
    pub min: u32,
    pub max: u32,
    pub desired: u32,
    pub suspended: Vec<String>,
    pub members: BTreeMap<Ec2Id, MemberSeen>,
}

impl AsgState {
    pub fn new(group: &Group) -> AsgState {
        let asg = group.asg.as_ref();
        AsgState {
            name: asg.map(|a| a.name.clone()),
            heartbeat: asg.map_or(Duration::ZERO, |a| a.heartbeat),
            raises_desired: asg.is_some_and(|a| a.launches == Launches::Desired),
            ..AsgState::default()
        }
    }

    /// It had this hook when its hooks were last described.
    pub fn has_hook(&self, hook: &str) -> bool {
        self.hooks.contains_key(hook)
    }

    /// How long one heartbeat of this hook is good for.
    pub fn heartbeat(&self, hook: &str) -> Duration {
        self.hooks.get(hook).map_or(self.heartbeat, |h| h.heartbeat)
    }

    /// How long an action of this hook can be drawn out.
    pub fn global_timeout(&self, hook: &str) -> Duration {
        let known = self.hooks.get(hook).map(|h| h.global);
        known.unwrap_or_else(|| GLOBAL.0.min(self.heartbeat(hook) * GLOBAL.1))
    }

    /// The hooks that an instance waits for on its way.
    fn hooks_of(&self, transition: Transition) -> Vec<String> {
        self.hooks.values().filter(|h| h.transition == transition).map(|h| h.hook.clone()).collect()
    }

    /// Its instances wait on their way in until they are answered, as far as is known.
    pub fn asks_to_be_answered(&self) -> bool {
        self.name.is_some()
            && (self.hooks_seen_at.is_none() || !self.hooks_of(Transition::Launching).is_empty())
    }

    /// How long the most impatient of its launch hooks waits without a heartbeat.
    pub fn shortest_heartbeat(&self) -> Duration {
        let known = self.hooks.values().filter(|h| h.transition == Transition::Launching);
        known.map(|h| h.heartbeat).min().unwrap_or(self.heartbeat)
    }

    pub fn view(&self) -> Option<AsgView> {
        let name = self.name.as_ref()?;
        let seen = self.seen.as_ref();
        let mut members = BTreeMap::new();
        for m in seen.into_iter().flat_map(|s| s.members.values()) {
            *members.entry(m.lifecycle).or_default() += 1;
        }
        Some(AsgView {
            asg: name.to_string(),
            seen_at: seen.map(|s| s.at),
            min: seen.map(|s| s.min),
            max: seen.map(|s| s.max),
            desired: seen.map(|s| s.desired),
            suspended: seen.map(|s| s.suspended.clone()).unwrap_or_default(),
            members,
            hooks_open: 0,
        })
    }
}

impl Core {
    /// Books the answer to any call of Auto Scaling with the one budget they share.
    pub(in crate::decide) fn auto_answered(&mut self, error: Option<&CallError>, now: &mut Now) {
        let elsewhere = self.throttled_elsewhere(Api::AutoScaling);
        self.auto.answered(now.time, 0, error, elsewhere, &mut now.rng);
    }
}
