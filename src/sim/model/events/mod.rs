//! `EventBridge`: rules on the default bus, with queues and API destinations as targets (aws-facts
//! 4.2).
//!
//! Other buses, schedules, archives and input transformers are refused.

pub mod call;
mod destinations;
pub mod error;
mod pattern;
mod put;
mod rules;
#[cfg(test)]
mod testing;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::draw::{Draw, Purpose};
use super::super::settings::Settings;
use super::outbox::Post;
use call::{Answer, Call};
use destinations::{Connection, Destination};
use error::ApiError;
use rules::Rule;

/// `EventBridge` of one account in one region.
#[derive(Debug)]
pub struct Events {
    settings: Arc<Settings>,
    seed: u64,
    /// By name.
    rules: BTreeMap<String, Rule>,
    connections: BTreeMap<String, Connection>,
    destinations: BTreeMap<String, Destination>,
    /// By name, of deleted rules too.
    counts: BTreeMap<String, RuleCounts>,
    /// Ids and copies drawn so far.
    drawn: u64,
    posts: Vec<Post>,
}

/// Counts of one rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCounts {
    /// Events that matched.
    pub matched: u64,
    /// Sent to targets: an event counts once for each, and once more for each further copy.
    pub to_queues: u64,
    pub to_destinations: u64,
    /// Of those, the further copies that the settings ask for.
    pub copies: u64,
}

impl Events {
    pub(super) fn new(settings: Arc<Settings>, seed: u64) -> Events {
        Events {
            settings,
            seed,
            rules: BTreeMap::new(),
            connections: BTreeMap::new(),
            destinations: BTreeMap::new(),
            counts: BTreeMap::new(),
            drawn: 0,
            posts: Vec::new(),
        }
    }

    /// From now on these settings hold.
    pub(super) fn adopt(&mut self, settings: &Arc<Settings>) {
        self.settings = settings.clone();
    }

    /// Answers one call.
    pub(super) fn handle(&mut self, call: &Call, now_ms: i64) -> Result<Answer, ApiError> {
        match call {
            Call::PutRule(put) => self.put_rule(put),
            Call::DeleteRule { name } => self.delete_rule(name),
            Call::ListRules(list) => self.list_rules(list),
            Call::PutTargets { rule, targets } => self.put_targets(rule, targets),
            Call::RemoveTargets { rule, ids } => self.remove_targets(rule, ids),
            Call::ListTargetsByRule { rule, page } => self.list_targets(rule, page),
            Call::PutEvents { entries } => self.put_events(entries, now_ms),
            Call::CreateConnection(create) => self.create_connection(create, now_ms),
            Call::DeleteConnection { name } => self.delete_connection(name),
            Call::CreateApiDestination(create) => self.create_api_destination(create, now_ms),
            Call::DescribeApiDestination { name } => self.describe_api_destination(name),
            Call::DeleteApiDestination { name } => self.delete_api_destination(name),
            Call::Unreadable { error, .. } => Err(error.clone()),
        }
    }

    /// What is to leave.
    pub(super) fn take_posts(&mut self) -> Vec<Post> {
        std::mem::take(&mut self.posts)
    }

    /// What went by each rule, by name.
    pub(super) fn counts(&self) -> BTreeMap<String, RuleCounts> {
        self.counts.clone()
    }

    fn draw(&mut self) -> Draw {
        self.drawn += 1;
        Draw::new(self.seed, Purpose::Event, self.drawn)
    }
}

/// Rules, targets, connections and destinations have names of one kind.
fn check_name(name: &str) -> Result<(), ApiError> {
    let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    if name.is_empty() || name.len() > 64 || !name.bytes().all(word) {
        return Err(ApiError::invalid(format!(
            "1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+"
        )));
    }
    Ok(())
}

/// `Limit`: 1 to 100, as many if not given.
fn limit(given: Option<i64>) -> Result<usize, ApiError> {
    const MOST: i64 = 100;
    let limit = given.unwrap_or(MOST);
    usize::try_from(limit).ok().filter(|_| (1..=MOST).contains(&limit)).ok_or_else(|| {
        ApiError::invalid(format!(
            "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member \
             must have value between 1 and {MOST}"
        ))
    })
}
