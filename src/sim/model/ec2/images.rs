//! Images: which there are, and `DescribeImages`.

use super::Ec2;
use super::call::{Answer, Read};
use super::error::{ApiError, Code};
use super::filter::{all_match, known};
use super::read::{cut, page};
use super::tags::TagMap;

/// One image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageView {
    pub id: String,
    pub tags: TagMap,
}

enum Field<'a> {
    Id,
    Name,
    State,
    Architecture,
    Tag(&'a str),
}

impl<'a> Field<'a> {
    fn named(name: &'a str) -> Option<Field<'a>> {
        Some(match name {
            "image-id" => Field::Id,
            "name" => Field::Name,
            "state" => Field::State,
            "architecture" => Field::Architecture,
            _ => Field::Tag(name.strip_prefix("tag:")?),
        })
    }
}

/// `ami-` and something that could be the rest of an id.
pub(super) fn is_image_id(id: &str) -> bool {
    id.strip_prefix("ami-").is_some_and(|rest| {
        (1..=40).contains(&rest.len())
            && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    })
}

impl Ec2 {
    /// One of those that the settings name; any that looks like one if they name none.
    pub(super) fn is_image(&self, id: &str) -> bool {
        let images = &self.settings.ec2.images;
        is_image_id(id) && (images.is_empty() || images.iter().any(|i| i == id))
    }

    /// # Errors
    /// InvalidAMIID.Malformed or InvalidAMIID.NotFound.
    pub(super) fn check_image(&self, id: &str) -> Result<(), ApiError> {
        if !is_image_id(id) {
            let message = format!("Invalid id: \"{id}\" (expecting \"ami-...\")");
            return Err(ApiError::new(Code::InvalidAmiIdMalformed, message));
        }
        if !self.is_image(id) {
            let message = format!("The image id '[{id}]' does not exist");
            return Err(ApiError::new(Code::InvalidAmiIdNotFound, message));
        }
        Ok(())
    }

    /// Without ids: the images that the settings name.
    pub(super) fn describe_images(&self, read: &Read) -> Result<Answer, ApiError> {
        let page = page(read)?;
        let filters = known(&read.filters, Field::named)?;
        read.ids.iter().try_for_each(|id| self.check_image(id))?;
        let mut ids = if read.ids.is_empty() { self.settings.ec2.images.clone() } else { read.ids.clone() };
        ids.sort_unstable();
        ids.dedup();
        let views = ids.into_iter().map(|id| ImageView { tags: self.tags.of(&id), id });
        let fits = |view: &ImageView| {
            all_match(&filters, |field, test| match field {
                Field::Id | Field::Name => test(&view.id),
                Field::State => test("available"),
                Field::Architecture => test("x86_64"),
                Field::Tag(key) => view.tags.get(*key).is_some_and(|v| test(v)),
            })
        };
        let (images, next_token) = cut((0..).zip(views).filter(|(_, v)| fits(v)), page);
        Ok(Answer::Images { images, next_token })
    }
}

#[cfg(test)]
mod tests {
    use super::super::call::{Call, RunInstances};
    use super::super::testing::*;
    use super::*;

    #[test]
    fn any_image_exists_until_the_settings_name_some() {
        let describe = |id: &str| Call::DescribeImages(Read { ids: vec![id.into()], ..Read::default() });
        let run =
            |id: &str| Call::RunInstances(RunInstances { image: Some(id.into()), ..run_in(A, "t", 1, 1) });
        let mut any = plain();
        assert_eq!(code(&any.ask(&describe("ami-12345678"), 0)), "");
        assert_eq!(code(&any.ask(&describe("image"), 0)), "InvalidAMIID.Malformed");
        let mut settings = small_settings();
        settings.ec2.images = vec!["ami-1".into()];
        let mut some = Model::new(settings, 1).unwrap();
        assert_eq!(code(&some.ask(&describe("ami-1"), 0)), "");
        assert_eq!(code(&some.ask(&describe("ami-2"), 0)), "InvalidAMIID.NotFound");
        assert_eq!(code(&some.ask(&run("ami-1"), 0)), "");
        let reply = some.ask(&run("ami-2"), 0);
        assert_eq!(
            (code(&reply), message(&reply)),
            ("InvalidAMIID.NotFound", "The image id '[ami-2]' does not exist")
        );
        let reply = some.ask(&Call::DescribeImages(Read::default()), 0);
        let Outcome::Answer(AnyAnswer::Ec2(Answer::Images { images, .. })) = reply.outcome else { panic!() };
        assert_eq!(images.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(), ["ami-1"]);
    }
}
