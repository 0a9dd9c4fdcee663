//! One simulated instance: its state is computed from its fate and the time, never stepped.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::decide::words::named;

use super::super::super::fate::{Broken, Fate};
use super::call::StateReason;

named! {
    /// EC2's instance states, as far as the model goes.
    pub enum State {
        Pending = "pending",
        Running = "running",
        ShuttingDown = "shutting-down",
        Terminated = "terminated",
        Stopping = "stopping",
        Stopped = "stopped",
    }
}

impl State {
    /// EC2's number for it (aws-facts 2.6).
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            State::Pending => 0,
            State::Running => 16,
            State::ShuttingDown => 32,
            State::Terminated => 48,
            State::Stopping => 64,
            State::Stopped => 80,
        }
    }

    /// It exists, as far as an owner is concerned.
    #[must_use]
    pub fn is_live(self) -> bool {
        match self {
            State::Pending | State::Running | State::Stopping | State::Stopped => true,
            State::ShuttingDown | State::Terminated => false,
        }
    }
}

/// What the instances of one `RunInstances` call have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    pub reservation: String,
    pub token: Option<String>,
    pub subnet: String,
    pub zone: String,
    pub image: String,
    pub instance_type: String,
    pub key_name: Option<String>,
    pub launched_ms: i64,
    /// The ordinal of its first instance.
    pub first: u32,
}

/// What the agent was told last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Configured {
    pub(super) at_ms: i64,
    pub(super) slot: Option<Box<str>>,
    pub(super) attempt: Option<u32>,
}

/// What connecting to the agent leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Nobody is there, or it refuses: the connection is reset.
    Reset,
    /// Accepted, and never answered.
    Hang,
    /// Answers.
    Open,
}

/// What the health endpoint answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// 200
    Serving,
    /// 503
    NotReady,
}

#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) launch: Arc<Launch>,
    /// Number of the instance among all that were ever launched, from 0.
    pub(super) ordinal: u32,
    pub(super) address: Ipv4Addr,
    pub(super) fate: Fate,
    /// Shared with the others of its launch until they are changed.
    pub(super) tags: Arc<BTreeMap<String, String>>,
    /// When a terminate call named it first.
    pub(super) ended_by_user_ms: Option<i64>,
    /// When it began to boot: at its launch, or when it was started last.
    pub(super) begun_ms: i64,
    /// When it was told to stop, if it was not started since.
    pub(super) stopped_ms: Option<i64>,
    /// `TerminateInstances` refuses it.
    pub(super) protected: bool,
    /// It holds a place in its pool, and vCPUs.
    pub(super) placed: bool,
    pub(super) configured: Option<Configured>,
    /// Its address and places have been given back.
    pub(super) released: bool,
}

impl Instance {
    fn after_launch(&self, ms: u32) -> i64 {
        self.launch.launched_ms + i64::from(ms)
    }

    fn after_begin(&self, ms: u32) -> i64 {
        self.begun_ms + i64::from(ms)
    }

    /// Describe shows its address.
    pub(super) fn shows_address(&self, now_ms: i64) -> bool {
        now_ms >= self.after_launch(self.fate.address_ms)
    }

    /// Describe and terminate know its id.
    pub(super) fn is_visible(&self, now_ms: i64) -> bool {
        now_ms >= self.after_launch(self.fate.visible_ms)
    }

    /// When EC2 says `running`, if it ever does and nobody ends it before.
    pub(super) fn running_ms(&self) -> Option<i64> {
        match self.fate.broken {
            Some(Broken::NeverBoots | Broken::Dies) => None,
            None
            | Some(
                Broken::Hangs
                | Broken::Refuses
                | Broken::NeverReady
                | Broken::Slow
                | Broken::Flaps
                | Broken::WrongVersion
                | Broken::DiesLater
                | Broken::AgentStops
                | Broken::OneZone,
            ) => {
                let at = self.after_begin(self.fate.running_ms());
                self.ended_by_user_ms.is_none_or(|ended| at <= ended).then_some(at)
            }
        }
    }

    /// When it dies by itself, unless somebody ends it before.
    pub(super) fn dies_ms(&self) -> Option<i64> {
        let at = if self.fate.broken == Some(Broken::Dies) {
            self.after_launch(self.fate.running_ms())
        } else if self.fate.broken == Some(Broken::DiesLater) {
            self.served_until_ms()?
        } else {
            return None;
        };
        self.ended_by_user_ms.is_none_or(|ended| at < ended).then_some(at)
    }

    /// When its configuration has been, or will be, put into effect.
    fn ready_ms(&self) -> Option<i64> {
        Some(self.configured.as_ref()?.at_ms + i64::from(self.fate.configure_ms))
    }

    /// When one that is good at first stops being so.
    fn served_until_ms(&self) -> Option<i64> {
        Some(self.ready_ms()? + i64::from(self.fate.serves_ms))
    }

    /// When it is, or will be, terminated.
    pub(super) fn terminated_ms(&self) -> Option<i64> {
        let by_user = self.ended_by_user_ms.map(|at| at + i64::from(self.fate.shutdown_ms));
        self.dies_ms().or(by_user)
    }

    /// When it is, or will be, stopped.
    fn halted_ms(&self) -> Option<i64> {
        self.stopped_ms.map(|at| at + i64::from(self.fate.shutdown_ms))
    }

    /// When it next comes to rest: stopped or terminated.
    pub(super) fn resting_ms(&self) -> Option<i64> {
        self.terminated_ms().or(self.halted_ms())
    }

    pub(super) fn state(&self, now_ms: i64) -> State {
        if self.terminated_ms().is_some_and(|at| at <= now_ms) {
            State::Terminated
        } else if self.ended_by_user_ms.is_some_and(|at| at <= now_ms) {
            State::ShuttingDown
        } else if self.halted_ms().is_some_and(|at| at <= now_ms) {
            State::Stopped
        } else if self.stopped_ms.is_some_and(|at| at <= now_ms) {
            State::Stopping
        } else if self.running_ms().is_some_and(|at| at <= now_ms) {
            State::Running
        } else {
            State::Pending
        }
    }

    pub(super) fn state_reason(&self, now_ms: i64) -> Option<StateReason> {
        match self.state(now_ms) {
            State::Pending | State::Running => None,
            State::Terminated if self.dies_ms().is_some() => {
                let ran = self.fate.broken == Some(Broken::DiesLater);
                Some(if ran { StateReason::InstanceInitiated } else { StateReason::Died(self.fate.death) })
            }
            State::ShuttingDown | State::Terminated | State::Stopping | State::Stopped => {
                Some(StateReason::UserInitiated)
            }
        }
    }

    /// What a connection to its agent meets.
    pub(super) fn door(&self, now_ms: i64) -> Door {
        let booted = now_ms >= self.after_begin(self.fate.boot_ms);
        let up = match self.state(now_ms) {
            State::Pending | State::Running => booted,
            State::ShuttingDown | State::Terminated | State::Stopping | State::Stopped => false,
        };
        if !up {
            return Door::Reset;
        }
        match self.fate.broken {
            None
            | Some(
                Broken::NeverReady
                | Broken::Slow
                | Broken::Flaps
                | Broken::WrongVersion
                | Broken::DiesLater
                | Broken::OneZone,
            ) => Door::Open,
            Some(Broken::AgentStops) if self.served_until_ms().is_none_or(|at| now_ms < at) => Door::Open,
            Some(Broken::Hangs) => Door::Hang,
            Some(Broken::Refuses | Broken::NeverBoots | Broken::Dies | Broken::AgentStops) => Door::Reset,
        }
    }

    /// What its health endpoint answers to somebody in this zone, while its door is open.
    pub(super) fn health(&self, from: &str, now_ms: i64) -> Health {
        let Some(ready_ms) = self.ready_ms().filter(|at| *at <= now_ms) else { return Health::NotReady };
        let good = match self.fate.broken {
            None | Some(Broken::Slow | Broken::WrongVersion | Broken::DiesLater | Broken::AgentStops) => true,
            Some(Broken::Flaps) => {
                let turn = (now_ms - ready_ms) / i64::from(self.fate.flap_ms.max(1));
                turn % 2 == 0
            }
            Some(Broken::OneZone) => from == self.launch.zone,
            Some(
                Broken::NeverReady | Broken::Hangs | Broken::Refuses | Broken::NeverBoots | Broken::Dies,
            ) => false,
        };
        if good { Health::Serving } else { Health::NotReady }
    }

    /// The agent takes its configuration. The same slot and attempt again change nothing; others
    /// make it start anew.
    pub(super) fn configure(&mut self, slot: Option<&str>, attempt: Option<u32>, now_ms: i64) {
        let known =
            self.configured.as_ref().is_some_and(|c| c.slot.as_deref() == slot && c.attempt == attempt);
        if !known {
            self.configured = Some(Configured { at_ms: now_ms, slot: slot.map(Into::into), attempt });
        }
    }

    /// Since when it is good, if it is now.
    pub(super) fn serving_since_ms(&self, now_ms: i64) -> Option<i64> {
        if !self.fate.serves() || self.door(now_ms) != Door::Open {
            return None;
        }
        self.ready_ms().filter(|at| *at <= now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::fate::Death;
    use super::*;

    fn instance(broken: Option<Broken>) -> Instance {
        let launch = Launch {
            reservation: "r-0".into(),
            token: None,
            subnet: "subnet-a".into(),
            zone: "a".into(),
            image: "ami-1".into(),
            instance_type: "m5.large".into(),
            key_name: None,
            launched_ms: 1_000,
            first: 0,
        };
        let fate = Fate {
            boot_ms: 20_000,
            configure_ms: 5_000,
            visible_ms: 500,
            shutdown_ms: 3_000,
            checked_ms: 60_000,
            address_ms: 0,
            death: Death::LaunchError,
            broken,
            flap_ms: 10_000,
            serves_ms: 60_000,
        };
        Instance {
            launch: Arc::new(launch),
            ordinal: 0,
            address: Ipv4Addr::new(127, 64, 0, 4),
            fate,
            tags: Arc::default(),
            begun_ms: 1_000,
            stopped_ms: None,
            protected: false,
            placed: true,
            ended_by_user_ms: None,
            configured: None,
            released: false,
        }
    }

    fn states(i: &Instance, times: &[i64]) -> Vec<&'static str> {
        times.iter().map(|t| i.state(*t).as_str()).collect()
    }

    #[test]
    fn a_good_one_runs_boots_configures_and_serves() {
        let mut i = instance(None);
        assert_eq!((i.is_visible(1_499), i.is_visible(1_500)), (false, true));
        assert_eq!(
            states(&i, &[1_000, 10_999, 11_000, 90_000]),
            ["pending", "pending", "running", "running"]
        );
        assert_eq!((i.door(20_999), i.door(21_000)), (Door::Reset, Door::Open));
        i.configure(Some("1-0"), Some(1), 30_000);
        i.configure(Some("1-0"), Some(1), 34_000);
        assert_eq!((i.serving_since_ms(34_999), i.serving_since_ms(36_000)), (None, Some(35_000)));
        i.configure(Some("1-0"), Some(2), 40_000);
        assert_eq!(i.serving_since_ms(40_000), None);
    }

    #[test]
    fn a_terminated_one_shuts_down_first_and_is_deaf() {
        let mut i = instance(None);
        i.configure(Some("1-0"), Some(1), 22_000);
        i.ended_by_user_ms = Some(40_000);
        assert_eq!(
            states(&i, &[39_999, 40_000, 42_999, 43_000]),
            ["running", "shutting-down", "shutting-down", "terminated"]
        );
        assert_eq!(i.door(40_000), Door::Reset);
        assert_eq!(i.serving_since_ms(40_000), None);
        assert_eq!(i.state_reason(43_000), Some(StateReason::UserInitiated));
    }

    #[test]
    fn one_ended_while_pending_never_runs() {
        let mut i = instance(None);
        i.ended_by_user_ms = Some(2_000);
        assert_eq!(states(&i, &[1_999, 2_000, 5_000]), ["pending", "shutting-down", "terminated"]);
        assert_eq!(i.running_ms(), None);
    }

    #[test]
    fn each_way_of_being_broken_shows_as_it_should() {
        let at = 60_000;
        let show = |b| {
            let mut i = instance(Some(b));
            i.configure(None, None, 22_000);
            (i.state(at), i.door(at), i.serving_since_ms(at), i.state_reason(at))
        };
        assert_eq!(show(Broken::Hangs), (State::Running, Door::Hang, None, None));
        assert_eq!(show(Broken::Refuses), (State::Running, Door::Reset, None, None));
        assert_eq!(show(Broken::NeverReady), (State::Running, Door::Open, None, None));
        assert_eq!(show(Broken::NeverBoots), (State::Pending, Door::Reset, None, None));
        assert_eq!(
            show(Broken::Dies),
            (State::Terminated, Door::Reset, None, Some(StateReason::Died(Death::LaunchError)))
        );
    }

    /// Configured at 22 s: what its health says at these times, in seconds, to zone `from`.
    fn healths(broken: Broken, from: &str, times_s: &[i64]) -> String {
        let mut i = instance(Some(broken));
        i.configure(None, None, 22_000);
        let sign = |at: i64| match (i.door(at), i.health(from, at)) {
            (Door::Open, Health::Serving) => '+',
            (Door::Open, Health::NotReady) => '-',
            (Door::Reset, _) => 'x',
            (Door::Hang, _) => '?',
        };
        times_s.iter().map(|s| sign(s * 1_000)).collect()
    }

    #[test]
    fn what_a_probe_sees_of_each_kind_over_time() {
        let times = [21, 26, 27, 36, 37, 47, 57, 86, 87, 200];
        let cases = [
            (Broken::Slow, "a", "--++++++++"),
            (Broken::WrongVersion, "a", "--++++++++"),
            (Broken::Flaps, "a", "--++-+--+-"),
            (Broken::DiesLater, "a", "--++++++xx"),
            (Broken::AgentStops, "a", "--++++++xx"),
            (Broken::OneZone, "a", "--++++++++"),
            (Broken::OneZone, "b", "----------"),
            (Broken::NeverReady, "a", "----------"),
            (Broken::Hangs, "a", "??????????"),
            (Broken::Refuses, "a", "xxxxxxxxxx"),
            (Broken::NeverBoots, "a", "xxxxxxxxxx"),
            (Broken::Dies, "a", "xxxxxxxxxx"),
        ];
        for (broken, from, seen) in cases {
            assert_eq!(healths(broken, from, &times), seen, "{broken} from {from}");
        }
    }

    #[test]
    fn one_that_dies_later_serves_first_and_one_whose_agent_stops_goes_on_running() {
        let mut later = instance(Some(Broken::DiesLater));
        assert_eq!((later.dies_ms(), later.state(900_000)), (None, State::Running));
        later.configure(None, None, 22_000);
        assert_eq!(later.serving_since_ms(86_999), Some(27_000));
        assert_eq!(states(&later, &[86_999, 87_000]), ["running", "terminated"]);
        assert_eq!(later.serving_since_ms(87_000), None);
        assert_eq!(later.state_reason(87_000), Some(StateReason::InstanceInitiated));
        let mut stops = instance(Some(Broken::AgentStops));
        stops.configure(None, None, 22_000);
        assert_eq!(stops.serving_since_ms(86_999), Some(27_000));
        assert_eq!((stops.state(87_000), stops.serving_since_ms(87_000)), (State::Running, None));
    }

    #[test]
    fn one_that_would_die_can_be_ended_before() {
        let mut i = instance(Some(Broken::Dies));
        assert_eq!(states(&i, &[10_999, 11_000]), ["pending", "terminated"]);
        i.ended_by_user_ms = Some(9_000);
        assert_eq!(states(&i, &[9_000, 11_000, 12_000]), ["shutting-down", "shutting-down", "terminated"]);
        assert_eq!(i.state_reason(12_000), Some(StateReason::UserInitiated));
        let mut late = instance(Some(Broken::Dies));
        late.ended_by_user_ms = Some(11_001);
        assert_eq!(late.terminated_ms(), Some(11_000));
    }
}
