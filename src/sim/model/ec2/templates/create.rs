//! `CreateLaunchTemplate` and `CreateLaunchTemplateVersion`.

use std::collections::BTreeMap;

use super::super::Ec2;
use super::super::call::{Answer, TemplateRef};
use super::super::error::{ApiError, Code};
use super::super::tags::check_tags;
use super::{Template, TemplateData, Version};

/// How long a name may be (EC2's own words for it: 3 to 128 letters, digits and `()./_-`).
const NAME: std::ops::RangeInclusive<usize> = 3..=128;

/// `CreateLaunchTemplate`: version 1 comes with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateTemplate {
    pub token: Option<String>,
    pub name: String,
    pub description: Option<String>,
    pub data: TemplateData,
    /// Of the template, not of instances.
    pub tags: BTreeMap<String, String>,
}

/// `CreateLaunchTemplateVersion`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateVersion {
    pub token: Option<String>,
    /// Its version is the one that the new one is based on; none: on nothing.
    pub template: TemplateRef,
    pub description: Option<String>,
    pub data: TemplateData,
}

impl TemplateData {
    /// This, and from `base` what this does not say.
    fn over(&self, base: &TemplateData) -> TemplateData {
        let or = |mine: &Option<String>, theirs: &Option<String>| mine.clone().or_else(|| theirs.clone());
        let maps = |mine: &BTreeMap<String, String>, theirs: &BTreeMap<String, String>| {
            let mut both = theirs.clone();
            both.extend(mine.clone());
            both
        };
        TemplateData {
            image: or(&self.image, &base.image),
            instance_type: or(&self.instance_type, &base.instance_type),
            key_name: or(&self.key_name, &base.key_name),
            user_data: or(&self.user_data, &base.user_data),
            subnet: or(&self.subnet, &base.subnet),
            zone: or(&self.zone, &base.zone),
            tags: maps(&self.tags, &base.tags),
            other: maps(&self.other, &base.other),
        }
    }
}

impl Ec2 {
    pub(in super::super) fn create_launch_template(
        &mut self,
        call: &CreateTemplate,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        check_name(&call.name)?;
        check_tags(&call.tags)?;
        let index = match self.templates.created.earlier(call.token.as_deref(), call)? {
            Some(index) => index,
            None => self.new_template(call, now_ms)?,
        };
        Ok(Answer::TemplateCreated(Box::new(self.template_view(index)?)))
    }

    fn new_template(&mut self, call: &CreateTemplate, now_ms: i64) -> Result<usize, ApiError> {
        if self.templates.by_name(&call.name).is_some() {
            return Err(ApiError::new(
                Code::InvalidLaunchTemplateNameAlreadyExists,
                "Launch template name already in use.",
            ));
        }
        let index = self.templates.all.len();
        let version =
            Version { description: call.description.clone(), created_ms: now_ms, data: call.data.clone() };
        self.templates.all.push(Some(Template {
            name: call.name.clone(),
            created_ms: now_ms,
            default: 1,
            versions: vec![version],
        }));
        self.tag(&self.template_id(index), &call.tags);
        self.templates.created.remember(call.token.as_deref(), call, index);
        Ok(index)
    }

    pub(in super::super) fn create_launch_template_version(
        &mut self,
        call: &CreateVersion,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let earlier = self.templates.versioned.earlier(call.token.as_deref(), call)?;
        let (index, number) = match earlier {
            Some(made) => made,
            None => self.new_version(call, now_ms)?,
        };
        Ok(Answer::VersionCreated(Box::new(self.version_view(index, number)?)))
    }

    fn new_version(&mut self, call: &CreateVersion, now_ms: i64) -> Result<(usize, u64), ApiError> {
        let index = self.templates.find(self.names, &call.template)?;
        let data = match &call.template.version {
            None => call.data.clone(),
            Some(source) => call.data.over(&self.version_of(index, Some(source))?.1.data),
        };
        let version = Version { description: call.description.clone(), created_ms: now_ms, data };
        let number = self.templates.get_mut(index).map_or(0, |template| {
            template.versions.push(version);
            template.latest()
        });
        self.templates.versioned.remember(call.token.as_deref(), call, (index, number));
        Ok((index, number))
    }
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"()./_-".contains(&b);
    if NAME.contains(&name.len()) && name.bytes().all(fine) {
        return Ok(());
    }
    Err(ApiError::new(
        Code::InvalidLaunchTemplateNameMalformed,
        format!("A launch template's name has {} to {} of a-z, A-Z, 0-9, ()./_-", NAME.start(), NAME.end()),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::super::call::Call;
    use super::super::super::testing::*;
    use super::super::tests::{created, versioned};
    use super::*;

    fn create(name: &str, token: &str, image: &str) -> Call {
        Call::CreateLaunchTemplate(Box::new(CreateTemplate {
            token: Some(token.into()),
            name: name.into(),
            data: TemplateData { image: Some(image.into()), ..TemplateData::default() },
            ..CreateTemplate::default()
        }))
    }

    #[test]
    fn a_name_is_taken_once_and_a_token_repeats_it() {
        let mut model = plain();
        for (name, token, image, expected) in [
            ("web", "t1", "ami-1", ""),
            ("web", "t1", "ami-1", ""),
            ("web", "t1", "ami-2", "IdempotentParameterMismatch"),
            ("web", "t2", "ami-1", "InvalidLaunchTemplateName.AlreadyExistsException"),
            ("ab", "t3", "ami-1", "InvalidLaunchTemplateName.MalformedException"),
            ("a b c", "t4", "ami-1", "InvalidLaunchTemplateName.MalformedException"),
        ] {
            assert_eq!(code(&model.ask(&create(name, token, image), 0)), expected, "{name} {token}");
        }
    }

    #[test]
    fn a_version_may_be_based_on_another() {
        let mut model = plain();
        let id = created(&mut model, "web", "ami-1");
        let data = TemplateData { instance_type: Some("m5.large".into()), ..TemplateData::default() };
        let template =
            TemplateRef { id: Some(id.clone()), version: Some("1".into()), ..TemplateRef::default() };
        let call = CreateVersion { token: Some("t".into()), template, data, ..CreateVersion::default() };
        for _ in 0..2 {
            let reply = model.ask(&Call::CreateLaunchTemplateVersion(Box::new(call.clone())), 0);
            let Outcome::Answer(AnyAnswer::Ec2(Answer::VersionCreated(view))) = reply.outcome else {
                panic!("{reply:?}")
            };
            assert_eq!((view.number, view.is_default), (2, false));
            let data = &view.version.data;
            assert_eq!(
                (data.image.as_deref(), data.instance_type.as_deref()),
                (Some("ami-1"), Some("m5.large"))
            );
        }
        let reply = versioned(&mut model, "lt-00000000000000000", "ami-1");
        assert_eq!(code(&reply), "InvalidLaunchTemplateId.NotFound");
    }
}
