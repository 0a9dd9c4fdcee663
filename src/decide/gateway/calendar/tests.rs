//! The calendar, one decision at a time.

#![allow(clippy::wildcard_enum_match_arm)] // what a test does not look at

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::shown::ScheduleView;
use super::testing::wish;
use super::words::*;
use super::{LATE_AFTER, MOST_SCHEDULES, ScheduleAsk};
use crate::decide::action::{Accepted, Action, Refusal};
use crate::decide::event::{Event, Ticket};
use crate::decide::gateway::testing::gateway;
use crate::decide::gateway::words::{GatewayRow, GatewayState};
use crate::decide::gateway::{GatewayAsk, LONGEST};
use crate::decide::guard::hold::EndAsk;
use crate::decide::order::Order;
use crate::decide::rows::Restored;
use crate::decide::words::Time;
use crate::decide::{Core, Settings};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
/// 2020-12-01, noon UTC.
const START: Time = Time(1_606_824_000_000);
/// The first Monday of January 2021, 04:00 in Berlin.
const MONDAY: Time = Time(1_609_729_200_000);
/// That of 2022.
const NEXT_MONDAY: Time = Time(1_641_178_800_000);

/// A core with a transit gateway, of which people are asked, and what it has written down.
struct Desk {
    core: Core,
    now: Time,
    wake: Time,
    requests: BTreeMap<String, GatewayRow>,
    schedules: BTreeMap<String, ScheduleRow>,
    journal: Vec<(String, String)>,
}

fn settings(gateways: &[&str]) -> Settings {
    let gateways = gateways.iter().map(|name| Arc::new(gateway(name))).collect();
    Settings { gateways, ..Settings::default() }
}

/// Of the transit gateway.
fn january() -> ScheduleAsk {
    ScheduleAsk { gateway: "tgw".into(), ..wish("january") }
}

impl Desk {
    fn new() -> Desk {
        Desk {
            core: Core::new(settings(&["tgw"]), Vec::new()),
            now: START,
            wake: Time::NEVER,
            requests: BTreeMap::new(),
            schedules: BTreeMap::new(),
            journal: Vec::new(),
        }
    }

    fn decide(&mut self, events: Vec<Event>) -> Option<Result<Accepted, Refusal>> {
        let decision = self.core.decide(self.now, 1, events);
        self.wake = decision.wake;
        let changes = decision.changes;
        self.journal.extend(changes.journal.into_iter().map(|l| (l.kind, l.text)));
        self.requests.extend(changes.gateways.into_iter().map(|row| (row.id.clone(), row)));
        self.schedules.extend(changes.schedules.into_iter().map(|row| (row.id.clone(), row)));
        let answers = decision.actions.into_iter().map(|action| match action {
            Action::Answer { answer, .. } => answer,
            other => panic!("{other:?}"),
        });
        answers.last()
    }

    fn order(&mut self, order: Order) -> Result<Accepted, Refusal> {
        self.decide(vec![Event::Ordered { order, ticket: Ticket(1) }]).unwrap()
    }

    fn add(&mut self, ask: ScheduleAsk) -> Result<Accepted, Refusal> {
        self.order(Order::AddSchedule(ask))
    }

    fn remove(&mut self, name: &str, by: &str, overrides: bool) -> Result<Accepted, Refusal> {
        self.order(Order::RemoveSchedule(EndAsk { id: name.into(), by: by.into(), overrides }))
    }

    /// Lets time pass, and decides whenever the core wants to be asked.
    fn until(&mut self, end: Time) {
        while self.wake <= end {
            self.now = self.wake;
            self.decide(Vec::new());
        }
        self.now = end;
        self.decide(Vec::new());
    }

    /// Another process goes on from the rows.
    fn restart(&mut self, gateways: &[&str]) {
        let requests = self.requests.values().filter(|r| !r.state.is_over());
        let schedules = self.schedules.values().filter(|s| s.removed_at.is_none());
        let stored = Restored {
            gateways: requests.cloned().collect(),
            schedules: schedules.cloned().collect(),
            ..Restored::default()
        };
        self.core = Core::restored(settings(gateways), Vec::new(), stored, self.now, 1).unwrap();
        self.decide(Vec::new());
    }

    /// Nothing runs until then.
    fn down_until(&mut self, end: Time) {
        self.now = end;
        self.restart(&["tgw"]);
    }

    fn schedule(&self) -> ScheduleView {
        self.core.view(self.now).schedules[0].clone()
    }

    fn kinds(&self, prefix: &str) -> Vec<&str> {
        self.journal.iter().map(|(kind, _)| kind.as_str()).filter(|kind| kind.starts_with(prefix)).collect()
    }

    fn last_line(&self, kind: &str) -> &str {
        self.journal.iter().rev().find(|(k, _)| k == kind).map_or("", |(_, text)| text)
    }

    /// The peaks that a request was made for.
    fn asked(&self) -> Vec<Time> {
        self.requests.values().map(|row| row.until.minus(DAY)).collect()
    }
}

#[test]
fn a_peak_is_asked_for_ahead_once_and_given_back_after_it() {
    let mut desk = Desk::new();
    desk.add(january()).unwrap();
    assert_eq!(desk.wake, MONDAY.minus(7 * DAY), "a timer, and no scan before");
    desk.until(MONDAY.minus(7 * DAY).minus(Duration::from_millis(1)));
    assert!(desk.requests.is_empty());
    desk.until(MONDAY.minus(7 * DAY));
    let [request] = &desk.requests.values().cloned().collect::<Vec<_>>()[..] else { panic!("one request") };
    assert_eq!((request.needed_by, request.until), (Some(MONDAY), MONDAY.plus(DAY)));
    assert_eq!((request.wanted, request.owner.as_str()), (300, "ann"));
    assert!(
        request.reason.contains("schedule january, 2021-01-04 04:00 Europe/Berlin"),
        "{}",
        request.reason
    );
    assert_eq!(request.state, GatewayState::Submitted, "people were asked in the same decision");
    desk.until(MONDAY.plus(30 * DAY));
    assert_eq!(desk.asked(), [MONDAY]);
    assert!(desk.requests.values().all(|r| r.state == GatewayState::Expired));
    // A year on, once more.
    desk.until(NEXT_MONDAY);
    assert_eq!(desk.asked(), [MONDAY, NEXT_MONDAY]);
    assert_eq!(desk.kinds("schedule"), ["schedule_added", "schedule_asked", "schedule_asked"]);
    assert_eq!(desk.schedule().row.asked, 2);
}

#[test]
fn the_next_three_are_shown_with_when_they_are_asked_for() {
    let mut desk = Desk::new();
    desk.add(january()).unwrap();
    let shown = desk.schedule();
    let upcoming: Vec<&str> = shown.upcoming.iter().map(|p| p.local.as_str()).collect();
    assert_eq!(
        upcoming,
        [
            "2021-01-04 04:00 Europe/Berlin",
            "2022-01-03 04:00 Europe/Berlin",
            "2023-01-02 04:00 Europe/Berlin"
        ]
    );
    assert_eq!(shown.upcoming[0].ask_at, MONDAY.minus(7 * DAY));
    assert_eq!(shown.waits, format!("2021-01-04 04:00 Europe/Berlin, in {} s", 26 * 86_400 + 15 * 3_600));
    desk.until(MONDAY);
    assert_eq!(desk.schedule().upcoming[0].local, "2022-01-03 04:00 Europe/Berlin");
}

#[test]
fn a_kill_around_the_step_that_asks_makes_neither_two_nor_none() {
    let mut desk = Desk::new();
    desk.add(january()).unwrap();
    desk.now = MONDAY.minus(7 * DAY);
    // Decided, and never committed.
    drop(desk.core.decide(desk.now, 1, Vec::new()));
    desk.restart(&["tgw"]);
    assert_eq!(desk.asked(), [MONDAY], "the next process asks");
    // Committed, and killed before anything else.
    for _ in 0..3 {
        desk.restart(&["tgw"]);
    }
    desk.until(MONDAY.plus(30 * DAY));
    assert_eq!(desk.kinds("schedule_asked").len(), 1);
    assert_eq!(desk.requests.len(), 1);
}

#[test]
fn clocks_that_change_move_the_moment_and_not_the_hour() {
    let mut desk = Desk::new();
    // 27 to 29 March 2021 in Berlin: 01:30 UTC, the change at 01:00 UTC, and 00:30 UTC.
    desk.now = Time(1_616_760_000_000);
    let daily = ScheduleAsk { cron: "30 2 * * *".into(), lead: HOUR, release_after: 12 * HOUR, ..january() };
    desk.add(daily).unwrap();
    desk.until(desk.now.plus(3 * DAY));
    let peaks: Vec<Time> = desk.requests.values().filter_map(|row| row.needed_by).collect();
    assert_eq!(peaks, [Time(1_616_808_600_000), Time(1_616_893_200_000), Time(1_616_977_800_000)]);
}

#[test]
fn a_years_end_is_passed_on_the_clocks_of_the_zone() {
    let mut desk = Desk::new();
    let new_year =
        ScheduleAsk { cron: "0 0 1 1 *".into(), zone: "asia/tokyo".into(), lead: DAY, ..january() };
    desk.add(new_year).unwrap();
    assert_eq!(desk.schedule().row.zone, "Asia/Tokyo");
    // In Tokyo it is 2021 at 15:00 UTC of 31 December.
    let midnight = Time(1_609_426_800_000);
    assert_eq!(desk.wake, midnight.minus(DAY));
    desk.until(midnight);
    assert_eq!(desk.asked(), [midnight]);
}

#[test]
fn what_was_missed_is_caught_up_with_while_the_peak_lasts() {
    let mut desk = Desk::new();
    desk.add(january()).unwrap();
    desk.down_until(MONDAY.plus(3 * HOUR));
    let request = desk.requests.values().next().unwrap();
    assert_eq!((request.needed_by, request.until), (None, MONDAY.plus(DAY)));
    assert!(desk.last_line("schedule_asked").ends_with("is made, 7 d 3 h late"));
    assert!(!desk.schedule().row.missed_last());
    // One year more, and nothing runs until the peak is over.
    desk.until(MONDAY.plus(30 * DAY));
    desk.down_until(NEXT_MONDAY.plus(DAY));
    assert_eq!(desk.asked(), [MONDAY]);
    assert!(
        desk.last_line("schedule_missed").contains("2022-01-03 04:00 Europe/Berlin is missed: it was over")
    );
    assert!(desk.schedule().row.missed_last());
}

#[test]
fn what_was_missed_is_reported_where_the_rule_says_so() {
    let mut desk = Desk::new();
    desk.add(ScheduleAsk { missed: MissedRule::Report, ..january() }).unwrap();
    desk.down_until(MONDAY.minus(6 * DAY));
    assert!(desk.requests.is_empty());
    let line = desk.last_line("schedule_missed");
    assert!(line.contains("it was to be asked for 1 d ago"), "{line}");
    let shown = desk.schedule();
    assert_eq!((shown.missed, shown.row.passed, shown.row.last), (true, 1, Some(MONDAY)));
    desk.until(MONDAY.plus(8 * DAY));
    assert!(!desk.schedule().missed, "an alarm ends");
    // A restart is no downtime.
    desk.until(NEXT_MONDAY.minus(7 * DAY).minus(HOUR));
    desk.down_until(NEXT_MONDAY.minus(7 * DAY).plus(LATE_AFTER));
    assert_eq!(desk.asked(), [NEXT_MONDAY]);
    assert!(!desk.schedule().row.missed_last());
}

#[test]
fn a_year_away_is_one_line_and_the_present_peak_is_asked_for() {
    let mut desk = Desk::new();
    let hourly = ScheduleAsk {
        cron: "0 * * * *".into(),
        zone: "UTC".into(),
        lead: HOUR / 4,
        release_after: HOUR / 2,
        ..january()
    };
    desk.add(hourly).unwrap();
    desk.down_until(START.plus(365 * DAY).plus(HOUR / 4));
    while desk.wake <= desk.now.plus(Duration::from_secs(1)) {
        desk.now = desk.wake;
        desk.decide(Vec::new());
    }
    let row = desk.schedule().row;
    // Those of 13:00 to a year later, 11:00, and the present one.
    assert_eq!((row.passed, row.asked, desk.requests.len()), (365 * 24 - 1, 1, 1));
    assert!(desk.kinds("schedule_missed").len() <= 50, "{}", desk.kinds("schedule_missed").len());
}

#[test]
fn one_that_is_added_late_is_asked_for_at_once_whatever_its_rule() {
    for missed in [MissedRule::CatchUp, MissedRule::Report] {
        let mut desk = Desk::new();
        desk.now = MONDAY.minus(HOUR);
        desk.add(ScheduleAsk { missed, ..january() }).unwrap();
        assert_eq!(desk.asked(), [MONDAY], "{missed}");
    }
}

/// Somebody's own request of the same owner and capacity.
fn by_hand(until: Time) -> Order {
    Order::AskGateway(GatewayAsk {
        id: "by-hand".into(),
        gateway: "tgw".into(),
        capacity: 300,
        needed_by: None,
        until,
        owner: "ann".into(),
        reason: String::new(),
    })
}

#[test]
fn it_waits_while_the_gateway_has_another_request_and_is_asked_for_then() {
    let mut desk = Desk::new();
    desk.add(january()).unwrap();
    desk.order(by_hand(MONDAY.plus(HOUR))).unwrap();
    desk.until(MONDAY.minus(DAY));
    let shown = desk.schedule();
    assert_eq!(shown.row.waiting, Some(MONDAY));
    assert!(shown.waits.contains("has a request already (by-hand)"), "{}", shown.waits);
    assert_eq!(desk.requests["by-hand"].until, MONDAY.plus(HOUR), "it is not moved");
    // Across a restart, and although the rule would report what was missed: this was not.
    desk.restart(&["tgw"]);
    desk.until(MONDAY.plus(2 * HOUR));
    assert_eq!(desk.requests.len(), 2);
    let request = desk.requests.values().find(|r| r.id != "by-hand").unwrap();
    assert_eq!((request.needed_by, request.until), (None, MONDAY.plus(DAY)));
    assert_eq!(desk.schedule().row.waiting, None);
    assert_eq!(desk.kinds("schedule"), ["schedule_added", "schedule_waits", "schedule_asked"]);
}

#[test]
fn what_waits_until_it_is_over_is_missed_and_said_so() {
    let mut desk = Desk::new();
    desk.add(ScheduleAsk { missed: MissedRule::Report, ..january() }).unwrap();
    desk.order(by_hand(MONDAY.plus(2 * DAY))).unwrap();
    desk.until(MONDAY.plus(3 * DAY));
    assert_eq!(desk.requests.len(), 1);
    let line = desk.last_line("schedule_missed");
    assert!(
        line.contains("it waited until it was over: gateway 'tgw' has a request already (by-hand)"),
        "{line}"
    );
    // So is one whose gateway is taken out of the configuration.
    desk.until(NEXT_MONDAY.minus(8 * DAY));
    desk.restart(&[]);
    desk.until(NEXT_MONDAY.plus(2 * DAY));
    let line = desk.last_line("schedule_missed");
    assert!(line.contains("it waited until it was over: there is no gateway 'tgw'"), "{line}");
    assert_eq!(desk.schedule().row.passed, 2);
}

#[test]
fn of_two_that_want_one_gateway_the_earlier_peak_goes_first() {
    let mut desk = Desk::new();
    desk.add(ScheduleAsk { cron: "0 4 4 1 *".into(), ..january() }).unwrap();
    let second = ScheduleAsk { cron: "0 3 4 1 *".into(), gateway: "tgw".into(), ..wish("second") };
    desk.add(second).unwrap();
    // Both are due when something runs again.
    desk.down_until(MONDAY.minus(6 * DAY));
    let request = desk.requests.values().next().unwrap();
    assert_eq!(request.needed_by, Some(MONDAY.minus(HOUR)));
    let waiting: Vec<Option<Time>> =
        desk.core.view(desk.now).schedules.iter().map(|s| s.row.waiting).collect();
    assert_eq!(waiting, [Some(MONDAY), None]);
}

#[test]
fn the_same_one_added_twice_is_one_and_another_of_its_name_is_refused() {
    let mut desk = Desk::new();
    let id = desk.add(january()).unwrap().id;
    desk.until(MONDAY);
    let again = desk.add(ScheduleAsk { id: "other".into(), ..january() }).unwrap();
    assert_eq!(again, Accepted { id: id.clone(), repeated: true });
    let more = desk.add(ScheduleAsk { capacity: 400, ..january() });
    assert_eq!(more, Err(Refusal::ScheduleExists { name: "january".into() }));
    let theirs = Refusal::NotTheirs { id: "january".into(), owner: "ann".into(), by: "bob".into() };
    assert_eq!(desk.remove("january", "bob", false), Err(theirs));
    assert_eq!(desk.remove("january", "bob", true), Ok(Accepted { id: id.clone(), repeated: false }));
    let gone = Refusal::UnknownSchedule { name: "january".into() };
    assert_eq!(desk.remove("january", "bob", true), Err(gone));
    assert_eq!(desk.schedules[&id].removed_by.as_deref(), Some("bob"));
    desk.restart(&["tgw"]);
    assert!(desk.core.view(desk.now).schedules.is_empty());
    assert_eq!(desk.requests.values().next().unwrap().state, GatewayState::Submitted, "it goes on");
    desk.until(NEXT_MONDAY.plus(DAY));
    assert_eq!(desk.asked(), [MONDAY]);
    assert!(desk.add(ScheduleAsk { capacity: 400, ..january() }).is_ok());
}

#[test]
fn what_cannot_be_is_refused_with_its_field_and_what_is_allowed() {
    let mut desk = Desk::new();
    let table = [
        (ScheduleAsk { name: "first monday".into(), ..january() }, "name", "letters, digits"),
        (ScheduleAsk { cron: "0 0 4 * 1 1#1".into(), ..january() }, "cron", "has 6 fields; it must have 5"),
        (ScheduleAsk { cron: "0 4 31 2 *".into(), ..january() }, "cron", "there is no time at which"),
        (ScheduleAsk { zone: "Europe/Berln".into(), ..january() }, "zone", "no time zone 'Europe/Berln'"),
        (
            ScheduleAsk { except: vec!["4 January".into()], ..january() },
            "except",
            "'4 January' is not a date",
        ),
        (ScheduleAsk { cron: "0 4 * * *".into(), ..january() }, "lead", "at most 0 min ahead"),
        (
            ScheduleAsk { cron: "0 4 * * MON".into(), ..january() },
            "lead",
            // A week in which clocks change.
            "are 6 d 23 h apart, and a gateway has one request at a time: at most 5 d 23 h ahead",
        ),
        (
            ScheduleAsk { release_after: HOUR / 60, ..january() },
            "release_after",
            "it must be at least 10 min",
        ),
        (ScheduleAsk { lead: LONGEST, ..january() }, "lead", "each takes 93 d: at most 92 d are allowed"),
    ];
    for (ask, field, part) in table {
        let Err(Refusal::Calendar(error)) = desk.add(ask.clone()) else { panic!("{ask:?} was taken") };
        assert_eq!(error.field(), field);
        assert!(error.to_string().contains(part), "{error} does not contain {part}");
    }
    let nowhere = desk.add(ScheduleAsk { gateway: "nat".into(), ..january() });
    assert_eq!(nowhere, Err(Refusal::UnknownGateway { gateway: "nat".into(), known: "tgw".into() }));
    assert!(matches!(desk.add(ScheduleAsk { capacity: 0, ..january() }), Err(Refusal::Capacity { .. })));
    assert!(desk.schedules.is_empty() && desk.journal.is_empty());
    for number in 0..MOST_SCHEDULES {
        desk.add(ScheduleAsk { name: format!("s{number}"), ..january() }).unwrap();
    }
    assert!(matches!(desk.add(january()), Err(Refusal::Calendar(error)) if error.field() == "name"));
}

#[test]
fn a_date_that_is_left_out_has_no_peak() {
    let mut desk = Desk::new();
    desk.add(ScheduleAsk { except: vec!["2021-01-04".into()], ..january() }).unwrap();
    desk.until(NEXT_MONDAY);
    assert_eq!(desk.asked(), [NEXT_MONDAY]);
    assert_eq!(desk.schedule().row.passed, 0);
}

#[test]
fn one_that_cannot_be_read_any_more_stops_nobody_and_says_so() {
    let mut desk = Desk::new();
    desk.add(january()).unwrap();
    desk.add(ScheduleAsk { gateway: "tgw".into(), ..wish("other") }).unwrap();
    for row in desk.schedules.values_mut().filter(|row| row.name == "january") {
        row.zone = "Europe/Atlantis".into();
    }
    desk.restart(&["tgw"]);
    let shown = desk.schedule();
    assert!(shown.upcoming.is_empty() && shown.waits.contains("Europe/Atlantis"), "{}", shown.waits);
    desk.until(MONDAY);
    assert_eq!(desk.asked(), [MONDAY]);
}
