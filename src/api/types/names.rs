//! Schemas of the core's fixed names, so that the `OpenAPI` text lists what may appear.

use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use crate::decide::words::{Phase, ScaleUpState};

fn one_of(names: impl Iterator<Item = &'static str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).build()
}

/// Every [`Phase`].
pub fn phase() -> Object {
    one_of(Phase::ALL.iter().map(|p| p.as_str()))
}

/// Every [`ScaleUpState`].
pub fn scale_up_state() -> Object {
    one_of(ScaleUpState::ALL.iter().map(|s| s.as_str()))
}
