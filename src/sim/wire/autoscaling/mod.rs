//! Auto Scaling's query protocol.

pub(super) mod answer;
pub(super) mod request;
mod shape;

/// By which a request is told.
pub(super) const VERSION: &str = "2011-01-01";
pub(super) const NAMESPACE: &str = "http://autoscaling.amazonaws.com/doc/2011-01-01/";
