//! `EventBridge` on the wire: AWS JSON 1.1.

pub(super) mod answer;
pub(super) mod request;
