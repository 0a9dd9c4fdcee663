//! A service to test against: the real router on a real store, and an engine that takes every
//! well-formed request for the group `web`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, HeaderName, Request as HttpRequest};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, watch};
use tower::ServiceExt;

use super::auth::Auth;
use super::hooks::{ApiKey, Doors};
use super::metrics::{Descriptors, Metrics};
use super::state::ApiState;
use super::types::ProblemBody;
use crate::decide::action::{Accepted, Doubt, Refusal};
use crate::decide::event::Ask;
use crate::decide::gateway::calendar::ScheduleAsk;
use crate::decide::gateway::gate::{GateRow, OverrideRow};
use crate::decide::gateway::overrides::OverrideAsk;
use crate::decide::gateway::words::{Gateway, GatewayKind, GatewayRow, GatewayState};
use crate::decide::gateway::{ConfirmAsk, GatewayAsk};
use crate::decide::guard::freeze::FreezeAsk;
use crate::decide::guard::hold::{EndAsk, HoldAsk};
use crate::decide::guard::lease::{Lease, LeaseState};
use crate::decide::guard::zones::Weigh;
use crate::decide::hook::notice::{HookState, Transition};
use crate::decide::order::Order;
use crate::decide::preflight::quota::Quota;
use crate::decide::preflight::verdict::{Bound, Limit, QuotaAsk, Verdict};
use crate::decide::quarantine::words::{Keeping, Purpose, QuarantineRow, QuarantineState};
use crate::decide::rows::{Changes, HookRow, InstanceRow, JournalRow, ScaleUpRow};
use crate::decide::signal::Agreement;
use crate::decide::view::{
    BudgetView, GroupView, LaneView, PhaseCounts, Progress, View, Waiting, WatchdogView, ZoneView,
};
use crate::decide::wait::Wait;
use crate::decide::words::{
    Api, HookSeq, InstanceRef, Origin, Phase, ScaleUpSeq, ScaleUpState, SlotId, Time,
};
use crate::engine::handle::{Ends, Handle, Readiness, Request};
use crate::hooks::inlet::Inlet;
use crate::store::{Epoch, Store};
use crate::time::Clock;

/// 4 January 2021, 15:00 UTC.
pub const NOW: Time = Time(1_609_772_400_000);

/// The service.
pub struct Fake {
    pub store: Store,
    pub state: ApiState,
    router: Router,
    epoch: Epoch,
    view: watch::Sender<Arc<View>>,
    ready: watch::Sender<Readiness>,
    asked: Arc<AtomicUsize>,
    _dir: tempfile::TempDir,
}

impl Fake {
    pub async fn start() -> Fake {
        Fake::with(Auth::Open, 2).await
    }

    pub async fn start_with_token() -> Fake {
        Fake::with(Auth::token(TOKEN).unwrap(), 2).await
    }

    pub async fn with(auth: Auth, followers: usize) -> Fake {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}/muster.db", dir.path().display())).await.unwrap();
        let epoch = store.take_ownership("test", NOW).await.unwrap();
        let (handle, Ends { inbox, view, ready }) = Handle::new(8, Clock::scaled(1.0, None));
        ready.send_replace(Readiness::Ready);
        let asked = Arc::new(AtomicUsize::new(0));
        tokio::spawn(take_all(inbox, store.clone(), epoch, asked.clone()));
        let descriptors = || Descriptors { limit: 256, budget: 96, in_use: 1, peak: 2, open: 9 };
        let doors = doors(&handle);
        let state =
            ApiState::new(handle, store.clone(), auth, Metrics::default(), descriptors, followers, doors);
        let router = super::router(state.clone());
        Fake { store, state, router, epoch, view, ready, asked, _dir: dir }
    }

    pub async fn write(
        &self,
        scale_ups: Vec<ScaleUpRow>,
        instances: Vec<InstanceRow>,
        journal: Vec<JournalRow>,
    ) {
        let changes = Changes { scale_ups, instances, journal, ..Changes::default() };
        self.store.commit(self.epoch, &changes).await.unwrap();
    }

    pub async fn commit(&self, changes: Changes) {
        self.store.commit(self.epoch, &changes).await.unwrap();
    }

    pub fn show(&self, view: View) {
        self.view.send_replace(Arc::new(view));
    }

    pub fn set_ready(&self, ready: Readiness) {
        self.ready.send_replace(ready);
    }

    /// Requests that have reached the engine.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, &[], body.to_string()).await
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let response = self.open(method, path, headers, body.into()).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Sends a request and leaves the body of its answer unread.
    pub async fn open(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> http::Response<Body> {
        let mut request = HttpRequest::builder().method(method).uri(path).body(body).unwrap();
        if method == "POST" {
            request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        }
        for (name, value) in headers {
            request.headers_mut().insert(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
        }
        self.router.clone().oneshot(request).await.unwrap()
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {} {}", self.status, self.text()))
    }

    pub fn header(&self, name: &str) -> Option<String> {
        Some(self.headers.get(name)?.to_str().unwrap().to_string())
    }

    /// Checks that this is a problem of a kind; its status and the fields it names.
    pub fn problem(&self, kind: &str) -> (u16, Vec<String>) {
        assert_eq!(
            self.header("content-type").as_deref(),
            Some("application/problem+json"),
            "{}",
            self.text()
        );
        let body: ProblemBody = self.json();
        assert_eq!(body.kind, format!("urn:muster:problem:{kind}"), "{}", body.detail);
        assert_eq!(body.status, self.status);
        assert!(!body.title.is_empty() && !body.detail.is_empty());
        (self.status, body.errors.into_iter().map(|e| e.field).collect())
    }
}

async fn take_all(
    mut inbox: tokio::sync::mpsc::Receiver<Request>,
    store: Store,
    epoch: Epoch,
    asked: Arc<AtomicUsize>,
) {
    let taken = Mutex::new(Vec::<ScaleUpRow>::new());
    let mut told = BTreeSet::new();
    while let Some(request) = inbox.recv().await {
        asked.fetch_add(1, Ordering::SeqCst);
        let mut taken = taken.lock().await;
        match request {
            Request::ScaleUp { ask, answer } => {
                let decided = decide(&ask, &taken);
                if let Ok(Accepted { repeated: false, .. }) = &decided {
                    let row = row_of(ask, u32::try_from(taken.len()).unwrap() + 1);
                    let changes = Changes { scale_ups: vec![row.clone()], ..Changes::default() };
                    store.commit(epoch, &changes).await.unwrap();
                    taken.push(row);
                }
                let _ = answer.send(decided);
            }
            Request::Hook { notice, answer } => {
                let known = "web-asg".to_string();
                let accepted = if notice.asg == known {
                    let repeated = !told.insert((notice.asg, notice.token.clone()));
                    Ok(Accepted { id: notice.token, repeated })
                } else {
                    Err(Refusal::UnknownAsg { asg: notice.asg, known })
                };
                let _ = answer.send(accepted);
            }
            Request::Order { order, answer } => drop(answer.send(ordered(order))),
            Request::Preflight { ask, answer } => {
                let told = decide(&ask, &[]).map(|_| Arc::new(verdict(&ask)));
                drop(answer.send(told));
            }
            Request::Cancel { id, reason, answer } => {
                let row = store.scale_up(&id).await.unwrap().unwrap();
                let decided = if row.state == ScaleUpState::Done {
                    Err(Refusal::AlreadyDone { id })
                } else {
                    let row =
                        ScaleUpRow { state: ScaleUpState::Cancelling, cancel_reason: Some(reason), ..row };
                    let changes = Changes { scale_ups: vec![row], ..Changes::default() };
                    store.commit(epoch, &changes).await.unwrap();
                    Ok(Accepted { id, repeated: false })
                };
                let _ = answer.send(decided);
            }
        }
    }
}

/// Takes every order that is about the group and the zones that there are. More than ten fewer are always
/// misled.
fn ordered(order: Order) -> Result<Accepted, Refusal> {
    match order {
        Order::Signals(pushed) => Ok(Accepted { id: pushed.group, repeated: false }),
        Order::ScaleIn(ask) if ask.count > 10 => {
            let doubt = |guard| Doubt { guard, text: format!("the {guard} says no") };
            Err(Refusal::Unsafe { group: ask.group, doubts: vec![doubt("signals"), doubt("valve")] })
        }
        Order::ScaleIn(ask) => Ok(Accepted { id: ask.id, repeated: false }),
        Order::Weigh(Weigh { zone, .. }) if !zone.starts_with("us-east-1") => {
            Err(Refusal::UnknownZone { zone, known: "us-east-1a, us-east-1b".into() })
        }
        Order::Weigh(Weigh { zone, .. }) => Ok(Accepted { id: zone, repeated: false }),
        Order::Override(ask) if ask.subject != "web" => {
            Err(Refusal::NothingToOverride { subject: ask.subject, known: "web".into() })
        }
        Order::AskGateway(ask) if ask.gateway == "nowhere" => {
            Err(Refusal::UnknownGateway { gateway: ask.gateway, known: "core".into() })
        }
        Order::RemoveSchedule(ask) if ask.id == "never" => Err(Refusal::UnknownSchedule { name: ask.id }),
        Order::Hold(HoldAsk { id, .. })
        | Order::Release(EndAsk { id, .. })
        | Order::Freeze(FreezeAsk { id, .. })
        | Order::Thaw(EndAsk { id, .. })
        | Order::AskGateway(GatewayAsk { id, .. })
        | Order::ConfirmGateway(ConfirmAsk { id, .. })
        | Order::ReleaseGateway(EndAsk { id, .. })
        | Order::Override(OverrideAsk { id, .. })
        | Order::EndOverride(EndAsk { id, .. })
        | Order::AddSchedule(ScheduleAsk { id, .. })
        | Order::RemoveSchedule(EndAsk { id, .. }) => Ok(Accepted { id, repeated: false }),
        Order::EndQuarantine(ask) if ask.instance == kept().id => {
            Ok(Accepted { id: ask.instance.to_string(), repeated: false })
        }
        Order::EndQuarantine(ask) => Err(Refusal::NotInQuarantine { id: ask.instance }),
    }
}

/// One for 200 Gbit/s of a transit gateway, that people were asked for a minute ago.
pub fn gateway_request() -> GatewayRow {
    let since = NOW.minus(Duration::from_secs(60));
    let ask = GatewayAsk {
        id: "0191".into(),
        gateway: "core".into(),
        capacity: 200,
        needed_by: None,
        until: NOW.plus(Duration::from_secs(3_600)),
        owner: "ann".into(),
        reason: "the first working day".into(),
    };
    let gateway = Gateway {
        name: "core".into(),
        kind: GatewayKind::TransitGateway,
        resource: "tgw-1".into(),
        unit: "Gbit/s".into(),
        declared: 0,
        pool: Vec::new(),
        support: None,
        remind_every: Duration::from_secs(3_600),
        answer_within: Duration::from_secs(300),
    };
    GatewayRow {
        state: GatewayState::Submitted,
        submitted_at: Some(since),
        reminded_at: Some(since),
        ..GatewayRow::asked(ask, &gateway, since)
    }
}

/// A gate that has been short for a minute.
pub fn gate_short() -> GateRow {
    GateRow {
        group: "web".into(),
        gateway: "core".into(),
        since: NOW.minus(Duration::from_secs(60)),
        filed: 0,
        alarmed_at: None,
        ended_at: None,
    }
}

/// An override of its group's gates, for another hour.
pub fn gate_override() -> OverrideRow {
    let until = NOW.plus(Duration::from_secs(3_600));
    let lease = Lease::new("0192".into(), "ann".into(), "the peak is here".into(), NOW, until);
    OverrideRow { lease: Lease { state: LeaseState::InForce, ..lease }, group: "web".into(), scale_up: None }
}

/// One that is kept for an hour, and has been for a minute.
pub fn kept() -> QuarantineRow {
    let since = NOW.minus(Duration::from_secs(60));
    QuarantineRow {
        id: "i-0bad".parse().unwrap(),
        group: "web".into(),
        instance: None,
        launch: None,
        address: None,
        zone: Some("us-east-1a".into()),
        purpose: Purpose::Broken,
        broke_in: Phase::Verifying,
        reason: "status 503".into(),
        how: Keeping::Standby,
        state: QuarantineState::Kept,
        since,
        until: since.plus(Duration::from_secs(3_600)),
        kept_at: Some(since),
        tagged_at: None,
        ended_at: None,
        end: None,
        ended_by: None,
        error: None,
    }
}

fn decide(ask: &Ask, taken: &[ScaleUpRow]) -> Result<Accepted, Refusal> {
    if ask.group != "web" {
        return Err(Refusal::UnknownGroup { group: ask.group.clone(), known: "web".into() });
    }
    if ask.count == 0 {
        return Err(Refusal::Count { count: 0, most: 10_000 });
    }
    let before =
        taken.iter().find(|r| ask.idempotency_key.is_some() && r.idempotency_key == ask.idempotency_key);
    match before {
        Some(r) if (r.wanted, &r.reason) == (ask.count, &ask.reason) => {
            Ok(Accepted { id: r.id.clone(), repeated: true })
        }
        Some(r) => Err(Refusal::KeyReused { id: r.id.clone() }),
        None => Ok(Accepted { id: ask.id.clone(), repeated: false }),
    }
}

/// vCPUs for 900.
fn verdict(ask: &Ask) -> Verdict {
    let missing = i64::from(ask.count.saturating_sub(900)) * 2;
    let quota = Quota::StandardVcpus;
    Verdict {
        group: ask.group.clone(),
        wanted: ask.count,
        fits: ask.count.min(900),
        bounds: vec![Bound {
            limit: Limit::Vcpus,
            subject: quota.to_string(),
            number: 1_800,
            taken: 0,
            each: 2,
            fits: 900,
            text: "quota L-1216C47A allows 1800 vCPUs".into(),
            source: "Service Quotas".into(),
            age_s: Some(12),
            ask: (missing > 0).then(|| QuotaAsk {
                service: quota.service().into(),
                code: quota.to_string(),
                title: quota.title().into(),
                value: 1_800 + missing,
            }),
        }],
        eta_s: Some(250),
        bound_s: 0,
        basis: "tokens".into(),
        by_s: None,
        late: false,
        picture_age_s: Some(12),
        unknown: Vec::new(),
        notes: Vec::new(),
    }
}

fn row_of(ask: Ask, seq: u32) -> ScaleUpRow {
    ScaleUpRow {
        id: ask.id,
        by: ask.by,
        reason: ask.reason,
        idempotency_key: ask.idempotency_key,
        // The request has come in a moment ago, so nearly all of the ETA is still ahead.
        accepted_at: Clock::real().now(),
        ..scale_up(seq, ask.count)
    }
}

/// A scale-up of group `web`, accepted at [`NOW`], expected to take 99.9 s.
pub fn scale_up(seq: u32, wanted: u32) -> ScaleUpRow {
    ScaleUpRow {
        seq: ScaleUpSeq(seq),
        id: format!("019b89b4-7c00-7c3e-8f57-{seq:012}"),
        group: "web".into(),
        origin: Origin::Asked,
        wanted,
        planned: 0,
        by: None,
        reason: String::new(),
        idempotency_key: None,
        state: ScaleUpState::Open,
        accepted_at: NOW,
        done_at: None,
        in_service: 0,
        withdrawn: 0,
        eta_ms: 99_900,
        cancel_reason: None,
    }
}

/// A zone of group `web`, ordered at [`NOW`] for all groups.
pub fn zone(zone: &str, percent: u8) -> ZoneView {
    ZoneView {
        group: "web".into(),
        zone: zone.into(),
        percent,
        share: u32::from(percent),
        taken: 7,
        own: false,
        at: Some(NOW),
        reason: Some("grey".into()),
    }
}

/// A lifecycle action of group `web`, open since [`NOW`] and about to expire.
pub fn hook(seq: u64) -> HookRow {
    HookRow {
        seq: HookSeq(seq),
        group: "web".into(),
        asg: "web-asg".into(),
        hook: "muster".into(),
        token: Some(format!("917070d0-a303-474b-a36c-{seq:012}")),
        transition: Transition::Launching,
        id: format!("i-{seq:017x}").parse().unwrap(),
        origin: None,
        destination: None,
        instance: None,
        state: HookState::Open,
        result: None,
        noticed_at: NOW,
        expires_at: NOW.plus(Duration::from_secs(30)),
        ends_at: NOW.plus(Duration::from_secs(3_000)),
        completions: 0,
        heartbeats: 0,
        done_at: None,
        error: None,
    }
}

/// The operator's token of [`Fake::start_with_token`].
pub const TOKEN: &str = "operators-token-0123";

/// The key of the door for EventBridge.
pub const HOOK_KEY: &str = "0123456789abcdefghij";

fn doors(handle: &Handle) -> Doors {
    let sha256 = Sha256::digest(HOOK_KEY).into();
    let api_key = Some(ApiKey { header: HeaderName::from_static("x-api-key"), sha256 });
    Doors { inlet: Inlet::new(handle.clone()), api_key, sns: None }
}

pub fn slot(scale_up: u32, ordinal: u32) -> SlotId {
    SlotId { scale_up: ScaleUpSeq(scale_up), ordinal }
}

/// An instance of group `web`, in its phase since [`NOW`].
pub fn instance(scale_up: u32, ordinal: u32, attempt: u16, phase: Phase) -> InstanceRow {
    InstanceRow {
        instance: InstanceRef { slot: slot(scale_up, ordinal), attempt },
        group: "web".into(),
        phase,
        since: NOW,
        launch: None,
        id: None,
        address: None,
        zone: None,
        reason: None,
    }
}

pub fn line(scale_up: u32, instance: Option<InstanceRef>, kind: &str) -> JournalRow {
    let text = format!("it is {kind} now");
    let scale_up = Some(ScaleUpSeq(scale_up));
    JournalRow { at: NOW, scale_up, instance, gateway: None, kind: kind.into(), text }
}

/// A view of scale-up 1, 1,200 of group `web`: 930 in service, 150 booting, 120 queued.
pub fn view() -> View {
    let row = scale_up(1, 1_200);
    let mut phases = PhaseCounts::default();
    *phases.get_mut(Phase::InService) = 930;
    *phases.get_mut(Phase::Booting) = 150;
    *phases.get_mut(Phase::Queued) = 120;
    let tokens = Wait::InstanceTokens { have: 12, want: 100, ready_at: NOW.plus(Duration::from_secs(44)) };
    View {
        gateways: Vec::new(),
        gateway_requests: Vec::new(),
        gate_overrides: Vec::new(),
        schedules: Vec::new(),
        at: NOW,
        scale_ups: vec![Progress {
            seq: row.seq,
            id: row.id,
            group: "web".into(),
            origin: Origin::Asked,
            wanted: 1_200,
            state: ScaleUpState::Open,
            accepted_at: NOW,
            by: None,
            done_at: None,
            phases,
            broken_so_far: 4,
            waits: vec![
                Waiting { count: 120, wait: tokens.clone() },
                Waiting { count: 150, wait: Wait::Booting { until: NOW.plus(Duration::from_secs(200)) } },
            ],
            eta: Some(NOW.plus(Duration::from_secs(45))),
            late: false,
        }],
        zones: Vec::new(),
        groups: vec![GroupView {
            watchdogs: vec![WatchdogView {
                phase: Phase::Verifying,
                limit: Duration::from_secs(74),
                ceiling: Duration::from_secs(150),
                most: Some(Duration::from_secs(61)),
            }],
            name: "web".into(),
            version: "0123456789abcdef".into(),
            max: 2_000,
            taken: 1_080,
            in_service: 930,
            queued: 120,
            proven: true,
            wait: Some(tokens),
            asg: None,
            signals: Vec::new(),
            agreement: Agreement::Blind,
            valve: None,
            removals: 0,
            quarantined: 0,
            reserve: None,
        }],
        budgets: vec![BudgetView {
            name: "RunInstances instances".into(),
            have: 12,
            burst: 1_000,
            refill: 2.0,
            api: Api::RunInstances,
            calls: 11,
            throttled: 0,
            failed: 0,
        }],
        contacts: LaneView { in_flight: 7, limit: 48, waiting: 0 },
        keep_failing: Vec::new(),
        scale_ins: Vec::new(),
        hooks_expired: 0,
        holds: Vec::new(),
        freezes: Vec::new(),
        quarantine: Vec::new(),
        never_shown: 0,
    }
}
