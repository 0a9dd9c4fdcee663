//! Problem documents (RFC 9457) as they travel.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What went wrong, in `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `urn:muster:problem:` and a fixed word: what programs decide by.
    #[serde(rename = "type", default)]
    #[schema(required = true, examples("urn:muster:problem:unknown_group"))]
    pub kind: String,
    /// The same few words for every problem of this type.
    pub title: String,
    /// The HTTP status, repeated.
    pub status: u16,
    /// What was wrong this time, and what is allowed. Always sent; RFC 9457 lets others leave it out.
    #[serde(default)]
    #[schema(required = true)]
    pub detail: String,
    /// Each field, parameter or header that is at fault. Empty if none is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// One thing in the request that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Name of the body's field, the query's parameter or the header.
    #[schema(examples("count"))]
    pub field: String,
    /// What is wrong with it and what is allowed.
    #[schema(examples("is 1.5; must be a whole number, at least 1"))]
    pub detail: String,
}

impl FieldError {
    pub fn new(field: impl Into<String>, detail: impl Into<String>) -> FieldError {
        FieldError { field: field.into(), detail: detail.into() }
    }
}
