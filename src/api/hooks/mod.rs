//! `/v1/hooks`: the doors for lifecycle actions that are HTTP's, and the list of them.
//!
//! What a sender is told decides whether it tries again (aws-facts 4.1 and 4.2): SNS after 429 and 5xx,
//! EventBridge after 401 as well, neither after any other 4xx. So 4xx is for what another try cannot
//! change, and everything that may pass is 429 or 503.

pub mod answer;
pub mod direct;
pub mod doors;
pub mod eventbridge;
pub mod list;
pub mod sns;

pub use doors::{ApiKey, Doors};
