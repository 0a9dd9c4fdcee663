//! Scheduled gateway requests over real processes: each peak has one request whatever is aborted around the commit
//! that makes it, and what was due while nothing ran is caught up with or reported.

use std::collections::BTreeSet;

use muster::api::types::{GatewayRequestHistory, ScheduleHistory, ScheduleTaken};
use muster::time::wall_now;
use serde_json::json;

use crate::harness::{Muster, Sim, wait_for};

const HOUR_MS: i64 = 3_600_000;
/// An hour takes four seconds.
const SCALE: f64 = 900.0;

/// A simulated AWS, which nothing is asked of, and a muster that knows two transit gateways.
struct Scene {
    sim: Sim,
    muster: Muster,
}

impl Scene {
    async fn set() -> Scene {
        let sim = Sim::start(SCALE, &["--seed", "5"]).await;
        let gateway = |name: &str, id: &str| {
            format!("[gateways.{name}]\nkind = \"transit-gateway\"\ntransit_gateway_id = \"{id}\"\n")
        };
        let mut muster = Muster::new(&sim, &(gateway("core", "tgw-0a1b") + &gateway("edge", "tgw-0a2b")));
        muster.start().await;
        Scene { sim, muster }
    }

    /// Muster's time, in milliseconds since 1970.
    #[allow(clippy::cast_possible_truncation)]
    fn now_ms(&self) -> i64 {
        let passed = wall_now().0 - self.sim.origin_ms;
        self.sim.origin_ms + (passed as f64 * self.sim.scale) as i64
    }

    async fn add(
        &self,
        name: &str,
        gateway: &str,
        cron: &str,
        release_after: &str,
        missed: &str,
    ) -> ScheduleTaken {
        let body = json!({
            "name": name, "gateway": gateway, "capacity": 200, "cron": cron, "zone": "UTC", "lead": "20m",
            "release_after": release_after, "missed": missed, "owner": "ann",
        });
        let (status, body) = self.muster.post("/v1/gateway-schedules", &body.to_string()).await;
        assert_eq!(status, 202, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// The schedule, once that is so.
    async fn shows(&self, name: &str, so: impl Fn(&ScheduleHistory) -> bool) -> ScheduleHistory {
        wait_for(name, async || {
            let (status, body) = self.muster.get(&format!("/v1/gateway-schedules/{name}")).await?;
            let shown: ScheduleHistory =
                serde_json::from_str(&body).map_err(|e| format!("{status} {e}: {body}"))?;
            if so(&shown) { Ok(shown) } else { Err(body) }
        })
        .await
    }

    async fn request(&self, id: &str) -> GatewayRequestHistory {
        let (status, body) = self.muster.get(&format!("/v1/gateways/{id}")).await.unwrap();
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }
}

/// The lines about requests that were made.
fn asked(shown: &ScheduleHistory) -> Vec<&str> {
    let lines = shown.journal.iter().filter(|line| line.kind == "schedule_asked");
    lines.map(|line| line.text.as_str()).collect()
}

#[tokio::test]
async fn each_peak_has_one_request_whatever_is_aborted_around_its_commit() {
    let mut scene = Scene::set().await;
    let taken = scene.add("hourly", "core", "0 * * * *", "30m", "catch-up").await;
    assert_eq!(taken.next.len(), 3);
    assert!(scene.add("hourly", "core", "0 * * * *", "30m", "catch-up").await.repeated);
    scene.muster.kill().await;
    for crash in ["before-commit:1", "after-commit:1", "before-commit:2", "after-commit:2", "after-commit:3"]
    {
        scene.muster.spawn(&[("MUSTER_DEV_CRASH", crash)]);
        let status = wait_for("the abort", async || {
            scene.muster.ended().await.map(|(status, _)| status).ok_or_else(|| crash.to_string())
        })
        .await;
        assert!(!status.success(), "{crash}");
    }
    scene.muster.start().await;
    // What is shown and what is written down are read one after the other: until they agree.
    let told = |s: &ScheduleHistory| asked(s).len() == s.schedule.asked as usize;
    let shown = scene.shows("hourly", |s| s.schedule.asked >= 2 && s.schedule.due.is_none() && told(s)).await;
    let schedule = &shown.schedule;
    // Every peak is one or the other, and none is both.
    let first = schedule.added_at.0.0 / HOUR_MS + 1;
    let last = schedule.last.unwrap().0.0 / HOUR_MS;
    assert_eq!(i64::from(schedule.asked + schedule.passed), last - first + 1, "{shown:?}");
    let mut ends = BTreeSet::new();
    for text in asked(&shown) {
        let id = text.split("request ").nth(1).and_then(|rest| rest.split([' ', ',']).next()).unwrap();
        let request = scene.request(id).await.request;
        assert!(request.reason.starts_with("schedule hourly, "), "{}", request.reason);
        ends.insert(request.until);
    }
    assert_eq!(ends.len(), schedule.asked as usize, "{shown:?}");
}

#[tokio::test]
async fn what_was_due_while_nothing_ran_is_caught_up_with_or_reported() {
    let mut scene = Scene::set().await;
    // Five hours from now, or a little more: far enough that both are there, and nothing runs, before it is due.
    let peak = scene.now_ms() / HOUR_MS + 6;
    let cron = format!("0 {} * * *", peak % 24);
    scene.add("reported", "core", &cron, "20h", "report").await;
    scene.add("caught", "edge", &cron, "20h", "catch-up").await;
    scene.muster.kill().await;
    let due = peak * HOUR_MS - HOUR_MS / 3;
    wait_for("what is late", async || {
        if scene.now_ms() > due + HOUR_MS / 4 { Ok(()) } else { Err("it is not due yet".to_string()) }
    })
    .await;
    scene.muster.start().await;
    let reported = scene.shows("reported", |s| s.schedule.last.is_some()).await;
    assert!(reported.schedule.missed && reported.schedule.request.is_none(), "{reported:?}");
    let line = reported.journal.iter().find(|line| line.kind == "schedule_missed").unwrap();
    assert!(line.text.contains("when nothing ran, and the rule is to report that"), "{}", line.text);
    let caught = scene.shows("caught", |s| s.schedule.last.is_some()).await.schedule;
    assert!(!caught.missed, "{caught:?}");
    let request = scene.request(caught.request.as_deref().unwrap()).await.request;
    assert_eq!((request.gateway.as_str(), request.until.0.0), ("edge", (peak + 20) * HOUR_MS));
    let (_, metrics) = scene.muster.get("/metrics").await.unwrap();
    assert!(metrics.contains("muster_gateway_schedules_missed 1"), "{metrics}");
}
