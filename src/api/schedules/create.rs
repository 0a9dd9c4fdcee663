//! `POST /v1/gateway-schedules`: make gateway requests by the calendar.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use jiff::{Span, SpanRelativeTo};

use super::taken;
use crate::api::body::JsonBody;
use crate::api::fields::Fields;
use crate::api::gateways::{MOST_NAME, MOST_OWNER, MOST_REASON};
use crate::api::problem::{Kind, Problem};
use crate::api::state::ApiState;
use crate::api::types::{NewSchedule, PeakItem, ProblemBody, ScheduleTaken};
use crate::decide::gateway::calendar::ScheduleAsk;
use crate::decide::gateway::calendar::plan::{MOST_CRON, MOST_EXCEPT};
use crate::decide::gateway::calendar::shown::preview;
use crate::decide::gateway::calendar::words::MissedRule;
use crate::decide::order::Order;

/// Longest of anything that is a word, a date or a duration, in characters.
const MOST_WORD: usize = 64;

/// Adds a schedule: ahead of each peak that its cron line means, one gateway request is made.
///
/// Durable when it is answered, with the next three peaks. A gateway has one request at a time: a peak that is due
/// while it has another waits until that is over, and is missed if the peak is over by then. The same schedule added
/// twice is one; what is to say something else is removed first.
#[utoipa::path(
    post, path = "/v1/gateway-schedules", operation_id = "addGatewaySchedule", tag = "gateways",
    request_body = NewSchedule,
    responses(
        (status = 202, description = "Durable", body = ScheduleTaken),
        (status = 404, description = "There is no such gateway", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "There is another one of this name", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = "4XX", description = "Refused; nothing was stored", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Not ready; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn create(State(state): State<ApiState>, JsonBody(body): JsonBody) -> Result<Response, Problem> {
    let now = state.handle.clock().now();
    let ask = parse(&body, crate::ids::uuid(now))?;
    let accepted = state.order(Order::AddSchedule(ask.clone())).await?;
    Ok(taken(accepted, preview(&ask, now).iter().map(PeakItem::of).collect()))
}

fn parse(body: &[u8], id: String) -> Result<ScheduleAsk, Problem> {
    let mut fields = Fields::read(body)?;
    let name = fields.text("name", MOST_NAME);
    let gateway = fields.text("gateway", MOST_NAME);
    let capacity = fields.number("capacity");
    let cron = fields.text("cron", MOST_CRON);
    let zone = fields.text("zone", MOST_WORD);
    let except = fields.optional_texts("except", MOST_EXCEPT, MOST_WORD);
    let lead = length(&mut fields, "lead");
    let release_after = length(&mut fields, "release_after");
    let missed = match fields.optional_text("missed", MOST_WORD) {
        None => Some(MissedRule::CatchUp),
        Some(text) => text.parse().map_err(|error| fields.wrong("missed", error)).ok(),
    };
    let owner = fields.text("owner", MOST_OWNER);
    let reason = fields.optional_text("reason", MOST_REASON).unwrap_or_default();
    fields.finish()?;
    let (
        Some(name),
        Some(gateway),
        Some(capacity),
        Some(cron),
        Some(zone),
        Some(lead),
        Some(release_after),
        Some(missed),
        Some(owner),
    ) = (name, gateway, capacity, cron, zone, lead, release_after, missed, owner)
    else {
        // `finish` has told what is missing; this is for the compiler.
        return Err(Problem::new(Kind::InvalidFields, "all but except, missed and reason must be given"));
    };
    Ok(ScheduleAsk {
        id,
        name,
        gateway,
        capacity,
        cron,
        zone,
        except,
        lead,
        release_after,
        missed,
        owner,
        reason,
    })
}

/// A length of time that must be there, in whole days of 24 hours or what is shorter. How long it may be is the
/// core's to say.
fn length(fields: &mut Fields, name: &'static str) -> Option<Duration> {
    const ALLOWED: &str = "must be a length of time such as 7d, 24h or 1d12h";
    let text = fields.text(name, MOST_WORD)?;
    let span = text.trim().parse::<Span>().ok();
    let length = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    let length = length.and_then(|length| Duration::try_from(length).ok());
    if length.is_none() {
        fields.wrong(name, format!("'{text}' is not understood; {ALLOWED}"));
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::Fake;

    fn january() -> NewSchedule {
        NewSchedule {
            name: "january".into(),
            gateway: "core".into(),
            capacity: 200,
            cron: "0 4 * 1 MON#1".into(),
            zone: "Europe/Berlin".into(),
            except: vec!["2027-01-04".into()],
            lead: "7d".into(),
            release_after: "1d12h".into(),
            missed: Some(MissedRule::Report),
            owner: "ann".into(),
            reason: Some("the first working day".into()),
        }
    }

    #[test]
    fn a_body_becomes_an_ask() {
        let ask = parse(&serde_json::to_vec(&january()).unwrap(), "0191".into()).unwrap();
        assert_eq!(ask.lead, Duration::from_hours(7 * 24));
        assert_eq!(ask.release_after, Duration::from_hours(36));
        assert_eq!((ask.missed, ask.except.len()), (MissedRule::Report, 1));
        let short = NewSchedule { except: Vec::new(), missed: None, reason: None, ..january() };
        let ask = parse(&serde_json::to_vec(&short).unwrap(), "0191".into()).unwrap();
        assert_eq!((ask.missed, ask.except.len(), ask.reason.as_str()), (MissedRule::CatchUp, 0, ""));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let good = serde_json::to_value(january()).unwrap();
        for field in ["name", "gateway", "capacity", "cron", "zone", "lead", "release_after", "owner"] {
            let mut body = good.clone();
            body.as_object_mut().unwrap().remove(field);
            let problem = parse(body.to_string().as_bytes(), "0191".into()).unwrap_err();
            assert_eq!(problem.errors[0].field, field);
        }
        for (field, value) in
            [("lead", "soon"), ("lead", "1 month"), ("release_after", "-24h"), ("missed", "never")]
        {
            let mut body = good.clone();
            body[field] = value.into();
            let problem = parse(body.to_string().as_bytes(), "0191".into()).unwrap_err();
            assert_eq!(problem.errors[0].field, field, "{value}");
        }
    }

    #[tokio::test]
    async fn the_answer_shows_what_comes_next() {
        let fake = Fake::start().await;
        let body = serde_json::to_string(&january()).unwrap();
        let taken: ScheduleTaken = fake.post("/v1/gateway-schedules", &body).await.json();
        let local: Vec<&str> = taken.next.iter().map(|peak| peak.local.as_str()).collect();
        assert_eq!(local.len(), 3);
        assert!(local.iter().all(|at| at.ends_with(" 04:00 Europe/Berlin")), "{local:?}");
        assert!(taken.next[0].ask_at < taken.next[0].at, "{:?}", taken.next[0]);
    }
}
