//! Service Quotas on the wire: AWS JSON 1.1.

pub(super) mod answer;
pub(super) mod request;

/// What the targets of its actions begin with.
pub(super) const TARGET: &str = "ServiceQuotasV20190624";
