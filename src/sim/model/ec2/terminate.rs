//! `TerminateInstances`: all or nothing, and again changes nothing.

use super::super::counters::ApiCounters;
use super::call::{Action, Answer, StateChange};
use super::error::{ApiError, Code};
use super::instance::Instance;
use super::names::Kind;
use super::read::{IDS_MAX, too_many_ids};
use super::{Ec2, Happening, Reverse};

impl Ec2 {
    pub(super) fn terminate_instances(
        &mut self,
        ids: &[String],
        meter: &mut ApiCounters,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        if ids.is_empty() {
            return Err(ApiError::missing("InstanceId"));
        }
        if ids.len() > IDS_MAX {
            return Err(too_many_ids(ids.len()));
        }
        let ordinals = self.ordinals_of(ids, now_ms)?;
        let count = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        self.pay_instances(Action::TerminateInstances, count, meter, now_ms)?;
        let refused = self.protected_among(&ordinals, now_ms);
        let free = ordinals.into_iter().filter(|o| refused.iter().all(|(_, zone)| !self.is_in(*o, zone)));
        let free: Vec<u32> = free.collect();
        let changes = free.into_iter().filter_map(|o| self.terminate(o, now_ms)).collect();
        match refused.first() {
            None => Ok(Answer::Terminating(changes)),
            Some((id, _)) => Err(ApiError::new(
                Code::OperationNotPermitted,
                format!(
                    "The instance '{id}' may not be terminated. Modify its 'disableApiTermination' instance \
                     attribute and try again."
                ),
            )),
        }
    }

    /// The protected ones and their zones. In a zone with one of them none is terminated; in the
    /// others they are, though the call reports failure (aws-facts 2.5).
    fn protected_among(&self, ordinals: &[u32], now_ms: i64) -> Vec<(String, String)> {
        let instances = ordinals.iter().filter_map(|o| self.instances.get(*o as usize));
        let protected = instances.filter(|i| i.protected && i.state(now_ms).is_live());
        let named =
            |i: &Instance| (self.names.name(Kind::Instance, u64::from(i.ordinal)), i.launch.zone.clone());
        protected.map(named).collect()
    }

    fn is_in(&self, ordinal: u32, zone: &str) -> bool {
        self.instances.get(ordinal as usize).is_some_and(|i| i.launch.zone == zone)
    }

    pub(super) fn terminate(&mut self, ordinal: u32, now_ms: i64) -> Option<StateChange> {
        let id = self.names.name(Kind::Instance, u64::from(ordinal));
        let instance = self.instances.get_mut(ordinal as usize)?;
        let previous = instance.state(now_ms);
        if previous.is_live() {
            instance.ended_by_user_ms = Some(now_ms);
            self.happenings.push(|| Happening::Ended { ordinal });
            self.endings.extend(instance.terminated_ms().map(|at| Reverse((at, ordinal))));
        }
        Some(StateChange { id, previous, current: instance.state(now_ms) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::fate::Broken;
    use super::super::super::super::settings::Settings;
    use super::super::testing::*;
    use super::*;

    fn changes(model: &mut Model, ids: &[String], now: i64) -> Vec<(&'static str, &'static str)> {
        let reply = model.ask(&terminate(ids), now);
        let Outcome::Answer(AnyAnswer::Ec2(Answer::Terminating(all))) = &reply.outcome else {
            panic!("{reply:?}")
        };
        all.iter().map(|c| (c.previous.as_str(), c.current.as_str())).collect()
    }

    #[test]
    fn it_goes_through_shutting_down_and_can_be_said_twice() {
        let mut model = plain();
        let ids = launched(&model.ask(&run("t", 1, 1), 0));
        assert_eq!(changes(&mut model, &ids, 300_000), [("running", "shutting-down")]);
        assert_eq!(changes(&mut model, &ids, 302_999), [("shutting-down", "shutting-down")]);
        assert_eq!(changes(&mut model, &ids, 303_000), [("terminated", "terminated")]);
        assert_eq!(model.ledger(303_000).instances[0].terminated_ms, Some(303_000));
    }

    #[test]
    fn one_unknown_id_stops_all() {
        let mut model = plain();
        let mut ids = launched(&model.ask(&run("t", 1, 2), 0));
        ids.push("i-0123456789abcdef0".into());
        assert_eq!(code(&model.ask(&terminate(&ids), 0)), "InvalidInstanceID.NotFound");
        ids[2] = "i-foo".into();
        assert_eq!(code(&model.ask(&terminate(&ids), 0)), "InvalidInstanceID.Malformed");
        let live = model.ledger(0).instances.iter().filter(|i| i.state.is_live()).count();
        assert_eq!(live, 2);
    }

    #[test]
    fn none_and_too_many_ids_are_refused() {
        let mut model = plain();
        assert_eq!(code(&model.ask(&terminate(&[]), 0)), "MissingParameter");
        let many = vec!["i-0123456789abcdef0".to_string(); 1_001];
        assert_eq!(code(&model.ask(&terminate(&many), 0)), "ResourceCountExceeded");
    }

    #[test]
    fn instances_are_paid_for() {
        let mut model = plain();
        let ids = launched(&model.ask(&run("t", 1, 600), 0));
        assert_eq!(code(&model.ask(&terminate(&ids), 0)), "");
        assert_eq!(code(&model.ask(&terminate(&ids), 0)), "RequestLimitExceeded");
        assert_eq!(code(&model.ask(&terminate(&ids), 10_000)), "");
    }

    #[test]
    fn addresses_come_back_when_it_is_gone() {
        let mut model = small();
        let ids = launched(&model.ask(&run("t1", 1, 11), 0));
        model.ask(&terminate(&ids[..4]), 1_000);
        assert_eq!(code(&model.ask(&run("t2", 1, 1), 3_999)), "InsufficientFreeAddressesInSubnet");
        assert_eq!(launched(&model.ask(&run("t2", 1, 9), 4_000)).len(), 4);
    }

    #[test]
    fn places_come_back_once_from_one_that_dies_and_is_terminated() {
        let settings = Settings { broken: 100.0, ..small_settings() };
        let mut model = Model::new(settings, 1).unwrap();
        let ids = launched(&model.ask(&run("t1", 1, 11), 0));
        let dying: Vec<String> = model
            .ledger(0)
            .instances
            .iter()
            .filter(|i| i.broken == Some(Broken::Dies))
            .map(|i| i.id.clone())
            .collect();
        assert!(!dying.is_empty() && dying.len() < ids.len());
        model.ask(&terminate(&dying[..1]), 10);
        assert_eq!(launched(&model.ask(&run("t2", 1, 11), 400_000)).len(), dying.len());
    }
}
