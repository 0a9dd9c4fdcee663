//! `[limits]`: what muster allows itself and its callers.

use std::time::Duration;

use super::section::{Read, Section};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests that wait for a decision; one more is answered 429.
    pub inbox: u32,
    /// Scale-ups that are not done; one more is answered 429.
    pub open_scale_ups: u32,
    /// Most instances in one request.
    pub count: u32,
    /// Most configure pushes and probes at once. Each is one socket.
    pub contacts: u32,
    /// Pause between two looks at the instances that are booting.
    pub describe_every: Duration,
    /// How old the counts may become that requests are held against.
    pub look_every: Duration,
    pub descriptors: Descriptors,
}

/// File descriptors: the caps of the budget. `limits.contacts` is the one for contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    /// The soft limit (`RLIMIT_NOFILE`) is raised to the hard one, but not above this.
    pub most: u32,
    /// Connections to AWS.
    pub cloud: u32,
    /// Accepted connections.
    pub api: u32,
}

/// Kept free of the caps' sum: the operator's way in, the logs, the listener (DESIGN 6: at least 16).
const RESERVE: u32 = 16;

pub(super) fn read(s: &mut Section<'_>) -> Read<Limits> {
    let inbox = s.number("inbox", 1..=1_000_000, 10_000);
    let open_scale_ups = s.number("open_scale_ups", 1..=100_000, 1_000);
    let count = s.number("count", 1..=1_000_000, 10_000);
    let contacts = s.number("contacts", 1..=4_096, 48);
    let describe_every = s.duration(
        "describe_every",
        Duration::from_millis(500)..=Duration::from_mins(5),
        Duration::from_secs(5),
    );
    let look_every =
        s.duration("look_every", Duration::from_secs(10)..=Duration::from_hours(1), Duration::from_mins(1));
    let descriptors = s.table("descriptors", |s| {
        // 65,536 is far above what the caps below can use, and small enough that tables the
        // system sizes by the limit stay small.
        let most = s.number("most", 64..=1_048_576, 65_536);
        // All that aws.*.in_flight allows, questions about the account, tags, and the pollers of one queue: 36.
        let cloud = s.number("cloud", 1..=1_024, 40);
        let api = s.number("api", 1..=4_096, 24);
        Ok(Descriptors { most: most?, cloud: cloud?, api: api? })
    });
    let (contacts, descriptors) = (contacts?, descriptors?);
    let wanted = contacts + descriptors.cloud + descriptors.api + RESERVE;
    if wanted > descriptors.most {
        return Err(s.refuse(
            "descriptors.most",
            format!(
                "{} descriptors are fewer than the {wanted} of contacts ({contacts}), descriptors.cloud ({}), \
                 descriptors.api ({}) and the reserve ({RESERVE}): raise it or lower one of these",
                descriptors.most, descriptors.cloud, descriptors.api
            ),
        ));
    }
    Ok(Limits {
        inbox: inbox?,
        open_scale_ups: open_scale_ups?,
        count: count?,
        contacts,
        describe_every: describe_every?,
        look_every: look_every?,
        descriptors,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Descriptors, Limits};
    use crate::config::testing::{read, refused};

    #[test]
    fn defaults() {
        assert_eq!(
            read("").unwrap().limits,
            Limits {
                inbox: 10_000,
                open_scale_ups: 1_000,
                count: 10_000,
                contacts: 48,
                describe_every: Duration::from_secs(5),
                look_every: Duration::from_mins(1),
                descriptors: Descriptors { most: 65_536, cloud: 40, api: 24 },
            }
        );
    }

    #[test]
    fn every_limit_has_a_limit() {
        let text = "[limits]\ninbox = 0\nopen_scale_ups = 100_001\ncount = 1.5\ncontacts = \"many\"\ndescribe_every = \"0s\"";
        assert_eq!(
            refused(text),
            r#"muster.toml:2: limits.inbox: 0 is not a whole number from 1 to 1000000
muster.toml:3: limits.open_scale_ups: 100001 is not a whole number from 1 to 100000
muster.toml:4: limits.count: 1.5 is not a whole number from 1 to 1000000
muster.toml:5: limits.contacts: "many" is not a whole number from 1 to 4096
muster.toml:6: limits.describe_every: "0s" is not a duration such as "90s", "5m", "1h30m" or "250ms" from 500ms to 5m"#
        );
    }

    #[test]
    fn caps_that_do_not_fit_their_sum_are_refused() {
        assert_eq!(
            refused("[limits]\ncontacts = 100\n[limits.descriptors]\nmost = 128"),
            "muster.toml:4: limits.descriptors.most: 128 descriptors are fewer than the 180 of contacts (100), \
             descriptors.cloud (40), descriptors.api (24) and the reserve (16): raise it or lower one of these"
        );
    }
}
