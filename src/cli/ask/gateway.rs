//! `gateway`: requests that a gateway be scaled ahead of time.

use super::{path, printed, query, schedule};
use crate::api::types::{
    GatewayItem, GatewayRequestHistory, GatewayRequestItem, GatewayTaken, GatewayZone, Gateways, JournalLine,
    NewConfirmation, NewGatewayRequest,
};
use crate::cli::args;
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::io::Io;
use crate::cli::retry::keep_trying;
use crate::cli::text::{Align, Table, clean, seconds};

pub async fn run(args: &args::Gateway, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    match args {
        args::Gateway::Request(args) => request(args, client, json, io).await,
        args::Gateway::List => {
            let document = client.get("/v1/gateways").await?;
            printed(&document, json, io, lists)
        }
        args::Gateway::Show { id } => {
            let document = client.get(&path("/v1/gateways", id)).await?;
            printed(&document, json, io, history)
        }
        args::Gateway::Confirm(args) => confirm(args, client, json, io).await,
        args::Gateway::Release(args) => release(args, client, json, io).await,
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
    let document = keep_trying(
        args.retry.retry_for,
        |text| io.note(text),
        async || client.post("/v1/gateways", &body, None).await,
    )
    .await?;
    printed(&document, json, io, |taken: &GatewayTaken| {
        let what = if taken.repeated { "asked for already: request" } else { "asked for: request" };
        let letter = taken.letter.as_ref().map(|text| format!("\n{}\n", clean(text))).unwrap_or_default();
        format!("{} is {what} {}\n{letter}", args.gateway, taken.id)
    })
}

async fn confirm(args: &args::Confirm, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let body =
        NewConfirmation { capacity: args.capacity, by: args.who.name.clone(), note: args.note.clone() };
    let path = format!("{}/confirm", path("/v1/gateways", &args.id));
    // Said twice is said once, so this may be sent again.
    let document = keep_trying(
        args.retry.retry_for,
        |text| io.note(text),
        async || client.post(&path, &body, None).await,
    )
    .await?;
    printed(&document, json, io, |taken: &GatewayTaken| format!("{} is confirmed\n", taken.id))
}

async fn release(args: &args::End, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let parameters = [("by", Some(args.who.name.as_str())), ("override", args.overrides.then_some("true"))];
    let path = query(&path("/v1/gateways", &args.id), &parameters);
    // Ending twice is ending once, so this may be sent again.
    let ended =
        keep_trying(args.retry.retry_for, |text| io.note(text), async || client.delete(&path).await).await?;
    printed(&ended, json, io, |taken: &GatewayTaken| {
        format!("{} ends; what was reserved before is restored\n", taken.id)
    })
}

fn lists(all: &Gateways) -> String {
    format!("{}\n{}", gateways(&all.gateways), requests(&all.requests))
}

fn gateways(all: &[GatewayItem]) -> String {
    let mut table = Table::new(&[
        ("GATEWAY", Align::Left),
        ("KIND", Align::Left),
        ("DECLARED", Align::Right),
        ("CAPACITY", Align::Right),
        ("UNIT", Align::Left),
        ("REQUEST", Align::Left),
    ]);
    for g in all {
        table.row([
            g.name.clone(),
            g.kind.to_string(),
            g.declared.to_string(),
            g.capacity.to_string(),
            g.unit.clone(),
            g.request.clone().unwrap_or_default(),
        ]);
    }
    table.text()
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
        assert!(out.contains("core     transit-gateway       100       150  Gbit/s  0191"), "{out}");
        assert!(out.contains("partly_in_effect (late)        150     200"), "{out}");
        let (code, out, _) = run(&fake, &["gateway", "show", "0191"]).await;
        assert_eq!(code, 0);
        assert!(out.contains("gateway_wanted  core: ann asks"), "{out}");
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
}
