//! Whether signatures are checked, and with which keys.

use std::collections::BTreeMap;

use crate::decide::words::named;

named! {
    /// What becomes of signatures.
    pub enum Signatures {
        /// Any will do, and none.
        Accepted = "accepted",
        /// They must be right, by one of the `access_keys`.
        Checked = "checked",
    }
}

/// Secret access keys by their access key ids.
pub type Keys = BTreeMap<String, String>;
