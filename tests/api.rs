//! The HTTP API of a real muster, over real sockets: asked, followed, killed, cancelled, locked.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{HeaderMap, Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use muster::api::types::{Created, Explanation, Groups, InstancePage, ScaleUp, ScaleUpPage, SlotHistory};
use muster::decide::words::{Phase, ScaleUpState};
use muster::time::timeout_on_the_wall;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::harness::{Muster, PATIENCE, Sim, wait_for};

/// An answer whose body has not been read yet.
async fn open(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Response<Incoming>, String> {
    let mut request = Request::builder().method(method).uri(url);
    if method == "POST" {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body.to_string()))).unwrap();
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    match timeout_on_the_wall(PATIENCE, client.request(request)).await {
        Some(response) => response.map_err(|e| e.to_string()),
        None => Err("no answer".into()),
    }
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {} {:?}", self.status, self.body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }
}

async fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let (parts, body) = open(method, url, headers, body).await.unwrap().into_parts();
    let body = timeout_on_the_wall(PATIENCE, body.collect()).await.unwrap().unwrap().to_bytes();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

async fn get<T: DeserializeOwned>(muster: &Muster, path: &str) -> T {
    let answer = send("GET", &format!("{}{path}", muster.url), &[], "").await;
    assert_eq!(answer.status, 200, "{path}: {:?}", answer.body);
    answer.json()
}

/// One event as it came: name, id, data.
type Event = (String, Option<i64>, Value);

/// Follows a scale-up until `enough` says so, the stream closes or the connection breaks.
async fn follow(muster: &Muster, id: &str, after: i64, enough: impl Fn(&[Event]) -> bool) -> Vec<Event> {
    let url = format!("{}/v1/scale-ups/{id}/events", muster.url);
    let mut body = open("GET", &url, &[("last-event-id", &after.to_string())], "").await.unwrap().into_body();
    let (mut events, mut buffer) = (Vec::new(), String::new());
    while !enough(&events) {
        let Some(Ok(frame)) = timeout_on_the_wall(PATIENCE, body.frame()).await.expect("it stays alive")
        else {
            break;
        };
        buffer.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
        while let Some(end) = buffer.find("\n\n") {
            let block: String = buffer.drain(..end + 2).collect();
            let field = |name: &str| block.lines().find_map(|l| l.strip_prefix(&format!("{name}: ")));
            if let (Some(event), Some(data)) = (field("event"), field("data")) {
                let number = field("id").map(|n| n.parse().unwrap());
                events.push((event.to_string(), number, serde_json::from_str(data).unwrap()));
            }
        }
    }
    events
}

fn numbers(events: &[Event]) -> Vec<i64> {
    events.iter().filter_map(|(_, number, _)| *number).collect()
}

#[tokio::test]
async fn a_scale_up_can_be_asked_for_followed_and_looked_into() {
    let sim = Sim::start(20.0, &["--seed", "11"]).await;
    let mut muster = Muster::new(&sim, "");
    muster.start().await;
    let url = format!("{}/v1/scale-ups", muster.url);

    let body = json!({ "group": "web", "count": 30, "by": "2h", "reason": "first working day" }).to_string();
    let key = [("idempotency-key", "first-monday")];
    let first = send("POST", &url, &key, &body).await;
    assert_eq!(first.status, 202, "{:?}", first.body);
    let created: Created = first.json();
    assert_eq!((created.seq, created.wanted, created.group.as_str()), (1, 30, "web"));
    assert_eq!(first.header("location"), Some(created.links.this.as_str()));
    assert!(first.header("x-request-id").is_some() && first.header("idempotency-replayed").is_none());

    let again = send("POST", &url, &key, &body).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (202, Some("true")));
    assert_eq!(again.json::<Created>().id, created.id);
    for other in [body.replace("30", "31"), body.replace("2h", "3h"), body.replace("first", "last")] {
        let refused = send("POST", &url, &key, &other).await;
        assert_eq!(refused.status, 422, "{other}: {:?}", refused.body);
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    }

    let events = follow(&muster, &created.id, 0, |_| false).await;
    let (last, _, data) = events.last().unwrap();
    let end: ScaleUp = serde_json::from_value(data.clone()).unwrap();
    assert_eq!((last.as_str(), end.item.state, end.item.in_service), ("end", ScaleUpState::Done, 30));
    assert_eq!(events.iter().filter(|(name, ..)| name == "end").count(), 1);
    let told = numbers(&events);
    assert!(told.is_sorted_by(|a, b| a < b) && told.len() >= 30, "{told:?}");
    assert_eq!(
        numbers(&follow(&muster, &created.id, 0, |_| false).await),
        told,
        "history reads the same later"
    );

    let page: ScaleUpPage = get(&muster, "/v1/scale-ups?state=done&group=web").await;
    assert_eq!(page.scale_ups.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), [created.id.as_str()]);

    let mut seen = BTreeSet::new();
    let mut path = format!("{}&phase=in_service&limit=7", created.links.instances);
    loop {
        let page: InstancePage = get(&muster, &path).await;
        seen.extend(page.instances.iter().map(|i| (i.slot, i.id.unwrap())));
        let Some(next) = page.next else { break };
        path = format!("{}&phase=in_service&limit=7&after={next}", created.links.instances);
    }
    assert_eq!(seen.len(), 30);
    let (slot, id) = seen.first().unwrap();
    for name in [slot.to_string(), id.to_string()] {
        let history: SlotHistory = get(&muster, &format!("/v1/instances/{name}")).await;
        assert_eq!((history.slot, history.phase), (*slot, Phase::InService));
        assert!(!history.journal.is_empty());
    }
    // Explained from what is shown, which is built anew a few times a second.
    let explained = async || {
        let why: Explanation = get(&muster, &created.links.explain).await;
        let done = why.subject.contains("30 of 30 in service") && why.waits.is_empty();
        if done { Ok(()) } else { Err(format!("{why:?}")) }
    };
    wait_for("nothing to explain", explained).await;
    let groups: Groups = get(&muster, "/v1/groups").await;
    assert_eq!((groups.groups[0].in_service, groups.groups[0].proven), (30, true));
    assert_eq!(get::<Value>(&muster, "/v1/keep-failing").await, json!({ "launches": [] }));

    let metrics = send("GET", &format!("{}/metrics", muster.url), &[], "").await;
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    for line in [
        "muster_instances{group=\"web\",phase=\"in_service\"} 30",
        "muster_requests_total{outcome=\"accepted\"} 1",
        "muster_requests_total{outcome=\"repeated\"} 1",
        "muster_requests_total{outcome=\"key_reused\"} 3",
        "muster_ready 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
    for part in
        ["muster_calls_total{api=\"RunInstances\",outcome=\"ok\"}", "muster_commit_duration_seconds_count"]
    {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    sim.assert_served(30).await;
}

#[tokio::test]
async fn a_follower_of_a_muster_that_is_killed_misses_nothing_and_hears_nothing_twice() {
    let sim = Sim::start(20.0, &["--seed", "12"]).await;
    let mut muster = Muster::new(&sim, "");
    muster.start().await;
    let id = muster.scale_up(60).await;
    let mut heard = follow(&muster, &id, 0, |events| numbers(events).len() >= 5).await;
    muster.kill().await;
    muster.start().await;
    let last = numbers(&heard).last().copied().unwrap();
    heard.extend(follow(&muster, &id, last, |_| false).await);
    assert_eq!(heard.last().unwrap().0, "end");
    assert_eq!(numbers(&heard), numbers(&follow(&muster, &id, 0, |_| false).await));
    sim.assert_served(60).await;
}

#[tokio::test]
async fn a_cancelled_scale_up_tells_its_shortfall() {
    let sim = Sim::start(20.0, &["--seed", "13"]).await;
    let mut muster = Muster::new(&sim, "[limits]\nopen_scale_ups = 1\n");
    muster.start().await;
    let id = muster.scale_up(40).await;
    let full =
        send("POST", &format!("{}/v1/scale-ups", muster.url), &[], r#"{"group":"web","count":1}"#).await;
    assert_eq!((full.status, full.header("retry-after")), (429, Some("30")), "{:?}", full.body);

    let cancel = format!("{}/v1/scale-ups/{id}/cancel", muster.url);
    let answer = send("POST", &cancel, &[], r#"{"reason":"wrong image"}"#).await;
    assert_eq!(answer.status, 202, "{:?}", answer.body);
    assert_eq!(answer.json::<ScaleUp>().item.cancel_reason.as_deref(), Some("wrong image"));
    muster.done(&id).await;
    let shown: ScaleUp = get(&muster, &format!("/v1/scale-ups/{id}")).await;
    let short: u32 = shown.shortfall.iter().map(|s| s.count).sum();
    assert_eq!((shown.item.in_service + short, short), (40, shown.item.withdrawn));
    assert!(shown.shortfall.iter().any(|s| s.reason.contains("wrong image")), "{:?}", shown.shortfall);
    let late = send("POST", &cancel, &[], "{}").await;
    assert_eq!(late.status, 409, "{:?}", late.body);
    wait_for("the cancelled instances to be gone", async || {
        let live = sim.summary(40).await.live;
        if live == u64::from(shown.item.in_service) { Ok(()) } else { Err(format!("{live} live")) }
    })
    .await;
}

#[tokio::test]
async fn with_a_token_only_its_bearer_is_served() {
    let sim = Sim::start(20.0, &["--seed", "14"]).await;
    let mut muster = Muster::new(&sim, "");
    muster.spawn(&[("MUSTER_TOKEN", "correct-horse-battery")]);
    muster.ready().await;
    let url = format!("{}/v1/scale-ups", muster.url);
    let body = r#"{"group":"web","count":1}"#;
    for wrong in [&[][..], &[("authorization", "Bearer wrong-horse-battery-1")]] {
        let answer = send("POST", &url, wrong, body).await;
        assert_eq!(
            (answer.status, answer.header("www-authenticate")),
            (401, Some("Bearer realm=\"muster\""))
        );
    }
    let right = [("authorization", "Bearer correct-horse-battery")];
    assert_eq!(send("POST", &url, &right, body).await.status, 202);
    assert_eq!(send("GET", &format!("{}/healthz", muster.url), &[], "").await.status, 200);
    assert_eq!(send("GET", &format!("{}/metrics", muster.url), &[], "").await.status, 401);
}

#[tokio::test]
async fn without_a_token_it_does_not_listen_beyond_this_machine() {
    let sim = Sim::start(20.0, &["--seed", "15"]).await;
    let mut muster = Muster::new(&sim, "");
    muster.spawn(&[("MUSTER_SERVER__LISTEN", "0.0.0.0:0")]);
    let (status, said) =
        wait_for("muster to refuse", async || muster.ended().await.ok_or("running".into())).await;
    assert!(!status.success() && said.contains("MUSTER_TOKEN"), "{status}: {said}");
}

#[tokio::test]
async fn a_stop_ends_open_streams_and_the_process() {
    let sim = Sim::start(1.0, &["--seed", "16"]).await;
    let mut muster = Muster::new(&sim, "");
    muster.start().await;
    let id = muster.scale_up(5).await;
    let pid = rustix::process::Pid::from_raw(muster.pid()).unwrap();
    let told = std::cell::Cell::new(false);
    let events = follow(&muster, &id, 0, |events| {
        if !events.is_empty() && !told.replace(true) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        }
        false
    })
    .await;
    assert!(!events.is_empty() && events.iter().all(|(name, ..)| name != "end"), "{events:?}");
    let watch = muster::time::Stopwatch::start();
    let (status, said) =
        wait_for("muster to end", async || muster.ended().await.ok_or("running".into())).await;
    assert!(status.success(), "{status}: {said}");
    assert!(watch.elapsed() < Duration::from_secs(30), "{:?}", watch.elapsed());
}
