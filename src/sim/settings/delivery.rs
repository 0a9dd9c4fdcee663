//! What happens to a notice between the service that tells it and the one that hears it.

use serde::{Deserialize, Serialize};

use super::{Range, SettingsError, ensure};

/// Loss, duplication and delay of notices; different delays reorder them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delivery {
    /// Share of notices that never arrive.
    pub lost: f64,
    /// Each of the others arrives 1 to so many times, evenly.
    pub copies_max: u32,
    /// Of each copy by itself.
    pub delay: Range,
}

impl Default for Delivery {
    fn default() -> Self {
        Delivery { lost: 0.0, copies_max: 1, delay: Range { min_ms: 50, max_ms: 500 } }
    }
}

impl Delivery {
    /// Everything arrives once and at once.
    pub const INSTANT: Delivery =
        Delivery { lost: 0.0, copies_max: 1, delay: Range { min_ms: 0, max_ms: 0 } };

    pub(super) fn check(&self) -> Result<(), SettingsError> {
        ensure("delivery.lost", (0.0..=100.0).contains(&self.lost), || {
            format!("{} is not a percentage, 0 to 100", self.lost)
        })?;
        // More copies than that is a fault of another kind, and memory.
        ensure("delivery.copies_max", (1..=100).contains(&self.copies_max), || "needs 1 to 100".into())?;
        let delay = self.delay.min_ms <= self.delay.max_ms;
        ensure("delivery.delay", delay, || "needs min_ms <= max_ms".into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    #[test]
    fn impossible_values_are_named() {
        type Spoil = fn(&mut Delivery);
        let cases: [(&str, Spoil); 3] = [
            ("delivery.lost", |d| d.lost = 101.0),
            ("delivery.copies_max", |d| d.copies_max = 0),
            ("delivery.delay", |d| d.delay.min_ms = d.delay.max_ms + 1),
        ];
        for (name, spoil) in cases {
            let mut settings = Settings::default();
            spoil(&mut settings.delivery);
            assert_eq!(settings.check().unwrap_err().name, name);
        }
    }
}
