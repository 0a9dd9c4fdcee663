//! Launch templates: versions that never change, numbered from 1, one of which is the default.

mod create;
mod describe;
mod resolve;

use std::collections::BTreeMap;

use super::Ec2;
use super::call::{Answer, TemplateRef};
use super::error::{ApiError, Code};
use super::names::{Kind, Names};
use super::tags::TagMap;
use super::tokens::TokenBook;

pub use create::{CreateTemplate, CreateVersion};
pub use describe::{ReadTemplates, ReadVersions};

/// What a version says about the instances to launch. What it does not say is left to the call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateData {
    pub image: Option<String>,
    pub instance_type: Option<String>,
    pub key_name: Option<String>,
    /// Base64, as on the wire.
    pub user_data: Option<String>,
    pub subnet: Option<String>,
    pub zone: Option<String>,
    /// For the instances.
    pub tags: BTreeMap<String, String>,
    /// Every other parameter, named as `RunInstances` would.
    pub other: BTreeMap<String, String>,
}

/// One version of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub description: Option<String>,
    pub created_ms: i64,
    pub data: TemplateData,
}

/// One template. Its latest version is the last one made, deleted or not.
#[derive(Clone, Debug)]
struct Template {
    name: String,
    created_ms: i64,
    default: u64,
    /// The one at index 0 is version 1.
    versions: Vec<Version>,
}

/// One template as EC2 shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateView {
    pub id: String,
    pub name: String,
    pub created_ms: i64,
    pub default: u64,
    pub latest: u64,
    pub tags: TagMap,
}

/// One version as EC2 shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionView {
    pub id: String,
    pub name: String,
    pub number: u64,
    pub is_default: bool,
    pub version: Version,
}

/// `ModifyLaunchTemplate`: another version becomes the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModifyTemplate {
    pub template: TemplateRef,
}

/// Every template that was ever made; a deleted one leaves its place empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Templates {
    all: Vec<Option<Template>>,
    created: TokenBook<CreateTemplate, usize>,
    versioned: TokenBook<CreateVersion, (usize, u64)>,
}

fn unknown_id(id: &str) -> ApiError {
    let message = format!("The specified launch template, with template ID {id}, does not exist.");
    ApiError::new(Code::InvalidLaunchTemplateIdNotFound, message)
}

impl Template {
    fn latest(&self) -> u64 {
        self.versions.len() as u64
    }

    /// The number that a version's name means: a number, `$Latest`, `$Default` or nothing.
    fn number(&self, version: Option<&str>) -> Option<u64> {
        let number = match version {
            None | Some("" | "$Default") => self.default,
            Some("$Latest") => self.latest(),
            Some(number) => number.parse().ok()?,
        };
        (1..=self.latest()).contains(&number).then_some(number)
    }

    fn version(&self, number: u64) -> Option<&Version> {
        self.versions.get(usize::try_from(number.checked_sub(1)?).ok()?)
    }
}

impl Templates {
    /// Was there ever one?
    fn is_used(&self) -> bool {
        !self.all.is_empty()
    }

    fn get(&self, index: usize) -> Option<&Template> {
        self.all.get(index)?.as_ref()
    }

    fn get_mut(&mut self, index: usize) -> Option<&mut Template> {
        self.all.get_mut(index)?.as_mut()
    }

    fn by_name(&self, name: &str) -> Option<usize> {
        self.all.iter().position(|t| t.as_ref().is_some_and(|t| t.name == name))
    }

    fn by_id(&self, names: Names, id: &str) -> Option<usize> {
        let index = usize::try_from(names.number(Kind::LaunchTemplate, id)?).ok()?;
        self.get(index).map(|_| index)
    }

    /// The template that is named.
    ///
    /// # Errors
    /// Nothing or too much is named, or it does not exist: each with the code that EC2 has for it.
    fn find(&self, names: Names, wanted: &TemplateRef) -> Result<usize, ApiError> {
        match (&wanted.id, &wanted.name) {
            (Some(_), Some(_)) => Err(ApiError::new(
                Code::InvalidParameterCombination,
                "You may specify either a launch template ID or a launch template name, but not both",
            )),
            (None, None) => Err(ApiError::missing("LaunchTemplateId")),
            (Some(id), None) if !id.starts_with("lt-") => Err(ApiError::new(
                Code::InvalidLaunchTemplateIdMalformed,
                format!("Invalid id: \"{id}\" (expecting \"lt-...\")"),
            )),
            (Some(id), None) => self.by_id(names, id).ok_or_else(|| unknown_id(id)),
            (None, Some(name)) => self.by_name(name).ok_or_else(|| {
                let message =
                    format!("The specified launch template, with template name {name}, does not exist.");
                ApiError::new(Code::InvalidLaunchTemplateNameNotFound, message)
            }),
        }
    }
}

impl Ec2 {
    pub(super) fn modify_launch_template(&mut self, call: &ModifyTemplate) -> Result<Answer, ApiError> {
        let index = self.templates.find(self.names, &call.template)?;
        if call.template.version.is_none() {
            return Err(ApiError::missing("SetDefaultVersion"));
        }
        let (number, _) = self.version_of(index, call.template.version.as_deref())?;
        if let Some(template) = self.templates.get_mut(index) {
            template.default = number;
        }
        Ok(Answer::TemplateModified(Box::new(self.template_view(index)?)))
    }

    /// The versions go with it. Instances that were launched from it stay.
    pub(super) fn delete_launch_template(&mut self, named: &TemplateRef) -> Result<Answer, ApiError> {
        let index = self.templates.find(self.names, named)?;
        let view = self.template_view(index)?;
        if let Some(place) = self.templates.all.get_mut(index) {
            *place = None;
        }
        Ok(Answer::TemplateDeleted(Box::new(view)))
    }

    /// The number and the data of one version of a template.
    fn version_of(&self, index: usize, version: Option<&str>) -> Result<(u64, &Version), ApiError> {
        let template = self.templates.get(index);
        let number = template.and_then(|t| t.number(version));
        template.zip(number).and_then(|(t, n)| Some((n, t.version(n)?))).ok_or_else(|| {
            let version = version.unwrap_or("$Default");
            let message = format!(
                "Could not find the specified version {version} for the launch template with ID {}.",
                self.template_id(index)
            );
            ApiError::new(Code::InvalidLaunchTemplateIdVersionNotFound, message)
        })
    }

    fn template_id(&self, index: usize) -> String {
        self.names.name(Kind::LaunchTemplate, index as u64)
    }

    /// # Errors
    /// If it has been deleted since somebody knew its number.
    fn template_view(&self, index: usize) -> Result<TemplateView, ApiError> {
        let id = self.template_id(index);
        let template = self.templates.get(index).ok_or_else(|| unknown_id(&id))?;
        Ok(TemplateView {
            name: template.name.clone(),
            created_ms: template.created_ms,
            default: template.default,
            latest: template.latest(),
            tags: self.tags.of(&id),
            id,
        })
    }

    fn version_view(&self, index: usize, number: u64) -> Result<VersionView, ApiError> {
        let id = self.template_id(index);
        let template = self.templates.get(index).ok_or_else(|| unknown_id(&id))?;
        let (_, version) = self.version_of(index, Some(&number.to_string()))?;
        Ok(VersionView {
            id,
            name: template.name.clone(),
            number,
            is_default: number == template.default,
            version: version.clone(),
        })
    }

    /// Is there a template of this id?
    pub(super) fn is_template(&self, id: &str) -> bool {
        self.templates.by_id(self.names, id).is_some()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::call::Call;
    use super::super::testing::*;
    use super::*;

    /// Creates a template of this image and returns its id.
    pub(in super::super) fn created(model: &mut Model, name: &str, image: &str) -> String {
        let data = TemplateData { image: Some(image.into()), ..TemplateData::default() };
        let call = CreateTemplate { name: name.into(), data, ..CreateTemplate::default() };
        let reply = model.ask(&Call::CreateLaunchTemplate(Box::new(call)), 0);
        let Outcome::Answer(AnyAnswer::Ec2(Answer::TemplateCreated(view))) = reply.outcome else {
            panic!("{reply:?}")
        };
        view.id.clone()
    }

    /// Adds a version of this image.
    pub(in super::super) fn versioned(model: &mut Model, id: &str, image: &str) -> Reply {
        let call = CreateVersion {
            template: TemplateRef { id: Some(id.into()), ..TemplateRef::default() },
            data: TemplateData { image: Some(image.into()), ..TemplateData::default() },
            ..CreateVersion::default()
        };
        model.ask(&Call::CreateLaunchTemplateVersion(Box::new(call)), 0)
    }

    fn modify(id: &str, version: &str) -> Call {
        Call::ModifyLaunchTemplate(ModifyTemplate { template: TemplateRef::of(id, version) })
    }

    #[test]
    fn another_version_becomes_the_default() {
        let mut model = plain();
        let id = created(&mut model, "web", "ami-1");
        versioned(&mut model, &id, "ami-2");
        for (version, default) in [("2", 2), ("1", 1), ("$Latest", 2)] {
            let reply = model.ask(&modify(&id, version), 0);
            let Outcome::Answer(AnyAnswer::Ec2(Answer::TemplateModified(view))) = reply.outcome else {
                panic!("{reply:?}")
            };
            assert_eq!((view.default, view.latest), (default, 2));
        }
        for version in ["3", "0", "x"] {
            let reply = model.ask(&modify(&id, version), 0);
            assert_eq!(code(&reply), "InvalidLaunchTemplateId.VersionNotFound");
        }
    }

    #[test]
    fn a_deleted_one_is_unknown_and_its_name_is_free() {
        let mut model = plain();
        let id = created(&mut model, "web", "ami-1");
        let delete = |id: &str| Call::DeleteLaunchTemplate(TemplateRef::of(id, "1"));
        assert_eq!(code(&model.ask(&delete("web"), 0)), "");
        assert_eq!(code(&model.ask(&delete("web"), 0)), "InvalidLaunchTemplateName.NotFoundException");
        assert_eq!(code(&model.ask(&delete(&id), 0)), "InvalidLaunchTemplateId.NotFound");
        assert_ne!(created(&mut model, "web", "ami-1"), id);
    }

    #[test]
    fn it_must_be_named_in_one_way() {
        let mut model = plain();
        let both = TemplateRef { id: Some("lt-1".into()), name: Some("web".into()), version: None };
        let neither = TemplateRef::default();
        let malformed = TemplateRef { id: Some("web".into()), ..TemplateRef::default() };
        for (named, expected) in [
            (both, "InvalidParameterCombination"),
            (neither, "MissingParameter"),
            (malformed, "InvalidLaunchTemplateId.Malformed"),
        ] {
            assert_eq!(code(&model.ask(&Call::DeleteLaunchTemplate(named), 0)), expected);
        }
    }
}
