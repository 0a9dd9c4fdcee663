//! Requests against a picture.

use std::sync::Arc;
use std::time::Duration;

use super::look::{Look, Looked, Sighting, Subject};
use super::quota::Quota;
use super::verdict::{Limit, QuotaAsk, Verdict};
use crate::decide::action::{Accepted, Action, Refusal};
use crate::decide::event::{Ask, CallError, Ec2State, Event, Seen, Ticket};
use crate::decide::group::{Bounds, Ceiling, Group};
use crate::decide::rows::{FactRow, Restored};
use crate::decide::tests::world::{START, group};
use crate::decide::words::{ErrorClass, LaunchSeq, Phase, Time};
use crate::decide::{Core, Decision, Settings};

const EVERY: Duration = Duration::from_secs(60);
const ARN: &str = "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/0123";

/// What AWS shows.
struct Account {
    vcpus: i64,
    running: i64,
    /// As of so long before it is asked.
    lag: Duration,
    free: i64,
    interfaces: (i64, i64),
    targets: (i64, i64),
    /// Service Quotas knows no value of this account's own.
    defaults: bool,
    silent: bool,
}

impl Default for Account {
    fn default() -> Self {
        Account {
            vcpus: 100_000,
            running: 0,
            lag: Duration::ZERO,
            free: 16_000,
            interfaces: (50_000, 0),
            targets: (1_000, 0),
            defaults: false,
            silent: false,
        }
    }
}

struct Desk {
    core: Core,
    now: Time,
    account: Account,
    facts: Vec<FactRow>,
    asked: u64,
    launches: Vec<(LaunchSeq, u32)>,
    ids: u32,
    last: Decision,
}

fn settings() -> Settings {
    Settings { look_every: Some(EVERY), ..Settings::default() }
}

fn web() -> Group {
    let bounds = Bounds {
        target_groups: vec![ARN.into()],
        ceilings: vec![Ceiling { name: "load balancer slots".into(), most: 2_400 }],
        instance_type: None,
        gates: Vec::new(),
    };
    Group { bounds, ..group("web") }
}

impl Desk {
    fn new(account: Account) -> Desk {
        Desk::with(account, vec![web()])
    }

    fn with(account: Account, groups: Vec<Group>) -> Desk {
        let core = Core::new(settings(), groups.into_iter().map(Arc::new).collect());
        let mut desk = Desk {
            core,
            now: START,
            account,
            facts: Vec::new(),
            asked: 0,
            launches: Vec::new(),
            ids: 0,
            last: Decision::default(),
        };
        desk.looks_for(Duration::from_secs(10));
        desk
    }

    /// Lets time pass, answering whatever is looked at.
    fn looks_for(&mut self, span: Duration) {
        let until = self.now.plus(span);
        let mut events = Vec::new();
        loop {
            let looks = self.decide(events);
            events = looks.iter().map(|look| self.show(look)).collect();
            if !events.is_empty() {
                continue;
            }
            if self.last.wake > until {
                break;
            }
            self.now = self.last.wake;
        }
        self.now = until;
    }

    fn decide(&mut self, events: Vec<Event>) -> Vec<Look> {
        self.last = self.core.decide(self.now, 7, events);
        self.facts.extend(self.last.changes.facts.iter().cloned());
        let launched = self.last.actions.iter().filter_map(|a| {
            if let Action::Launch { launch, body } = a { Some((*launch, body.max_count)) } else { None }
        });
        self.launches.extend(launched);
        let looks = self.last.actions.iter();
        looks
            .filter_map(|a| if let Action::Look { look, .. } = a { Some(look.clone()) } else { None })
            .collect()
    }

    fn show(&self, look: &Look) -> Event {
        let a = &self.account;
        let error = |class, code: &str| CallError { class, code: code.into(), message: String::new() };
        let one = |subject, value| Sighting { subject, value, as_of: None };
        let seen = match look {
            _ if a.silent => Err(error(ErrorClass::Unknown, "timeout")),
            Look::Quota(_) if a.defaults => Err(error(ErrorClass::Configuration, super::NO_VALUE)),
            Look::DefaultQuota(q) => Ok(vec![one(Subject::Quota(*q), 5)]),
            Look::Quota(Quota::Interfaces) => {
                Ok(vec![one(Subject::Quota(Quota::Interfaces), a.interfaces.0)])
            }
            Look::Quota(Quota::Targets) => Ok(vec![one(Subject::Quota(Quota::Targets), a.targets.0)]),
            Look::Quota(q) => Ok(vec![one(Subject::Quota(*q), a.vcpus)]),
            Look::Usage(q) => {
                let as_of = Some(self.now.minus(a.lag));
                Ok(vec![Sighting { as_of, ..one(Subject::Usage(*q), a.running) }])
            }
            Look::Types(types) => Ok(types.iter().map(|t| one(Subject::Vcpus(t.clone()), 2)).collect()),
            Look::Subnets(ids) => Ok(ids.iter().map(|s| one(Subject::Subnet(s.clone()), a.free)).collect()),
            Look::Interfaces { zone, .. } => {
                Ok(vec![one(Subject::Interfaces(zone.to_string()), a.interfaces.1)])
            }
            Look::Targets(arn) => Ok(vec![one(Subject::Targets(arn.to_string()), a.targets.1)]),
            Look::Template { .. } => {
                Err(error(ErrorClass::Configuration, "InvalidLaunchTemplateId.VersionNotFound"))
            }
        };
        Event::Looked { look: look.clone(), outcome: seen.map(|seen| Looked { seen, next: None }) }
    }

    fn ask_of(count: u32, all_or_nothing: bool) -> Ask {
        Ask {
            id: format!("id-{count}"),
            group: "web".into(),
            count,
            by: None,
            reason: "test".into(),
            idempotency_key: None,
            all_or_nothing,
            emergency: false,
        }
    }

    fn foretold(&mut self, count: u32) -> Arc<Verdict> {
        self.asked += 1;
        let ask = Desk::ask_of(count, false);
        self.decide(vec![Event::PreflightAsked { ask, ticket: Ticket(self.asked) }]);
        assert!(self.last.changes.scale_ups.is_empty() && self.last.changes.preflights.is_empty());
        let told = self.last.actions.iter().find_map(|a| {
            if let Action::Foretell { verdict, .. } = a { Some(verdict.clone()) } else { None }
        });
        told.unwrap().unwrap()
    }

    fn asks(&mut self, count: u32, all_or_nothing: bool) -> Result<Accepted, Refusal> {
        self.asked += 1;
        let ask = Desk::ask_of(count, all_or_nothing);
        self.decide(vec![Event::ScaleUpAsked { ask, ticket: Ticket(self.asked) }]);
        let answer =
            self.last.actions.iter().find_map(|a| {
                if let Action::Answer { answer, .. } = a { Some(answer.clone()) } else { None }
            });
        answer.unwrap()
    }

    /// EC2 launches whatever was asked of it, and says that all of it runs.
    fn launches_run(&mut self) -> u32 {
        let mut all = 0;
        let mut events = Vec::new();
        for (launch, count) in std::mem::take(&mut self.launches) {
            let first = self.ids;
            self.ids += count;
            let seen = |n: u32| Seen {
                id: format!("i-{:017x}", first + n).parse().unwrap(),
                state: Ec2State::Running,
                address: Some("10.0.0.1".parse().unwrap()),
                state_reason: None,
            };
            events.push(Event::LaunchAnswered { launch, outcome: Ok((0..count).map(seen).collect()) });
            all += count;
        }
        self.decide(events);
        self.now = self.now.plus(Duration::from_secs(6));
        self.decide(Vec::new());
        let described = self
            .last
            .actions
            .iter()
            .filter_map(|a| if let Action::Describe { asked } = a { Some(asked.clone()) } else { None });
        let runs = |(id, _): &(_, _)| Seen {
            id: *id,
            state: Ec2State::Running,
            address: Some("10.0.0.1".parse().unwrap()),
            state_reason: None,
        };
        let events = described
            .map(|asked| Event::Described { outcome: Ok(asked.iter().map(runs).collect()), asked })
            .collect();
        self.decide(events);
        all
    }

    fn phase(&self, phase: Phase) -> u32 {
        self.core.view(self.now).scale_ups.iter().map(|s| s.phases.get(phase)).sum()
    }
}

fn binds(verdict: &Verdict) -> Option<(Limit, u32)> {
    verdict.binding().map(|b| (b.limit, b.fits))
}

#[test]
fn what_does_not_fit_ends_at_once_with_the_increase_to_ask_for_and_the_rest_is_launched() {
    let mut desk = Desk::new(Account { vcpus: 1_800, targets: (5_000, 0), ..Account::default() });
    let told = desk.foretold(1_200);
    assert_eq!((told.fits, binds(&told)), (900, Some((Limit::Vcpus, 900))));
    let wanted = QuotaAsk {
        service: "ec2".into(),
        code: "L-1216C47A".into(),
        title: Quota::StandardVcpus.title().into(),
        value: 2_400,
    };
    assert_eq!(told.binding().unwrap().ask, Some(wanted));
    assert!(told.unknown.is_empty(), "{:?}", told.unknown);

    assert!(desk.asks(1_200, false).is_ok());
    assert_eq!((desk.phase(Phase::Withdrawn), desk.phase(Phase::InService)), (300, 0));
    let short = desk.last.changes.instances.iter().find(|r| r.phase == Phase::Withdrawn).unwrap();
    let reason = short.reason.as_deref().unwrap();
    assert!(reason.contains("1800 vCPUs") && reason.contains("ask AWS for 2400"), "{reason}");
    let said: Verdict = serde_json::from_str(&desk.last.changes.preflights[0].verdict).unwrap();
    assert_eq!((said.fits, said.wanted), (900, 1_200));
    assert_eq!(binds(&desk.foretold(1)), Some((Limit::Vcpus, 0)), "what is promised is taken");
}

#[test]
fn all_or_nothing_is_nothing_and_so_is_a_picture_in_which_nothing_fits() {
    let mut desk = Desk::new(Account { vcpus: 1_800, ..Account::default() });
    let refused = desk.asks(1_200, true);
    assert!(
        matches!(&refused, Err(Refusal::DoesNotFit { fits: 900, why, .. }) if why.contains("L-1216C47A"))
    );
    assert!(desk.last.changes.is_empty(), "nothing is stored");
    assert!(desk.asks(900, true).is_ok());
    let nothing = desk.asks(1, false);
    assert!(matches!(nothing, Err(Refusal::DoesNotFit { fits: 0, wanted: 1, .. })), "{nothing:?}");
}

#[test]
fn every_limit_is_named_by_its_number() {
    let of = |account, count| {
        let told = Desk::new(account).foretold(count);
        let binding = told.binding().unwrap();
        (binding.limit, told.fits, binding.ask.as_ref().map(|a| a.value))
    };
    let account = Account::default;
    assert_eq!(of(Account { free: 400, ..account() }, 1_300), (Limit::Targets, 1_000, Some(1_300)));
    let wide = || Account { targets: (9_000, 0), ..account() };
    assert_eq!(of(Account { free: 100, ..wide() }, 1_200), (Limit::Addresses, 300, None));
    // Three zones: the lesser of addresses and interfaces in each.
    let few = Account { interfaces: (5_000, 4_900), ..wide() };
    assert_eq!(of(few, 1_200), (Limit::Interfaces, 300, Some(5_300)));
    assert_eq!(of(wide(), 2_500), (Limit::Ceiling, 2_400, None));
    let taken = Account { vcpus: 1_000, running: 600, ..wide() };
    assert_eq!(of(taken, 500), (Limit::Vcpus, 200, Some(1_600)));

    let mut all = Desk::new(Account { free: 100, vcpus: 1_800, ..account() });
    let told = all.foretold(1_200);
    let short: Vec<(Limit, u32)> = told.short().map(|b| (b.limit, b.fits)).collect();
    let expected =
        [(Limit::Addresses, 300), (Limit::Interfaces, 300), (Limit::Vcpus, 900), (Limit::Targets, 1_000)];
    assert_eq!(short, expected);
}

#[test]
fn ours_are_not_counted_twice_once_aws_counts_them() {
    let mut desk = Desk::new(Account { vcpus: 1_000, ..Account::default() });
    assert!(desk.asks(100, false).is_ok());
    let mut launched = 0;
    while launched < 100 {
        let more = desk.launches_run();
        assert!(more > 0, "of 100 only {launched} were launched");
        launched += more;
    }
    // Usage lags: the metric says nothing of them yet.
    assert_eq!(desk.foretold(1_000).bounds[0].fits, 400);
    desk.account.lag = Duration::from_secs(300);
    desk.looks_for(EVERY * 2);
    assert_eq!(desk.foretold(1_000).bounds[0].fits, 400);
    // Now it does.
    desk.account.lag = Duration::ZERO;
    desk.account.running = 200;
    desk.looks_for(EVERY * 2);
    assert_eq!(desk.foretold(1_000).bounds[0].fits, 400);
    // Somebody else's on top.
    desk.account.running = 300;
    desk.looks_for(EVERY * 2);
    assert_eq!(desk.foretold(1_000).bounds[0].fits, 350);
}

#[test]
fn what_was_never_seen_binds_nothing_and_is_named() {
    let mut desk = Desk::new(Account { silent: true, vcpus: 10, ..Account::default() });
    let told = desk.foretold(1_200);
    assert_eq!((told.fits, told.picture_age_s), (1_200, None));
    for what in ["quota L-1216C47A", "free addresses of subnet-a", "targets of arn", "the vCPUs of m5.large"]
    {
        assert!(told.unknown.iter().any(|u| u.contains(what)), "{what} in {:?}", told.unknown);
    }
    let few = Account { defaults: true, ..Account::default() };
    let told = Desk::new(few).foretold(1_200);
    let text = &told.binding().unwrap().text;
    assert!(told.fits == 2 && text.contains("AWS's default"), "{text}");
    let more = Account { defaults: true, running: 600, targets: (9_000, 0), ..Account::default() };
    let told = Desk::new(more).foretold(1_200);
    assert!(told.unknown.contains(&"quota L-1216C47A".to_string()), "{:?}", told.unknown);
}

#[test]
fn while_aws_does_not_answer_the_last_picture_is_used_and_said_to_be_old() {
    let mut desk = Desk::new(Account { vcpus: 1_800, targets: (5_000, 0), ..Account::default() });
    assert!(desk.foretold(1).notes.is_empty());
    desk.account.silent = true;
    desk.looks_for(Duration::from_secs(3_600));
    let told = desk.foretold(1_200);
    assert_eq!(told.fits, 900);
    assert!(told.picture_age_s.unwrap() >= 3_500, "{:?}", told.picture_age_s);
    assert!(told.notes.iter().any(|n| n.contains("the picture is old")), "{:?}", told.notes);

    // A restart knows what was seen, and how long ago.
    let stored = Restored { facts: desk.facts.clone(), ..Restored::default() };
    let groups = vec![Arc::new(web())];
    desk.core = Core::restored(settings(), groups, stored, desk.now, 1).unwrap();
    let told = desk.foretold(1_200);
    assert_eq!(told.fits, 900);
    assert!(told.notes.iter().any(|n| n.contains("the picture is old")), "{:?}", told.notes);
    assert!(desk.last.actions.iter().any(|a| matches!(a, Action::Look { .. })), "it is looked at again");
}

#[test]
fn a_launch_template_that_is_not_there_lets_nothing_through() {
    let mut spec = web();
    spec.launch.template =
        Some(crate::decide::group::LaunchTemplate { id: "lt-1".into(), version: "7".into() });
    let mut desk = Desk::with(Account::default(), vec![spec]);
    let told = desk.foretold(5);
    assert_eq!(binds(&told), Some((Limit::LaunchTemplate, 0)));
    assert!(told.why().contains("lt-1 has no version 7"), "{}", told.why());
}

#[test]
fn a_deadline_that_cannot_be_met_is_said_so_and_how_long_it_takes_at_least() {
    let mut desk = Desk::new(Account { targets: (5_000, 0), ..Account::default() });
    let told = desk.foretold(2_000);
    // 998 tokens are believed at once, the other 1,002 at 2 a second.
    assert_eq!(told.bound_s, 501);
    let eta = told.eta_s.unwrap();
    assert!((501 + 120..=501 + 150).contains(&eta), "{eta}: the last few are not the slowest of all");
    assert!(told.basis.contains("998 instance tokens") && told.basis.contains("2/s"), "{}", told.basis);
    assert!(!told.late);
    let late = desk.core.verdict(0, 2_000, Some(desk.now.plus(Duration::from_secs(600))), desk.now);
    assert_eq!((late.late, late.by_s), (true, Some(600)));
}
