//! Gateway requests against the simulated load balancers: calls that are lost, late or unanswered, and a process
//! that is killed around every step. What is reserved at the end is what was reserved before, nothing is called
//! that was not committed, and nothing is forgotten.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::adapt;
use super::books::Books;
use super::dice::Dice;
use crate::decide::action::Action;
use crate::decide::event::{Event, Ticket};
use crate::decide::gateway::GatewayAsk;
use crate::decide::gateway::balancer::SETTLED_AFTER;
use crate::decide::gateway::call::GatewayCall;
use crate::decide::gateway::testing::gateway;
use crate::decide::gateway::words::{Gateway, GatewayRow, GatewayState};
use crate::decide::guard::hold::EndAsk;
use crate::decide::order::Order;
use crate::decide::words::Time;
use crate::decide::{Core, Settings};
use crate::engine::protocol::Uncommitted;
use crate::sim::model::Model;
use crate::sim::model::call::Outcome;
use crate::sim::model::elbv2::call::{Answer, Call, Kind, Reserve};
use crate::sim::model::elbv2::testing;
use crate::sim::settings::{PendingAs, ReservationOutcome};

const START: Time = Time(1_609_768_800_000);
const MINUTE: Duration = Duration::from_secs(60);
/// When the caller gives a call up.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Nothing goes wrong any more.
const HEALED: Time = Time(START.0 + 5 * 3_600_000);
const WANTED: u32 = 300;
/// Who waits for the answer to a call that was given up.
const NOBODY: u64 = u64::MAX;

enum Coming {
    Order(Order),
    Arrives { life: u64, request: Arc<str>, call: GatewayCall },
    Returns { life: u64, event: Event },
}

struct World {
    model: Model,
    books: Books,
    arn: String,
    core: Core,
    epoch: i64,
    life: u64,
    now: Time,
    wake: Time,
    dice: Dice,
    coming: BTreeMap<(Time, u64), Coming>,
    number: u64,
    /// Calls of the living process that are out.
    out: u32,
    reached: bool,
    kills: u32,
}

fn settings(arn: &str) -> Settings {
    let balancer = Gateway { resource: arn.into(), ..gateway("lb") };
    Settings { gateways: vec![Arc::new(balancer)], ..Settings::default() }
}

impl World {
    fn new(seed: u64, outcome: ReservationOutcome, before: u32) -> World {
        let mut dice = Dice::new(seed, 0x6a7e);
        let mut model = testing::model(|s| {
            s.quotas.applied = [(crate::sim::model::quotas::ALB_UNITS.to_string(), 2_000.0)].into();
            s.elbv2.reservation = outcome;
            if dice.chance(25.0) {
                s.elbv2.reservation_in_zone.insert("us-east-1a".into(), ReservationOutcome::Failed);
            }
            s.elbv2.reset_is_a_decrease = dice.chance(50.0);
            if dice.chance(50.0) {
                s.elbv2.pending_as = PendingAs::CapacityReservationPending;
            }
        });
        let long_ago = START.minus(60 * MINUTE);
        let arn = testing::create_balancer(&mut model, "lb", Kind::Application, long_ago.0);
        if before > 0 {
            let change = Reserve::Units(before);
            let call = Call::ModifyCapacityReservation { arn: arn.clone(), change };
            testing::ask(&mut model, call, long_ago.0).unwrap();
        }
        let mut books = Books::new(None);
        let epoch = books.take_over(START);
        let core = Core::restored(settings(&arn), Vec::new(), books.restore(START), START, 1).unwrap();
        World {
            model,
            books,
            arn,
            core,
            epoch,
            life: 0,
            now: START,
            wake: Time::NEVER,
            dice,
            coming: BTreeMap::new(),
            number: 0,
            out: 0,
            reached: false,
            kills: 0,
        }
    }

    fn at(&mut self, at: Time, what: Coming) {
        self.number += 1;
        self.coming.insert((at, self.number), what);
    }

    fn chance(&mut self, percent: f64) -> bool {
        self.now < HEALED && self.dice.chance(percent)
    }

    fn ms(&mut self, least: u32, most: u32) -> Duration {
        Duration::from_millis(self.dice.between(least, most).into())
    }

    fn row(&self) -> Option<&GatewayRow> {
        self.books.gateways.get("request")
    }

    /// The next process goes on from what was committed.
    fn dies(&mut self) {
        self.kills += 1;
        self.life += 1;
        self.out = 0;
        self.epoch = self.books.take_over(self.now);
        let stored = self.books.restore(self.now);
        let entropy = self.dice.bits();
        self.core = Core::restored(settings(&self.arn), Vec::new(), stored, self.now, entropy).unwrap();
        // Some while passes before it looks at anything.
        self.wake = self.now.plus(self.ms(1, 120_000));
    }

    fn decide(&mut self, events: Vec<Event>) {
        let entropy = self.dice.bits();
        let decided = Uncommitted::decide(&mut self.core, self.now, entropy, events);
        if self.chance(3.0) {
            return self.dies();
        }
        self.books.commit(self.epoch, decided.changes()).unwrap();
        self.wake = decided.wake();
        if self.chance(3.0) {
            return self.dies();
        }
        for action in decided.committed() {
            let Action::Gateway { request, call } = action else { continue };
            self.out += 1;
            assert_eq!(self.out, 1, "two calls for one request are out");
            // Lost on the way, or so late that nobody waits for it any more, though it takes effect.
            if self.chance(10.0) {
                let error = adapt::unknown("timeout", "no answer in time");
                let event = Event::GatewayAnswered { request, call, outcome: Err(error) };
                self.at(self.now.plus(TIMEOUT), Coming::Returns { life: self.life, event });
                continue;
            }
            let way = if self.chance(10.0) { self.ms(1_000, 600_000) } else { self.ms(20, 2_000) };
            let late = way > TIMEOUT;
            let life = if late { NOBODY } else { self.life };
            let arrives = Coming::Arrives { life, request: request.clone(), call: call.clone() };
            self.at(self.now.plus(way), arrives);
            if late {
                let error = adapt::unknown("timeout", "no answer in time");
                let event = Event::GatewayAnswered { request, call, outcome: Err(error) };
                self.at(self.now.plus(TIMEOUT), Coming::Returns { life: self.life, event });
            }
        }
        let carries = self.row().is_some_and(|row| row.state.carries());
        self.reached |= carries;
    }

    fn arrives(&mut self, life: u64, request: Arc<str>, call: GatewayCall) {
        if let GatewayCall::Reserve { units, .. } = &call {
            let row = self.row().expect("called, and not committed");
            assert!(row.calls > 0 && row.submitted_at.is_some(), "called, and not committed: {row:?}");
            let ours = *units == Some(WANTED);
            assert!(!(ours && row.state.is_over()), "reserved after its end: {row:?}");
        }
        let reply = self.model.handle(&adapt::gateway::call(&call), self.now.0);
        let lost = self.chance(10.0) || matches!(reply.outcome, Outcome::Lost);
        let outcome = if lost {
            Err(adapt::unknown("timeout", "no answer in time"))
        } else {
            adapt::gateway::answer(reply.outcome)
        };
        let after = if lost { TIMEOUT } else { self.ms(20, 2_000) };
        let event = Event::GatewayAnswered { request, call, outcome };
        self.at(self.now.plus(after), Coming::Returns { life, event });
    }

    /// Until nothing is to be done any more.
    fn run(&mut self, end: Time) {
        loop {
            let next = self.coming.first_key_value().map_or(Time::NEVER, |((at, _), _)| *at);
            let at = next.min(self.wake);
            if at > end {
                return;
            }
            self.now = self.now.max(at);
            if self.wake <= next {
                self.decide(Vec::new());
                if self.now < HEALED && self.dice.chance(3.0) {
                    self.dies();
                }
                continue;
            }
            let Some((_, what)) = self.coming.pop_first() else { return };
            match what {
                Coming::Order(order) => self.decide(vec![Event::Ordered { order, ticket: Ticket(1) }]),
                Coming::Arrives { life, request, call } => self.arrives(life, request, call),
                Coming::Returns { life, event } if life == self.life => {
                    self.out = self.out.saturating_sub(1);
                    self.decide(vec![event]);
                }
                Coming::Returns { .. } => {}
            }
        }
    }
}

/// One request, from its asking to its end.
fn one(seed: u64, outcome: ReservationOutcome, before: u32) -> World {
    let mut world = World::new(seed, outcome, before);
    let ask = GatewayAsk {
        id: "request".into(),
        gateway: "lb".into(),
        capacity: WANTED,
        needed_by: Some(START.plus(30 * MINUTE)),
        until: START.plus(180 * MINUTE),
        owner: "ann".into(),
        reason: String::new(),
    };
    // Whoever is not answered asks again: a kill may come before the commit.
    for minute in [0, 1, 2] {
        let again = ask.clone();
        world.at(START.plus(minute * MINUTE), Coming::Order(Order::AskGateway(again)));
    }
    if seed.is_multiple_of(3) {
        let minute = world.dice.between(1, 170);
        let end = EndAsk { id: "request".into(), by: "bob".into(), overrides: true };
        world.at(START.plus(minute * MINUTE), Coming::Order(Order::ReleaseGateway(end)));
    }
    world.run(START.plus(48 * 60 * MINUTE));
    world
}

fn judge(seeds: std::ops::Range<u64>, outcome: ReservationOutcome) -> (u32, u32) {
    let (mut reached, mut kills) = (0, 0);
    for seed in seeds {
        let before = if seed.is_multiple_of(2) { 0 } else { 200 };
        let mut world = one(seed, outcome, before);
        let Some(row) = world.row().cloned() else { panic!("seed {seed}: never committed") };
        assert!(row.state.is_over(), "seed {seed}: {row:?}");
        let look = Call::DescribeCapacityReservation { arn: world.arn.clone() };
        let now = world.now.0;
        let Answer::CapacityReservation { reservation, .. } =
            testing::ask(&mut world.model, look, now).unwrap()
        else {
            panic!("seed {seed}: no reservation is shown")
        };
        let left = reservation.units.unwrap_or(0);
        assert_eq!(left, before, "seed {seed}: {row:?}");
        assert!(row.unanswered.is_none_or(|at| row.since >= at.plus(SETTLED_AFTER)), "seed {seed}: {row:?}");
        if outcome == ReservationOutcome::Failed && row.ended_by.is_none() {
            assert_ne!(row.state, GatewayState::Released, "seed {seed}: {row:?}");
        }
        reached += u32::from(world.reached);
        kills += world.kills;
    }
    (reached, kills)
}

#[test]
fn what_was_reserved_is_given_back_whatever_is_lost_or_killed() {
    let (reached, kills) = judge(0..300, ReservationOutcome::Provisioned);
    assert!(reached >= 200, "{reached} of 300 came into effect");
    assert!(kills >= 300, "{kills} kills");
    let (reached, _) = judge(300..400, ReservationOutcome::Rebalancing);
    assert!(reached >= 60, "{reached} of 100 came into effect");
}

#[test]
fn what_aws_does_not_have_leaves_nothing_behind() {
    assert_eq!(judge(400..500, ReservationOutcome::Failed).0, 0);
}
