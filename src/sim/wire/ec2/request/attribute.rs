//! Instances' attributes.

use super::super::super::form::Node;
use crate::sim::model::ec2::call::{Attribute, ModifyAttribute};
use crate::sim::model::ec2::error::ApiError;

/// An attribute is given by its own name or as `Attribute` and `Value`.
pub(super) fn modify(root: &Node) -> Result<ModifyAttribute, ApiError> {
    let own = root.under("DisableApiTermination").flag("Value")?;
    let named = root.text("Attribute") == Some(Attribute::DisableApiTermination.as_str());
    let disable_api_termination = if root.has("DisableApiTermination") {
        Some(own)
    } else if named {
        Some(root.flag("Value")?)
    } else {
        None
    };
    Ok(ModifyAttribute { instance: instance(root)?, disable_api_termination })
}

pub(super) fn attribute(root: &Node) -> Result<Attribute, ApiError> {
    let name = root.text("Attribute").ok_or_else(|| ApiError::missing("Attribute"))?;
    name.parse().map_err(|_| ApiError::invalid(format!("Unknown attribute: {name}")))
}

pub(super) fn instance(root: &Node) -> Result<String, ApiError> {
    root.text("InstanceId").map(str::to_string).ok_or_else(|| ApiError::missing("InstanceId"))
}

#[cfg(test)]
mod tests {
    use super::super::super::super::form::Form;
    use super::*;

    #[test]
    fn both_ways_to_write_an_attribute_are_read() {
        for (text, expected) in [
            ("InstanceId=i-1&DisableApiTermination.Value=true", Some(true)),
            ("InstanceId=i-1&Attribute=disableApiTermination&Value=false", Some(false)),
            ("InstanceId=i-1&Attribute=userData&Value=x", None),
        ] {
            let read = modify(Form::parse(text.as_bytes()).unwrap().root()).unwrap();
            assert_eq!(read.disable_api_termination, expected, "{text}");
        }
        assert!(modify(Form::parse(b"Attribute=userData").unwrap().root()).is_err());
        assert!(attribute(Form::parse(b"Attribute=colour").unwrap().root()).is_err());
    }
}
