//! Gateway requests against the simulated AWS: calls that are lost, late or unanswered, and a process that is killed
//! around every step. Nothing is called that was not committed, and nothing is forgotten: what is left at the end is
//! judged for each kind of gateway.

mod balancer;
mod case;
mod nat;
mod quota;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::adapt;
use super::books::Books;
use super::dice::Dice;
use crate::decide::action::Action;
use crate::decide::event::{Event, Ticket};
use crate::decide::gateway::GatewayAsk;
use crate::decide::gateway::call::{GatewayCall, GatewaySeen};
use crate::decide::gateway::nat::{AddressState, NatCall};
use crate::decide::gateway::quota::QuotaCall;
use crate::decide::gateway::words::{Gateway, GatewayRow};
use crate::decide::guard::hold::EndAsk;
use crate::decide::order::Order;
use crate::decide::words::Time;
use crate::decide::{Core, Settings};
use crate::engine::protocol::Uncommitted;
use crate::sim::model::Model;
use crate::sim::model::call::Outcome;

const START: Time = Time(1_609_768_800_000);
const MINUTE: Duration = Duration::from_secs(60);
/// When the caller gives a call up.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Nothing goes wrong any more.
const HEALED: Time = Time(START.0 + 5 * 3_600_000);
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
    gateway: Gateway,
    wanted: u32,
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
    /// Of a NAT gateway: most addresses that it ever had or was getting.
    most_addresses: u32,
    kills: u32,
}

fn settings(gateway: &Gateway) -> Settings {
    Settings { gateways: vec![Arc::new(gateway.clone())], ..Settings::default() }
}

impl World {
    /// So much of this gateway is to be asked for.
    fn new(model: Model, dice: Dice, gateway: Gateway, wanted: u32) -> World {
        let mut books = Books::new(None);
        let epoch = books.take_over(START);
        let stored = books.restore(START);
        let core = Core::restored(settings(&gateway), Vec::new(), stored, START, 1).unwrap();
        World {
            model,
            books,
            gateway,
            wanted,
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
            most_addresses: 0,
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
        self.core = Core::restored(settings(&self.gateway), Vec::new(), stored, self.now, entropy).unwrap();
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
        if call.changes() {
            let row = self.row().expect("called, and not committed");
            assert!(row.calls > 0 && row.submitted_at.is_some(), "called, and not committed: {row:?}");
            let ours = match &call {
                GatewayCall::Reserve { units, .. } => *units == Some(self.wanted),
                GatewayCall::Quota { call, .. } => *call == QuotaCall::Ask { value: self.wanted },
                GatewayCall::Nat { call, .. } => matches!(call, NatCall::Associate { .. }),
                GatewayCall::Support(call) => call.changes(),
                GatewayCall::Look { .. } => false,
            };
            assert!(!(ours && row.state.is_over()), "changed after its end: {row:?}");
        }
        let reply = self.model.handle(&adapt::gateway::call(&call), self.now.0);
        self.count_addresses(&call);
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

    /// After each call that may add one.
    fn count_addresses(&mut self, call: &GatewayCall) {
        let GatewayCall::Nat { gateway, .. } = call else { return };
        let look = GatewayCall::Nat { gateway: gateway.clone(), call: NatCall::Look };
        let reply = self.model.handle(&adapt::gateway::call(&look), self.now.0);
        let Ok(GatewaySeen::Nat(seen)) = adapt::gateway::answer(reply.outcome) else { return };
        let stay = seen.addresses.iter().filter(|a| a.state != AddressState::Disassociating).count();
        self.most_addresses = self.most_addresses.max(u32::try_from(stay).unwrap());
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
fn one(mut world: World, seed: u64) -> World {
    let ask = GatewayAsk {
        id: "request".into(),
        gateway: world.gateway.name.clone(),
        capacity: world.wanted,
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
