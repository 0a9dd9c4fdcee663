//! `gateway`: requests that a gateway be scaled ahead of time.

use super::{ended, path, posted, printed, schedule};
use crate::api::types::{
    GatewayItem, GatewayRequestHistory, GatewayRequestItem, GatewayTaken, GatewayZone, Gateways, JournalLine,
    LeaseTaken, NewConfirmation, NewGatewayRequest, NewOverride, ObservedItem, OverrideItem,
};
use crate::cli::args;
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::io::Io;
use crate::cli::text::{Align, Table, clean, seconds};

pub async fn run(args: &args::Gateway, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    match args {
        args::Gateway::Request(args) => request(args, client, json, io).await,
        args::Gateway::List => {
            let document = client.get("/v1/gateways").await?;
            printed(&document, json, io, lists)
        }
        args::Gateway::Show { id, letter: true } => letter(id, client, json, io).await,
        args::Gateway::Show { id, letter: false } => {
            let document = client.get(&path("/v1/gateways", id)).await?;
            printed(&document, json, io, history)
        }
        args::Gateway::Confirm(args) => confirm(args, client, json, io).await,
        args::Gateway::Release(args) => release(args, client, json, io).await,
        args::Gateway::Override(args) => override_gates(args, client, json, io).await,
        args::Gateway::EndOverride(args) => end_override(args, client, json, io).await,
        args::Gateway::Schedule(args) => schedule::run(args, client, json, io).await,
    }
}

async fn request(args: &args::GatewayRequest, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let body = NewGatewayRequest {
        gateway: args.gateway.clone(),
        capacity: args.capacity,
        by: args.by.clone(),
        until: args.until.clone(),
        owner: args.who.name.clone(),
        reason: args.reason.clone(),
    };
    // The same request made twice is one, so this may be sent again without a key.
    let document = posted("/v1/gateways", &body, &args.retry, client, io).await?;
    printed(&document, json, io, |taken: &GatewayTaken| {
        let what = if taken.repeated { "asked for already: request" } else { "asked for: request" };
        let letter = taken.letter.as_ref().map(|text| format!("\n{}\n", clean(text))).unwrap_or_default();
        format!("{} is {what} {}\n{letter}", args.gateway, taken.id)
    })
}

/// The lines as they are, so that they can be piped to a mail program; nothing in them moves a terminal's cursor.
async fn letter(id: &str, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let text = client.text(&format!("{}/letter", path("/v1/gateways", id))).await?;
    if json {
        io.line(&serde_json::Value::String(text).to_string())?;
    } else {
        text.lines().try_for_each(|line| io.line(&clean(line)))?;
    }
    Ok(Done::Well)
}

async fn confirm(args: &args::Confirm, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let body =
        NewConfirmation { capacity: args.capacity, by: args.who.name.clone(), note: args.note.clone() };
    let path = format!("{}/confirm", path("/v1/gateways", &args.id));
    // Said twice is said once, so this may be sent again.
    let document = posted(&path, &body, &args.retry, client, io).await?;
    printed(&document, json, io, |taken: &GatewayTaken| format!("{} is confirmed\n", taken.id))
}

async fn release(args: &args::End, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let path = path("/v1/gateways", &args.id);
    let document = ended(&path, &args.who, args.overrides, &args.retry, client, io).await?;
    printed(&document, json, io, |taken: &GatewayTaken| {
        format!("{} ends; what was there before is restored (a quota stays)\n", taken.id)
    })
}

async fn override_gates(
    args: &args::GateOverride,
    client: &Client,
    json: bool,
    io: &Io,
) -> Result<Done, Failure> {
    let body = NewOverride {
        subject: args.subject.clone(),
        until: args.until.clone(),
        owner: args.who.name.clone(),
        reason: args.reason.clone(),
    };
    // The same override asked for twice is one, so this may be sent again without a key.
    let document = posted("/v1/gates/overrides", &body, &args.retry, client, io).await?;
    printed(&document, json, io, |taken: &LeaseTaken| {
        let what = if taken.repeated { "overridden already; its end is moved" } else { "overridden" };
        format!("the gates of {} are {what}: override {}\n", args.subject, taken.id)
    })
}

async fn end_override(args: &args::End, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let path = path("/v1/gates/overrides", &args.id);
    let document = ended(&path, &args.who, args.overrides, &args.retry, client, io).await?;
    printed(&document, json, io, |taken: &LeaseTaken| {
        format!("{} ends; what was launched under it stays\n", taken.id)
    })
}

fn lists(all: &Gateways) -> String {
    let mut text = gateways(&all.gateways);
    if all.gateways.iter().any(|g| !g.gates.is_empty()) {
        text = format!("{text}\n{}", gates(&all.gateways));
    }
    if !all.overrides.is_empty() {
        text = format!("{text}\n{}", overrides(&all.overrides));
    }
    format!("{text}\n{}", requests(&all.requests))
}

fn gates(all: &[GatewayItem]) -> String {
    let mut table = Table::new(&[
        ("GATEWAY", Align::Left),
        ("GROUP", Align::Left),
        ("MODE", Align::Left),
        ("INSTANCES", Align::Right),
        ("LOAD", Align::Right),
        ("QUEUED", Align::Right),
        ("SHORT SINCE", Align::Left),
    ]);
    for (gateway, gate) in all.iter().flat_map(|g| g.gates.iter().map(move |gate| (g, gate))) {
        let since = gate.short_since.map(|at| at.to_string()).unwrap_or_default();
        table.row([
            gateway.name.clone(),
            gate.group.clone(),
            gate.mode.to_string(),
            gate.instances.to_string(),
            gate.load.to_string(),
            gate.queued.to_string(),
            format!("{since}{}", if gate.alarmed_at.is_some() { " (too long)" } else { "" }),
        ]);
    }
    table.text()
}

fn overrides(all: &[OverrideItem]) -> String {
    let mut table = Table::new(&[
        ("OVERRIDE", Align::Left),
        ("GROUP", Align::Left),
        ("SCALE-UP", Align::Right),
        ("LEFT", Align::Right),
        ("OWNER", Align::Left),
        ("REASON", Align::Left),
    ]);
    for o in all {
        table.row([
            o.lease.id.clone(),
            o.group.clone(),
            o.scale_up.map(|n| n.to_string()).unwrap_or_default(),
            seconds(o.lease.left_s),
            o.lease.owner.clone(),
            o.lease.reason.clone(),
        ]);
    }
    table.text()
}

fn gateways(all: &[GatewayItem]) -> String {
    let mut table = Table::new(&[
        ("GATEWAY", Align::Left),
        ("KIND", Align::Left),
        ("DECLARED", Align::Right),
        ("CAPACITY", Align::Right),
        ("MAY", Align::Right),
        ("PLANNED", Align::Right),
        ("CARRIED", Align::Right),
        ("UNIT", Align::Left),
        ("REQUEST", Align::Left),
    ]);
    for g in all {
        table.row([
            g.name.clone(),
            g.kind.to_string(),
            g.declared.to_string(),
            g.capacity.to_string(),
            g.may_be_planned.to_string(),
            g.planned.to_string(),
            g.observed.as_ref().map(carried).unwrap_or_default(),
            g.unit.clone(),
            g.request.clone().unwrap_or_default(),
        ]);
    }
    table.text()
}

/// What is carried, or that it is unknown, and what is wrong about it.
fn carried(seen: &ObservedItem) -> String {
    let carried = seen.carried.filter(|_| seen.fresh).map_or("unknown".to_string(), |n| n.to_string());
    let differs = if seen.differs { " (not as planned)" } else { "" };
    let ports = if seen.refused.is_some_and(|n| n > 0) { " (ports run out)" } else { "" };
    format!("{carried}{differs}{ports}")
}

fn requests(all: &[GatewayRequestItem]) -> String {
    let mut table = Table::new(&[
        ("ID", Align::Left),
        ("GATEWAY", Align::Left),
        ("STATE", Align::Left),
        ("IN EFFECT", Align::Right),
        ("WANTED", Align::Right),
        ("LEFT", Align::Right),
        ("OWNER", Align::Left),
        ("WAITS FOR", Align::Left),
    ]);
    for r in all {
        table.row([
            r.id.clone(),
            r.gateway.clone(),
            format!("{}{}", r.state, if r.late { " (late)" } else { "" }),
            r.in_effect.to_string(),
            r.wanted.to_string(),
            seconds(r.left_s),
            r.owner.clone(),
            r.waits.clone().unwrap_or_default(),
        ]);
    }
    table.text()
}

fn history(shown: &GatewayRequestHistory) -> String {
    let mut text = requests(std::slice::from_ref(&shown.request));
    let zone = |z: &GatewayZone| {
        let reason = z.reason.as_ref().map(|r| format!(" ({})", clean(r))).unwrap_or_default();
        format!("{}: {} {}{reason}\n", clean(&z.zone), z.units, z.state)
    };
    let line = |l: &JournalLine| format!("{}  {}  {}\n", l.at, clean(&l.kind), clean(&l.text));
    text.extend(shown.request.zones.iter().map(zone));
    text.push('\n');
    text.extend(shown.journal.iter().map(line));
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::cli::testing::{Fake, Reply, run};

    fn a_request() -> Value {
        json!({
            "id": "0191", "gateway": "core", "kind": "transit-gateway", "resource": "tgw-1",
            "unit": "Gbit/s", "wanted": 200, "in_effect": 150, "state": "partly_in_effect",
            "owner": "ann", "reason": "", "asked_at": "2026-01-04T15:00:00.000Z",
            "until": "2026-01-05T15:00:00.000Z", "left_s": 7_200, "late": true, "reminders": 2,
            "zones": [], "waits": "its end, in 7200 s",
        })
    }

    #[tokio::test]
    async fn a_request_is_sent_again_until_it_is_answered_and_the_text_is_printed() {
        let fake = Fake::start(|request| {
            assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/gateways"));
            assert_eq!(
                request.json(),
                json!({
                    "gateway": "core", "capacity": 200, "by": "30m", "until": "24h", "owner": "ann",
                    "reason": "monday",
                })
            );
            if request.number == 0 {
                Reply::cut()
            } else {
                Reply::json(202, &json!({ "id": "0191", "repeated": false, "letter": "Please" }))
            }
        })
        .await;
        let args = ["gateway", "request", "core", "200", "--by", "30m", "--for", "24h", "--as", "ann"];
        let (code, out, _) = run(&fake, &[&args[..], &["--reason", "monday"]].concat()).await;
        assert_eq!((code, out.as_str()), (0, "core is asked for: request 0191\n\nPlease\n"));
    }

    #[tokio::test]
    async fn requests_are_listed_and_shown_with_their_history() {
        let fake = Fake::start(|request| match request.path.as_str() {
            "/v1/gateways" => Reply::json(
                200,
                &json!({
                    "gateways": [{
                        "name": "core", "kind": "transit-gateway", "resource": "tgw-1",
                        "unit": "Gbit/s", "declared": 100, "capacity": 150, "request": "0191",
                        "may_be_planned": 120.0, "planned": 60.5,
                        "gates": [{
                            "group": "web", "mode": "pace", "load": 0.05, "instances": 1210, "queued": 0,
                        }],
                    }],
                    "requests": [a_request()],
                }),
            ),
            "/v1/gateways/0191" => Reply::json(
                200,
                &json!({
                    "request": a_request(),
                    "journal": [{
                        "number": 7, "at": "2026-01-04T15:00:00.000Z", "kind": "gateway_wanted",
                        "text": "core: ann asks",
                    }],
                }),
            ),
            other => panic!("{other}"),
        })
        .await;
        let (code, out, err) = run(&fake, &["gateway", "list"]).await;
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(
            out.contains("core     transit-gateway       100       150  120     60.5        -  Gbit/s  0191"),
            "{out}"
        );
        assert!(out.contains("core     web    pace       1210  0.05       0"), "{out}");
        assert!(out.contains("partly_in_effect (late)        150     200"), "{out}");
        let (code, out, _) = run(&fake, &["gateway", "show", "0191"]).await;
        assert_eq!(code, 0);
        assert!(out.contains("gateway_wanted  core: ann asks"), "{out}");
    }

    #[tokio::test]
    async fn the_letter_is_printed_as_it_is() {
        let fake = Fake::start(|request| {
            assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/v1/gateways/0191/letter"));
            Reply::text(200, "Subject: core\n\nPlease\n")
        })
        .await;
        let (code, out, _) = run(&fake, &["gateway", "show", "0191", "--letter"]).await;
        assert_eq!((code, out.as_str()), (0, "Subject: core\n\nPlease\n"));
        let (_, out, _) = run(&fake, &["gateway", "show", "0191", "--letter", "--json"]).await;
        assert_eq!(out, "\"Subject: core\\n\\nPlease\\n\"\n");
    }

    #[tokio::test]
    async fn a_letter_that_there_is_not_is_told() {
        let problem = json!({ "type": "no_letter", "title": "No person is to be asked", "status": 409,
            "detail": "request '0191' is expired: nobody is asked any more" });
        let fake = Fake::start(move |_| Reply::json(409, &problem)).await;
        let (code, out, err) = run(&fake, &["gateway", "show", "0191", "--letter"]).await;
        assert_ne!(code, 0);
        assert_eq!(out, "");
        assert!(err.contains("nobody is asked any more"), "{err}");
    }

    #[tokio::test]
    async fn a_confirmation_and_an_end_carry_who_says_so() {
        let fake = Fake::start(|request| {
            match request.number {
                0 => {
                    assert_eq!(request.path, "/v1/gateways/0191/confirm");
                    assert_eq!(request.json(), json!({ "capacity": 150, "by": "bob", "note": "half" }));
                }
                _ => assert_eq!(request.path, "/v1/gateways/0191?by=bob&override=true"),
            }
            Reply::json(202, &json!({ "id": "0191", "repeated": false }))
        })
        .await;
        let said = ["gateway", "confirm", "0191", "--capacity", "150", "--note", "half", "--as", "bob"];
        assert_eq!(run(&fake, &said).await.1, "0191 is confirmed\n");
        let end = ["gateway", "release", "0191", "--override", "--as", "bob"];
        assert_eq!(run(&fake, &end).await.0, 0);
    }

    #[tokio::test]
    async fn an_override_carries_who_and_why() {
        let fake = Fake::start(|request| {
            if request.method == "DELETE" {
                assert_eq!(request.path, "/v1/gates/overrides/0192?by=ann");
            } else {
                assert_eq!(request.path, "/v1/gates/overrides");
                let body = json!({ "subject": "web", "until": "2h", "owner": "ann", "reason": "the peak" });
                assert_eq!(request.json(), body);
            }
            Reply::json(202, &json!({ "id": "0192", "repeated": false }))
        })
        .await;
        let args = ["gateway", "override", "web", "--for", "2h", "--as", "ann", "--reason", "the peak"];
        assert_eq!(run(&fake, &args).await.1, "the gates of web are overridden: override 0192\n");
        assert_eq!(run(&fake, &["gateway", "end-override", "0192", "--as", "ann"]).await.0, 0);
    }
}
