//! Lifecycle hooks, and the actions that wait for an answer because of them (aws-facts 3.6).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::decide::words::named;

use super::view::HookView;
use super::words::{HookResult, Transition};

/// The longest an instance is kept waiting, in seconds.
const GLOBAL_MAX_S: u32 = 172_800;
/// Or so many heartbeats, if that is shorter.
const GLOBAL_HEARTBEATS: u32 = 100;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hook {
    pub(super) name: String,
    pub(super) transition: Transition,
    pub(super) target: Option<String>,
    pub(super) role: Option<String>,
    pub(super) metadata: Option<String>,
    /// Seconds.
    pub(super) heartbeat_timeout: u32,
    pub(super) default_result: HookResult,
}

impl Hook {
    /// Seconds.
    pub(super) fn global_timeout(&self) -> u32 {
        self.heartbeat_timeout.saturating_mul(GLOBAL_HEARTBEATS).min(GLOBAL_MAX_S)
    }

    pub(super) fn view(&self, group: &Arc<str>) -> HookView {
        HookView {
            name: self.name.clone(),
            group: group.clone(),
            transition: self.transition,
            target: self.target.clone(),
            role: self.role.clone(),
            metadata: self.metadata.clone(),
            heartbeat_timeout: self.heartbeat_timeout,
            global_timeout: self.global_timeout(),
            default_result: self.default_result,
        }
    }
}

named! {
    /// How a lifecycle action ended.
    pub enum Ending {
        /// Completed with CONTINUE.
        Continued = "continued",
        /// Completed with ABANDON.
        Abandoned = "abandoned",
        /// Nobody answered in time: the default result holds.
        TimedOut = "timed_out",
        /// Its hook was deleted.
        HookDeleted = "hook_deleted",
        /// Another hook's ABANDON made it pointless, or the instance left in another way.
        Dropped = "dropped",
    }
}

/// One instance waiting for one hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookAction {
    /// 36 characters.
    pub token: String,
    pub group: String,
    pub hook: String,
    pub transition: Transition,
    pub instance: String,
    pub ordinal: u32,
    /// Milliseconds.
    pub started_ms: i64,
    /// How long it waits without a heartbeat, and in all.
    pub heartbeat_ms: i64,
    pub global_ms: i64,
    /// When it times out unless it is heard of.
    pub times_out_ms: i64,
    pub heartbeats: u32,
    pub default_result: HookResult,
    pub ended: Option<Ending>,
    /// What held in the end: the given result, or the default one.
    pub result: Option<HookResult>,
    pub ended_ms: Option<i64>,
}

/// Every lifecycle action there ever was.
#[derive(Debug, Default)]
pub(super) struct Actions {
    all: Vec<HookAction>,
    by_token: BTreeMap<String, usize>,
    /// Those that wait, by the instance's ordinal.
    open: BTreeMap<u32, Vec<usize>>,
}

impl Actions {
    pub(super) fn all(&self) -> &[HookAction] {
        &self.all
    }

    pub(super) fn get(&self, number: usize) -> Option<&HookAction> {
        self.all.get(number)
    }

    pub(super) fn begin(&mut self, action: HookAction) -> usize {
        let number = self.all.len();
        self.by_token.insert(action.token.clone(), number);
        self.open.entry(action.ordinal).or_default().push(number);
        self.all.push(action);
        number
    }

    /// Those of this instance that wait.
    pub(super) fn open_of(&self, ordinal: u32) -> &[usize] {
        self.open.get(&ordinal).map_or(&[], Vec::as_slice)
    }

    pub(super) fn open_with_token(&self, token: &str) -> Option<usize> {
        let number = *self.by_token.get(token)?;
        self.get(number).filter(|a| a.ended.is_none()).map(|_| number)
    }

    /// Begins its heartbeat period anew; its own end stays.
    pub(super) fn heartbeat(&mut self, number: usize, now_ms: i64) {
        if let Some(action) = self.all.get_mut(number).filter(|a| a.ended.is_none()) {
            action.heartbeats += 1;
            let end = action.started_ms + action.global_ms;
            action.times_out_ms = (now_ms + action.heartbeat_ms).min(end);
        }
    }

    /// False if it has ended before.
    pub(super) fn end(&mut self, number: usize, ending: Ending, result: HookResult, now_ms: i64) -> bool {
        let Some(action) = self.all.get_mut(number).filter(|a| a.ended.is_none()) else { return false };
        action.ended = Some(ending);
        action.result = Some(result);
        action.ended_ms = Some(now_ms);
        let ordinal = action.ordinal;
        if let Some(open) = self.open.get_mut(&ordinal) {
            open.retain(|n| *n != number);
            if open.is_empty() {
                self.open.remove(&ordinal);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(token: &str) -> HookAction {
        HookAction {
            token: token.into(),
            group: "g".into(),
            hook: "h".into(),
            transition: Transition::Launching,
            instance: "i-1".into(),
            ordinal: 1,
            started_ms: 0,
            heartbeat_ms: 30_000,
            global_ms: 70_000,
            times_out_ms: 30_000,
            heartbeats: 0,
            default_result: HookResult::Abandon,
            ended: None,
            result: None,
            ended_ms: None,
        }
    }

    #[test]
    fn heartbeats_move_the_timeout_no_further_than_the_global_one() {
        let mut actions = Actions::default();
        let n = actions.begin(action("t"));
        actions.heartbeat(n, 20_000);
        assert_eq!(actions.get(n).unwrap().times_out_ms, 50_000);
        actions.heartbeat(n, 49_000);
        assert_eq!((actions.get(n).unwrap().times_out_ms, actions.get(n).unwrap().heartbeats), (70_000, 2));
    }

    #[test]
    fn one_ends_once_and_is_not_found_any_more() {
        let mut actions = Actions::default();
        let (a, b) = (actions.begin(action("a")), actions.begin(action("b")));
        assert_eq!(actions.open_of(1), [a, b]);
        assert!(actions.end(a, Ending::Continued, HookResult::Continue, 5));
        assert!(!actions.end(a, Ending::TimedOut, HookResult::Abandon, 6));
        assert_eq!((actions.open_of(1), actions.open_with_token("a")), (&[b][..], None));
        assert_eq!(actions.get(a).unwrap().ended, Some(Ending::Continued));
    }

    #[test]
    fn the_global_timeout_is_two_days_or_a_hundred_heartbeats() {
        let hook = |heartbeat_timeout| Hook {
            name: "h".into(),
            transition: Transition::Launching,
            target: None,
            role: None,
            metadata: None,
            heartbeat_timeout,
            default_result: HookResult::Abandon,
        };
        assert_eq!(hook(30).global_timeout(), 3_000);
        assert_eq!(hook(7_200).global_timeout(), 172_800);
    }
}
