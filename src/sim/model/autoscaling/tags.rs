//! `CreateOrUpdateTags`, `DeleteTags`, `DescribeTags`, and the calls about target groups.

use super::super::ec2::Ec2;
use super::AutoScaling;
use super::call::{Action, Answer, Filter, PageRequest, Tag};
use super::error::{ApiError, Code};
use super::group::Group;
use super::page::Page;
use super::view::TagView;

const TAGS_MAX: usize = 50;
const PAGE_DEFAULT: u32 = 50;
const PAGE_MAX: u32 = 100;
/// Target groups of one group, and of one call (aws-facts 3.1).
const TARGETS_MAX: usize = 50;
const TARGETS_PER_CALL: usize = 10;
/// From attaching until every member is registered.
const ADDING_MS: i64 = 2_000;

impl AutoScaling {
    pub(super) fn put_tags(&mut self, tags: &[Tag], ec2: &mut Ec2, now_ms: i64) -> Result<Answer, ApiError> {
        for tag in tags {
            let name = tag.group.as_deref().ok_or_else(|| ApiError::missing("ResourceId"))?;
            let (group, _) = self.at(name, ec2, now_ms)?;
            group.put_tag(tag)?;
        }
        Ok(Answer::Done(Action::CreateOrUpdateTags))
    }

    pub(super) fn delete_tags(
        &mut self,
        tags: &[Tag],
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        for tag in tags {
            let name = tag.group.as_deref().ok_or_else(|| ApiError::missing("ResourceId"))?;
            let (group, _) = self.at(name, ec2, now_ms)?;
            group.tags.remove(&tag.key);
        }
        Ok(Answer::Done(Action::DeleteTags))
    }

    pub(super) fn describe_tags(&self, filters: &[Filter], page: &PageRequest) -> Result<Answer, ApiError> {
        let page = Page::asked(page, PAGE_DEFAULT, PAGE_MAX)?;
        for filter in filters {
            if !matches!(filter.name.as_str(), "auto-scaling-group" | "key" | "value" | "propagate-at-launch")
            {
                return Err(no_filter(&filter.name));
            }
        }
        let fits = |tag: &TagView| {
            filters.iter().all(|f| {
                let field = match f.name.as_str() {
                    "auto-scaling-group" => &*tag.group,
                    "key" => &tag.key,
                    "value" => &tag.value,
                    _ if tag.propagates => "true",
                    _ => "false",
                };
                f.values.iter().any(|v| v == field)
            })
        };
        let all = self.groups.values().flat_map(Group::tag_views).filter(fits);
        let (tags, next_token) = page.cut(all.map(|t| (format!("{}\n{}", t.group, t.key), t)));
        Ok(Answer::Tags { tags, next_token })
    }

    pub(super) fn attach_targets(
        &mut self,
        name: &str,
        arns: &[String],
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let (group, _) = self.at(name, ec2, now_ms)?;
        check_targets(arns)?;
        group.add_targets(arns, now_ms)?;
        Ok(Answer::Done(Action::AttachLoadBalancerTargetGroups))
    }

    pub(super) fn detach_targets(
        &mut self,
        name: &str,
        arns: &[String],
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let (group, _) = self.at(name, ec2, now_ms)?;
        check_targets(arns)?;
        if let Some(arn) = arns.iter().find(|arn| !group.target_groups.contains_key(*arn)) {
            return Err(ApiError::invalid(format!(
                "Trying to remove Target Groups that are not part of the group: {arn}"
            )));
        }
        group.target_groups.retain(|arn, _| !arns.contains(arn));
        Ok(Answer::Done(Action::DetachLoadBalancerTargetGroups))
    }

    pub(super) fn describe_targets(
        &self,
        name: &str,
        page: &PageRequest,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let page = Page::asked(page, PAGE_MAX, PAGE_MAX)?;
        let group = self.groups.get(name).ok_or_else(|| ApiError::no_group(name))?;
        let state = |since: i64| match (now_ms < since + ADDING_MS, group.tally.in_service) {
            (true, _) => "Adding",
            (false, 0) => "Added",
            (false, _) => "InService",
        };
        let all = group.target_groups.iter().map(|(arn, since)| (arn.clone(), (arn.clone(), state(*since))));
        let (targets, next_token) = page.cut(all);
        Ok(Answer::TargetGroups { targets: targets.into_iter().collect(), next_token })
    }
}

impl Group {
    pub(super) fn put_tag(&mut self, tag: &Tag) -> Result<(), ApiError> {
        let value = tag.value.clone().unwrap_or_default();
        if tag.key.is_empty() || tag.key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(ApiError::invalid("A tag's key has 1 to 128 characters and its value at most 256"));
        }
        if tag.key.starts_with("aws:") {
            return Err(ApiError::invalid(format!(
                "Tag keys starting with 'aws:' are reserved for internal use: {}",
                tag.key
            )));
        }
        if !self.tags.contains_key(&tag.key) && self.tags.len() >= TAGS_MAX {
            return Err(ApiError::new(
                Code::LimitExceeded,
                format!("A group may have at most {TAGS_MAX} tags"),
            ));
        }
        self.tags.insert(tag.key.clone(), (value, tag.propagates));
        Ok(())
    }

    /// The load balancer itself is another service: it is not told yet who is a member.
    pub(super) fn add_targets(&mut self, arns: &[String], now_ms: i64) -> Result<(), ApiError> {
        if let Some(arn) = arns.iter().find(|arn| !arn.contains(":targetgroup/")) {
            return Err(ApiError::invalid(format!("Provided Target Groups may not be valid: {arn}")));
        }
        let new = arns.iter().filter(|arn| !self.target_groups.contains_key(*arn)).count();
        if self.target_groups.len() + new > TARGETS_MAX {
            return Err(ApiError::new(
                Code::LimitExceeded,
                format!("A group may have at most {TARGETS_MAX} target groups"),
            ));
        }
        for arn in arns {
            self.target_groups.entry(arn.clone()).or_insert(now_ms);
        }
        Ok(())
    }
}

fn check_targets(arns: &[String]) -> Result<(), ApiError> {
    if arns.len() > TARGETS_PER_CALL {
        return Err(ApiError::invalid(format!(
            "Trying to update too many Load Balancers/Target Groups at once. The limit is {TARGETS_PER_CALL}"
        )));
    }
    Ok(())
}

pub(super) fn no_filter(name: &str) -> ApiError {
    ApiError::invalid(format!("Filter type {name} is not correct."))
}

#[cfg(test)]
mod tests {
    use super::super::call::Call;
    use super::super::testing::*;
    use super::*;

    fn tag(key: &str, propagates: bool) -> Tag {
        Tag { group: Some(WEB.into()), key: key.into(), value: Some("v".into()), propagates }
    }

    #[test]
    fn instances_get_the_tags_that_propagate_and_the_name_of_their_group() {
        let mut model = serving(0, 3, 0);
        model.done(Call::CreateOrUpdateTags(vec![tag("team", true), tag("secret", false)]), 0);
        model.done(set_desired(1), 60_000);
        let tags = model.ledger(120_000).instances[0].tags.clone();
        let pairs: Vec<(&str, &str)> = tags.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(pairs, [("aws:autoscaling:groupName", "web"), ("team", "v")]);
    }

    #[test]
    fn tags_are_described_filtered_and_deleted() {
        let mut model = serving(0, 3, 0);
        model.done(Call::CreateOrUpdateTags(vec![tag("a", true), tag("b", false)]), 0);
        let keys = |model: &mut Model, name: &str, value: &str| {
            let filters = vec![Filter { name: name.into(), values: vec![value.into()] }];
            let call = Call::DescribeTags { filters, page: PageRequest::default() };
            let Answer::Tags { tags, .. } = model.done(call, 0) else { panic!("no tags") };
            tags.into_iter().map(|t| t.key).collect::<Vec<_>>()
        };
        assert_eq!(keys(&mut model, "auto-scaling-group", WEB), ["a", "b"]);
        assert_eq!(keys(&mut model, "propagate-at-launch", "true"), ["a"]);
        assert_eq!(keys(&mut model, "key", "b"), ["b"]);
        model.done(Call::DeleteTags(vec![tag("a", true)]), 0);
        assert_eq!(keys(&mut model, "value", "v"), ["b"]);
        let bad = vec![Filter { name: "mood".into(), values: vec![] }];
        let call = Call::DescribeTags { filters: bad, page: PageRequest::default() };
        assert_eq!(model.refused(call, 0).0, "ValidationError");
    }

    #[test]
    fn tags_have_limits() {
        let mut model = serving(0, 3, 0);
        for bad in [tag("", true), tag("aws:mine", true), tag(&"k".repeat(129), true)] {
            assert_eq!(model.refused(Call::CreateOrUpdateTags(vec![bad]), 0).0, "ValidationError");
        }
        for n in 0..50 {
            model.done(Call::CreateOrUpdateTags(vec![tag(&format!("k{n}"), true)]), 0);
        }
        assert_eq!(model.refused(Call::CreateOrUpdateTags(vec![tag("k50", true)]), 0).0, "LimitExceeded");
        model.done(Call::CreateOrUpdateTags(vec![tag("k7", false)]), 0);
    }

    #[test]
    fn target_groups_come_ten_at_a_time_and_have_a_state() {
        let mut model = serving(0, 3, 1);
        let arn = |n: u32| format!("arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/t{n}/1");
        let attach = |range: std::ops::Range<u32>| Call::AttachLoadBalancerTargetGroups {
            group: WEB.into(),
            arns: range.map(arn).collect(),
        };
        assert!(model.refused(attach(0..11), 60_000).1.contains("The limit is 10"));
        model.done(attach(0..1), 60_000);
        let states = |model: &mut Model, now| {
            let call =
                Call::DescribeLoadBalancerTargetGroups { group: WEB.into(), page: PageRequest::default() };
            let Answer::TargetGroups { targets, .. } = model.done(call, now) else { panic!("no targets") };
            targets.into_values().collect::<Vec<_>>()
        };
        assert_eq!(states(&mut model, 60_000), ["Adding"]);
        assert_eq!(states(&mut model, 62_000), ["InService"]);
        let detach = |n| Call::DetachLoadBalancerTargetGroups { group: WEB.into(), arns: vec![arn(n)] };
        assert_eq!(model.refused(detach(5), 62_000).0, "ValidationError");
        model.done(detach(0), 62_000);
        assert!(states(&mut model, 62_000).is_empty());
    }
}
