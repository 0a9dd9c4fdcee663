//! SNS on the wire: the query protocol, and the links in its messages.

pub(super) mod answer;
pub(super) mod request;
