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
