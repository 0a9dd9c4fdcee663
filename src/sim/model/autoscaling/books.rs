//! What all groups share, and the moment at which something happens.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::super::draw::{Draw, Purpose};
use super::super::super::settings::{AutoScalingSettings, Range, Settings};
use super::super::ec2::Ec2;
use super::super::notice::Notice;
use super::activity::Log;
use super::agenda::Agenda;
use super::balancing::Order;
use super::hook::Actions;

/// What all groups share.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) settings: Arc<Settings>,
    seed: u64,
    pub(super) agenda: Agenda,
    pub(super) log: Log,
    pub(super) actions: Actions,
    /// The group of every instance that is in one, by its ordinal.
    pub(super) homes: BTreeMap<u32, Arc<str>>,
    /// What is to be told, and when it happened.
    pub(super) told: Vec<(i64, Notice)>,
    /// What target groups are to do.
    pub(super) orders: Vec<Order>,
    draws: u64,
    names: u64,
}

impl Books {
    pub(super) fn new(settings: Arc<Settings>, seed: u64) -> Books {
        Books {
            settings,
            seed,
            agenda: Agenda::default(),
            log: Log::default(),
            actions: Actions::default(),
            homes: BTreeMap::new(),
            told: Vec::new(),
            orders: Vec::new(),
            draws: 0,
            names: 0,
        }
    }

    /// Auto Scaling's part of the settings.
    pub(super) fn set(&self) -> &AutoScalingSettings {
        &self.settings.autoscaling
    }

    /// Milliseconds from a range.
    pub(super) fn draw(&mut self, range: Range) -> i64 {
        self.draws += 1;
        Draw::new(self.seed, Purpose::AutoScaling, self.draws).range(range).into()
    }

    /// 36 characters: an id of an activity, a token of a lifecycle action.
    pub(super) fn uuid(&mut self) -> String {
        self.names += 1;
        let mut draw = Draw::new(self.seed, Purpose::AutoScalingName, self.names);
        let bits = u128::from(draw.bits()) << 64 | u128::from(draw.bits());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string()
    }
}

/// A moment: the time, what all groups share, and EC2.
pub(super) struct Now<'a> {
    pub(super) ms: i64,
    pub(super) books: &'a mut Books,
    pub(super) ec2: &'a mut Ec2,
}

impl Now<'_> {
    pub(super) fn tell(&mut self, notice: Notice) {
        self.books.told.push((self.ms, notice));
    }

    /// So many milliseconds from now, drawn from a range.
    pub(super) fn after(&mut self, range: Range) -> i64 {
        self.ms + self.books.draw(range)
    }

    /// When a state that ends by itself will end.
    pub(super) fn passing(&mut self) -> i64 {
        let range = self.books.set().passing;
        self.after(range)
    }
}
