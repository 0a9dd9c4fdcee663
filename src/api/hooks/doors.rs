//! What the doors need, and who may use those that callers without the operator's token use.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::api::problem::{Kind, Problem};
use crate::hooks::inlet::Inlet;
use crate::hooks::sns::door::SnsDoor;

/// The doors. Cheap to clone.
#[derive(Clone)]
pub struct Doors {
    pub inlet: Inlet,
    /// None: no API destination is expected.
    pub api_key: Option<ApiKey>,
    /// None: no topic is expected.
    pub sns: Option<Arc<SnsDoor>>,
}

/// What an API destination's connection proves itself by.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub header: HeaderName,
    /// SHA-256 of the key. The key itself is not kept.
    pub sha256: [u8; 32],
}

impl Doors {
    /// The key is there, and is the one.
    ///
    /// # Errors
    /// 401, which EventBridge tries again after: a key that is being changed costs nothing.
    pub fn check_key(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let refuse = |detail: String| Err(Problem::new(Kind::Unauthorized, detail));
        let Some(key) = &self.api_key else {
            return refuse("no key is configured for this door (hooks.eventbridge)".into());
        };
        let Some(given) = headers.get(&key.header) else {
            return refuse(format!("the request carries no key; send it as '{}'", key.header));
        };
        // Hashes of one length are compared in constant time.
        let hash: [u8; 32] = Sha256::digest(given.as_bytes()).into();
        if bool::from(hash.ct_eq(&key.sha256)) {
            Ok(())
        } else {
            refuse("the key is not the one this service was started with".into())
        }
    }
}
