//! The engine without a network: how fast instances pass through all durable stages, what one in
//! flight costs in memory, and how soon a killed muster makes its first call.
//!
//! `cargo bench --bench engine` runs all; `-- throughput`, `-- accept` or `-- recovery` one of them.
//! SQLite on disk (`$TMPDIR`), WAL, synchronous=FULL: every figure pays for its syncs.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use futures_util::future::BoxFuture;
use muster::app::sqlite_url;
use muster::cloud::Ec2;
use muster::cloud::account::{Account, AwsKeys, AwsSettings};
use muster::cloud::autoscaling::AwsAutoScaling;
use muster::cloud::cloudwatch::{AwsCloudWatch, Protocol};
use muster::cloud::gateways::AwsGateways;
use muster::cloud::looks::AwsLooks;
use muster::contact::Contacts;
use muster::decide::action::Target;
use muster::decide::budget::api::ApiLimits;
use muster::decide::budget::bucket::Rate;
use muster::decide::event::{Ask, CallError, Contact, Ec2State, Seen};
use muster::decide::group::{
    Bounds, Breaker, Canary, Configure, Group, LaunchBody, LaunchSpec, Pool, Probe, ProbeKind, Watchdogs,
};
use muster::decide::words::{Ec2Id, Phase};
use muster::decide::{Settings, view::View};
use muster::engine::crash::Crasher;
use muster::engine::{Engine, Handle, Parts};
use muster::net::fds::{FdLimits, Fds};
use muster::sim::{Model, Shared};
use muster::simulate::InProcess;
use muster::store::Store;
use muster::time::{Clock, Stopwatch, sleep_on_the_wall};
use tokio::sync::Notify;

/// Instances in flight for the memory and recovery figures.
const IN_FLIGHT: u32 = 100_000;
/// Most in one scale-up.
const EACH: u32 = 10_000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let chosen = |name: &str| args.is_empty() || args.iter().any(|a| a == name);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    runtime.block_on(async {
        if let [fill, dir] = &args[..]
            && fill == "fill"
        {
            return fill_and_wait(Path::new(dir)).await;
        }
        if chosen("throughput") {
            throughput().await;
        }
        if chosen("accept") {
            accept().await;
        }
        if chosen("recovery") {
            recovery().await;
        }
    });
}

/// Through queued, launching, booting, configuring, verifying and in service, each committed.
async fn throughput() {
    const TOTAL: u32 = 50_000;
    for round in 1..=3 {
        let dir = tempfile::tempdir().expect("a directory");
        let clock = Clock::real();
        let settings = muster::sim::Settings::instant();
        let sim = InProcess::new(Shared::new(Model::new(settings, 1).expect("settings"), clock));
        let (handle, _) = start(dir.path(), Arc::new(sim.clone()), Arc::new(sim)).await;
        let watch = Stopwatch::start();
        ask_for(&handle, TOTAL).await;
        reached(&handle, |v| count(v, Phase::InService) == TOTAL).await;
        let s = watch.elapsed().as_secs_f64();
        println!(
            "throughput {round}: {TOTAL} instances in {s:.2} s = {:.0}/s through all durable stages",
            f64::from(TOTAL) / s
        );
    }
}

/// Requests of one instance each, from 256 callers at once, each answered after its sync.
async fn accept() {
    const REQUESTS: usize = 20_000;
    let dir = tempfile::tempdir().expect("a directory");
    let still = Arc::new(Still::default());
    let (handle, _) = start(dir.path(), still.clone(), still).await;
    let (watch, left) = (Stopwatch::start(), Arc::new(AtomicU64::new(REQUESTS as u64)));
    let callers: Vec<_> = (0..256)
        .map(|_| {
            let (handle, left) = (handle.clone(), left.clone());
            tokio::spawn(async move {
                let mut took = Vec::new();
                while left.fetch_update(Relaxed, Relaxed, |n| n.checked_sub(1)).is_ok() {
                    let one = Stopwatch::start();
                    handle.scale_up(ask(1)).await.expect("accepted");
                    took.push(one.elapsed());
                }
                took
            })
        })
        .collect();
    let mut took = Vec::new();
    for caller in callers {
        took.extend(caller.await.expect("a caller"));
    }
    let s = watch.elapsed().as_secs_f64();
    took.sort_unstable();
    println!(
        "accept: {REQUESTS} requests in {s:.2} s = {:.0}/s; p50 {:?}, p99 {:?} with 256 callers",
        REQUESTS as f64 / s,
        took[took.len() / 2],
        took[took.len() * 99 / 100]
    );
}

/// A child brings 100,000 instances in flight and says what they cost; it is killed, and this
/// process takes its database over.
async fn recovery() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["fill", &dir.path().display().to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("its output");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).expect("its figures");
    child.kill().expect("SIGKILL");
    child.wait().expect("it ends");
    print!("{line}");
    let still = Arc::new(Still::default());
    let watch = Stopwatch::start();
    let (handle, started) = start(dir.path(), still.clone(), still.clone()).await;
    still.first_call.notified().await;
    let first = watch.elapsed();
    let v = handle.view();
    println!(
        "recovery: {} in flight; restored after {:.0} ms, first call after {:.0} ms",
        count(&v, Phase::Booting),
        started.as_secs_f64() * 1e3,
        first.as_secs_f64() * 1e3
    );
}

async fn fill_and_wait(dir: &Path) {
    let still = Arc::new(Still::default());
    let (handle, _) = start(dir, still.clone(), still).await;
    let before = resident_kib();
    ask_for(&handle, IN_FLIGHT).await;
    reached(&handle, |v| count(v, Phase::Booting) == IN_FLIGHT).await;
    // What a burst of a few thousand rows a commit took is given back by the allocator or not;
    // both belong to the cost, so the figure is what the process holds now.
    let held = resident_kib() - before;
    println!(
        "memory: {IN_FLIGHT} in flight hold {:.1} MiB more than none ({:.0} bytes each); the process holds {:.1} MiB",
        held as f64 / 1024.0,
        held as f64 * 1024.0 / f64::from(IN_FLIGHT),
        resident_kib() as f64 / 1024.0
    );
    std::future::pending::<()>().await;
}

async fn start(dir: &Path, ec2: Arc<dyn Ec2>, contacts: Arc<dyn Contacts>) -> (Handle, Duration) {
    let watch = Stopwatch::start();
    let clock = Clock::real();
    let store = Store::open(&sqlite_url(&dir.join("muster.db"))).await.expect("a store");
    let (handle, ends) = Handle::new(10_000, clock);
    let endless = |in_flight| ApiLimits {
        requests: Rate { burst: 1_000_000, refill: 1e6 },
        instances: Some(Rate { burst: 1_000_000, refill: 1e6 }),
        in_flight,
    };
    let parts = Parts {
        store,
        ec2,
        auto_scaling: Arc::new(AwsAutoScaling::of(&nobody(clock).await)),
        cloudwatch: Arc::new(AwsCloudWatch::of(&nobody(clock).await)),
        looks: Arc::new(AwsLooks::of(&nobody(clock).await)),
        gateways: Arc::new(AwsGateways::of(&nobody(clock).await)),
        contacts,
        clock,
        settings: Settings {
            most_per_scale_up: EACH,
            most_open: 100_000,
            run_instances: endless(64),
            describe_instances: endless(64),
            terminate_instances: endless(4),
            auto_scaling: endless(4),
            contacts: 4_096,
            describe_every: Duration::from_millis(20),
            repeats_pay: true,
            terminate_every: Duration::from_millis(20),
            look_every: None,
            gateways: Vec::new(),
        },
        groups: vec![Arc::new(group())],
        holder: "bench".into(),
        gauges: Arc::new(()),
        crasher: Crasher::default(),
    };
    let engine = Engine::start(parts, ends).await.expect("it starts");
    let started = watch.elapsed();
    tokio::spawn(engine.run(std::future::pending()));
    (handle, started)
}

/// No group here is an Auto Scaling group's, so nobody is called.
async fn nobody(clock: Clock) -> Account {
    let settings = AwsSettings {
        region: "us-east-1".into(),
        endpoint: Some("http://127.0.0.1:9".into()),
        call_timeout: Duration::from_secs(1),
        metrics: Protocol::Json,
        keys: Some(AwsKeys { id: "bench".into(), secret: "bench".into() }),
    };
    let fds = Fds::at_start(&FdLimits::default()).expect("descriptors");
    Account::new(&settings, fds, clock).await.expect("an account")
}

fn group() -> Group {
    let pool = |z: &str| Pool {
        subnet: format!("subnet-0000000000000000{z}"),
        zone: format!("us-east-1{z}"),
        weight: 100,
    };
    Group {
        name: "web".into(),
        max: 1_000_000,
        priority: 5,
        launch: LaunchSpec {
            image: Some("ami-0123456789abcdef0".into()),
            instance_type: "m5.large".into(),
            template: None,
            pools: vec![pool("a"), pool("b"), pool("c")],
            security_groups: Vec::new(),
            key_name: None,
            instance_profile: None,
            user_data: None,
            tags: BTreeMap::new(),
            batch: 500,
        },
        asg: None,
        version: "0123456789abcdef".into(),
        configure: Some(Configure {
            method: "PUT".into(),
            port: 80,
            path: "/configure".into(),
            body: String::new(),
            expect: vec![200],
            timeout: Duration::from_secs(5),
        }),
        probes: vec![Probe {
            kind: ProbeKind::Http { path: "/health".into(), expect: vec![200] },
            port: 80,
            timeout: Duration::from_secs(5),
        }],
        passes: 1,
        contact_every: Duration::from_millis(20),
        watchdogs: Watchdogs { boot: Duration::from_secs(86_400), ..Watchdogs::default() },
        canary: Canary { size: 0 },
        breaker: Breaker::default(),
        valve: muster::decide::guard::valve::ValveSpec::default(),
        floor: 0,
        signals: Vec::new(),
        quarantine: None,
        reserve: None,
        bounds: Bounds::default(),
    }
}

fn ask(count: u32) -> Ask {
    let id = muster::ids::uuid(muster::time::wall_now());
    Ask {
        id,
        group: "web".into(),
        count,
        by: None,
        all_or_nothing: false,
        emergency: false,
        reason: String::new(),
        idempotency_key: None,
    }
}

async fn ask_for(handle: &Handle, total: u32) {
    for _ in 0..total / EACH {
        handle.scale_up(ask(EACH)).await.expect("accepted");
    }
}

fn count(v: &View, phase: Phase) -> u32 {
    v.scale_ups.iter().map(|p| p.phases.get(phase)).sum()
}

async fn reached(handle: &Handle, level: impl Fn(&View) -> bool) {
    let mut changes = handle.changes();
    while !level(&changes.borrow_and_update().clone()) {
        changes.changed().await.expect("the engine runs");
        sleep_on_the_wall(Duration::from_millis(1)).await;
    }
}

/// Resident memory of this process (`VmRSS`).
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number")
}

/// An EC2 whose instances boot for ever and which remembers nothing, so that what is measured is
/// muster's memory and not its.
#[derive(Default)]
struct Still {
    launched: AtomicU64,
    first_call: Notify,
}

impl Still {
    fn pending(id: Ec2Id) -> Seen {
        Seen {
            id,
            state: Ec2State::Pending,
            address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            state_reason: None,
        }
    }
}

impl Ec2 for Still {
    fn run_instances<'a>(&'a self, body: &'a LaunchBody) -> BoxFuture<'a, Result<Vec<Seen>, CallError>> {
        self.first_call.notify_one();
        let first = self.launched.fetch_add(body.max_count.into(), Relaxed);
        let ids = (first..first + u64::from(body.max_count)).map(|n| format!("i-{n:017x}").parse());
        let seen = ids.map(|id| Still::pending(id.expect("an id"))).collect();
        Box::pin(async move { Ok(seen) })
    }

    fn describe_instances<'a>(&'a self, ids: &'a [Ec2Id]) -> BoxFuture<'a, Result<Vec<Seen>, CallError>> {
        self.first_call.notify_one();
        Box::pin(async move { Ok(ids.iter().copied().map(Still::pending).collect()) })
    }

    fn find_instances<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<Seen>, CallError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn terminate_instances<'a>(
        &'a self,
        ids: &'a [Ec2Id],
    ) -> BoxFuture<'a, Result<Vec<(Ec2Id, Ec2State)>, CallError>> {
        Box::pin(async move { Ok(ids.iter().map(|id| (*id, Ec2State::ShuttingDown)).collect()) })
    }

    fn protect_from_termination<'a>(&'a self, _: &'a Ec2Id, _: bool) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async { Ok(()) })
    }

    fn create_tags<'a>(
        &'a self,
        _: &'a Ec2Id,
        _: &'a [(String, String)],
    ) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async { Ok(()) })
    }

    fn is_protected_from_termination<'a>(&'a self, _: &'a Ec2Id) -> BoxFuture<'a, Result<bool, CallError>> {
        Box::pin(async { Ok(false) })
    }
}

impl Contacts for Still {
    fn configure<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, Contact> {
        Box::pin(async { Contact::Unreachable("still".into()) })
    }
    fn probe<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, Contact> {
        Box::pin(async { Contact::Unreachable("still".into()) })
    }
}
