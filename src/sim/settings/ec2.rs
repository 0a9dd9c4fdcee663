//! What there is in EC2 besides instances, and what it takes.

use serde::{Deserialize, Serialize};

use super::{Range, SettingsError, ensure};
use crate::decide::words::named;

/// EC2's surroundings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ec2Settings {
    /// The images that exist. None named: every id that looks like an image's does.
    pub images: Vec<String>,
    /// The security groups that exist besides the default one. None named: every id that looks like
    /// one does.
    pub security_groups: Vec<String>,
    /// From `running` until the status checks pass: some minutes at EC2 (aws-facts 9.2), and every
    /// minute one check.
    pub status_checks: Range,
    /// What a launch from a template that does not exist leads to.
    pub unknown_templates: UnknownTemplates,
}

named! {
    /// Whether a launch may name a template that nobody made. EC2 refuses it; a test of launches
    /// may not care to make one.
    pub enum UnknownTemplates {
        /// It is taken, whatever it is called, until the first template is made.
        TakenUntilOneExists = "taken_until_one_exists",
        Taken = "taken",
        Refused = "refused",
    }
}

impl Default for Ec2Settings {
    fn default() -> Self {
        Ec2Settings {
            images: Vec::new(),
            security_groups: Vec::new(),
            status_checks: Range { min_ms: 60_000, max_ms: 180_000 },
            unknown_templates: UnknownTemplates::TakenUntilOneExists,
        }
    }
}

impl Ec2Settings {
    /// # Errors
    /// The first value that makes no sense.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let range = self.status_checks;
        ensure("ec2.status_checks", range.min_ms <= range.max_ms, || "needs min_ms <= max_ms".into())
    }
}
