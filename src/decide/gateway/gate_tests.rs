//! Gates, decision by decision, and over whole runs.

#![allow(clippy::wildcard_enum_match_arm)] // what a test does not look at

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::gate::{Gate, GateMode, LONGEST_OVERRIDE};
use super::overrides::OverrideAsk;
use super::testing::gateway;
use super::{ANSWER_WITHIN, ConfirmAsk, GatewayAsk};
use crate::decide::action::{Accepted, Action, Refusal};
use crate::decide::event::{Ask, Event, Ticket};
use crate::decide::group::Group;
use crate::decide::guard::hold::EndAsk;
use crate::decide::guard::lease::{LeaseEnd, LeaseState};
use crate::decide::order::Order;
use crate::decide::rows::{Changes, Restored};
use crate::decide::tests::world::{Faults, START, World, ask, group};
use crate::decide::wait::Wait;
use crate::decide::words::Time;
use crate::decide::{Core, Settings};

const MINUTE: Duration = Duration::from_secs(60);

fn settings() -> Settings {
    let gateways = ["tgw", "lb"].map(|name| Arc::new(gateway(name)));
    Settings { gateways: gateways.to_vec(), ..Settings::default() }
}

fn gate(load: u32, mode: GateMode) -> Gate {
    Gate { gateway: "tgw".into(), load, mode, at_most: 30 * MINUTE, files: false }
}

/// A group whose version has worked before, behind these gates.
fn behind(name: &str, gates: Vec<Gate>) -> Group {
    let mut group = group(name);
    (group.max, group.canary.size) = (10_000, 0);
    group.bounds.gates = gates;
    group
}

/// A core, and what it wrote down.
struct Desk {
    core: Core,
    groups: Vec<Group>,
    now: Time,
    all: Changes,
    launched: u32,
}

impl Desk {
    fn new(groups: Vec<Group>) -> Desk {
        let core = Core::new(settings(), groups.iter().cloned().map(Arc::new).collect());
        Desk { core, groups, now: START, all: Changes::default(), launched: 0 }
    }

    fn decide(&mut self, events: Vec<Event>) -> Option<Result<Accepted, Refusal>> {
        let decision = self.core.decide(self.now, 1, events);
        assert!(decision.wake > self.now);
        let changes = decision.changes;
        self.all.journal.extend(changes.journal);
        self.all.gates.extend(changes.gates);
        self.all.gateways.extend(changes.gateways);
        self.all.overrides.extend(changes.overrides);
        let mut answer = None;
        for action in decision.actions {
            match action {
                Action::Launch { body, .. } => self.launched += body.max_count,
                Action::Answer { answer: said, .. } => answer = Some(said),
                _ => {}
            }
        }
        answer
    }

    fn order(&mut self, order: Order) -> Result<Accepted, Refusal> {
        self.decide(vec![Event::Ordered { order, ticket: Ticket(1) }]).unwrap()
    }

    fn want(&mut self, group: &str, count: u32) -> String {
        let ask = Ask { id: format!("{group}-{count}"), ..ask("", group, count) };
        self.decide(vec![Event::ScaleUpAsked { ask, ticket: Ticket(1) }]).unwrap().unwrap().id
    }

    fn after(&mut self, passed: Duration) {
        self.now = self.now.plus(passed);
        self.decide(Vec::new());
    }

    fn request(&mut self, capacity: u32) {
        let ask = GatewayAsk {
            id: "request".into(),
            gateway: "tgw".into(),
            capacity,
            needed_by: None,
            until: self.now.plus(2 * 60 * MINUTE),
            owner: "ann".into(),
            reason: String::new(),
        };
        self.order(Order::AskGateway(ask)).unwrap();
    }

    fn confirm(&mut self, id: &str, capacity: u32) {
        let ask = ConfirmAsk { id: id.into(), capacity, by: "bob".into(), note: None };
        self.order(Order::ConfirmGateway(ask)).unwrap();
    }

    fn let_through(&mut self, subject: &str) -> Result<Accepted, Refusal> {
        let until = self.now.plus(60 * MINUTE);
        self.order(Order::Override(OverrideAsk {
            id: format!("override-{subject}"),
            subject: subject.into(),
            until,
            owner: "ann".into(),
            reason: "the peak is here".into(),
        }))
    }

    fn wait(&self, group: usize) -> Option<Wait> {
        self.core.view(self.now).groups[group].wait.clone()
    }

    fn says(&self, kind: &str) -> Vec<&str> {
        self.all.journal.iter().filter(|l| l.kind == kind).map(|l| l.text.as_str()).collect()
    }

    /// Another process goes on from the rows about gateways.
    fn restart(&mut self) {
        let mut stored = Restored::default();
        for row in &self.all.gates {
            stored.gates.retain(|r| (&r.group, &r.gateway) != (&row.group, &row.gateway));
            stored.gates.push(row.clone());
        }
        stored.gates.retain(|r| r.ended_at.is_none());
        for row in &self.all.overrides {
            stored.overrides.retain(|r| r.lease.id != row.lease.id);
            stored.overrides.push(row.clone());
        }
        stored.overrides.retain(|r| r.lease.state != LeaseState::Done);
        let groups = self.groups.iter().cloned().map(Arc::new).collect();
        self.core = Core::restored(settings(), groups, stored, self.now, 1).unwrap();
    }
}

#[test]
fn a_paced_group_is_launched_up_to_eighty_percent_and_on_when_more_is_confirmed() {
    let mut desk = Desk::new(vec![behind("web", vec![gate(500, GateMode::Pace)])]);
    desk.want("web", 400);
    assert_eq!(desk.launched, 160);
    let told = desk.wait(0).unwrap().describe(desk.now);
    assert_eq!(
        told,
        "gateway tgw carries 100 Gbit/s confirmed, 80 may be planned, 80 are (web 160 × 0.5): one more brings 0.5; \
         nobody was asked for more"
    );
    assert_eq!(desk.says("gate_short").len(), 1);
    desk.request(200);
    assert!(desk.wait(0).unwrap().describe(desk.now).ends_with("waits for gateway request request"));
    desk.confirm("request", 150);
    assert_eq!(desk.launched, 240, "in the very decision");
    // Calls have their own bucket.
    desk.after(MINUTE);
    desk.confirm("request", 250);
    assert_eq!((desk.launched, desk.wait(0)), (400, None));
    assert_eq!(desk.says("gate_open").len(), 1);
    let view = &desk.core.view(desk.now).gateways[0];
    assert_eq!((view.capacity, view.load.planned, view.load.may()), (250, 200_000, 200_000));
    assert_eq!((view.gates[0].instances, view.gates[0].short.clone()), (400, None));
}

#[test]
fn what_a_request_brought_is_not_planned_for_after_its_end() {
    let mut desk = Desk::new(vec![behind("web", vec![gate(500, GateMode::Pace)])]);
    desk.request(200);
    desk.confirm("request", 200);
    desk.now = desk.now.plus(2 * 60 * MINUTE);
    desk.want("web", 400);
    assert_eq!(desk.launched, 160);
}

#[test]
fn a_group_that_waits_is_launched_whole_or_not_at_all() {
    let mut desk = Desk::new(vec![behind("web", vec![gate(500, GateMode::Wait)])]);
    desk.want("web", 100);
    assert_eq!(desk.launched, 100);
    desk.want("web", 61);
    desk.want("web", 20);
    assert_eq!(desk.launched, 100, "60 more would fit, and the younger one waits for its turn");
    let told = desk.wait(0).unwrap().describe(desk.now);
    assert!(told.contains("61 × 0.5 have to fit together"), "{told}");
    desk.request(120);
    desk.confirm("request", 120);
    assert_eq!(desk.launched, 181);
}

#[test]
fn a_group_that_only_warns_is_launched_and_it_is_said() {
    let mut desk = Desk::new(vec![behind("web", vec![gate(500, GateMode::Warn)])]);
    desk.want("web", 200);
    assert_eq!((desk.launched, desk.wait(0)), (200, None));
    assert_eq!(
        desk.says("gate_short"),
        [
            "group web: gateway tgw carries 100 Gbit/s confirmed, 80 may be planned, 100 are (web 200 × 0.5), and 0 more × 0.5 \
          are wanted: they are launched all the same"
        ]
    );
    desk.after(60 * MINUTE);
    assert_eq!(desk.says("gate_alarm").len(), 0, "nothing waits");
}

#[test]
fn groups_share_what_a_gateway_carries() {
    let web = behind("web", vec![gate(500, GateMode::Pace)]);
    let mut desk = Desk::new(vec![web, behind("api", vec![gate(100, GateMode::Pace)])]);
    desk.want("web", 100);
    desk.want("api", 400);
    assert_eq!(desk.launched, 100 + 300);
    let told = desk.wait(1).unwrap().describe(desk.now);
    assert!(told.contains("80 are (web 100 × 0.5 + api 300 × 0.1): one more brings 0.1"), "{told}");
}

#[test]
fn what_lasts_too_long_is_an_alarm_and_survives_a_restart() {
    let mut desk = Desk::new(vec![behind("web", vec![gate(500, GateMode::Wait)])]);
    desk.want("web", 400);
    desk.after(29 * MINUTE);
    assert_eq!(desk.says("gate_alarm").len(), 0);
    desk.after(MINUTE);
    let said = desk.says("gate_alarm").concat();
    assert!(said.starts_with("group web: 400 have waited for 30 min: gateway tgw carries 100"), "{said}");
    let row = desk.all.gates.last().unwrap().clone();
    assert_eq!((row.since, row.alarmed_at), (START, Some(desk.now)));
    desk.restart();
    desk.want("web", 401);
    desk.after(60 * MINUTE);
    assert_eq!(desk.says("gate_alarm").len(), 1, "said once");
    assert_eq!(desk.says("gate_short").len(), 1);
}

#[test]
fn an_override_is_in_force_at_once_and_ends_by_itself() {
    let mut desk = Desk::new(vec![behind("web", vec![gate(500, GateMode::Pace)])]);
    desk.want("web", 200);
    assert!(!desk.let_through("web").unwrap().repeated);
    assert_eq!((desk.launched, desk.wait(0)), (200, None), "in the very decision");
    assert_eq!(desk.says("gate_override"), ["group web: ann overrides its gates: the peak is here"]);
    assert!(desk.let_through("web").unwrap().repeated);
    assert_eq!(desk.core.view(desk.now).gate_overrides.len(), 1);
    desk.restart();
    desk.after(59 * MINUTE);
    desk.want("web", 300);
    assert_eq!(desk.launched, 500, "restored");
    desk.after(MINUTE);
    let row = desk.all.overrides.last().unwrap();
    assert_eq!((row.lease.state, row.lease.end), (LeaseState::Done, Some(LeaseEnd::Expired)));
    desk.want("web", 10);
    assert_eq!(desk.launched, 500);
}

#[test]
fn an_override_of_a_scale_up_lets_it_through_in_its_turn_and_nobody_after_it() {
    let mut desk = Desk::new(vec![behind("web", vec![gate(500, GateMode::Pace)])]);
    desk.want("web", 180);
    let second = desk.want("web", 30);
    desk.want("web", 40);
    assert_eq!(desk.launched, 160);
    desk.let_through(&second).unwrap();
    assert_eq!(desk.launched, 210, "20 of the first, and the second");
    assert!(matches!(desk.wait(0), Some(Wait::Gate { .. })));
}

#[test]
fn an_override_is_of_something_and_ends_only_by_its_owner_or_by_name() {
    let mut desk = Desk::new(vec![behind("web", vec![gate(500, GateMode::Pace)]), behind("api", Vec::new())]);
    let nothing = desk.let_through("db").unwrap_err().to_string();
    assert_eq!(nothing, "there is neither a group nor an open scale-up 'db'; configured groups: web, api");
    assert_eq!(desk.let_through("api").unwrap_err().to_string(), "group 'api' depends on no gateway");
    let ask = OverrideAsk {
        id: "long".into(),
        subject: "web".into(),
        until: desk.now.plus(LONGEST_OVERRIDE + MINUTE),
        owner: "ann".into(),
        reason: String::new(),
    };
    assert_eq!(desk.order(Order::Override(ask)), Err(Refusal::LeaseEnd { most_s: 86_400 }));
    let id = desk.let_through("web").unwrap().id;
    let end = |by: &str, overrides| Order::EndOverride(EndAsk { id: id.clone(), by: by.into(), overrides });
    assert!(matches!(desk.order(end("bob", false)), Err(Refusal::NotTheirs { .. })));
    desk.order(end("bob", true)).unwrap();
    assert_eq!(
        desk.says("gate_override_end"),
        ["group web: ann's override of its gates is overridden by bob"]
    );
    desk.want("web", 200);
    assert_eq!(desk.launched, 160);
    assert!(matches!(desk.order(end("ann", false)), Err(Refusal::UnknownLease { .. })));
}

#[test]
fn what_is_missing_is_asked_for_once_and_again_only_for_more() {
    let files = Gate { files: true, ..gate(500, GateMode::Pace) };
    let mut desk = Desk::new(vec![behind("web", vec![files])]);
    desk.want("web", 400);
    let row = desk.all.gateways.last().unwrap().clone();
    assert_eq!((row.owner.as_str(), row.wanted, row.id.len()), ("muster", 250, 36));
    assert!(row.reason.starts_with("group web wants more: gateway tgw carries 100"), "{}", row.reason);
    desk.confirm(&row.id, 0);
    desk.after(MINUTE);
    let asked = |desk: &Desk| desk.says("gateway_wanted").len();
    assert_eq!(asked(&desk), 1, "whoever said no is not asked for the same again");
    desk.want("web", 40);
    assert_eq!((asked(&desk), desk.all.gateways.last().unwrap().wanted), (2, 275));
    let id = desk.all.gateways.last().unwrap().id.clone();
    desk.confirm(&id, 275);
    assert_eq!((desk.launched, desk.wait(0)), (440, None));
}

#[test]
fn nobody_answering_is_said_once_and_names_who_waits() {
    let mut desk = Desk::new(vec![behind("web", vec![gate(500, GateMode::Pace)])]);
    desk.request(200);
    desk.want("web", 400);
    let before = ANSWER_WITHIN.saturating_sub(Duration::from_millis(1));
    desk.after(before);
    assert_eq!(desk.says("gateway_unanswered").len(), 0);
    desk.after(Duration::from_millis(1));
    assert_eq!(
        desk.says("gateway_unanswered"),
        [
            "tgw: 200 Gbit/s were asked for 5 min ago, and nobody has answered; web wait for it: have it confirmed, or \
          override the gate"
        ]
    );
    assert_eq!(desk.all.gateways.last().unwrap().alarmed_at, Some(desk.now));
    desk.after(20 * MINUTE);
    assert_eq!(desk.says("gateway_unanswered").len(), 1);
}

#[test]
fn who_asks_before_is_told_what_the_gateway_holds_up() {
    let mut desk = Desk::new(vec![behind("web", vec![gate(500, GateMode::Pace)])]);
    let event = Event::PreflightAsked { ask: ask("x", "web", 400), ticket: Ticket(1) };
    let actions = desk.core.decide(desk.now, 1, vec![event]).actions;
    let verdict = actions.iter().find_map(|a| match a {
        Action::Foretell { verdict, .. } => verdict.clone().ok(),
        _ => None,
    });
    let verdict = verdict.unwrap();
    assert_eq!((verdict.fits, verdict.eta_s), (400, None), "it is accepted, and nobody knows until when");
    assert_eq!(
        verdict.notes,
        ["gateway tgw carries 100 Gbit/s confirmed, 80 may be planned, 0 are (web 0 × 0.5); each adds \
          0.5, 400 make 200 more: 200 of 100 × 80 % = 80: room for 160 of 400 now: the rest waits until more is confirmed, or somebody overrides it"]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Never more than may be, at any instant, and never stuck while there is room: with instances that break and calls
    /// that are throttled, lost, or give fewer than asked.
    #[test]
    fn a_paced_group_reaches_what_fits_and_never_more(
        seed in any::<u64>(), load in 100u32..5_000, wanted in 1u32..300,
        throttle in 0u64..30, broken in 0u64..20, lost in 0u64..10, partial in any::<bool>(),
    ) {
        let faults = Faults { throttle, lost, broken, partial, ..Faults::default() };
        let web = behind("web", vec![gate(load, GateMode::Pace)]);
        let mut world = World::with(seed, faults, vec![web], settings());
        let scale_up = world.ask("web", wanted);
        world.run(60 * MINUTE);
        let room = 80_000 / load;
        let expected = wanted.min(room);
        prop_assert!(world.answers[&scale_up].is_ok());
        prop_assert!(world.most_live <= room as usize, "{} live, {room} fit", world.most_live);
        let served = world.core.view(world.now).groups[0].in_service;
        prop_assert_eq!(served, expected);
    }
}
