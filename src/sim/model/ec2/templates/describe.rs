//! `DescribeLaunchTemplates` and `DescribeLaunchTemplateVersions`.

use super::super::Ec2;
use super::super::call::{Answer, Read, TemplateRef};
use super::super::error::ApiError;
use super::super::filter::{all_match, known};
use super::super::read::{IDS_MAX, cut, page_within};
use super::{TemplateView, VersionView};

/// What `MaxResults` may be.
const RESULTS: std::ops::RangeInclusive<i64> = 1..=200;

/// `DescribeLaunchTemplates`: `read` has the ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadTemplates {
    pub read: Read,
    pub names: Vec<String>,
}

/// `DescribeLaunchTemplateVersions`: `read` has the versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadVersions {
    pub read: Read,
    /// None: the named versions, `$Latest` or `$Default`, of every template.
    pub template: Option<TemplateRef>,
    /// First and last version, if they are given.
    pub from: Option<u64>,
    pub to: Option<u64>,
}

enum Field<'a> {
    Name,
    Tag(&'a str),
    TagKey,
}

enum VersionField {
    Image,
    Type,
    Default,
}

impl Ec2 {
    pub(in super::super) fn describe_launch_templates(
        &self,
        call: &ReadTemplates,
    ) -> Result<Answer, ApiError> {
        let page = page_within(&call.read, IDS_MAX, RESULTS)?;
        let filters = known(&call.read.filters, |name| {
            Some(match name {
                "launch-template-name" => Field::Name,
                "tag-key" => Field::TagKey,
                _ => Field::Tag(name.strip_prefix("tag:")?),
            })
        })?;
        let by_id = |id: &String| TemplateRef { id: Some(id.clone()), ..TemplateRef::default() };
        let by_name = |name: &String| TemplateRef { name: Some(name.clone()), ..TemplateRef::default() };
        let named = call.read.ids.iter().map(by_id).chain(call.names.iter().map(by_name));
        let mut wanted: Vec<usize> =
            named.map(|n| self.templates.find(self.names, &n)).collect::<Result<_, _>>()?;
        if call.read.ids.is_empty() && call.names.is_empty() {
            wanted.extend(0..self.templates.all.len());
        }
        wanted.sort_unstable();
        wanted.dedup();
        let views = wanted.into_iter().filter_map(|index| self.template_view(index).ok());
        let fits = |view: &TemplateView| {
            all_match(&filters, |field, test| match field {
                Field::Name => test(&view.name),
                Field::Tag(key) => view.tags.get(*key).is_some_and(|v| test(v)),
                Field::TagKey => view.tags.keys().any(|k| test(k)),
            })
        };
        let (templates, next_token) = cut((0..).zip(views).filter(|(_, v)| fits(v)), page);
        Ok(Answer::Templates { templates, next_token })
    }

    pub(in super::super) fn describe_launch_template_versions(
        &self,
        call: &ReadVersions,
    ) -> Result<Answer, ApiError> {
        // Versions may be named on every page.
        let read = Read { ids: Vec::new(), ..call.read.clone() };
        let page = page_within(&read, IDS_MAX, RESULTS)?;
        let filters = known(&read.filters, |name| {
            Some(match name {
                "image-id" => VersionField::Image,
                "instance-type" => VersionField::Type,
                "is-default-version" => VersionField::Default,
                _ => return None,
            })
        })?;
        let mut wanted = Vec::new();
        match &call.template {
            Some(named) => {
                let index = self.templates.find(self.names, named)?;
                wanted.extend(self.versions_of(index, call)?);
            }
            None if call.read.ids.is_empty() => return Err(ApiError::missing("LaunchTemplateId")),
            None => {
                for index in (0..self.templates.all.len()).filter(|i| self.templates.get(*i).is_some()) {
                    wanted.extend(self.versions_of(index, call)?);
                }
            }
        }
        let views = wanted.into_iter().filter_map(|(index, number)| self.version_view(index, number).ok());
        let fits = |view: &VersionView| {
            let data = &view.version.data;
            all_match(&filters, |field, test| match field {
                VersionField::Image => data.image.as_deref().is_some_and(test),
                VersionField::Type => data.instance_type.as_deref().is_some_and(test),
                VersionField::Default => test(if view.is_default { "true" } else { "false" }),
            })
        };
        let (versions, next_token) = cut((0..).zip(views).filter(|(_, v)| fits(v)), page);
        Ok(Answer::Versions { versions, next_token })
    }

    /// The newest first, as EC2 lists them.
    fn versions_of(&self, index: usize, call: &ReadVersions) -> Result<Vec<(usize, u64)>, ApiError> {
        let mut numbers = Vec::new();
        for version in &call.read.ids {
            numbers.push(self.version_of(index, Some(version))?.0);
        }
        if call.read.ids.is_empty() {
            let latest = self.templates.get(index).map_or(0, super::Template::latest);
            numbers.extend(call.from.unwrap_or(1).max(1)..=call.to.unwrap_or(latest).min(latest));
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers.into_iter().rev().map(|number| (index, number)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::call::{Call, Filter};
    use super::super::super::testing::*;
    use super::super::tests::{created, versioned};
    use super::*;

    fn templates(model: &mut Model, call: ReadTemplates) -> Result<Vec<String>, &'static str> {
        match model.ask(&Call::DescribeLaunchTemplates(call), 0).outcome {
            Outcome::Answer(AnyAnswer::Ec2(Answer::Templates { templates, .. })) => {
                Ok(templates.into_iter().map(|t| t.name).collect())
            }
            Outcome::Error(failure) => Err(failure.code),
            other @ (Outcome::Answer(_) | Outcome::Lost) => panic!("{other:?}"),
        }
    }

    fn versions(model: &mut Model, call: ReadVersions) -> Result<Vec<u64>, &'static str> {
        match model.ask(&Call::DescribeLaunchTemplateVersions(call), 0).outcome {
            Outcome::Answer(AnyAnswer::Ec2(Answer::Versions { versions, .. })) => {
                Ok(versions.into_iter().map(|v| v.number).collect())
            }
            Outcome::Error(failure) => Err(failure.code),
            other @ (Outcome::Answer(_) | Outcome::Lost) => panic!("{other:?}"),
        }
    }

    fn filtered(name: &str, value: &str) -> Read {
        Read { filters: vec![Filter { name: name.into(), values: vec![value.into()] }], ..Read::default() }
    }

    #[test]
    fn templates_are_found_by_id_by_name_and_by_filter() {
        let mut model = plain();
        let web = created(&mut model, "web", "ami-1");
        created(&mut model, "api", "ami-1");
        let read = |read| ReadTemplates { read, names: Vec::new() };
        assert_eq!(templates(&mut model, ReadTemplates::default()), Ok(vec!["web".into(), "api".into()]));
        let by_id = Read { ids: vec![web], ..Read::default() };
        assert_eq!(templates(&mut model, read(by_id)), Ok(vec!["web".into()]));
        let by_name = ReadTemplates { names: vec!["api".into()], ..ReadTemplates::default() };
        assert_eq!(templates(&mut model, by_name), Ok(vec!["api".into()]));
        let found = templates(&mut model, read(filtered("launch-template-name", "w*")));
        assert_eq!(found, Ok(vec!["web".into()]));
        let unknown = ReadTemplates { names: vec!["x".into()], ..ReadTemplates::default() };
        assert_eq!(templates(&mut model, unknown), Err("InvalidLaunchTemplateName.NotFoundException"));
        let one = Read { max_results: Some(1), ..Read::default() };
        assert_eq!(templates(&mut model, read(one)), Ok(vec!["web".into()]));
    }

    #[test]
    fn versions_are_found_by_number_alias_range_and_filter() {
        let mut model = plain();
        let id = created(&mut model, "web", "ami-1");
        versioned(&mut model, &id, "ami-2");
        versioned(&mut model, &id, "ami-3");
        let template = TemplateRef { id: Some(id), ..TemplateRef::default() };
        let of = |ids: &[&str]| ReadVersions {
            read: Read { ids: ids.iter().map(ToString::to_string).collect(), ..Read::default() },
            template: Some(template.clone()),
            ..ReadVersions::default()
        };
        assert_eq!(versions(&mut model, of(&[])), Ok(vec![3, 2, 1]));
        assert_eq!(versions(&mut model, of(&["$Latest", "$Default", "1"])), Ok(vec![3, 1]));
        assert_eq!(versions(&mut model, ReadVersions { from: Some(2), ..of(&[]) }), Ok(vec![3, 2]));
        assert_eq!(versions(&mut model, ReadVersions { to: Some(1), ..of(&[]) }), Ok(vec![1]));
        let image = ReadVersions { read: filtered("image-id", "ami-2"), ..of(&[]) };
        assert_eq!(versions(&mut model, image), Ok(vec![2]));
        let of_all = ReadVersions { template: None, ..of(&["$Latest"]) };
        assert_eq!(versions(&mut model, of_all), Ok(vec![3]));
        assert_eq!(versions(&mut model, of(&["4"])), Err("InvalidLaunchTemplateId.VersionNotFound"));
        assert_eq!(versions(&mut model, ReadVersions::default()), Err("MissingParameter"));
    }
}
