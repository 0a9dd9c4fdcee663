//! Scaling activities: what a group did and why.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;

use super::view::ActivityView;
use super::words::ActivityStatus;

/// The longest message AWS shows (aws-facts 3.2).
const MESSAGE_MAX: usize = 255;

/// Its place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ActivityNumber(usize);

#[derive(Clone, Debug)]
pub(super) struct Activity {
    pub(super) id: String,
    pub(super) group: Arc<str>,
    pub(super) group_arn: Arc<str>,
    pub(super) description: String,
    pub(super) cause: Arc<str>,
    pub(super) start_ms: i64,
    pub(super) end_ms: Option<i64>,
    pub(super) status: ActivityStatus,
    pub(super) message: Option<String>,
    /// Where it launches or ends something.
    pub(super) zone: String,
    pub(super) subnet: String,
}

impl Activity {
    pub(super) fn details(&self) -> serde_json::Value {
        json!({ "Subnet ID": self.subnet, "Availability Zone": self.zone })
    }
}

/// Every activity, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Log {
    all: Vec<Activity>,
    by_group: BTreeMap<Arc<str>, Vec<usize>>,
    /// ARNs of groups that are no more.
    deleted: BTreeSet<Arc<str>>,
}

impl Log {
    pub(super) fn begin(&mut self, activity: Activity) -> ActivityNumber {
        let number = self.all.len();
        self.by_group.entry(activity.group.clone()).or_default().push(number);
        self.all.push(activity);
        ActivityNumber(number)
    }

    pub(super) fn get(&self, number: ActivityNumber) -> Option<&Activity> {
        self.all.get(number.0)
    }

    /// Goes on, or ends. One that is over stays as it is.
    pub(super) fn enter(
        &mut self,
        number: ActivityNumber,
        status: ActivityStatus,
        message: Option<String>,
        now_ms: i64,
    ) {
        let Some(activity) = self.all.get_mut(number.0).filter(|a| !a.status.is_over()) else { return };
        activity.status = status;
        if let Some(message) = message {
            activity.message = Some(message.chars().take(MESSAGE_MAX).collect());
        }
        if status.is_over() {
            activity.end_ms = Some(now_ms);
        }
    }

    pub(super) fn group_deleted(&mut self, arn: &Arc<str>) {
        self.deleted.insert(arn.clone());
    }

    /// Something has begun for this group and is not over.
    pub(super) fn is_busy(&self, group: &str) -> bool {
        let numbers = self.by_group.get(group).map_or(&[][..], Vec::as_slice);
        // What is still going on is mostly among the last.
        numbers.iter().rev().any(|n| self.all.get(*n).is_some_and(|a| !a.status.is_over()))
    }

    pub(super) fn view(&self, number: ActivityNumber) -> Option<ActivityView> {
        let a = self.get(number)?;
        Some(ActivityView {
            id: a.id.clone(),
            group: a.group.clone(),
            group_arn: a.group_arn.clone(),
            group_deleted: self.deleted.contains(&a.group_arn),
            description: a.description.clone(),
            cause: a.cause.to_string(),
            start_ms: a.start_ms,
            end_ms: a.end_ms,
            status: a.status,
            message: a.message.clone(),
            details: a.details().to_string(),
        })
    }

    /// The newest first, of one group or of all.
    pub(super) fn newest(&self, group: Option<&str>) -> Box<dyn Iterator<Item = ActivityNumber> + '_> {
        match group {
            None => Box::new((0..self.all.len()).rev().map(ActivityNumber)),
            Some(group) => {
                let numbers = self.by_group.get(group).map_or(&[][..], Vec::as_slice);
                Box::new(numbers.iter().rev().map(|n| ActivityNumber(*n)))
            }
        }
    }

    /// It happened to a group that is no more.
    pub(super) fn is_of_deleted(&self, number: ActivityNumber) -> bool {
        self.get(number).is_some_and(|a| self.deleted.contains(&a.group_arn))
    }
}

impl ActivityNumber {
    /// A key by which newer ones come first.
    pub(super) fn newest_first(self) -> String {
        format!("{:016x}", u64::MAX - self.0 as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(group: &str) -> Activity {
        Activity {
            id: "id".into(),
            group: group.into(),
            group_arn: format!("arn:{group}").into(),
            description: "Launching a new EC2 instance".into(),
            cause: "because".into(),
            start_ms: 1,
            end_ms: None,
            status: ActivityStatus::InProgress,
            message: None,
            zone: "a".into(),
            subnet: "s".into(),
        }
    }

    #[test]
    fn one_that_is_over_stays_as_it_is_and_messages_are_cut() {
        let mut log = Log::default();
        let number = log.begin(activity("g"));
        assert!(log.is_busy("g") && !log.is_busy("h"));
        log.enter(number, ActivityStatus::Failed, Some("x".repeat(300)), 7);
        log.enter(number, ActivityStatus::Successful, None, 9);
        let view = log.view(number).unwrap();
        assert_eq!((view.status, view.end_ms), (ActivityStatus::Failed, Some(7)));
        assert_eq!(view.message.map(|m| m.len()), Some(255));
        assert!(!log.is_busy("g"));
    }

    #[test]
    fn the_newest_come_first() {
        let mut log = Log::default();
        let all: Vec<_> = ["g", "h", "g"].iter().map(|g| log.begin(activity(g))).collect();
        assert_eq!(log.newest(Some("g")).collect::<Vec<_>>(), [all[2], all[0]]);
        assert_eq!(log.newest(None).collect::<Vec<_>>(), [all[2], all[1], all[0]]);
        assert!(all[2].newest_first() < all[0].newest_first());
        log.group_deleted(&"arn:h".into());
        assert!(log.is_of_deleted(all[1]) && !log.is_of_deleted(all[0]));
    }
}
