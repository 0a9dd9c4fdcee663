//! Rules and their targets.

use std::collections::BTreeMap;

use super::super::arn::arn;
use super::call::{Answer, List, PutRule, RuleView, Target};
use super::error::{ApiError, Code};
use super::pattern::Pattern;
use super::{Events, check_name, limit};

/// A rule on the default bus.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) view: RuleView,
    pub(super) pattern: Pattern,
    /// By id.
    pub(super) targets: BTreeMap<String, Target>,
}

/// Most targets of a rule, and of one request (aws-facts 4.2).
const TARGETS_MAX: usize = 5;
const ENTRIES_MAX: usize = 10;
/// Most rules of a bus (the default quota), and the longest pattern.
const RULES_MAX: usize = 300;
const PATTERN_MAX: usize = 4_096;

impl Events {
    pub(super) fn put_rule(&mut self, put: &PutRule) -> Result<Answer, ApiError> {
        check_name(&put.name)?;
        if put.schedule.is_some() {
            return Err(ApiError::invalid("Schedules are not simulated."));
        }
        let enabled = match put.state.as_deref() {
            None | Some("ENABLED") => true,
            Some("DISABLED") => false,
            Some(other) => return Err(ApiError::invalid(format!("The state {other} is not simulated."))),
        };
        let text = put.pattern.clone().ok_or_else(|| {
            ApiError::invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
        })?;
        if text.len() > PATTERN_MAX {
            return Err(ApiError::invalid(format!("An event pattern has at most {PATTERN_MAX} characters.")));
        }
        let pattern =
            Pattern::read(&text).map_err(|why| ApiError::new(Code::InvalidEventPatternException, why))?;
        if !self.rules.contains_key(&put.name) && self.rules.len() >= RULES_MAX {
            let message = "The requested resource exceeds the maximum number allowed.";
            return Err(ApiError::new(Code::LimitExceededException, message));
        }
        let arn = arn("events", &self.settings.region, &format!("rule/{}", put.name));
        let view = RuleView {
            name: put.name.clone(),
            arn: arn.clone(),
            pattern: text,
            enabled,
            description: put.description.clone(),
            role_arn: put.role_arn.clone(),
        };
        let targets = self.rules.remove(&put.name).map(|rule| rule.targets).unwrap_or_default();
        self.rules.insert(put.name.clone(), Rule { view, pattern, targets });
        Ok(Answer::Rule { arn })
    }

    /// One that is not there is deleted too; one with targets is not.
    pub(super) fn delete_rule(&mut self, name: &str) -> Result<Answer, ApiError> {
        if self.rules.get(name).is_some_and(|rule| !rule.targets.is_empty()) {
            return Err(ApiError::invalid("Rule can't be deleted since it has targets."));
        }
        self.rules.remove(name);
        Ok(Answer::Done)
    }

    pub(super) fn list_rules(&self, list: &List) -> Result<Answer, ApiError> {
        let prefix = list.prefix.as_deref().unwrap_or_default();
        let after = list.next_token.as_deref().unwrap_or_default();
        let mut rest = self
            .rules
            .values()
            .map(|r| &r.view)
            .filter(|r| r.name.starts_with(prefix) && r.name.as_str() > after);
        let all: Vec<RuleView> = rest.by_ref().take(limit(list.limit)?).cloned().collect();
        Ok(Answer::Rules {
            next_token: all.last().filter(|_| rest.next().is_some()).map(|r| r.name.clone()),
            all,
        })
    }

    pub(super) fn put_targets(&mut self, rule: &str, targets: &[Target]) -> Result<Answer, ApiError> {
        let region = self.settings.region.clone();
        let rule = self.rules.get_mut(rule).ok_or_else(|| no_rule(rule))?;
        if targets.is_empty() || targets.len() > ENTRIES_MAX {
            return Err(ApiError::invalid(format!("A request has 1 to {ENTRIES_MAX} targets.")));
        }
        let new = targets.iter().filter(|t| !rule.targets.contains_key(&t.id)).count();
        if rule.targets.len() + new > TARGETS_MAX {
            let message = "The requested resource exceeds the maximum number allowed.";
            return Err(ApiError::new(Code::LimitExceededException, message));
        }
        let mut failed = BTreeMap::new();
        for target in targets {
            match check(target, &region) {
                Ok(()) => drop(rule.targets.insert(target.id.clone(), target.clone())),
                Err(error) => drop(failed.insert(target.id.clone(), error)),
            }
        }
        Ok(Answer::Entries { failed })
    }

    pub(super) fn remove_targets(&mut self, rule: &str, ids: &[String]) -> Result<Answer, ApiError> {
        let rule = self.rules.get_mut(rule).ok_or_else(|| no_rule(rule))?;
        let missing = |id: &&String| rule.targets.remove(*id).is_none();
        let failed: Vec<&String> = ids.iter().filter(missing).collect();
        let error = |id: &String| (id.clone(), ApiError::not_found(format!("Target {id}")));
        Ok(Answer::Entries { failed: failed.into_iter().map(error).collect() })
    }

    pub(super) fn list_targets(&self, rule: &str, list: &List) -> Result<Answer, ApiError> {
        let rule = self.rules.get(rule).ok_or_else(|| no_rule(rule))?;
        let after = list.next_token.as_deref().unwrap_or_default();
        let mut rest = rule.targets.values().filter(|t| t.id.as_str() > after);
        let all: Vec<Target> = rest.by_ref().take(limit(list.limit)?).cloned().collect();
        Ok(Answer::Targets {
            next_token: all.last().filter(|_| rest.next().is_some()).map(|t| t.id.clone()),
            all,
        })
    }
}

fn no_rule(name: &str) -> ApiError {
    ApiError::new(Code::ResourceNotFoundException, format!("Rule {name} does not exist on EventBus default."))
}

fn check(target: &Target, region: &str) -> Result<(), ApiError> {
    check_name(&target.id)?;
    let of = |service, kind| target.arn.starts_with(&arn(service, region, kind));
    if !of("sqs", "") && !of("events", "api-destination/") {
        return Err(ApiError::invalid("Only queues and API destinations are simulated as targets."));
    }
    if target.transformer {
        return Err(ApiError::invalid("Input transformers are not simulated."));
    }
    if target.input.is_some() && target.input_path.is_some() {
        return Err(ApiError::invalid("Only one of Input and InputPath may be given."));
    }
    if target.max_retries.is_some_and(|n| !(0..=185).contains(&n))
        || target.max_age_s.is_some_and(|s| !(60..=86_400).contains(&s))
    {
        return Err(ApiError::invalid("RetryPolicy has 0 to 185 attempts and 60 to 86400 seconds."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn a_rule_keeps_its_targets_when_it_is_put_again() {
        let mut events = events();
        put_rule(&mut events, "r", ALL).unwrap();
        assert!(put_target(&mut events, "r", "a", QUEUE).is_none());
        put_rule(&mut events, "r", r#"{"source":["x"]}"#).unwrap();
        assert_eq!(events.delete_rule("r").unwrap_err().code, Code::ValidationException);
        events.remove_targets("r", &["a".into()]).unwrap();
        events.delete_rule("r").unwrap();
        events.delete_rule("r").unwrap();
    }

    #[test]
    fn rules_are_checked() {
        let mut events = events();
        assert_eq!(put_rule(&mut events, "a b", ALL), Err(Code::ValidationException));
        assert_eq!(put_rule(&mut events, "r", "{}"), Err(Code::InvalidEventPatternException));
        let schedule =
            PutRule { name: "r".into(), schedule: Some("rate(1 minute)".into()), ..PutRule::default() };
        assert!(events.put_rule(&schedule).is_err());
        assert!(events.put_rule(&PutRule { name: "r".into(), ..PutRule::default() }).is_err());
    }

    #[test]
    fn a_rule_has_five_targets_of_two_kinds() {
        let mut events = events();
        assert_eq!(put_target(&mut events, "r", "a", QUEUE), Some(Code::ResourceNotFoundException));
        put_rule(&mut events, "r", ALL).unwrap();
        for id in ["a", "b", "c", "d", "e", "e"] {
            assert_eq!(put_target(&mut events, "r", id, QUEUE), None);
        }
        assert_eq!(put_target(&mut events, "r", "f", QUEUE), Some(Code::LimitExceededException));
        let lambda = "arn:aws:lambda:us-east-1:000000000000:function:f";
        assert_eq!(put_target(&mut events, "r", "e", lambda), Some(Code::ValidationException));
        let Ok(Answer::Targets { all, next_token }) =
            events.list_targets("r", &List { limit: Some(3), ..List::default() })
        else {
            panic!("not listed")
        };
        assert_eq!((all.len(), next_token.as_deref()), (3, Some("c")));
    }

    #[test]
    fn rules_are_listed_in_pages() {
        let mut events = events();
        for name in ["a1", "a2", "b"] {
            put_rule(&mut events, name, ALL).unwrap();
        }
        let page = |list: &List| match events.list_rules(list) {
            Ok(Answer::Rules { all, next_token }) => (all.len(), next_token),
            other => panic!("{other:?}"),
        };
        let one = List { prefix: Some("a".into()), limit: Some(1), next_token: None };
        assert_eq!(page(&one), (1, Some("a1".into())));
        assert_eq!(page(&List { next_token: Some("a1".into()), ..one.clone() }), (1, None));
        assert!(events.list_rules(&List { limit: Some(101), ..List::default() }).is_err());
    }
}
