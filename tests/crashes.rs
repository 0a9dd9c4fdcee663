//! Whatever moment a muster dies at, nothing is lost, launched twice or left behind. Real
//! processes, real sockets, SQLite with FULL sync; the simulated EC2's ledger is the judge.

use std::time::Duration;

use muster::decide::rng::Rng;
use muster::engine::crash::CrashPoint;
use muster::time::{Stopwatch, sleep_on_the_wall};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::Connection;

use crate::harness::{Muster, Sim, wait_for};

/// 100 kills at random moments of one scale-up of 1,200.
#[tokio::test]
async fn a_hundred_kills_lose_nothing_and_launch_nothing_twice() {
    let sim = Sim::start(8.0, &["--seed", "4", "--broken", "3", "--lost-replies", "5"]).await;
    let mut muster = Muster::new(&sim, "");
    muster.start().await;
    let id = muster.scale_up(1_200).await;
    let mut rng = Rng::new(4);
    for kill in 0..100 {
        // From before it listens to well into its work.
        sleep_on_the_wall(Duration::from_millis(20 + rng.next_u64() % 430)).await;
        if kill % 10 == 0
            && let Ok(show) = muster.show(&id).await
        {
            assert_ne!(show["state"], "done", "done before kill {kill}: the test proves less than it says");
        }
        muster.kill().await;
        muster.spawn(&[]);
    }
    let show = muster.done(&id).await;
    assert_eq!(show["in_service"], 1_200, "{show}");
    sim.assert_served(1_200).await;
}

/// An abort before and after each commit and each call, again and again through several
/// scale-ups, some of whose instances are broken and must be terminated.
#[tokio::test]
async fn an_abort_at_every_step_of_the_protocol_loses_nothing() {
    let sim = Sim::start(60.0, &["--seed", "7", "--broken", "20"]).await;
    let mut muster = Muster::new(&sim, "");
    muster.start().await;
    let mut wanted = 40;
    let mut id = muster.scale_up(wanted).await;
    muster.kill().await;
    // No Auto Scaling group and no gateway is called here.
    let group_calls = [CrashPoint::BeforeGroupCall, CrashPoint::AfterGroupCall];
    let gateway_calls = [CrashPoint::BeforeGatewayCall, CrashPoint::AfterGatewayCall];
    let never = [group_calls, gateway_calls].concat();
    for point in CrashPoint::ALL.iter().filter(|p| !never.contains(p)) {
        // Terminate calls are few: what breaks within five seconds goes in one.
        let terminates = matches!(point, CrashPoint::BeforeTerminate | CrashPoint::AfterTerminate);
        for nth in if terminates { 1..=1 } else { 1..=3 } {
            let crash = format!("{point}:{nth}");
            let watch = Stopwatch::start();
            muster.spawn(&[("MUSTER_DEV_CRASH", &crash)]);
            loop {
                if let Some((status, said)) = muster.ended().await {
                    assert!(!status.success(), "{crash}: it ended by itself: {said}");
                    break;
                }
                // Nothing left to do that would reach the step: give it more.
                if muster.show(&id).await.is_ok_and(|s| s["state"] == "done") {
                    let body = serde_json::json!({ "group": "web", "count": 20 }).to_string();
                    let json = [("content-type", "application/json"), ("idempotency-key", crash.as_str())];
                    let url = format!("{}/v1/scale-ups", muster.url);
                    // The answer is lost if the abort comes first; the key tells what became of it.
                    if let Ok((202, body)) = crate::harness::http("POST", &url, &json, &body).await {
                        let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
                        id = answer["id"].as_str().unwrap().to_string();
                    }
                }
                assert!(watch.elapsed() < Duration::from_secs(60), "{crash} was never reached");
                sleep_on_the_wall(Duration::from_millis(10)).await;
            }
        }
    }
    muster.start().await;
    let list: serde_json::Value =
        serde_json::from_str(&muster.get("/v1/scale-ups?limit=1000").await.unwrap().1).unwrap();
    wanted = 0;
    for scale_up in list["scale_ups"].as_array().unwrap() {
        let done = muster.done(scale_up["id"].as_str().unwrap()).await;
        assert_eq!(done["in_service"], done["wanted"], "{done}");
        wanted += u32::try_from(done["wanted"].as_u64().unwrap()).unwrap();
    }
    sim.assert_served(wanted).await;
}

/// Launches take effect, their answers do not arrive: they are found or sent again, and nothing is launched twice.
#[tokio::test]
async fn a_reply_lost_after_the_effect_leads_to_no_second_launch() {
    let sim = Sim::start(40.0, &["--seed", "9", "--lost-replies", "50"]).await;
    let mut muster = Muster::new(&sim, "");
    muster.start().await;
    let id = muster.scale_up(600).await;
    let show = muster.done(&id).await;
    assert_eq!(show["in_service"], 600, "{show}");
    sim.assert_served(600).await;
    let (ledger, given_up) = (sim.ledger().await, muster.given_up().await);
    assert_eq!(ledger.instances.len(), 600 + given_up.len(), "{given_up:?}");
    assert!(ledger.apis["RunInstances"].lost_after >= 1, "no answer was lost: {:?}", ledger.apis);
}

/// Half of all calls are throttled: batches wait, none is split, and no more calls go out than the
/// buckets grant.
#[tokio::test]
async fn half_of_all_calls_throttled_loses_nothing_and_stays_within_the_tokens() {
    let sim = Sim::start(20.0, &["--seed", "11", "--throttle", "50"]).await;
    let mut muster = Muster::new(&sim, "");
    muster.start().await;
    let id = muster.scale_up(1_200).await;
    let show = muster.done(&id).await;
    assert_eq!(show["in_service"], 1_200, "{show}");
    sim.assert_served(1_200).await;
    let ledger = sim.ledger().await;
    let buckets =
        [("RunInstances", 5.0, 2.0), ("DescribeInstances", 50.0, 10.0), ("TerminateInstances", 100.0, 5.0)];
    for (api, burst, refill) in buckets {
        let Some(c) = ledger.apis.get(api) else { continue };
        let seconds = c.last_ms.zip(c.first_ms).map_or(0, |(last, first)| last - first) as f64 / 1_000.0;
        // A small constant: the two processes round their clocks to milliseconds, and calls that
        // left evenly may arrive a little bunched.
        let most = burst + refill * seconds + 3.0;
        assert!(c.calls as f64 <= most, "{api}: {} calls, {most:.1} tokens", c.calls);
    }
    let tokens: std::collections::BTreeSet<_> = ledger.instances.iter().map(|i| i.token.clone()).collect();
    assert!(tokens.len() <= 60, "{} launches for 1,200: none smaller than 20", tokens.len());
}

/// A second process on the same database takes it over; the first, stopped meanwhile and woken up
/// afterwards, changes nothing and says so.
#[tokio::test]
async fn an_old_owner_that_wakes_up_changes_nothing() {
    let sim = Sim::start(20.0, &["--seed", "13"]).await;
    let mut first = Muster::new(&sim, "");
    first.start().await;
    let id = first.scale_up(600).await;
    wait_for("some launches", async || {
        let n = sim.ledger().await.instances.len();
        if n >= 100 { Ok(()) } else { Err(format!("{n} launched")) }
    })
    .await;
    let pid = Pid::from_raw(first.pid()).unwrap();
    stop_outside_a_transaction(pid, &first.database()).await;

    let mut second = Muster::on(&sim, &first.database(), "", tempfile::tempdir().unwrap());
    second.start().await;
    kill_process(pid, Signal::CONT).unwrap();
    let (status, said) =
        wait_for("the old owner to end", async || first.ended().await.ok_or("it runs".into())).await;
    assert!(!status.success());
    assert!(said.contains("has taken over this database"), "{said}");

    let show = second.done(&id).await;
    assert_eq!(show["in_service"], 600, "{show}");
    sim.assert_served(600).await;
    // One launch for each slot, and one more for whoever took too long: the slowest of the good do now and then.
    let (launched, given_up) = (sim.ledger().await.instances.len(), second.given_up().await);
    assert_eq!(launched, 600 + given_up.len(), "{given_up:?}");
}

/// Stops a muster while it holds no lock of its database: a process that stands still within a
/// transaction keeps all others out, which is SQLite's doing and no part of what is tested here.
async fn stop_outside_a_transaction(pid: Pid, database: &str) {
    let mut db = sqlx::SqliteConnection::connect(database).await.unwrap();
    sqlx::query("PRAGMA busy_timeout = 0").execute(&mut db).await.unwrap();
    wait_for("a moment between two transactions", async || {
        kill_process(pid, Signal::STOP).unwrap();
        match sqlx::raw_sql("BEGIN IMMEDIATE; ROLLBACK").execute(&mut db).await {
            Ok(_) => Ok(()),
            Err(held) => {
                kill_process(pid, Signal::CONT).unwrap();
                Err(held.to_string())
            }
        }
    })
    .await;
    db.close().await.unwrap();
}
