//! `DescribeInstanceStatus`: EC2's own checks, which begin when an instance runs.

use super::super::super::fate::Broken;
use super::Ec2;
use super::call::{Answer, Read};
use super::error::{ApiError, Code};
use super::filter::{all_match, known};
use super::instance::{Instance, State};
use super::names::Kind;
use super::read::{cut, page};
use crate::decide::words::named;

/// Most ids in one call (aws-facts 2.5).
const STATUS_IDS_MAX: usize = 100;

named! {
    /// What EC2's checks say.
    pub enum Checks {
        Ok = "ok",
        Impaired = "impaired",
        Initializing = "initializing",
        NotApplicable = "not-applicable",
    }
}

impl Checks {
    /// What the one check says of which these consist; none where there is nothing to check.
    #[must_use]
    pub fn reachability(self) -> Option<&'static str> {
        match self {
            Checks::Ok => Some("passed"),
            Checks::Impaired => Some("failed"),
            Checks::Initializing => Some("initializing"),
            Checks::NotApplicable => None,
        }
    }
}

/// One instance's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusView {
    pub id: String,
    pub zone: String,
    pub state: State,
    /// Of the host below it.
    pub system: Checks,
    /// Of the instance itself.
    pub instance: Checks,
}

enum Field {
    Zone,
    State,
    StateCode,
    System,
    SystemReachability,
    Instance,
    InstanceReachability,
}

impl Field {
    fn named(name: &str) -> Option<Field> {
        Some(match name {
            "availability-zone" => Field::Zone,
            "instance-state-name" => Field::State,
            "instance-state-code" => Field::StateCode,
            "system-status.status" => Field::System,
            "system-status.reachability" => Field::SystemReachability,
            "instance-status.status" => Field::Instance,
            "instance-status.reachability" => Field::InstanceReachability,
            _ => return None,
        })
    }
}

impl Ec2 {
    pub(super) fn describe_instance_status(
        &self,
        read: &Read,
        include_all: bool,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        if read.ids.len() > STATUS_IDS_MAX {
            let message =
                format!("{} instance IDs were given; at most {STATUS_IDS_MAX} are allowed", read.ids.len());
            return Err(ApiError::new(Code::ResourceCountExceeded, message));
        }
        let page = page(read)?;
        let filters = known(&read.filters, Field::named)?;
        let view = |ordinal: u32| {
            let instance = self.instances.get(ordinal as usize).filter(|i| self.is_described(i, now_ms))?;
            let view = self.status(instance, now_ms);
            (include_all || view.state == State::Running).then_some((ordinal, view))
        };
        let fits = |view: &StatusView| {
            all_match(&filters, |field, test| match field {
                Field::Zone => test(&view.zone),
                Field::State => test(view.state.as_str()),
                Field::StateCode => test(&view.state.code().to_string()),
                Field::System => test(view.system.as_str()),
                Field::SystemReachability => view.system.reachability().is_some_and(test),
                Field::Instance => test(view.instance.as_str()),
                Field::InstanceReachability => view.instance.reachability().is_some_and(test),
            })
        };
        let (statuses, next_token) = if read.ids.is_empty() {
            let all = page.start..u32::try_from(self.instances.len()).unwrap_or(u32::MAX);
            cut(all.filter_map(view).filter(|(_, v)| fits(v)), page)
        } else {
            let ordinals = self.ordinals_of(&read.ids, now_ms)?;
            cut(ordinals.into_iter().filter_map(view).filter(|(_, v)| fits(v)), page)
        };
        Ok(Answer::Statuses { statuses, next_token })
    }

    fn status(&self, instance: &Instance, now_ms: i64) -> StatusView {
        let state = instance.state(now_ms);
        let checked = instance.running_ms().map(|at| at + i64::from(instance.fate.checked_ms));
        let checks = match state {
            State::Running if checked.is_some_and(|at| at <= now_ms) => Checks::Ok,
            State::Running => Checks::Initializing,
            State::Pending | State::ShuttingDown | State::Terminated | State::Stopping | State::Stopped => {
                Checks::NotApplicable
            }
        };
        let impaired = self.settings.switches.checks_see_broken && cannot_be_reached(instance);
        StatusView {
            id: self.names.name(Kind::Instance, u64::from(instance.ordinal)),
            zone: instance.launch.zone.clone(),
            state,
            system: checks,
            instance: if checks == Checks::Ok && impaired { Checks::Impaired } else { checks },
        }
    }
}

/// It runs, but nothing on it answers.
fn cannot_be_reached(instance: &Instance) -> bool {
    match instance.fate.broken {
        Some(Broken::Hangs | Broken::Refuses) => true,
        None
        | Some(
            Broken::NeverReady
            | Broken::NeverBoots
            | Broken::Dies
            | Broken::Slow
            | Broken::Flaps
            | Broken::WrongVersion
            | Broken::DiesLater
            | Broken::AgentStops
            | Broken::OneZone,
        ) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::settings::{Settings, Switches};
    use super::super::call::{Call, Filter};
    use super::super::testing::*;
    use super::*;

    fn ask(model: &mut Model, read: Read, include_all: bool, now: i64) -> Vec<(String, Checks, Checks)> {
        let reply = model.ask(&Call::DescribeInstanceStatus { read, include_all }, now);
        let Outcome::Answer(AnyAnswer::Ec2(Answer::Statuses { statuses, .. })) = reply.outcome else {
            panic!("{reply:?}")
        };
        statuses.into_iter().map(|s| (s.id, s.system, s.instance)).collect()
    }

    fn of(ids: &[String]) -> Read {
        Read { ids: ids.to_vec(), ..Read::default() }
    }

    #[test]
    fn checks_pass_some_time_after_the_instance_runs() {
        let mut model = plain();
        let ids = launched(&model.ask(&run("t", 1, 1), 0));
        assert!(ask(&mut model, of(&ids), false, 0).is_empty(), "pending ones are left out");
        let pending = ask(&mut model, of(&ids), true, 0);
        assert_eq!(pending, [(ids[0].clone(), Checks::NotApplicable, Checks::NotApplicable)]);
        let running = model.ledger(900_000).instances[0].running_ms.unwrap();
        let mut model = plain();
        let ids = launched(&model.ask(&run("t", 1, 1), 0));
        let begun = ask(&mut model, of(&ids), false, running);
        assert_eq!(begun, [(ids[0].clone(), Checks::Initializing, Checks::Initializing)]);
        let checked = ask(&mut model, of(&ids), false, running + 180_000);
        assert_eq!(checked, [(ids[0].clone(), Checks::Ok, Checks::Ok)]);
    }

    #[test]
    fn what_answers_nobody_is_impaired_if_the_switch_says_so() {
        for sees in [false, true] {
            let switches = Switches { checks_see_broken: sees, ..Switches::default() };
            let settings = Settings { broken: 100.0, switches, ..small_settings() };
            let mut model = Model::new(settings, 1).unwrap();
            launched(&model.ask(&run("t", 1, 11), 0));
            let filters =
                vec![Filter { name: "instance-status.status".into(), values: vec!["impaired".into()] }];
            let impaired = ask(&mut model, Read { filters, ..Read::default() }, false, 900_000);
            assert_eq!(!impaired.is_empty(), sees);
            assert!(impaired.iter().all(|(_, system, _)| *system == Checks::Ok));
        }
    }

    #[test]
    fn ids_are_limited_and_known() {
        let mut model = plain();
        let many = Read { ids: vec!["i-0123456789abcdef0".into(); 101], ..Read::default() };
        let status = |read| Call::DescribeInstanceStatus { read, include_all: true };
        assert_eq!(code(&model.ask(&status(many), 0)), "ResourceCountExceeded");
        let unknown = of(&["i-0123456789abcdef0".into()]);
        assert_eq!(code(&model.ask(&status(unknown), 0)), "InvalidInstanceID.NotFound");
    }

    #[test]
    fn one_without_a_filter_has_the_smaller_bucket() {
        let mut model = plain();
        let all = Call::DescribeInstanceStatus { read: Read::default(), include_all: false };
        assert_eq!((0..100).filter(|_| code(&model.ask(&all, 0)).is_empty()).count(), 50);
    }
}
