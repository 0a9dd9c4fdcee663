//! `StopInstances`, `StartInstances` and `RebootInstances`: all or nothing.

use super::super::counters::ApiCounters;
use super::call::{Action, Answer, RunInstances, StateChange};
use super::error::{ApiError, Code};
use super::instance::{Instance, State};
use super::names::Kind;
use super::run::Wanted;
use super::{Ec2, Reverse};

impl Ec2 {
    /// A stopped instance keeps its address and gives its place in the pool back.
    pub(super) fn stop_instances(
        &mut self,
        ids: &[String],
        meter: &mut ApiCounters,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let ordinals = self.able(ids, "stopped", now_ms, |state| match state {
            State::Running | State::Stopping | State::Stopped => true,
            State::Pending | State::ShuttingDown | State::Terminated => false,
        })?;
        self.pay_for(Action::StopInstances, ids, meter, now_ms)?;
        Ok(Answer::Stopping(self.each(ordinals, now_ms, |instance, now_ms| {
            if instance.state(now_ms) == State::Running {
                instance.stopped_ms = Some(now_ms);
            }
        })))
    }

    /// A started instance boots again, and keeps what it was configured with.
    pub(super) fn start_instances(
        &mut self,
        ids: &[String],
        meter: &mut ApiCounters,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let ordinals = self.able(ids, "started", now_ms, |state| match state {
            State::Stopped | State::Pending | State::Running => true,
            State::Stopping | State::ShuttingDown | State::Terminated => false,
        })?;
        self.pay_for(Action::StartInstances, ids, meter, now_ms)?;
        self.take_places(&ordinals, now_ms)?;
        Ok(Answer::Starting(self.each(ordinals, now_ms, |instance, now_ms| {
            if instance.state(now_ms) == State::Stopped {
                instance.stopped_ms = None;
                instance.begun_ms = now_ms;
                instance.placed = true;
            }
        })))
    }

    /// Nothing is seen of a reboot from outside: the state stays `running`, and so does the agent.
    pub(super) fn reboot_instances(&self, ids: &[String], now_ms: i64) -> Result<Answer, ApiError> {
        self.able(ids, "rebooted", now_ms, |state| state == State::Running)?;
        Ok(Answer::Done(Action::RebootInstances))
    }

    /// The ordinals of these ids, if all are in a state that fits.
    fn able(
        &self,
        ids: &[String],
        what: &str,
        now_ms: i64,
        fits: impl Fn(State) -> bool,
    ) -> Result<Vec<u32>, ApiError> {
        if ids.is_empty() {
            return Err(ApiError::missing("InstanceId"));
        }
        let ordinals = self.ordinals_of(ids, now_ms)?;
        let state = |o: &u32| self.instances.get(*o as usize).map(|i| i.state(now_ms));
        match ordinals.iter().find(|o| state(o).is_some_and(|s| !fits(s))) {
            None => Ok(ordinals),
            Some(unfit) => {
                let id = self.names.name(Kind::Instance, u64::from(*unfit));
                let message = format!("The instance '{id}' is not in a state from which it can be {what}.");
                Err(ApiError::new(Code::IncorrectInstanceState, message))
            }
        }
    }

    fn pay_for(
        &mut self,
        action: Action,
        ids: &[String],
        meter: &mut ApiCounters,
        now_ms: i64,
    ) -> Result<(), ApiError> {
        self.pay_instances(action, u32::try_from(ids.len()).unwrap_or(u32::MAX), meter, now_ms)
    }

    /// Takes the places that stopped ones gave back; none of them if one cannot be had.
    fn take_places(&mut self, ordinals: &[u32], now_ms: i64) -> Result<(), ApiError> {
        let mut taken: Vec<(String, String)> = Vec::new();
        for ordinal in ordinals {
            let Some(instance) = self.instances.get(*ordinal as usize) else { continue };
            if instance.state(now_ms) != State::Stopped {
                continue;
            }
            let launch = instance.launch.clone();
            if let Err(error) = self.room_to_start(&launch.zone, &launch.instance_type) {
                for (zone, kind) in taken {
                    self.places.give_back(&zone, &kind);
                }
                return Err(error);
            }
            self.places.take(&launch.zone, &launch.instance_type);
            taken.push((launch.zone.clone(), launch.instance_type.clone()));
        }
        Ok(())
    }

    /// It has its address and its interface already: only vCPUs and the pool are asked.
    fn room_to_start(&self, zone: &str, instance_type: &str) -> Result<(), ApiError> {
        let one = RunInstances { min_count: 1, max_count: 1, ..RunInstances::default() };
        let wanted = Wanted { subnet: String::new(), zone: zone.into(), instance_type };
        match self.room(&one, &wanted) {
            Err(error) if error.code == Code::VcpuLimitExceeded => Err(error),
            Ok(_) | Err(_) => self.room_in_pool(&wanted),
        }
    }

    fn each(
        &mut self,
        ordinals: Vec<u32>,
        now_ms: i64,
        change: impl Fn(&mut Instance, i64),
    ) -> Vec<StateChange> {
        let mut changes = Vec::with_capacity(ordinals.len());
        for ordinal in ordinals {
            let id = self.names.name(Kind::Instance, u64::from(ordinal));
            let Some(instance) = self.instances.get_mut(ordinal as usize) else { continue };
            let previous = instance.state(now_ms);
            change(instance, now_ms);
            self.endings.extend(instance.resting_ms().map(|at| Reverse((at, ordinal))));
            changes.push(StateChange { id, previous, current: instance.state(now_ms) });
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::settings::{PoolCapacity, Settings};
    use super::super::call::Call;
    use super::super::testing::*;
    use super::*;

    fn stop(ids: &[String]) -> Call {
        Call::StopInstances { ids: ids.to_vec() }
    }

    fn start(ids: &[String]) -> Call {
        Call::StartInstances { ids: ids.to_vec() }
    }

    fn changes(reply: &Reply) -> Vec<(&'static str, &'static str)> {
        let Outcome::Answer(AnyAnswer::Ec2(Answer::Stopping(all) | Answer::Starting(all))) = &reply.outcome
        else {
            panic!("{reply:?}")
        };
        all.iter().map(|c| (c.previous.as_str(), c.current.as_str())).collect()
    }

    #[test]
    fn an_instance_stops_starts_and_boots_again() {
        let mut model = plain();
        let ids = launched(&model.ask(&run("t", 1, 1), 0));
        assert_eq!(code(&model.ask(&stop(&ids), 0)), "IncorrectInstanceState");
        let address = model.ledger(0).instances[0].address;
        assert_eq!(changes(&model.ask(&stop(&ids), 300_000)), [("running", "stopping")]);
        assert_eq!(code(&model.ask(&start(&ids), 302_999)), "IncorrectInstanceState");
        let reply = model.ask(&describe(&ids), 303_000);
        assert_eq!(described(&reply).0, [(ids[0].clone(), "stopped")]);
        assert_eq!(model.door(address, 303_000), super::super::Door::Reset);
        assert_eq!(changes(&model.ask(&start(&ids), 400_000)), [("stopped", "pending")]);
        assert_eq!(changes(&model.ask(&start(&ids), 900_000)), [("running", "running")]);
        assert_eq!(model.door(address, 900_000), super::super::Door::Open);
        model.ask(&terminate(&ids), 900_000);
        for call in [stop(&ids), start(&ids), Call::RebootInstances { ids: ids.clone() }] {
            assert_eq!(code(&model.ask(&call, 900_000)), "IncorrectInstanceState");
        }
    }

    #[test]
    fn a_stopped_one_gives_its_place_back_and_not_its_address() {
        let capacity = vec![PoolCapacity { zone: "us-east-1a".into(), instance_type: None, instances: 1 }];
        let mut model = Model::new(Settings { capacity, ..small_settings() }, 1).unwrap();
        let ids = launched(&model.ask(&run("t1", 1, 1), 0));
        model.ask(&stop(&ids), 300_000);
        assert_eq!(code(&model.ask(&run("t2", 1, 1), 302_999)), "InsufficientInstanceCapacity");
        let other = launched(&model.ask(&run("t2", 1, 1), 303_000));
        assert_eq!(code(&model.ask(&start(&ids), 304_000)), "InsufficientInstanceCapacity");
        let ledger = model.ledger(304_000);
        assert_ne!(ledger.instances[0].address, ledger.instances[1].address);
        model.ask(&terminate(&other), 305_000);
        assert_eq!(code(&model.ask(&start(&ids), 400_000)), "");
        model.ask(&terminate(&ids), 500_000);
        assert_eq!(launched(&model.ask(&run("t3", 1, 1), 600_000)).len(), 1, "given back once");
        assert_eq!(code(&model.ask(&run("t4", 1, 1), 600_000)), "InsufficientInstanceCapacity");
    }

    #[test]
    fn a_stopped_one_can_be_terminated_and_gives_its_place_back_once() {
        let mut model = Model::new(Settings { vcpu_quota: Some(2), ..small_settings() }, 1).unwrap();
        let ids = launched(&model.ask(&run("t1", 1, 1), 0));
        model.ask(&stop(&ids), 300_000);
        model.ask(&terminate(&ids), 400_000);
        assert_eq!(launched(&model.ask(&run("t2", 1, 9), 500_000)).len(), 1);
        assert_eq!(code(&model.ask(&run("t3", 1, 1), 600_000)), "VcpuLimitExceeded");
    }

    #[test]
    fn starting_has_small_buckets() {
        let mut model = plain();
        let ids = launched(&model.ask(&run("t", 1, 1), 0));
        let allowed = (0..9).filter(|_| code(&model.ask(&start(&ids), 300_000)).is_empty()).count();
        assert_eq!(allowed, 5);
        assert_eq!(code(&model.ask(&stop(&[]), 300_000)), "MissingParameter");
    }
}
