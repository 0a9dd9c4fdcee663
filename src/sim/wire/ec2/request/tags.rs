//! `CreateTags` and `DeleteTags`, and the tags that creating calls give.

use std::collections::BTreeMap;

use super::super::super::form::Node;
use crate::sim::model::ec2::call::{CreateTags, DeleteTags};
use crate::sim::model::ec2::error::ApiError;

pub(super) fn create(root: &Node) -> Result<CreateTags, ApiError> {
    Ok(CreateTags { resources: root.texts("ResourceId"), tags: list(root)? })
}

pub(super) fn delete(root: &Node) -> Result<DeleteTags, ApiError> {
    let tags = root.list("Tag").into_iter().map(|tag| Ok((key(tag)?, tag.text("Value").map(str::to_string))));
    Ok(DeleteTags { resources: root.texts("ResourceId"), tags: tags.collect::<Result<_, ApiError>>()? })
}

/// The tags that `TagSpecification.N` gives to this kind of resource.
///
/// # Errors
/// If a specification is for a kind that is not one of `kinds`.
pub(super) fn specified(
    root: &Node,
    kind: &str,
    kinds: &[&str],
) -> Result<BTreeMap<String, String>, ApiError> {
    let mut tags = BTreeMap::new();
    for specification in root.list("TagSpecification") {
        let given = specification
            .text("ResourceType")
            .ok_or_else(|| ApiError::missing("TagSpecification.ResourceType"))?;
        if !kinds.contains(&given) {
            return Err(ApiError::invalid(format!(
                "'{given}' is not a valid taggable resource type for this operation."
            )));
        }
        if given == kind {
            read(specification, &mut tags)?;
        }
    }
    Ok(tags)
}

fn list(node: &Node) -> Result<BTreeMap<String, String>, ApiError> {
    let mut tags = BTreeMap::new();
    read(node, &mut tags)?;
    Ok(tags)
}

fn read(node: &Node, tags: &mut BTreeMap<String, String>) -> Result<(), ApiError> {
    for tag in node.list("Tag") {
        let key = key(tag)?;
        let value = tag.text("Value").unwrap_or_default().to_string();
        if tags.insert(key.clone(), value).is_some() {
            return Err(ApiError::invalid(format!("Duplicate tag key '{key}' specified.")));
        }
    }
    Ok(())
}

fn key(tag: &Node) -> Result<String, ApiError> {
    tag.text("Key").map(str::to_string).ok_or_else(|| ApiError::missing("Tag.Key"))
}

#[cfg(test)]
mod tests {
    use super::super::super::super::form::Form;
    use super::*;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn tags_are_read_with_and_without_a_value() {
        let form = form("ResourceId.1=i-1&ResourceId.2=i-2&Tag.1.Key=a&Tag.1.Value=1&Tag.2.Key=b");
        let created = create(form.root()).unwrap();
        assert_eq!(created.resources, ["i-1", "i-2"]);
        assert_eq!(created.tags, [("a".into(), "1".into()), ("b".into(), String::new())].into());
        let deleted = delete(form.root()).unwrap();
        assert_eq!(deleted.tags, [("a".into(), Some("1".into())), ("b".into(), None)]);
    }

    #[test]
    fn a_key_is_needed_once() {
        for (text, code) in
            [("Tag.1.Value=1", "MissingParameter"), ("Tag.1.Key=a&Tag.2.Key=a", "InvalidParameterValue")]
        {
            assert_eq!(create(form(text).root()).unwrap_err().code.as_str(), code);
        }
    }

    #[test]
    fn a_specification_is_for_its_kind() {
        let form = form(
            "TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=a\
             &TagSpecification.2.ResourceType=fleet&TagSpecification.2.Tag.1.Key=b",
        );
        let of = |kind| specified(form.root(), kind, &["instance", "fleet"]).unwrap();
        assert_eq!((of("instance").len(), of("fleet").keys().next().unwrap().as_str()), (1, "b"));
        assert!(specified(form.root(), "fleet", &["fleet"]).is_err());
    }
}
