//! What one seed does: the world, what goes wrong with it and until when, and who asks for what.
//! Times are milliseconds from the beginning of the run.

use crate::decide;
use crate::decide::group::Group;
use crate::decide::order::Order;
use crate::decide::words::Time;
use crate::engine::crash::CrashPoint;
use crate::sim::model::Change;
use crate::sim::settings::{Range, Settings};

use super::mutant::Mutant;
use super::network::Network;
use super::world::World;

/// When every run begins, in muster's time: an arbitrary day in 2027.
pub const START: Time = Time(1_800_000_000_000);

/// Everything about one run. A run is a function of its plan.
#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    /// The simulated AWS as it really is.
    pub aws: Settings,
    /// What muster believes and may use.
    pub core: decide::Settings,
    pub groups: Vec<Group>,
    /// Their launch versions have been in service before: no canary.
    pub proven: bool,
    pub network: Network,
    /// Longest that muster waits for an answer from AWS.
    pub call_timeout_ms: u32,
    /// From a decision until it is durable.
    pub commit: Range,
    /// Percent of commits that stall for 5 s.
    pub stalls: f64,
    pub asks: Vec<Asked>,
    /// Those of them that are emergencies, by index.
    pub emergencies: Vec<usize>,
    /// Alarms that change a group's desired capacity.
    pub alarms: Vec<Alarm>,
    /// Those who want fewer.
    pub scale_ins: Vec<ScaleInAsked>,
    /// When the groups really have more than they need: from, to.
    pub idle: Vec<(u32, u32)>,
    /// Those who call instances unhealthy.
    pub reports: Vec<Report>,
    /// From when on the number of members in service is watched.
    pub watch_from_ms: Option<u32>,
    /// The story is not over before.
    pub lasts_ms: u32,
    /// Groups have a launch hook: whoever is launched waits for an answer.
    pub launch_hooks: bool,
    /// Groups have terminate hooks too.
    pub terminate_hooks: bool,
    pub cancels: Vec<Cancelled>,
    /// What people do, at their times: orders to muster, and whatever else they do to AWS themselves.
    pub deeds: Vec<(u32, Deed)>,
    /// What operators order and when, each until it is answered.
    pub orders: Vec<(u32, Order)>,
    /// Changes to the simulated AWS while it runs.
    pub changes: Vec<(u32, Change)>,
    pub kills: Kills,
    /// Pauses of the whole process (SIGSTOP), during which another takes over.
    pub pauses: Vec<Pause>,
    /// From the death of a process until the next one reads back what was committed.
    pub restart: Range,
    /// Faults end here: nothing is killed, lost or refused any more.
    pub heal_at_ms: u32,
    /// Everything must be settled by then.
    pub settled_by_ms: u32,
    /// Descriptors that muster may have open at once.
    pub descriptors: u32,
    /// Runs on the real store instead of a model of it.
    pub real_store: bool,
    /// Who decides.
    pub provisioner: Provisioner,
    /// AWS answers and nobody dies: no lifecycle action may time out.
    pub gentle: bool,
    /// What is expected of the first request is watched.
    pub watch_eta: bool,
    /// Breaks the protocol on purpose.
    pub mutant: Option<Mutant>,
}

/// Something that people do.
pub type Deed = fn(&mut World);

/// Who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provisioner {
    Muster,
    /// See [`super::naive`].
    Naive,
}

/// One scale-up, asked for until it is answered.
#[derive(Clone, Debug)]
pub struct Asked {
    pub at_ms: u32,
    /// Index into the groups.
    pub group: usize,
    pub count: u32,
    /// In service by then.
    pub by_ms: Option<u32>,
}

/// Somebody else's alarm: a scaling policy changes a group's desired capacity.
#[derive(Clone, Debug)]
pub struct Alarm {
    pub at_ms: u32,
    /// Index into the groups.
    pub group: usize,
    pub by: i64,
}

/// One scale-in, asked for until it is answered.
#[derive(Clone, Debug)]
pub struct ScaleInAsked {
    pub at_ms: u32,
    /// Index into the groups.
    pub group: usize,
    pub count: u32,
}

/// So many of those in service are called unhealthy by somebody else: all that do not serve, and others.
#[derive(Clone, Debug)]
pub struct Report {
    pub at_ms: u32,
    /// One after the other within so long.
    pub over_ms: u32,
    /// Those that serve are called healthy again after so long.
    pub for_ms: u32,
    /// Of those in service.
    pub percent: u32,
}

/// One cancellation, asked for once, if the scale-up was accepted by then.
#[derive(Clone, Debug)]
pub struct Cancelled {
    pub at_ms: u32,
    /// Index into the asks.
    pub ask: usize,
}

/// When processes die.
#[derive(Clone, Debug, Default)]
pub struct Kills {
    /// At these times.
    pub at_ms: Vec<u32>,
    /// Percent of all steps of the protocol at which the process dies.
    pub per_step: f64,
    /// The n-th time (from 1) that this step is reached in the whole run.
    pub at_step: Option<(CrashPoint, u32)>,
}

/// The process stops and goes on later; another has taken over meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Pause {
    pub at_ms: u32,
    pub for_ms: u32,
}
