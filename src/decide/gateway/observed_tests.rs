//! What a gateway is seen to carry, metric by metric, decision by decision, and over whatever is read.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::gate::{Gate, GateMode};
use super::load::Load;
use super::observed::{Observation, Observed, Together, Watch};
use super::testing::gateway;
use crate::decide::action::Action;
use crate::decide::event::{Ask, Event, Ticket};
use crate::decide::group::Group;
use crate::decide::signal::Metric;
use crate::decide::signal::read::Points;
use crate::decide::tests::world::{START, ask, group};
use crate::decide::words::Time;
use crate::decide::{Core, Settings};

const MINUTE: Duration = Duration::from_secs(60);
/// One Gbit/s of bytes in a minute.
const GIGABIT: f64 = 7.5e9;

fn metric(name: &str) -> Metric {
    Metric {
        namespace: "AWS/TransitGateway".into(),
        name: name.into(),
        dimensions: vec![("TransitGateway".into(), "tgw-0a1b2c3d".into())],
        statistic: "Sum".into(),
        period: MINUTE,
    }
}

fn observed(together: Together) -> Observed {
    Observed {
        metrics: ["BytesIn", "BytesOut"].map(metric).to_vec(),
        together,
        per: 7_500_000_000,
        fresh_for: 5 * MINUTE,
        refusals: Some(metric("ErrorPortAllocation")),
    }
}

fn minute(n: u32) -> Time {
    START.plus(MINUTE * n)
}

/// A watch that has seen so much planned in service since the beginning.
fn watch(together: Together, planned: u64) -> Watch {
    let mut watch = Watch::new(&observed(together));
    watch.mark(planned, START);
    watch
}

fn read(watch: &mut Watch, name: &str, points: &[(Time, f64)], now: Time) {
    watch.read(&metric(name), &points.to_vec(), now);
    watch.book(now);
}

#[test]
fn each_direction_has_a_limit_of_its_own_unless_they_are_to_be_added_up() {
    for (together, carried) in [(Together::Highest, 40_000), (Together::Sum, 62_400)] {
        let mut watch = watch(together, 50_000);
        read(&mut watch, "BytesIn", &[(START, 22.4 * GIGABIT)], minute(2));
        assert_eq!(watch.current(minute(2)), None, "half of it is not taken for all of it");
        read(&mut watch, "BytesOut", &[(START, 40.0 * GIGABIT)], minute(2));
        assert_eq!(
            watch.current(minute(2)),
            Some(Observation { at: START, carried, planned: 50_000 }),
            "{together}"
        );
    }
}

#[test]
fn a_period_that_is_not_over_and_one_that_is_too_old_say_nothing() {
    let mut watch = watch(Together::Highest, 0);
    let now = minute(1).minus(Duration::from_millis(1));
    for name in ["BytesIn", "BytesOut"] {
        read(&mut watch, name, &[(START, GIGABIT)], now);
    }
    assert_eq!(watch.current(now), None, "its sum grows yet");
    watch.book(minute(1));
    let carried = |at| watch.current(at).map(|o| o.carried);
    assert_eq!(carried(minute(1)), Some(1_000));
    assert_eq!(carried(minute(5)), Some(1_000));
    assert_eq!(carried(minute(5).plus(Duration::from_millis(1))), None);
}

#[test]
fn who_came_into_service_during_the_period_is_not_taken_for_what_it_shows() {
    let mut watch = watch(Together::Highest, 10_000);
    watch.mark(90_000, START.plus(Duration::from_secs(30)));
    for name in ["BytesIn", "BytesOut"] {
        read(&mut watch, name, &[(START, 60.0 * GIGABIT)], minute(2));
    }
    assert_eq!(watch.current(minute(2)).map(|o| o.unplanned()), Some(50_000));
}

#[test]
fn a_period_from_before_this_process_saw_its_groups_is_not_believed() {
    let mut watch = watch(Together::Highest, 10_000);
    let before = START.minus(Duration::from_millis(1));
    for name in ["BytesIn", "BytesOut"] {
        read(&mut watch, name, &[(before, GIGABIT)], minute(2));
    }
    assert_eq!(watch.current(minute(2)), None);
}

#[test]
fn what_is_no_load_is_not_taken_for_one() {
    for value in [-1.0, f64::NAN, f64::INFINITY] {
        let mut watch = watch(Together::Highest, 0);
        for name in ["BytesIn", "BytesOut"] {
            read(&mut watch, name, &[(START, value)], minute(2));
        }
        assert_eq!(watch.current(minute(2)), None, "{value}");
    }
}

/// A core with the gateway `tgw` observed, and one group of so much load each behind it.
struct Desk {
    core: Core,
    now: Time,
    journal: Vec<(String, String)>,
    launched: u32,
}

impl Desk {
    fn new(load: u32) -> Desk {
        let mut tgw = gateway("tgw");
        tgw.observed = Some(observed(Together::Highest));
        let settings = Settings { gateways: vec![Arc::new(tgw)], ..Settings::default() };
        let gate =
            Gate { gateway: "tgw".into(), load, mode: GateMode::Pace, at_most: 30 * MINUTE, files: false };
        let mut web: Group = group("web");
        (web.max, web.canary.size) = (10_000, 0);
        web.bounds.gates = vec![gate];
        let core = Core::new(settings, vec![Arc::new(web)]);
        let mut desk = Desk { core, now: START, journal: Vec::new(), launched: 0 };
        desk.decide(Vec::new());
        desk
    }

    fn decide(&mut self, events: Vec<Event>) {
        let decision = self.core.decide(self.now, 1, events);
        self.journal.extend(decision.changes.journal.into_iter().map(|l| (l.kind, l.text)));
        for action in decision.actions {
            if let Action::Launch { body, .. } = action {
                self.launched += body.max_count;
            }
        }
    }

    /// Two minutes pass, and this is read of the first of them.
    fn carries(&mut self, gigabits: f64, refusals: f64) {
        let at = self.now;
        self.now = at.plus(2 * MINUTE);
        let asked: Arc<[Metric]> = Arc::from(["BytesIn", "BytesOut", "ErrorPortAllocation"].map(metric));
        let values = [gigabits * GIGABIT, GIGABIT, refusals];
        let series: Vec<Points> = values.iter().map(|value| vec![(at, *value)]).collect();
        self.decide(vec![Event::MetricsRead { asked, outcome: Ok(series) }]);
    }

    fn load(&self) -> Load {
        self.core.view(self.now).gateways[0].load
    }

    fn says(&self, kind: &str) -> Vec<&str> {
        self.journal.iter().filter(|(k, _)| k == kind).map(|(_, text)| text.as_str()).collect()
    }
}

#[test]
fn what_others_send_through_a_gateway_leaves_less_room_until_it_is_too_old() {
    let mut desk = Desk::new(500);
    desk.carries(62.4, 0.0);
    assert_eq!(desk.load(), Load { confirmed: 100_000, planned: 0, unplanned: 62_400 });
    let ask = Ask { id: "more".into(), ..ask("", "web", 60) };
    desk.decide(vec![Event::ScaleUpAsked { ask, ticket: Ticket(1) }]);
    assert_eq!(desk.launched, 35, "17.6 of 80 are left, half each");
    let wait = desk.core.view(desk.now).groups[0].wait.clone().unwrap().describe(desk.now);
    let sum = "80 may be planned, 17.5 are (web 35 × 0.5) and 62.4 beside the plan; 62.4 Gbit/s are carried \
               (CloudWatch, 120 s ago), 0 planned for those in service";
    assert!(wait.contains(sum), "{wait}");
    desk.now = desk.now.plus(4 * MINUTE);
    desk.decide(Vec::new());
    assert_eq!(desk.load().unplanned, 0, "nobody knows any more");
    assert_eq!(desk.launched, 60, "the plan alone counts");
}

#[test]
fn what_differs_from_the_plan_is_said_when_it_begins_and_when_it_ends() {
    let mut desk = Desk::new(500);
    for gigabits in [20.0, 20.1, 30.0, 5.0, 5.0] {
        desk.carries(gigabits, 0.0);
    }
    assert_eq!(
        desk.says("gateway_differs"),
        [
            "gateway tgw: 20.1 Gbit/s are carried (CloudWatch, 120 s ago), 0 planned for those in service, which is further \
          apart than 20 % of the 100 confirmed"
        ]
    );
    assert_eq!(desk.says("gateway_agrees").len(), 1);
}

#[test]
fn ports_that_run_out_are_said_when_it_begins_and_when_it_ends() {
    let mut desk = Desk::new(500);
    for refusals in [0.0, 3.0, 2.0, 0.0] {
        desk.carries(1.0, refusals);
        let view = desk.core.view(desk.now).gateways[0].observed.clone().unwrap();
        assert!(view.fresh && view.refused.is_some_and(|n| (n > 0) == (refusals > 0.0)));
    }
    assert_eq!(desk.says("gateway_ports_run_out").len(), 1);
    assert_eq!(desk.says("gateway_ports_again").len(), 1);
}

proptest! {
    /// Whatever is read, in whatever order and however old: a plan gets tighter by it, or stays as it is.
    #[test]
    fn an_observation_never_makes_room(
        points in prop::collection::vec((0i64..900, -1e12f64..1e12, any::<bool>()), 0..40),
        marks in prop::collection::vec((1u64..120, 0u64..200_000), 0..20),
        confirmed in 0u64..1_000_000, planned in 0u64..1_000_000, each in 1u32..10_000, later in 0u64..900,
    ) {
        let mut watch = Watch::new(&observed(Together::Highest));
        let mut now = START;
        for (passed, planned) in marks {
            watch.mark(planned, now);
            now = now.plus(Duration::from_secs(passed));
        }
        for (at, value, way) in points {
            let name = if way { "BytesIn" } else { "BytesOut" };
            read(&mut watch, name, &[(Time(START.0 + at * 1_000), value)], now);
        }
        let now = now.plus(Duration::from_secs(later));
        let current = watch.current(now);
        let without = Load { confirmed, planned, unplanned: 0 };
        let with = Load { unplanned: current.map_or(0, |o| o.unplanned()), ..without };
        prop_assert!(with.room(each) <= without.room(each) && with.needed(1) >= without.needed(1));
        // What is carried counts whole, where those in service are what was planned for.
        if let Some(o) = current {
            prop_assert!(now.since(o.at) <= 5 * MINUTE);
            let lives = Load { confirmed, planned: o.planned, unplanned: o.unplanned() };
            prop_assert_eq!(lives.counted(), o.carried.max(o.planned));
        }
    }
}
