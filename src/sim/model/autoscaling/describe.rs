//! `DescribeAutoScalingGroups`, `DescribeAutoScalingInstances`, `DescribeScalingActivities`.

use super::super::ec2::Ec2;
use super::AutoScaling;
use super::call::{Action, Answer, DescribeActivities, DescribeGroups, Filter, PageRequest};
use super::error::ApiError;
use super::group::Group;
use super::page::Page;
use super::tags::no_filter;

/// Names, and groups in one page (aws-facts 3.1).
const GROUPS_DEFAULT: u32 = 50;
const GROUPS_MAX: u32 = 100;
/// Ids, and instances in one page.
const INSTANCES_MAX: u32 = 50;
const ACTIVITIES_MAX: u32 = 100;
const ACTIVITY_IDS_MAX: usize = 50;

impl AutoScaling {
    pub(super) fn describe_groups(&self, call: &DescribeGroups, ec2: &Ec2) -> Result<Answer, ApiError> {
        let page = Page::asked(&call.page, GROUPS_DEFAULT, GROUPS_MAX)?;
        if call.groups.len() > GROUPS_MAX as usize {
            return Err(too_many(call.groups.len(), "AutoScalingGroupNames", GROUPS_MAX));
        }
        if let Some(filter) = call.filters.iter().find(|f| !is_group_filter(&f.name)) {
            return Err(no_filter(&filter.name));
        }
        let asked = |g: &&Group| call.groups.is_empty() || call.groups.iter().any(|name| **name == *g.name);
        let fits = |g: &&Group| call.filters.iter().all(|f| fits(g, f));
        let all = self.groups.values().filter(asked).filter(fits);
        let (groups, next_token) = page.cut(all.map(|g| (g.name.to_string(), g)));
        let groups = groups.into_iter().map(|g| g.view(!call.without_instances, ec2)).collect();
        Ok(Answer::Groups { groups, next_token })
    }

    /// Ids that nobody knows are left out without a word.
    pub(super) fn describe_instances(
        &self,
        ids: &[String],
        page: &PageRequest,
        ec2: &Ec2,
    ) -> Result<Answer, ApiError> {
        let page = Page::asked(page, INSTANCES_MAX, INSTANCES_MAX)?;
        if ids.len() > INSTANCES_MAX as usize {
            return Err(too_many(ids.len(), "InstanceIds", INSTANCES_MAX));
        }
        let mut ordinals: Vec<u32> = if ids.is_empty() {
            self.books.homes.keys().copied().collect()
        } else {
            ids.iter().filter_map(|id| ec2.ordinal_of(id)).collect()
        };
        ordinals.sort_unstable();
        ordinals.dedup();
        let found = ordinals.into_iter().filter(|o| self.books.homes.contains_key(o));
        let (ordinals, next_token) = page.cut(found.map(|o| (format!("{o:08x}"), o)));
        let view = |ordinal: u32| {
            let group = self.groups.get(self.books.homes.get(&ordinal)?)?;
            Some(group.instance_view(group.members.get(&ordinal)?, ec2))
        };
        Ok(Answer::Instances { instances: ordinals.into_iter().filter_map(view).collect(), next_token })
    }

    pub(super) fn describe_activities(&self, call: &DescribeActivities) -> Result<Answer, ApiError> {
        let page = Page::asked(&call.page, ACTIVITIES_MAX, ACTIVITIES_MAX)?;
        if call.ids.len() > ACTIVITY_IDS_MAX {
            return Err(ApiError::invalid(format!(
                "The number of activity ids ({}) is more than the limit of {ACTIVITY_IDS_MAX}",
                call.ids.len()
            )));
        }
        if let Some(name) = &call.group
            && !call.include_deleted
            && !self.groups.contains_key(name.as_str())
        {
            return Err(ApiError::no_group(name));
        }
        let log = &self.books.log;
        let known = |id: &String| call.ids.is_empty() || call.ids.contains(id);
        let all = log
            .newest(call.group.as_deref())
            .filter(|n| call.include_deleted || !log.is_of_deleted(*n))
            .filter(|n| log.get(*n).is_some_and(|a| known(&a.id)));
        let (numbers, next_token) = page.cut(all.map(|n| (n.newest_first(), n)));
        let activities = numbers.into_iter().filter_map(|n| log.view(n)).collect();
        Ok(Answer::Activities { action: Action::DescribeScalingActivities, activities, next_token })
    }
}

fn is_group_filter(name: &str) -> bool {
    matches!(name, "tag-key" | "tag-value") || name.starts_with("tag:")
}

fn fits(group: &Group, filter: &Filter) -> bool {
    let is = |text: &str| filter.values.iter().any(|v| v == text);
    match filter.name.as_str() {
        "tag-key" => group.tags.keys().any(|key| is(key)),
        "tag-value" => group.tags.values().any(|(value, _)| is(value)),
        name => {
            let key = name.strip_prefix("tag:").unwrap_or_default();
            group.tags.get(key).is_some_and(|(value, _)| is(value))
        }
    }
}

fn too_many(given: usize, parameter: &str, most: u32) -> ApiError {
    ApiError::invalid(format!("The number of {parameter} ({given}) is more than the limit of {most}"))
}
