//! The simulated EC2 without sockets and latency, for benchmarks of everything above it.

use futures_util::future::BoxFuture;

use super::adapt;
use crate::cloud::Ec2;
use crate::contact::Contacts;
use crate::decide::action::Target;
use crate::decide::event::{CallError, Contact, Ec2State, Seen};
use crate::decide::group::LaunchBody;
use crate::decide::mark::Marked;
use crate::decide::words::Ec2Id;
use crate::sim::Shared;
use crate::sim::model::call::{Call, Outcome};
use crate::sim::model::ec2::{Door, Health};

/// The model as [`Ec2`] and [`Contacts`]: answers at once, in the caller's task.
#[derive(Clone)]
pub struct InProcess(Shared);

impl InProcess {
    #[must_use]
    pub fn new(shared: Shared) -> InProcess {
        InProcess(shared)
    }

    fn call(&self, call: &Call) -> Outcome {
        self.0.with(|model, now| model.handle(call, now)).outcome
    }
}

impl Ec2 for InProcess {
    fn run_instances<'a>(&'a self, body: &'a LaunchBody) -> BoxFuture<'a, Result<Vec<Seen>, CallError>> {
        Box::pin(async move { adapt::launched(self.call(&adapt::launch_call(body))) })
    }

    fn describe_instances<'a>(&'a self, ids: &'a [Ec2Id]) -> BoxFuture<'a, Result<Vec<Seen>, CallError>> {
        Box::pin(async move { adapt::described(self.call(&adapt::describe_call(ids.iter().copied()))) })
    }

    fn find_instances<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Vec<Seen>, CallError>> {
        Box::pin(async move { adapt::described(self.call(&adapt::find_call(token))) })
    }

    fn terminate_instances<'a>(
        &'a self,
        ids: &'a [Ec2Id],
    ) -> BoxFuture<'a, Result<Vec<(Ec2Id, Ec2State)>, CallError>> {
        Box::pin(async move { adapt::terminating(self.call(&adapt::terminate_call(ids.iter().copied()))) })
    }

    fn protect_from_termination<'a>(
        &'a self,
        id: &'a Ec2Id,
        protected: bool,
    ) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async move { adapt::done(self.call(&adapt::protect_call(*id, protected))) })
    }

    fn create_tags<'a>(
        &'a self,
        id: &'a Ec2Id,
        tags: &'a [(String, String)],
    ) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async move { adapt::done(self.call(&adapt::tags_call(*id, tags))) })
    }

    fn is_protected_from_termination<'a>(&'a self, id: &'a Ec2Id) -> BoxFuture<'a, Result<bool, CallError>> {
        let marked = adapt::mark::answer(self.call(&adapt::is_protected_call(*id)));
        Box::pin(async move { marked.map(|m| m == Marked::TerminationProtection(true)) })
    }
}

impl Contacts for InProcess {
    fn configure<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Contact> {
        Box::pin(async move {
            self.contact(target, |address| {
                let slot = target.instance.slot.to_string();
                let attempt = Some(u32::from(target.instance.attempt));
                self.0
                    .with(|model, now| model.configure(address, Some(&slot), attempt, now))
                    .then_some(Contact::Passed)
            })
        })
    }

    fn probe<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Contact> {
        Box::pin(async move {
            self.contact(target, |address| {
                Some(match self.0.with(|model, now| model.health(address, now))? {
                    Health::Serving => Contact::Passed,
                    Health::NotReady => Contact::Rejected("status 503".into()),
                })
            })
        })
    }
}

impl InProcess {
    fn contact(&self, target: &Target, open: impl FnOnce(std::net::Ipv4Addr) -> Option<Contact>) -> Contact {
        let std::net::IpAddr::V4(address) = target.address else {
            return Contact::Unreachable("no IPv4 address".into());
        };
        let reset = || Contact::Unreachable("connection reset".into());
        match self.0.with(|model, now| model.door(address, now)) {
            Door::Reset => reset(),
            Door::Hang => Contact::Hung("no answer".into()),
            Door::Open => open(address).unwrap_or_else(reset),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::decide::group::{Bounds, Breaker, Canary, Group, LaunchSpec, Watchdogs};
    use crate::decide::guard::valve::ValveSpec;
    use crate::decide::words::{ErrorClass, InstanceRef, ScaleUpSeq, SlotId};
    use crate::sim::Model;
    use crate::sim::model::ec2::testing::{A, small_settings};
    use crate::sim::settings::{Settings, Spread};
    use crate::time::Clock;

    fn sim(broken: f64) -> InProcess {
        let zero = Spread { median_ms: 0, p99_ms: 0 };
        let settings = Settings { boot: zero, configure: zero, broken, ..small_settings() };
        InProcess::new(Shared::new(Model::new(settings, 1).unwrap(), Clock::real()))
    }

    fn body(token: &str, max_count: u32) -> LaunchBody {
        LaunchBody {
            token: token.into(),
            asg: None,
            raised: None,
            min_count: 1,
            max_count,
            subnet: A.into(),
            zone: "us-east-1a".into(),
            image: Some("ami-1".into()),
            instance_type: "m5.large".into(),
            template: None,
            security_groups: vec!["sg-1".into()],
            key_name: None,
            instance_profile: None,
            user_data: None,
            tags: BTreeMap::new(),
        }
    }

    fn target(seen: &Seen) -> Target {
        let launch = LaunchSpec {
            image: None,
            instance_type: "m5.large".into(),
            template: None,
            pools: Vec::new(),
            security_groups: Vec::new(),
            key_name: None,
            instance_profile: None,
            user_data: None,
            tags: BTreeMap::new(),
            batch: 100,
        };
        let group = Group {
            name: "web".into(),
            max: 10,
            priority: 5,
            launch,
            asg: None,
            version: "v".into(),
            configure: None,
            probes: Vec::new(),
            passes: 1,
            contact_every: Duration::from_secs(1),
            watchdogs: Watchdogs::default(),
            canary: Canary::default(),
            breaker: Breaker::default(),
            valve: ValveSpec::default(),
            floor: 0,
            signals: Vec::new(),
            quarantine: None,
            reserve: None,
            bounds: Bounds::default(),
        };
        Target {
            instance: InstanceRef { slot: SlotId { scale_up: ScaleUpSeq(1), ordinal: 7 }, attempt: 2 },
            id: seen.id,
            address: seen.address.unwrap(),
            zone: "us-east-1a".into(),
            group: Arc::new(group),
        }
    }

    #[tokio::test]
    async fn a_life_from_launch_to_end() {
        let sim = sim(0.0);
        let seen = sim.run_instances(&body("t", 2)).await.unwrap();
        assert_eq!(seen.len(), 2);
        let ids: Vec<Ec2Id> = seen.iter().map(|s| s.id).collect();
        let described = sim.describe_instances(&ids).await.unwrap();
        assert!(described.iter().all(|s| s.state == Ec2State::Running && s.address.is_some()));
        let target = target(&seen[0]);
        assert!(matches!(sim.probe(&target).await, Contact::Rejected(_)));
        assert_eq!(sim.configure(&target).await, Contact::Passed);
        assert_eq!(sim.probe(&target).await, Contact::Passed);
        let ledger = sim.0.with(Model::ledger);
        assert_eq!(
            (ledger.instances[0].slot.as_deref(), ledger.instances[0].attempt),
            (Some("1-7"), Some(2))
        );
        let ended = sim.terminate_instances(&ids).await.unwrap();
        assert!(ended.iter().all(|(_, s)| s.is_ending()));
        assert!(matches!(sim.probe(&target).await, Contact::Unreachable(_)));
    }

    #[tokio::test]
    async fn errors_carry_their_class() {
        let sim = sim(0.0);
        sim.run_instances(&body("t", 2)).await.unwrap();
        let class_of = |r: Result<Vec<Seen>, CallError>| r.unwrap_err().class;
        assert_eq!(class_of(sim.run_instances(&body("t", 3)).await), ErrorClass::TokenMismatch);
        let profile = LaunchBody { instance_profile: Some("p".into()), ..body("t", 2) };
        assert_eq!(class_of(sim.run_instances(&profile).await), ErrorClass::TokenMismatch);
        assert_eq!(class_of(sim.run_instances(&body("u", 1_001)).await), ErrorClass::Throttle);
        let unknown: Ec2Id = "i-0123456789abcdef0".parse().unwrap();
        assert_eq!(class_of(sim.describe_instances(&[unknown]).await), ErrorClass::NotFound);
    }

    #[tokio::test]
    async fn broken_ones_hang_or_do_not_answer() {
        let sim = sim(100.0);
        let seen = sim.run_instances(&body("t", 11)).await.unwrap();
        let mut hung = 0;
        for one in seen.iter().filter(|s| s.address.is_some()) {
            let outcome = sim.configure(&target(one)).await;
            hung += usize::from(matches!(outcome, Contact::Hung(_)));
            assert_ne!(sim.probe(&target(one)).await, Contact::Passed);
        }
        assert!((2..=9).contains(&hung), "{hung}");
    }
}
