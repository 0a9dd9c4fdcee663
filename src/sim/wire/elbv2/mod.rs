//! Elastic Load Balancing on the wire: the query protocol.

pub(super) mod answer;
pub(super) mod request;

/// The version by which its requests are told.
pub(super) const VERSION: &str = "2015-12-01";
/// Of its documents.
pub(super) const NAMESPACE: &str = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/";
