//! From a launch that names a template to one that says everything itself.

use std::borrow::Cow;

use super::super::super::super::settings::UnknownTemplates;
use super::super::Ec2;
use super::super::call::RunInstances;
use super::super::error::ApiError;

/// The tags that tell which template and version an instance was launched from.
const TAG_ID: &str = "aws:ec2launchtemplate:id";
const TAG_VERSION: &str = "aws:ec2launchtemplate:version";

impl Ec2 {
    /// The launch with what its template says, where it says nothing itself. A subnet or a zone in
    /// the call replaces both of the template's.
    ///
    /// # Errors
    /// The template or its version is not known (unless the settings let any name pass), or there is
    /// no image in the end.
    pub(in super::super) fn resolved<'a>(
        &self,
        call: &'a RunInstances,
    ) -> Result<Cow<'a, RunInstances>, ApiError> {
        let Some(named) = &call.template else { return Ok(Cow::Borrowed(call)) };
        let anything = match self.settings.ec2.unknown_templates {
            UnknownTemplates::TakenUntilOneExists => !self.templates.is_used(),
            UnknownTemplates::Taken => self.templates.find(self.names, named).is_err(),
            UnknownTemplates::Refused => false,
        };
        if anything {
            return Ok(Cow::Borrowed(call));
        }
        let index = self.templates.find(self.names, named)?;
        let (number, version) = self.version_of(index, named.version.as_deref())?;
        let data = &version.data;
        let mut full = call.clone();
        full.image = full.image.or_else(|| data.image.clone());
        full.instance_type = full.instance_type.or_else(|| data.instance_type.clone());
        full.key_name = full.key_name.or_else(|| data.key_name.clone());
        full.user_data = full.user_data.or_else(|| data.user_data.clone());
        if full.subnet.is_none() && full.zone.is_none() {
            full.subnet.clone_from(&data.subnet);
            full.zone.clone_from(&data.zone);
        }
        for (key, value) in &data.tags {
            full.tags.entry(key.clone()).or_insert_with(|| value.clone());
        }
        full.tags.insert(TAG_ID.into(), self.template_id(index));
        full.tags.insert(TAG_VERSION.into(), number.to_string());
        // A list that the call gives replaces the template's list, never mixes with it.
        let first = |name: &str| name.split('.').next().unwrap_or_default().to_string();
        let given: Vec<String> = call.other.keys().map(|name| first(name)).collect();
        let missing = data.other.iter().filter(|(name, _)| !given.contains(&first(name)));
        full.other.extend(missing.map(|(name, value)| (name.clone(), value.clone())));
        if full.image.is_none() {
            return Err(ApiError::missing("ImageId"));
        }
        Ok(Cow::Owned(full))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::call::{Call, TemplateRef};
    use super::super::super::testing::*;
    use super::super::tests::{created, versioned};
    use super::super::{CreateTemplate, TemplateData};
    use super::*;

    fn run_template(id: &str, version: &str) -> RunInstances {
        let template = Some(Box::new(TemplateRef::of(id, version)));
        RunInstances { template, token: None, image: None, instance_type: None, ..run_in(B, "", 1, 1) }
    }

    fn image(model: &mut Model, call: &RunInstances) -> Result<String, &'static str> {
        match model.ask(&Call::RunInstances(call.clone()), 0).outcome {
            Outcome::Answer(AnyAnswer::Ec2(super::super::Answer::Launched(r))) => Ok(r.launch.image.clone()),
            Outcome::Error(failure) => Err(failure.code),
            other @ (Outcome::Answer(_) | Outcome::Lost) => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_way_to_name_a_version_finds_it() {
        let mut model = plain();
        let id = created(&mut model, "web", "ami-1");
        versioned(&mut model, &id, "ami-2");
        for (named, version, expected) in [
            (id.as_str(), "1", Ok("ami-1".to_string())),
            ("web", "2", Ok("ami-2".into())),
            (&id, "$Latest", Ok("ami-2".into())),
            ("web", "$Default", Ok("ami-1".into())),
            ("web", "", Ok("ami-1".into())),
        ] {
            assert_eq!(image(&mut model, &run_template(named, version)), expected, "{named} {version}");
        }
        let mut model = plain();
        let id = created(&mut model, "web", "ami-1");
        for (named, version, expected) in [
            ("api", "1", "InvalidLaunchTemplateName.NotFoundException"),
            ("lt-00000000000000000", "1", "InvalidLaunchTemplateId.NotFound"),
            (id.as_str(), "3", "InvalidLaunchTemplateId.VersionNotFound"),
        ] {
            assert_eq!(image(&mut model, &run_template(named, version)), Err(expected), "{named} {version}");
        }
    }

    #[test]
    fn the_call_wins_over_the_template_and_the_tags_tell_where_from() {
        let mut model = plain();
        let pair = |k: &str, v: &str| (k.to_string(), v.to_string());
        let data = TemplateData {
            image: Some("ami-1".into()),
            instance_type: Some("c5.large".into()),
            subnet: Some(B.into()),
            tags: [pair("team", "base"), pair("owner", "ops")].into(),
            ..TemplateData::default()
        };
        let call = CreateTemplate { name: "web".into(), data, ..CreateTemplate::default() };
        assert_eq!(code(&model.ask(&Call::CreateLaunchTemplate(Box::new(call)), 0)), "");
        let run = RunInstances { image: Some("ami-2".into()), subnet: None, ..run_template("web", "1") };
        assert_eq!(image(&mut model, &run), Ok("ami-2".into()));
        let entry = &model.ledger(0).instances[0];
        assert_eq!((entry.subnet.as_str(), entry.tags["team"].as_str()), (B, "web"));
        assert_eq!((entry.tags["owner"].as_str(), entry.tags[TAG_VERSION].as_str()), ("ops", "1"));
        assert!(entry.tags[TAG_ID].starts_with("lt-"));
    }

    #[test]
    fn whether_an_unknown_name_is_taken_is_a_setting() {
        for (unknown, before, after) in [
            (UnknownTemplates::TakenUntilOneExists, "", "InvalidLaunchTemplateName.NotFoundException"),
            (UnknownTemplates::Taken, "", ""),
            (
                UnknownTemplates::Refused,
                "InvalidLaunchTemplateName.NotFoundException",
                "InvalidLaunchTemplateName.NotFoundException",
            ),
        ] {
            let mut settings = small_settings();
            settings.ec2.unknown_templates = unknown;
            let mut model = Model::new(settings, 1).unwrap();
            let run = Call::RunInstances(run_template("api", "1"));
            assert_eq!(code(&model.ask(&run, 0)), before, "{unknown}");
            created(&mut model, "web", "ami-1");
            assert_eq!(code(&model.ask(&run, 0)), after, "{unknown}");
        }
    }

    #[test]
    fn a_template_without_an_image_needs_one_in_the_call() {
        let mut model = plain();
        let call = CreateTemplate { name: "web".into(), ..CreateTemplate::default() };
        model.ask(&Call::CreateLaunchTemplate(Box::new(call)), 0);
        assert_eq!(image(&mut model, &run_template("web", "1")), Err("MissingParameter"));
        let with = RunInstances { image: Some("ami-1".into()), ..run_template("web", "1") };
        assert_eq!(image(&mut model, &with), Ok("ami-1".into()));
    }
}
