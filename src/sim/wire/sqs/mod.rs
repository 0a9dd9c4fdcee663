//! SQS on the wire: AWS JSON 1.0, and the query protocol of older clients.

pub(super) mod answer;
pub(super) mod document;
pub(super) mod parameters;
pub(super) mod request;
