//! What can be set about the simulated SNS.

use serde::{Deserialize, Serialize};

use super::Range;

/// How its topics behave. Defaults are AWS's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SnsSettings {
    /// What `SigningCertURL`, `SubscribeURL` and `UnsubscribeURL` begin with; none:
    /// `https://sns.REGION.amazonaws.com`, as AWS has it, which a receiver must bring to the simulator
    /// by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_base: Option<String>,
    /// Each notification is delivered to an endpoint evenly 1 to so many times, with one message id.
    pub copies_max: u32,
    /// From publishing until a delivery to an endpoint is due, drawn for each copy: reordering.
    pub spread: Range,
    /// Does the file at `SigningCertURL` hold the issuer's certificate behind SNS's own? Not
    /// documented, so both ways.
    pub pem_has_chain: bool,
}

impl Default for SnsSettings {
    fn default() -> Self {
        SnsSettings {
            url_base: None,
            copies_max: 1,
            spread: Range { min_ms: 0, max_ms: 0 },
            pem_has_chain: false,
        }
    }
}
