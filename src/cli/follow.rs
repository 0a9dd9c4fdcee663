//! `--follow`: watch one scale-up until it is done.
//!
//! The stream of events may break at any time (the service may be killed and started again); it is
//! opened again after the last event that had an id, so nothing is missed or told twice.

use std::time::Duration;

use super::bars::Bars;
use super::client::{Client, Document};
use super::exit::{Done, Failure};
use super::io::Io;
use super::retry::{Patience, Trouble};
use super::show;
use super::sse::Event;
use super::text::clean;
use crate::api::types::{Created, JournalLine, ScaleUp};
use crate::time::Stopwatch;

/// Where there is no terminal: a line of progress at most so often, on the wall. A scale-up of five
/// minutes makes 60 lines.
const EVERY: Duration = Duration::from_secs(5);

/// Follows the scale-up at `path` until it is done, and prints how it ended.
pub async fn follow(
    client: &Client,
    path: &str,
    patience: Duration,
    json: bool,
    io: &Io,
) -> Result<Done, Failure> {
    let mut watcher = Watcher::new(json, io);
    let end = tokio::select! {
        biased;
        end = watch(client, path, Patience::new(patience), &mut watcher) => end?,
        _ = tokio::signal::ctrl_c() => {
            watcher.note("no longer watching; the scale-up goes on");
            return Err(Failure::Interrupted);
        }
    };
    drop(watcher);
    if !json {
        io.data(&show::summary(&end))?;
    }
    Ok(if end.item.withdrawn == 0 { Done::Well } else { Done::Short })
}

/// The first line of what `--follow --json` prints for a new scale-up.
pub fn tell_accepted(created: &Created, document: &Document, json: bool, io: &Io) -> Result<(), Failure> {
    if json {
        let data: serde_json::Value = document.read()?;
        return io.line(&serde_json::json!({ "event": "accepted", "data": data }).to_string());
    }
    io.note(&show::accepted(created));
    Ok(())
}

async fn watch(
    client: &Client,
    path: &str,
    mut patience: Patience,
    watcher: &mut Watcher<'_>,
) -> Result<ScaleUp, Failure> {
    let mut after = None;
    loop {
        match stream(client, path, &mut after, &mut patience, watcher).await {
            Ok(end) => return Ok(end),
            Err(trouble) => patience.wait(trouble, |text| watcher.note(text)).await?,
        }
    }
}

/// One connection: the scale-up's end, or why there is to be another.
async fn stream(
    client: &Client,
    path: &str,
    after: &mut Option<String>,
    patience: &mut Patience,
    watcher: &mut Watcher<'_>,
) -> Result<ScaleUp, Trouble> {
    let mut events = client.events(&format!("{path}/events"), after.as_deref()).await?;
    while let Some(event) = events.next().await? {
        patience.reset();
        let end = watcher.take(&event).map_err(Trouble::for_good)?;
        if event.id.is_some() {
            after.clone_from(&event.id);
        }
        if let Some(end) = end {
            return Ok(end);
        }
    }
    Err(Trouble::again(Failure::Unreachable("the service closed the stream of events".to_string())))
}

/// How what happens is shown.
struct Watcher<'a> {
    io: &'a Io,
    kind: Kind,
}

enum Kind {
    /// A line of JSON on standard output for each event.
    Json,
    /// Bars on standard error.
    Bars(Bars),
    /// Lines on standard error, now and then.
    Lines { shown: Option<(Stopwatch, String)> },
}

impl<'a> Watcher<'a> {
    fn new(json: bool, io: &'a Io) -> Watcher<'a> {
        let kind = match (json, io.watched) {
            (true, _) => Kind::Json,
            (false, true) => Kind::Bars(Bars::new()),
            (false, false) => Kind::Lines { shown: None },
        };
        Watcher { io, kind }
    }

    fn note(&self, text: &str) {
        match &self.kind {
            Kind::Bars(bars) => bars.note(text),
            Kind::Json | Kind::Lines { .. } => self.io.note(text),
        }
    }

    /// Shows one event; the scale-up if this is its end.
    fn take(&mut self, event: &Event) -> Result<Option<ScaleUp>, Failure> {
        if let Kind::Json = self.kind {
            self.line(event)?;
        }
        match event.name.as_str() {
            "journal" => {
                let line: JournalLine = read(event)?;
                // What happens to single instances is in the counts; a thousand lines hide the rest.
                if line.slot.is_none() && !matches!(self.kind, Kind::Json) {
                    self.note(&format!("{}  {}", clean(&line.at.to_string()), clean(&line.text)));
                }
                Ok(None)
            }
            "progress" => {
                self.progress(&read(event)?);
                Ok(None)
            }
            "end" => read(event).map(Some),
            // An event of a newer service.
            _ => Ok(None),
        }
    }

    fn line(&self, event: &Event) -> Result<(), Failure> {
        let data: serde_json::Value = read(event)?;
        let id =
            event.id.as_ref().map(|id| id.parse::<i64>().map_or_else(|_| id.as_str().into(), Into::into));
        let mut line = serde_json::json!({ "event": event.name, "data": data });
        if let Some(id) = id {
            line["id"] = id;
        }
        self.io.line(&line.to_string())
    }

    fn progress(&mut self, show: &ScaleUp) {
        match &mut self.kind {
            Kind::Json => {}
            Kind::Bars(bars) => bars.update(show),
            Kind::Lines { shown } => {
                let line = show::progress(show);
                let due = shown.as_ref().is_none_or(|(at, last)| at.elapsed() >= EVERY && *last != line);
                if due {
                    self.io.note(&line);
                    *shown = Some((Stopwatch::start(), line));
                }
            }
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(event: &Event) -> Result<T, Failure> {
    serde_json::from_str(&event.data)
        .map_err(|e| Failure::Failed(format!("the event '{}' cannot be understood: {e}", clean(&event.name))))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::{Value, json};

    use crate::cli::testing::{Fake, Reply, event, run, scale_up};

    fn journal(number: u32, text: &str) -> String {
        let line = json!({ "at": "2026-01-04T15:00:00.000Z", "kind": "x", "text": text, "number": number });
        event("journal", Some(number), &line)
    }

    #[tokio::test]
    async fn a_stream_that_breaks_is_resumed_after_the_last_event() {
        let fake = Fake::start(|request| match request.number {
            0 => {
                assert_eq!(request.path, "/v1/scale-ups/12/events");
                assert_eq!(request.header("last-event-id"), "");
                let progress = event("progress", None, &scale_up("open", 1));
                // Cut in the middle of an event.
                Reply::broken_events(&format!(
                    "{}{}{progress}id: 9\ndata: {{",
                    journal(7, "seven"),
                    journal(8, "eight")
                ))
            }
            1 => Reply::cut(),
            2 => Reply::json(
                503,
                &json!({ "title": "The service is not ready", "status": 503, "detail": "starting" }),
            ),
            3 => {
                assert_eq!(request.header("last-event-id"), "8");
                Reply::events(&format!("{}: still here\n\n", journal(9, "nine")))
            }
            4 => {
                assert_eq!(request.header("last-event-id"), "9");
                Reply::events(&event("end", None, &scale_up("done", 1200)))
            }
            n => panic!("request {n} after the end"),
        })
        .await;
        let (code, out, err) = run(&fake, &["status", "12", "--follow"]).await;
        assert_eq!(code, 0, "{err}");
        assert!(out.starts_with("scale-up    12 (id-12)\n") && out.contains("1200 of 1200"), "{out}");
        for said in ["seven", "eight", "nine"] {
            assert_eq!(err.matches(said).count(), 1, "{err}");
        }
        assert!(err.contains("The service is not ready: starting; trying again in "), "{err}");
        assert!(err.contains("the service closed the stream of events; trying again"), "{err}");
        assert!(err.contains("1 of 1200 in service"), "{err}");
        assert_eq!(fake.requests(), 5);
    }

    #[tokio::test]
    async fn json_is_one_line_for_each_event_and_nothing_else() {
        let fake = Fake::start(|_| {
            let shown = scale_up("open", 1);
            Reply::events(&format!(
                "{}{}{}",
                journal(7, "seven"),
                event("progress", None, &shown),
                event("end", None, &scale_up("done", 1200))
            ))
        })
        .await;
        let (code, out, err) = run(&fake, &["status", "12", "--follow", "--json"]).await;
        assert_eq!((code, err.as_str()), (0, ""));
        let lines: Vec<Value> = out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let events: Vec<&str> = lines.iter().map(|l| l["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["journal", "progress", "end"]);
        assert_eq!((&lines[0]["id"], &lines[0]["data"]["text"]), (&json!(7), &json!("seven")));
        assert_eq!(lines[2]["data"]["in_service"], 1200);
    }

    #[tokio::test]
    async fn an_end_with_a_shortfall_is_exit_code_5() {
        let mut end = scale_up("done", 1197);
        end["withdrawn"] = 3.into();
        end["shortfall"] = json!([{ "count": 3, "reason": "cancelled" }]);
        let fake = Fake::start(move |_| Reply::events(&event("end", None, &end))).await;
        let (code, out, _) = run(&fake, &["status", "12", "--follow"]).await;
        assert_eq!(code, 5);
        assert!(out.contains("    3  cancelled\n"), "{out}");
    }

    #[tokio::test]
    async fn patience_ends_when_nothing_comes_any_more() {
        let fake = Fake::start(|request| match request.number {
            0 => Reply::events(&journal(1, "one")),
            _ => Reply::cut(),
        })
        .await;
        let (code, out, err) = run(&fake, &["status", "12", "--follow", "--retry-for", "400ms"]).await;
        assert_eq!((code, out.as_str()), (3, ""));
        assert!(
            err.lines().last().is_some_and(|l| l.starts_with("error: no answer from http://127.0.0.1:")),
            "{err}"
        );
    }

    #[tokio::test]
    async fn a_scale_up_that_is_not_there_is_not_waited_for() {
        let asked = std::sync::Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let fake = Fake::start(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Reply::json(404, &json!({ "title": "There is no such scale-up", "status": 404 }))
        })
        .await;
        let (code, _, err) = run(&fake, &["status", "99", "--follow"]).await;
        assert_eq!((code, err.as_str()), (4, "error: There is no such scale-up\n"));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn what_is_no_event_is_a_failure_not_a_loop() {
        let fake = Fake::start(|_| Reply::events("event: end\ndata: {}\n\n")).await;
        let (code, _, err) = run(&fake, &["status", "12", "--follow"]).await;
        assert_eq!(code, 1);
        assert!(err.starts_with("error: the event 'end' cannot be understood: missing field"), "{err}");
    }
}
