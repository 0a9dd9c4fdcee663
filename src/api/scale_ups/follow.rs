//! One follower of one scale-up: what it has been told, and what to tell it next.
//!
//! Woken by the engine's commits, never by a timer of its own, and at most twice a second however
//! often the engine commits: each time it reads the journal from where it stopped. The order is
//! what makes "nothing is missed" true: the view and the row are taken first, then the journal is
//! read to its end. If they say that the scale-up is done, everything the journal has to say about
//! it was committed before, so it has been read when `end` is sent.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::Event;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::detail::detail;
use crate::api::metrics::OpenStream;
use crate::api::state::ApiState;
use crate::api::types::{JournalLine, ScaleUp};
use crate::decide::rows::ScaleUpRow;
use crate::decide::view::View;
use crate::decide::words::{ScaleUpSeq, ScaleUpState};
use crate::engine::handle::{Handle, Readiness};
use crate::store::{JournalFilter, Store, StoreError};
use crate::time::{Stopwatch, sleep_on_the_wall, timeout_on_the_wall};

/// Shortest time between two looks, on the wall. A follower reads two numbers a second at most;
/// more often would only cost reads, less often makes a progress bar jump.
const PACE: Duration = Duration::from_millis(500);

/// Longest silence, on the wall: shorter than the idle limits of common proxies (30 to 60 s).
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Longest stream, on the wall. A follower that has gone without a word gives its place back then;
/// one that is there opens the stream again where it stopped.
const LONGEST: Duration = Duration::from_hours(1);

/// Journal lines read at once: about 100 KiB.
const PAGE: u32 = 500;

/// A follower.
#[derive(Debug)]
pub struct Follow {
    store: Store,
    handle: Handle,
    changes: watch::Receiver<Arc<View>>,
    id: String,
    seq: ScaleUpSeq,
    /// Number of the last journal line told.
    told: i64,
    /// More journal lines are known to be there.
    behind: bool,
    /// Ready to be sent, in order.
    pending: VecDeque<Event>,
    shown: Option<ScaleUp>,
    looked: Option<Stopwatch>,
    sent: Stopwatch,
    opened: Stopwatch,
    ended: bool,
    /// Given back when the stream is dropped, by either side.
    _place: (OwnedSemaphorePermit, OpenStream),
}

impl Follow {
    /// Follows a scale-up from after this journal line.
    pub fn start(state: &ApiState, row: ScaleUpRow, after: i64, permit: OwnedSemaphorePermit) -> Follow {
        Follow {
            store: state.store.clone(),
            handle: state.handle.clone(),
            changes: state.handle.changes(),
            id: row.id,
            seq: row.seq,
            told: after,
            behind: false,
            pending: VecDeque::new(),
            shown: None,
            looked: None,
            sent: Stopwatch::start(),
            opened: Stopwatch::start(),
            ended: false,
            _place: (permit, state.http.stream_opened()),
        }
    }

    /// The next event; `None` closes the stream.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                self.sent = Stopwatch::start();
                return Some(event);
            }
            if self.ended || self.opened.elapsed() >= LONGEST {
                return None;
            }
            if !self.behind {
                self.wait().await;
            }
            if let Err(error) = self.look().await {
                tracing::warn!(scale_up = self.id, "an event stream ends, its follower can resume: {error}");
                return None;
            }
            if self.pending.is_empty() && self.sent.elapsed() >= KEEP_ALIVE {
                self.pending.push_back(Event::default().comment("still here"));
            }
        }
    }

    /// Waits for a commit since the last look, but not beyond the next keep-alive.
    async fn wait(&mut self) {
        let Some(looked) = self.looked else { return };
        sleep_on_the_wall(PACE.saturating_sub(looked.elapsed())).await;
        let changed = timeout_on_the_wall(KEEP_ALIVE, self.changes.changed()).await;
        if matches!(changed, Some(Err(_))) {
            // The engine is gone and nothing more will come.
            self.ended = true;
        }
    }

    /// Gathers what is new.
    async fn look(&mut self) -> Result<(), FollowError> {
        self.looked = Some(Stopwatch::start());
        // Before the view is taken: if the engine goes after this, the next look will see it.
        let alive = match self.handle.ready() {
            Readiness::Starting | Readiness::Ready => true,
            Readiness::Fenced(_) | Readiness::Stopping => false,
        };
        let view = self.changes.borrow_and_update().clone();
        let Some(row) = self.store.scale_up(&self.id).await? else { return Err(FollowError::Vanished) };

        let filter = JournalFilter { scale_up: Some(self.seq), ..JournalFilter::default() };
        let page = self.store.journal(&filter, self.told, PAGE).await?;
        self.behind = page.len() >= PAGE as usize;
        for (number, row) in page {
            self.told = number;
            let line = JournalLine::of(number, row);
            self.pending.push_back(event("journal", &line)?.id(number.to_string()));
        }
        if self.behind {
            return Ok(());
        }
        let shown = detail(&self.store, row, &view, self.handle.clock().now()).await?;
        let done = shown.item.state == ScaleUpState::Done;
        if done {
            self.pending.push_back(event("end", &shown)?);
        } else if self.shown.as_ref() != Some(&shown) {
            self.pending.push_back(event("progress", &shown)?);
            self.shown = Some(shown);
        }
        self.ended |= done || !alive;
        Ok(())
    }
}

fn event(name: &str, data: &impl Serialize) -> Result<Event, serde_json::Error> {
    Ok(Event::default().event(name).data(serde_json::to_string(data)?))
}

#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("the scale-up has no row any more")]
    Vanished,
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http_body_util::BodyExt;

    use super::*;
    use crate::api::testing::{self, Fake};
    use crate::decide::rows::JournalRow;
    use crate::decide::words::Phase;

    /// One event as it was sent: name, id, data. Comments have no name.
    type Sent = (String, Option<i64>, String);

    /// Reads events until one is `last`, or to the stream's end.
    async fn read(body: &mut Body, last: &str) -> Vec<Sent> {
        let mut sent = Vec::new();
        while let Some(frame) = body.frame().await {
            let bytes = frame.unwrap().into_data().unwrap();
            let field = |name: &str| {
                let text = std::str::from_utf8(&bytes).unwrap();
                let found = text.lines().find_map(|l| l.strip_prefix(&format!("{name}: ")));
                found.map(ToString::to_string)
            };
            let event = field("event").unwrap_or_default();
            sent.push((
                event.clone(),
                field("id").map(|n| n.parse().unwrap()),
                field("data").unwrap_or_default(),
            ));
            if event == last {
                break;
            }
        }
        sent
    }

    fn journal(sent: &[Sent]) -> Vec<(i64, String)> {
        let lines = sent.iter().filter(|(name, ..)| name == "journal");
        lines
            .map(|(_, id, data)| {
                let line: JournalLine = serde_json::from_str(data).unwrap();
                assert_eq!(*id, Some(line.number));
                (line.number, line.kind)
            })
            .collect()
    }

    fn done(row: ScaleUpRow) -> ScaleUpRow {
        ScaleUpRow { state: ScaleUpState::Done, in_service: row.wanted, ..row }
    }

    async fn open(fake: &Fake, after: Option<&str>) -> Body {
        let headers: Vec<_> = after.iter().map(|id| ("last-event-id", *id)).collect();
        let response = fake.open("GET", "/v1/scale-ups/1/events", &headers, Body::empty()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        response.into_body()
    }

    #[tokio::test]
    async fn what_is_done_is_told_from_its_start_and_ends() {
        let fake = Fake::start().await;
        let lines: Vec<JournalRow> =
            ["accepted", "booting", "done"].map(|kind| testing::line(1, None, kind)).into();
        let other = testing::line(2, None, "accepted");
        let all = [vec![other], lines].concat();
        fake.write(vec![done(testing::scale_up(1, 5)), testing::scale_up(2, 5)], vec![], all).await;
        let sent = read(&mut open(&fake, None).await, "").await;
        let told: Vec<_> = journal(&sent).into_iter().map(|(_, kind)| kind).collect();
        assert_eq!(told, ["accepted", "booting", "done"]);
        let (name, id, data) = sent.last().unwrap();
        let shown: ScaleUp = serde_json::from_str(data).unwrap();
        assert_eq!((name.as_str(), *id, shown.item.in_service), ("end", None, 5));
    }

    #[tokio::test]
    async fn a_follower_resumes_after_the_last_line_it_saw() {
        let fake = Fake::start().await;
        let lines = ["accepted", "booting", "done"].map(|kind| testing::line(1, None, kind)).into();
        fake.write(vec![done(testing::scale_up(1, 5))], vec![], lines).await;
        let all = journal(&read(&mut open(&fake, None).await, "").await);
        let second = all[1].0.to_string();
        let rest = journal(&read(&mut open(&fake, Some(&second)).await, "").await);
        assert_eq!(rest, all[2..]);
        let wrong = fake.send("GET", "/v1/scale-ups/1/events", &[("last-event-id", "x")], "").await;
        assert_eq!(wrong.problem("invalid_header").0, 400);
    }

    #[tokio::test]
    async fn a_long_history_is_told_whole_in_order_and_once() {
        let fake = Fake::start().await;
        let count = PAGE * 2 + 7;
        let lines = (0..count).map(|n| testing::line(1, None, &format!("kind{n}"))).collect();
        fake.write(vec![done(testing::scale_up(1, 5))], vec![], lines).await;
        let told: Vec<_> = journal(&read(&mut open(&fake, None).await, "").await);
        let kinds: Vec<_> = told.into_iter().map(|(_, kind)| kind).collect();
        assert_eq!(kinds, (0..count).map(|n| format!("kind{n}")).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn what_happens_is_told_as_it_happens_until_the_end() {
        let fake = Fake::start().await;
        let row = testing::scale_up(1, 1_200);
        fake.write(vec![row.clone()], vec![], vec![testing::line(1, None, "accepted")]).await;
        fake.show(testing::view());
        let mut body = open(&fake, None).await;
        let before = read(&mut body, "progress").await;
        assert_eq!(journal(&before).len(), 1);
        let shown: ScaleUp = serde_json::from_str(&before.last().unwrap().2).unwrap();
        assert_eq!(shown.phases[&Phase::Booting], 150);

        // The last commit, and then its view.
        fake.write(vec![done(row)], vec![], vec![testing::line(1, None, "done")]).await;
        let mut view = testing::view();
        view.scale_ups[0].state = ScaleUpState::Done;
        fake.show(view);
        let after = read(&mut body, "").await;
        assert_eq!(journal(&after).iter().map(|(_, kind)| kind.as_str()).collect::<Vec<_>>(), ["done"]);
        assert_eq!(after.last().unwrap().0, "end");
    }

    #[tokio::test]
    async fn the_end_is_told_even_if_the_last_view_never_comes() {
        let fake = Fake::start().await;
        let row = testing::scale_up(1, 1_200);
        fake.write(vec![row.clone()], vec![], vec![]).await;
        fake.show(testing::view());
        let mut body = open(&fake, None).await;
        read(&mut body, "progress").await;
        fake.write(vec![done(row)], vec![], vec![testing::line(1, None, "done")]).await;
        fake.show(testing::view());
        let rest = read(&mut body, "").await;
        assert_eq!((journal(&rest).len(), rest.last().unwrap().0.as_str()), (1, "end"));
    }

    #[tokio::test]
    async fn progress_is_told_at_most_twice_a_second_however_often_it_changes() {
        let fake = Fake::start().await;
        let row = testing::scale_up(1, 1_200);
        fake.write(vec![row.clone()], vec![], vec![]).await;
        fake.show(testing::view());
        let started = Stopwatch::start();
        let mut body = open(&fake, None).await;
        let mut told = 0;
        for n in 0..3 {
            for broken in 0..20 {
                let mut view = testing::view();
                view.scale_ups[0].broken_so_far = n * 100 + broken;
                fake.show(view);
            }
            told += read(&mut body, "progress").await.iter().filter(|(name, ..)| name == "progress").count();
        }
        fake.write(vec![done(row)], vec![], vec![]).await;
        fake.show(View::default());
        told += read(&mut body, "").await.iter().filter(|(name, ..)| name == "progress").count();
        let most = started.elapsed().as_millis() / PACE.as_millis() + 1;
        assert!(told >= 3 && told as u128 <= most, "{told} in {:?}", started.elapsed());
    }

    #[tokio::test]
    async fn the_number_of_followers_is_limited_and_a_place_is_given_back() {
        let fake = Fake::start().await;
        fake.write(vec![testing::scale_up(1, 5)], vec![], vec![]).await;
        let (first, second) = (open(&fake, None).await, open(&fake, None).await);
        let third = fake.get("/v1/scale-ups/1/events").await;
        assert_eq!(third.problem("too_many_followers").0, 429);
        assert_eq!(third.header("retry-after").as_deref(), Some("5"));
        assert!(fake.get("/metrics").await.text().contains("\nmuster_event_streams 2\n"));
        drop(first);
        drop((open(&fake, None).await, second));
    }

    #[tokio::test]
    async fn a_stream_closes_without_an_end_when_the_service_stops() {
        let fake = Fake::start().await;
        fake.write(vec![testing::scale_up(1, 5)], vec![], vec![]).await;
        let mut body = open(&fake, None).await;
        read(&mut body, "progress").await;
        fake.set_ready(Readiness::Stopping);
        fake.show(View::default());
        let rest = read(&mut body, "").await;
        assert!(rest.iter().all(|(name, ..)| name != "end"), "{rest:?}");
    }
}
