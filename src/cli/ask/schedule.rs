//! `gateway schedule`: gateway requests that are made by the calendar.

use clap::{Args, Subcommand};

use super::{ended, path, posted, printed};
use crate::api::types::{
    JournalLine, MissedRule, NewSchedule, PeakItem, ScheduleHistory, ScheduleItem, ScheduleTaken, Schedules,
};
use crate::cli::args::{Retry, Who};
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::io::Io;
use crate::cli::text::{Align, Table, clean};

#[derive(Debug, Subcommand)]
pub enum Schedule {
    /// Make one gateway request ahead of each peak of a calendar.
    Add(Add),

    /// List the schedules with their next three peaks, and when those are asked for.
    List,

    /// Show one schedule with its history.
    Show {
        /// Its name.
        name: String,
    },

    /// Make no more requests for a schedule; those that were made go on.
    Remove(Remove),
}

#[derive(Args, Debug)]
pub struct Add {
    /// Letters, digits, '-' and '_'.
    pub name: String,

    /// As configured.
    #[arg(long)]
    pub gateway: String,

    /// The whole capacity that the gateway is to have at each peak, in its unit.
    #[arg(long, value_name = "N")]
    pub capacity: u32,

    /// When the peaks begin, in five fields: minute, hour, day of month, month, day of week. '0 4 * 1 MON#1' is 04:00
    /// on the first Monday of January; L is a month's last day, FRI#L its last Friday.
    #[arg(long, value_name = "LINE")]
    pub cron: String,

    /// The time zone whose clocks that is read on, such as Europe/Berlin.
    #[arg(long)]
    pub zone: String,

    /// A date in that zone on which there is no peak (2027-01-04). May be given more than once.
    #[arg(long, value_name = "DATE")]
    pub except: Vec<String>,

    /// Asked for so long ahead: 7d, 12h. A day has 24 hours.
    #[arg(long, value_name = "TIME")]
    pub lead: String,

    /// Given back so long after a peak's beginning.
    #[arg(long, value_name = "TIME")]
    pub release_after: String,

    /// What becomes of a peak whose time to ask passed while nothing ran: catch-up asks while it lasts, report does not.
    #[arg(long, value_name = "RULE", default_value = "catch-up")]
    pub missed: MissedRule,

    /// Why; kept with each request.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    #[command(flatten)]
    pub who: Who,

    #[command(flatten)]
    pub retry: Retry,
}

#[derive(Args, Debug)]
pub struct Remove {
    /// Its name.
    pub name: String,

    /// Also if it is somebody else's. Your name is kept with it.
    #[arg(long = "override")]
    pub overrides: bool,

    #[command(flatten)]
    pub who: Who,

    #[command(flatten)]
    pub retry: Retry,
}

const PATH: &str = "/v1/gateway-schedules";

pub async fn run(args: &Schedule, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    match args {
        Schedule::Add(args) => add(args, client, json, io).await,
        Schedule::List => printed(&client.get(PATH).await?, json, io, list),
        Schedule::Show { name } => printed(&client.get(&path(PATH, name)).await?, json, io, history),
        Schedule::Remove(args) => remove(args, client, json, io).await,
    }
}

async fn add(args: &Add, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let body = NewSchedule {
        name: args.name.clone(),
        gateway: args.gateway.clone(),
        capacity: args.capacity,
        cron: args.cron.clone(),
        zone: args.zone.clone(),
        except: args.except.clone(),
        lead: args.lead.clone(),
        release_after: args.release_after.clone(),
        missed: Some(args.missed),
        owner: args.who.name.clone(),
        reason: args.reason.clone(),
    };
    // The same schedule added twice is one, so this may be sent again without a key.
    let document = posted(PATH, &body, &args.retry, client, io).await?;
    printed(&document, json, io, |taken: &ScheduleTaken| {
        let what = if taken.repeated { "is there already" } else { "is added" };
        format!("{} {what}; what comes next:\n{}", args.name, peaks(&taken.next))
    })
}

async fn remove(args: &Remove, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let path = path(PATH, &args.name);
    let document = ended(&path, &args.who, args.overrides, &args.retry, client, io).await?;
    printed(&document, json, io, |_: &ScheduleTaken| {
        format!("{} is removed; requests that it has made go on\n", args.name)
    })
}

fn list(all: &Schedules) -> String {
    let mut text = String::new();
    for schedule in &all.schedules {
        text.push_str(&one(schedule));
    }
    if text.is_empty() { "no schedules\n".into() } else { text }
}

fn one(schedule: &ScheduleItem) -> String {
    let missed = if schedule.missed { " (the last one was missed)" } else { "" };
    format!(
        "{}: {} of {} at '{}' in {}, asked for {} times{missed}\n  waits for {}\n{}",
        clean(&schedule.name),
        schedule.capacity,
        clean(&schedule.gateway),
        clean(&schedule.cron),
        clean(&schedule.zone),
        schedule.asked,
        clean(&schedule.waits),
        peaks(&schedule.next)
    )
}

fn peaks(next: &[PeakItem]) -> String {
    let mut table =
        Table::new(&[("PEAK", Align::Left), ("ASKED FOR AT", Align::Left), ("UNTIL", Align::Left)]);
    for peak in next {
        table.row([peak.local.clone(), peak.ask_at.to_string(), peak.until.to_string()]);
    }
    table.text()
}

fn history(shown: &ScheduleHistory) -> String {
    let line = |l: &JournalLine| format!("{}  {}  {}\n", l.at, clean(&l.kind), clean(&l.text));
    let mut text = one(&shown.schedule);
    text.push('\n');
    text.extend(shown.journal.iter().map(line));
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::cli::testing::{Fake, Reply, run};

    fn next() -> Value {
        json!([{
            "at": "2027-01-04T03:00:00.000Z", "local": "2027-01-04 04:00 Europe/Berlin",
            "ask_at": "2026-12-28T03:00:00.000Z", "until": "2027-01-05T03:00:00.000Z",
        }])
    }

    fn january() -> Value {
        json!({
            "id": "0191", "name": "january", "gateway": "web", "capacity": 3000, "cron": "0 4 * 1 MON#1",
            "zone": "Europe/Berlin", "except": [], "lead_s": 604_800, "release_after_s": 86_400,
            "missed_rule": "catch-up", "owner": "ann", "reason": "", "added_at": "2026-11-04T15:00:00.000Z",
            "next": next(), "missed": true, "asked": 2, "passed": 1,
            "waits": "2027-01-04 04:00 Europe/Berlin, in 9 s",
        })
    }

    #[tokio::test]
    async fn one_is_sent_again_until_it_is_answered_and_what_comes_next_is_printed() {
        let fake = Fake::start(|request| {
            assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/gateway-schedules"));
            assert_eq!(
                request.json(),
                json!({
                    "name": "january", "gateway": "web", "capacity": 3000, "cron": "0 4 * 1 MON#1",
                    "zone": "Europe/Berlin", "except": ["2027-01-04"], "lead": "7d", "release_after": "24h",
                    "missed": "report", "owner": "ann",
                })
            );
            if request.number == 0 {
                Reply::cut()
            } else {
                Reply::json(202, &json!({ "id": "0191", "repeated": false, "next": next() }))
            }
        })
        .await;
        let args = ["gateway", "schedule", "add", "january", "--gateway", "web", "--capacity", "3000"];
        let when = ["--cron", "0 4 * 1 MON#1", "--zone", "Europe/Berlin", "--except", "2027-01-04"];
        let rest = ["--lead", "7d", "--release-after", "24h", "--missed", "report", "--as", "ann"];
        let (code, out, err) = run(&fake, &[&args[..], &when, &rest].concat()).await;
        assert_eq!(code, 0, "{err}");
        assert!(out.starts_with("january is added; what comes next:\n"), "{out}");
        assert!(out.contains("2027-01-04 04:00 Europe/Berlin  2026-12-28T03:00:00.000Z"), "{out}");
    }

    #[tokio::test]
    async fn they_are_listed_and_shown_with_what_comes_next() {
        let fake = Fake::start(|request| match request.path.as_str() {
            "/v1/gateway-schedules" => Reply::json(200, &json!({ "schedules": [january()] })),
            "/v1/gateway-schedules/january" => Reply::json(
                200,
                &json!({
                    "schedule": january(),
                    "journal": [{
                        "number": 7, "at": "2026-11-04T15:00:00.000Z", "kind": "schedule_added",
                        "text": "schedule january: ann adds it",
                    }],
                }),
            ),
            other => panic!("{other}"),
        })
        .await;
        let (code, out, _) = run(&fake, &["gateway", "schedule", "list"]).await;
        assert_eq!(code, 0);
        assert!(out.contains("3000 of web at '0 4 * 1 MON#1' in Europe/Berlin"), "{out}");
        assert!(
            out.contains("(the last one was missed)") && out.contains("2026-12-28T03:00:00.000Z"),
            "{out}"
        );
        let (code, out, _) = run(&fake, &["gateway", "schedule", "show", "january"]).await;
        assert_eq!(code, 0);
        assert!(out.contains("schedule_added  schedule january: ann adds it"), "{out}");
    }

    #[tokio::test]
    async fn an_end_carries_who_says_so() {
        let fake = Fake::start(|request| {
            assert_eq!(request.path, "/v1/gateway-schedules/january?by=bob&override=true");
            Reply::json(202, &json!({ "id": "0191", "repeated": false, "next": [] }))
        })
        .await;
        let end = ["gateway", "schedule", "remove", "january", "--override", "--as", "bob"];
        assert_eq!(run(&fake, &end).await.1, "january is removed; requests that it has made go on\n");
    }
}
