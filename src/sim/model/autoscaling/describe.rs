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

#[cfg(test)]
mod tests {
    use super::super::call::{Call, CreateGroup, Tag};
    use super::super::testing::*;
    use super::super::view::{GroupView, InstanceView};
    use super::*;

    fn groups(model: &mut Model, call: DescribeGroups) -> (Vec<GroupView>, Option<String>) {
        let Answer::Groups { groups, next_token } = model.done(Call::DescribeAutoScalingGroups(call), 60_000)
        else {
            panic!("no groups")
        };
        (groups, next_token)
    }

    fn instances(
        model: &mut Model,
        ids: Vec<String>,
        page: PageRequest,
    ) -> (Vec<InstanceView>, Option<String>) {
        let answer = model.done(Call::DescribeAutoScalingInstances { ids, page }, 60_000);
        let Answer::Instances { instances, next_token } = answer else { panic!("no instances") };
        (instances, next_token)
    }

    fn several() -> Model {
        let mut model = model(|_| {});
        for (name, team) in [("a", "x"), ("b", "y"), ("c", "x")] {
            let tag = Tag { group: None, key: "team".into(), value: Some(team.into()), propagates: false };
            let call = CreateGroup { group: name.into(), tags: vec![tag], ..create(0, 3, 2) };
            model.done(Call::CreateAutoScalingGroup(Box::new(call)), 0);
        }
        model
    }

    #[test]
    fn groups_come_by_name_by_tag_in_pages_and_without_instances() {
        let mut model = several();
        let names = |groups: &[GroupView]| groups.iter().map(|g| g.name.to_string()).collect::<Vec<_>>();
        let page = |n, token| PageRequest { max_records: Some(n), next_token: token };
        let by = |page| DescribeGroups { page, ..DescribeGroups::default() };
        let (first, token) = groups(&mut model, by(page(2, None)));
        assert_eq!(names(&first), ["a", "b"]);
        assert_eq!(names(&groups(&mut model, by(page(2, token))).0), ["c"]);
        let filters = vec![Filter { name: "tag:team".into(), values: vec!["x".into()] }];
        let tagged = groups(&mut model, DescribeGroups { filters, ..DescribeGroups::default() }).0;
        assert_eq!(names(&tagged), ["a", "c"]);
        assert_eq!(tagged[0].instances.as_ref().map(Vec::len), Some(2));
        assert_eq!((tagged[0].subnets.len(), tagged[0].zones.len()), (3, 3));
        let asked = DescribeGroups {
            groups: vec!["b".into(), "nobody".into()],
            without_instances: true,
            ..DescribeGroups::default()
        };
        let found = groups(&mut model, asked).0;
        assert_eq!((names(&found), found[0].instances.is_none()), (vec!["b".to_string()], true));
    }

    #[test]
    fn instances_come_by_id_without_the_unknown_or_in_pages() {
        let mut model = several();
        let (first, token) =
            instances(&mut model, vec![], PageRequest { max_records: Some(4), next_token: None });
        let (rest, none) =
            instances(&mut model, vec![], PageRequest { max_records: Some(4), next_token: token });
        assert_eq!((first.len(), rest.len(), none), (4, 2, None));
        let ids = vec![rest[0].id.clone(), "i-0123456789abcdef0".into(), "junk".into()];
        assert_eq!(instances(&mut model, ids, PageRequest::default()).0, rest[..1]);
    }

    #[test]
    fn limits_bind() {
        let mut model = several();
        let ids = vec!["i-0123456789abcdef0".to_string(); 51];
        let call = Call::DescribeAutoScalingInstances { ids, page: PageRequest::default() };
        assert_eq!(model.refused(call, 0).0, "ValidationError");
        let page = PageRequest { max_records: Some(101), next_token: None };
        let call = Call::DescribeAutoScalingGroups(DescribeGroups { page, ..DescribeGroups::default() });
        assert_eq!(model.refused(call, 0).0, "ValidationError");
        let filters = vec![Filter { name: "colour".into(), values: vec![] }];
        let call = Call::DescribeAutoScalingGroups(DescribeGroups { filters, ..DescribeGroups::default() });
        assert_eq!(model.refused(call, 0).0, "ValidationError");
        let page = PageRequest { max_records: None, next_token: Some("mine".into()) };
        let call =
            Call::DescribeScalingActivities(DescribeActivities { page, ..DescribeActivities::default() });
        assert_eq!(model.refused(call, 0).0, "InvalidNextToken");
    }

    #[test]
    fn activities_are_told_newest_first_of_one_group_or_of_all() {
        let mut model = several();
        let of = |model: &mut Model, group: Option<&str>| {
            let call = DescribeActivities { group: group.map(Into::into), ..DescribeActivities::default() };
            let answer = model.done(Call::DescribeScalingActivities(call), 60_000);
            let Answer::Activities { activities, .. } = answer else { panic!("no activities") };
            activities
        };
        assert_eq!((of(&mut model, None).len(), of(&mut model, Some("b")).len()), (6, 2));
        let all = of(&mut model, None);
        assert!(all.windows(2).all(|w| w[0].start_ms >= w[1].start_ms));
        let call = DescribeActivities { group: Some("z".into()), ..DescribeActivities::default() };
        assert_eq!(model.refused(Call::DescribeScalingActivities(call), 0).0, "ValidationError");
    }
}
