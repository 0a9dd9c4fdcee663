//! `groups`: how full every group is, and what stands in its way.

use super::printed;
use crate::api::types::{AsgItem, GroupItem, Groups};
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::io::Io;
use crate::cli::text::{Align, Table};

pub async fn run(client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let document = client.get("/v1/groups").await?;
    printed(&document, json, io, |shown: &Groups| table(&shown.groups))
}

fn table(groups: &[GroupItem]) -> String {
    let mut table = Table::new(&[
        ("GROUP", Align::Left),
        ("SERVING", Align::Right),
        ("TAKEN", Align::Right),
        ("MAX", Align::Right),
        ("QUEUED", Align::Right),
        ("DESIRED", Align::Right),
        ("HOOKS", Align::Right),
        ("RESERVE", Align::Right),
        ("SIGNALS", Align::Left),
        ("NOTES", Align::Left),
    ]);
    for g in groups {
        let asg = g.asg.as_ref();
        // The service tells its own group's maximum; AWS's may be lower.
        let max = asg.and_then(|a| a.max).map_or(g.max, |max| max.min(g.max));
        table.row([
            g.name.clone(),
            g.in_service.to_string(),
            g.taken.to_string(),
            max.to_string(),
            g.queued.to_string(),
            asg.and_then(|a| a.desired).map(|n| n.to_string()).unwrap_or_default(),
            asg.map(|a| a.hooks_open.to_string()).unwrap_or_default(),
            g.reserve.map(|r| format!("{}/{}", r.ready, r.size)).unwrap_or_default(),
            g.signals.to_string(),
            notes(g).join("; "),
        ]);
    }
    table.text()
}

/// What an operator would ask about next, the worst first.
fn notes(group: &GroupItem) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(why) = &group.valve_shut {
        notes.push(format!("removal valve shut: {why}"));
    }
    if let Some(suspended) = group.asg.as_ref().and_then(suspended) {
        notes.push(suspended);
    }
    if !group.proven {
        notes.push("its launch version has never been in service".to_string());
    }
    if group.removals > 0 {
        notes.push(format!("{} being removed", group.removals));
    }
    if group.quarantined > 0 {
        notes.push(format!("{} in quarantine", group.quarantined));
    }
    notes.extend(group.wait.clone());
    notes
}

fn suspended(asg: &AsgItem) -> Option<String> {
    (!asg.suspended.is_empty()).then(|| format!("suspended: {}", asg.suspended.join(", ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::cli::testing::{Fake, Reply, run};

    #[tokio::test]
    async fn groups_are_shown_with_what_stands_in_their_way() {
        let fake = Fake::start(|request| {
            assert_eq!(request.path, "/v1/groups");
            let web = json!({
                "name": "web", "version": "v1", "max": 2_400, "taken": 2_390, "in_service": 1_200, "queued": 10,
                "proven": false, "watchdogs": [], "wait": "group maximum: 2390 of 2390 places are taken",
                "signals": "idle", "valve_shut": "61 % of a zone are unhealthy", "removals": 3, "quarantined": 2,
                "reserve": { "size": 40, "ready": 38 },
                "asg": { "name": "web-asg", "max": 2_390, "desired": 2_390, "suspended": ["AZRebalance"],
                         "members": {}, "hooks_open": 1_180 },
            });
            let batch = json!({
                "name": "batch", "version": "v2", "max": 50, "taken": 0, "in_service": 0, "queued": 0,
                "proven": true, "watchdogs": [],
            });
            Reply::json(200, &json!({ "groups": [web, batch] }))
        })
        .await;
        let (code, out, err) = run(&fake, &["groups"]).await;
        assert_eq!((code, err.as_str()), (0, ""));
        assert_eq!(
            out,
            "GROUP  SERVING  TAKEN   MAX  QUEUED  DESIRED  HOOKS  RESERVE  SIGNALS  NOTES\n\
             web       1200   2390  2390      10     2390   1180    38/40  idle     removal valve shut: 61 % of a \
             zone are unhealthy; suspended: AZRebalance; its launch version has never been in service; 3 being removed; \
             2 in quarantine; group maximum: 2390 of 2390 places are taken\n\
             batch        0      0    50       0        -      -        -  blind    -\n"
        );
    }
}
