//! Scheduled gateway requests, and a process that is killed around the steps that make them and stays away for
//! seconds or for most of a day. Each peak has one request exactly, or none for a reason that can be told from
//! when something ran.

use std::time::Duration;

use super::books::Books;
use super::dice::Dice;
use crate::decide::event::{Event, Ticket};
use crate::decide::gateway::calendar::words::{MissedRule, ScheduleRow};
use crate::decide::gateway::calendar::{LATE_AFTER, ScheduleAsk};
use crate::decide::gateway::testing::gateway;
use crate::decide::order::Order;
use crate::decide::words::Time;
use crate::decide::{Core, Settings};
use crate::engine::protocol::Uncommitted;

/// 2020-12-28, midnight UTC: the days that follow have a year's end in them.
const START: Time = Time(1_609_113_600_000);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const EVERY: Duration = Duration::from_secs(6 * 3_600);
const END: Time = Time(START.0 + 8 * 86_400_000);
const LEAD: Duration = HOUR;
const RELEASE_AFTER: Duration = Duration::from_secs(2 * 3_600);

struct World {
    books: Books,
    core: Core,
    epoch: i64,
    now: Time,
    wake: Time,
    dice: Dice,
    /// When something was decided and committed.
    ran: Vec<Time>,
    lines: u32,
    kills: u32,
}

fn settings() -> Settings {
    Settings { gateways: vec![gateway("tgw").into()], ..Settings::default() }
}

impl World {
    fn new(seed: u64) -> World {
        let mut books = Books::new(None);
        let epoch = books.take_over(START);
        let core = Core::restored(settings(), Vec::new(), books.restore(START), START, 1).unwrap();
        let dice = Dice::new(seed, 0xca1e);
        let (ran, lines, kills) = (Vec::new(), 0, 0);
        World { books, core, epoch, now: START, wake: Time::NEVER, dice, ran, lines, kills }
    }

    fn ms(&mut self, most: Duration) -> Duration {
        Duration::from_millis(self.dice.between(1, u32::try_from(most.as_millis()).unwrap()).into())
    }

    /// The next process goes on from what was committed, after a while.
    fn dies(&mut self) {
        self.kills += 1;
        let most = if self.dice.chance(15.0) { 20 * HOUR } else { 2 * MINUTE };
        self.now = self.now.plus(self.ms(most));
        self.epoch = self.books.take_over(self.now);
        let stored = self.books.restore(self.now);
        let entropy = self.dice.bits();
        self.core = Core::restored(settings(), Vec::new(), stored, self.now, entropy).unwrap();
        self.wake = self.now.plus(self.ms(MINUTE));
    }

    fn decide(&mut self, events: Vec<Event>) {
        let entropy = self.dice.bits();
        let decided = Uncommitted::decide(&mut self.core, self.now, entropy, events);
        if self.dice.chance(10.0) {
            return self.dies();
        }
        self.books.commit(self.epoch, decided.changes()).unwrap();
        self.ran.push(self.now);
        let asked = decided.changes().journal.iter().filter(|line| line.kind == "schedule_asked");
        self.lines += u32::try_from(asked.count()).unwrap();
        self.wake = decided.wake();
        drop(decided.committed());
        if self.dice.chance(10.0) {
            self.dies();
        }
    }

    fn schedule(&self) -> Option<&ScheduleRow> {
        self.books.schedules.values().next()
    }

    /// What is to become of a peak, from when something ran.
    fn is_to_be_asked(&self, peak: Time, row: &ScheduleRow) -> bool {
        let from = peak.minus(LEAD).max(row.added_at);
        let Some(at) = self.ran.iter().find(|at| **at >= from) else { return false };
        let late = at.since(from) > LATE_AFTER && row.missed == MissedRule::Report;
        *at < peak.plus(RELEASE_AFTER) && !late
    }
}

fn run(seed: u64, missed: MissedRule) -> World {
    let mut world = World::new(seed);
    let ask = ScheduleAsk {
        id: format!("0176cb1e-4d00-7abc-8def-{seed:012x}"),
        name: "often".into(),
        gateway: "tgw".into(),
        capacity: 300,
        cron: "30 */6 * * *".into(),
        zone: "UTC".into(),
        except: Vec::new(),
        lead: LEAD,
        release_after: RELEASE_AFTER,
        missed,
        owner: "ann".into(),
        reason: String::new(),
    };
    // Whoever is not answered asks again: a kill may come before the commit.
    while world.schedule().is_none() {
        let order = Order::AddSchedule(ask.clone());
        world.decide(vec![Event::Ordered { order, ticket: Ticket(1) }]);
        world.now = world.now.plus(MINUTE);
    }
    while world.wake <= END {
        world.now = world.now.max(world.wake);
        world.decide(Vec::new());
    }
    world
}

#[test]
fn each_peak_is_asked_for_once_whatever_is_killed_and_for_how_long() {
    let (mut asked, mut passed, mut kills) = (0, 0, 0);
    for seed in 0..500 {
        let missed = MissedRule::ALL[usize::try_from(seed % 2).unwrap()];
        let world = run(seed, missed);
        let row = world.schedule().unwrap();
        let first = START.plus(MINUTE * 30);
        let peaks = (0..).map(|n| first.plus(EVERY * n)).take_while(|peak| *peak <= row.through);
        let mut made = 0;
        for peak in peaks.filter(|peak| *peak > row.added_at) {
            let of_it = world.books.gateways.values().filter(|r| r.until == peak.plus(RELEASE_AFTER));
            let requests = u32::try_from(of_it.count()).unwrap();
            let wanted = u32::from(world.is_to_be_asked(peak, row));
            assert_eq!(requests, wanted, "seed {seed}: {peak:?} of {row:?}");
            made += requests;
        }
        let all = u32::try_from(world.books.gateways.len()).unwrap();
        assert_eq!((all, world.lines, row.asked), (made, made, made), "seed {seed}: {row:?}");
        asked += row.asked;
        passed += row.passed;
        kills += world.kills;
    }
    assert!(asked >= 5_000 && passed >= 500 && kills >= 5_000, "{asked} {passed} {kills}");
}
