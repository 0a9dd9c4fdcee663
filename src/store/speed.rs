//! How fast the store is: measures and prints, checks only that the work was done.
//!
//! `cargo test --release --lib store::speed -- --ignored --nocapture --test-threads 1`

use super::*;
use crate::decide::words::{Origin, Phase, ScaleUpState};
use crate::time::Stopwatch;

/// A life of six rows, as the engine writes it.
const LIFE: [Phase; 6] = [
    Phase::Launching,
    Phase::Booting,
    Phase::Configuring,
    Phase::Verifying,
    Phase::Verifying,
    Phase::InService,
];

fn instance(ordinal: u32, phase: Phase, at: i64) -> InstanceRow {
    let known = phase != Phase::Launching;
    let id = u64::from(ordinal).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 4;
    InstanceRow {
        instance: InstanceRef { slot: SlotId { scale_up: ScaleUpSeq(1), ordinal }, attempt: 1 },
        group: "web".into(),
        phase,
        since: Time(1_700_000_000_000 + at),
        launch: None,
        id: known.then(|| format!("i-{id:017x}").parse().unwrap()),
        address: known.then(|| std::net::Ipv4Addr::from(0x7f01_0000 + ordinal).into()),
        zone: Some("us-east-1a".into()),
        reason: None,
    }
}

fn line(row: &InstanceRow) -> JournalRow {
    JournalRow {
        at: row.since,
        scale_up: Some(row.instance.slot.scale_up),
        instance: Some(row.instance),
        gateway: None,
        kind: row.phase.to_string(),
        text: format!("instance {} at 127.1.2.3 in us-east-1a", row.phase),
    }
}

fn scale_up(wanted: u32) -> ScaleUpRow {
    ScaleUpRow {
        seq: ScaleUpSeq(1),
        id: "0191".into(),
        group: "web".into(),
        origin: Origin::Asked,
        wanted,
        planned: wanted,
        by: None,
        reason: "speed".into(),
        idempotency_key: None,
        state: ScaleUpState::Open,
        accepted_at: Time(0),
        done_at: None,
        in_service: 0,
        withdrawn: 0,
        eta_ms: 0,
        cancel_reason: None,
    }
}

/// CPU time of this process so far, all threads, in milliseconds (clock ticks of 10 ms): what a noisy
/// machine does not distort.
fn cpu_ms() -> u32 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let behind_name = stat.rsplit_once(')').unwrap().1;
    let ticks = behind_name.split_whitespace().skip(11).take(2).map(|t| t.parse::<u32>().unwrap());
    ticks.sum::<u32>() * 10
}

async fn lives(store: &Store, per_commit: u32, total: u32) -> f64 {
    let epoch = store.take_ownership("speed", Time(1)).await.unwrap();
    store.commit(epoch, &Changes { scale_ups: vec![scale_up(total)], ..Changes::default() }).await.unwrap();
    let mut spent = std::time::Duration::ZERO;
    for (at, phase) in (0..).zip(LIFE) {
        for first in (0..total).step_by(per_commit as usize) {
            let instances: Vec<_> = (first..first + per_commit).map(|o| instance(o, phase, at)).collect();
            let journal = instances.iter().map(line).collect();
            let changes = Changes { instances, journal, ..Changes::default() };
            let watch = Stopwatch::start();
            store.commit(epoch, &changes).await.unwrap();
            spent += watch.elapsed();
        }
    }
    f64::from(total) / spent.as_secs_f64()
}

async fn measure(url: impl Fn(u32) -> String) {
    for (per_commit, total) in [(10, 1_000), (100, 10_000), (1_000, 100_000), (10_000, 100_000)] {
        let store = Store::open(&url(per_commit)).await.unwrap();
        let cpu = cpu_ms();
        let rate = lives(&store, per_commit, total).await;
        println!(
            "{per_commit:>6} changed instances a commit: {rate:>8.0} lives/s, {:>8.0} rows/s, {:.1} us of CPU a row",
            rate * 12.0,
            f64::from(cpu_ms() - cpu) * 1000.0 / f64::from(total) / 12.0,
        );
        for _ in 0..3 {
            let (watch, cpu) = (Stopwatch::start(), cpu_ms());
            let restored = store.restore(Time(0)).await.unwrap();
            println!(
                "       restore of {:>6} instances: {:?}, CPU {} ms",
                restored.instances.len(),
                watch.elapsed(),
                cpu_ms() - cpu
            );
            assert_eq!(restored.instances.len(), total as usize);
        }
        let (watch, last) = (Stopwatch::start(), instance(total - 1, Phase::InService, 0));
        let filter = InstanceFilter { id: last.id, ..InstanceFilter::default() };
        assert_eq!(store.instances(&filter, None, 1).await.unwrap()[0].instance, last.instance);
        println!("       one of {total:>6} by its EC2 id: {:?}", watch.elapsed());
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures; run by hand"]
async fn sqlite() {
    let directory = tempfile::tempdir().unwrap();
    measure(|n| format!("sqlite:{}/speed-{n}.db", directory.path().display())).await;
}
