//! The identity of what a group launches.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::decide::group::{Configure, LaunchSpec};

/// First 16 hexadecimal digits of the SHA-256 over launch spec, configure step and the Auto Scaling
/// group's name if there is one, as JSON with sorted keys. The weights of the pools and the size of a batch are left out: moving load between
/// zones, or launching more at a time, proves and disproves nothing about an image.
///
/// 64 bits: two of a million versions share one with a probability below 1 in 10 million.
#[must_use]
pub(super) fn of(launch: &LaunchSpec, configure: Option<&Configure>, asg: Option<&str>) -> String {
    #[derive(Serialize)]
    struct Identity<'a> {
        launch: LaunchSpec,
        configure: Option<&'a Configure>,
        // Left out for plain fleets, whose versions stay what they were.
        #[serde(skip_serializing_if = "Option::is_none")]
        asg: Option<&'a str>,
    }
    let mut launch = launch.clone();
    for pool in &mut launch.pools {
        pool.weight = 0;
    }
    // Its default, so that versions of those who never set it stay what they were.
    launch.batch = 100;
    // Through a value: its tables are sorted, whatever order the fields are declared in. Structs of
    // texts and numbers always make a value.
    let canonical = serde_json::to_value(Identity { launch, configure, asg }).unwrap_or_default().to_string();
    Sha256::digest(canonical).iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use crate::config::testing::group;

    #[test]
    fn the_same_spec_has_the_same_version_in_every_release() {
        // Changing this number sends every group of every user back to its canary.
        assert_eq!(group("").unwrap().version, "5d114027812b3a2d");
    }

    #[test]
    fn what_is_launched_and_how_it_is_configured_make_the_version() {
        let base = group("").unwrap().version;
        assert_ne!(group("configure = { port = 80 }").unwrap().version, base);
        assert_eq!(
            group("priority = 9\ncanary = { size = 1 }\nverify = { passes = 3 }").unwrap().version,
            base
        );
        assert_eq!(base.len(), 16);
    }

    #[test]
    fn how_many_are_launched_at_a_time_does_not_count() {
        let mut web = group("").unwrap();
        web.launch.batch = 7;
        assert_eq!(super::of(&web.launch, None, None), web.version);
    }

    #[test]
    fn weights_do_not_count() {
        let mut web = group("").unwrap();
        web.launch.pools[0].weight = 7;
        assert_eq!(super::of(&web.launch, None, None), web.version);
        web.launch.pools[0].zone.push('x');
        assert_ne!(super::of(&web.launch, None, None), web.version);
    }
}
