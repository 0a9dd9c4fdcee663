//! `DescribeTags`.

use std::io;

use super::super::super::xml::Xml;
use crate::sim::model::ec2::call::TagView;

pub(super) fn tag(x: &mut Xml, tag: &TagView) -> io::Result<()> {
    x.text("resourceId", &tag.resource)?;
    x.text("resourceType", tag.kind.as_str())?;
    x.text("key", &tag.key)?;
    x.text("value", &tag.value)
}
