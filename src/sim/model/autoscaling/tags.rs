//! `CreateOrUpdateTags`, `DeleteTags`, `DescribeTags`.

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
}
