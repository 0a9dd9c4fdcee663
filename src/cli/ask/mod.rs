//! What is asked of a service, one file for each command.

mod cancel;
mod dry_run;
mod end;
mod explain;
mod freeze;
mod freezes;
mod gateway;
mod groups;
mod hold;
mod holds;
mod hooks;
mod instances;
mod quarantine;
mod scale_in;
mod scale_ins;
mod scale_up;
pub mod schedule;
mod signals;
mod status;
mod zone_weight;
mod zones;

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;

use http::HeaderValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::args::{Ask, Retry, Service, Who, Zone};
use super::client::{Client, Document};
use super::exit::{Done, Failure};
use super::io::Io;
use super::retry::keep_trying;

/// Runs one of them on a runtime of its own; Ctrl-C ends it.
pub fn run(ask: &Ask, service: &Service, io: &Io) -> Result<Done, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::Failed(format!("cannot start: {e}")))?;
    runtime.block_on(async {
        tokio::select! {
            // The command sees Ctrl-C first, in case it has something to say about it.
            biased;
            done = answer(ask, service, io) => done,
            _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
        }
    })
}

/// Asks, and prints the answer.
pub async fn answer(ask: &Ask, service: &Service, io: &Io) -> Result<Done, Failure> {
    let token = token(service)?;
    if token.is_some() && service.url.scheme() == "http" && !is_loopback(&service.url) {
        io.note(&format!("warning: the token travels to {} unencrypted", service.url));
    }
    let client = Client::new(&service.url, token)?;
    match ask {
        Ask::ScaleUp(args) => scale_up::run(args, &client, service.json, io).await,
        Ask::Status(args) => status::run(args, &client, service.json, io).await,
        Ask::Explain(args) => explain::run(args, &client, service.json, io).await,
        Ask::Instances(args) => instances::run(args, &client, service.json, io).await,
        Ask::Hooks(args) => hooks::run(args, &client, service.json, io).await,
        Ask::ScaleIn(args) => scale_in::run(args, &client, service.json, io).await,
        Ask::ScaleIns => scale_ins::run(&client, service.json, io).await,
        Ask::Signals(args) => signals::run(args, &client, service.json, io).await,
        Ask::Cancel(args) => cancel::run(args, &client, service.json, io).await,
        Ask::Hold(args) => hold::run(args, &client, service.json, io).await,
        Ask::Holds => holds::run(&client, service.json, io).await,
        Ask::Unhold(args) => end::run("/v1/holds", args, &client, service.json, io).await,
        Ask::Freeze(args) => freeze::run(args, &client, service.json, io).await,
        Ask::Freezes => freezes::run(&client, service.json, io).await,
        Ask::Thaw(args) => end::run("/v1/freezes", args, &client, service.json, io).await,
        Ask::Quarantine(args) => quarantine::run(args, &client, service.json, io).await,
        Ask::Gateway(args) => gateway::run(args, &client, service.json, io).await,
        Ask::Groups => groups::run(&client, service.json, io).await,
        Ask::Zones(args) => zones::run(args, &client, service.json, io).await,
        Ask::Zone(Zone::Weight(args)) => zone_weight::run(args, &client, service.json, io).await,
    }
}

/// Prints an answer: as the service gave it if `json`, else as `text` puts it.
fn printed<T: DeserializeOwned>(
    document: &Document,
    json: bool,
    io: &Io,
    text: impl FnOnce(&T) -> String,
) -> Result<Done, Failure> {
    if json {
        io.line(&document.line()?)?;
    } else {
        io.data(&text(&document.read()?))?;
    }
    Ok(Done::Well)
}

/// Sends what may be sent again without a key, until it is answered: asking twice is asking once.
async fn posted(
    path: &str,
    body: &impl Serialize,
    retry: &Retry,
    client: &Client,
    io: &Io,
) -> Result<Document, Failure> {
    keep_trying(retry.retry_for, |text| io.note(text), async || client.post(path, body, None).await).await
}

/// Ends something in somebody's name, as often as it takes to be answered: ending twice is ending once.
async fn ended(
    path: &str,
    who: &Who,
    overrides: bool,
    retry: &Retry,
    client: &Client,
    io: &Io,
) -> Result<Document, Failure> {
    let path = query(path, &[("by", Some(&who.name)), ("override", overrides.then_some("true"))]);
    keep_trying(retry.retry_for, |text| io.note(text), async || client.delete(&path).await).await
}

/// Longest token file that is read.
const TOKEN_MOST: u64 = 4096;

/// What is written on the command line goes over the environment.
fn token(service: &Service) -> Result<Option<HeaderValue>, Failure> {
    let (token, from) = match (&service.token_file, std::env::var_os("MUSTER_TOKEN")) {
        (Some(file), _) => {
            let text = read(file)
                .map_err(|e| Failure::Usage(format!("cannot read the token in {}: {e}", file.display())))?;
            (OsString::from(text.trim_ascii()), file.display().to_string())
        }
        (None, Some(token)) if !token.is_empty() => (token, "MUSTER_TOKEN".to_string()),
        (None, _) => return Ok(None),
    };
    let bearer = [b"Bearer ", token.as_encoded_bytes()].concat();
    let visible = !token.is_empty() && token.as_encoded_bytes().iter().all(u8::is_ascii_graphic);
    let mut value = HeaderValue::from_bytes(&bearer).ok().filter(|_| visible).ok_or_else(|| {
        Failure::Usage(format!("the token in {from} is not visible ASCII characters in one line"))
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn read(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(file)?.take(TOKEN_MOST).read_to_string(&mut text)?;
    Ok(text)
}

fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// A path on the service, with `rest` as its last part, whatever characters it has.
fn path(start: &str, rest: &str) -> String {
    let part: String = url::form_urlencoded::byte_serialize(rest.as_bytes()).collect();
    // That writes a space as +, which only means one in a query.
    format!("{start}/{}", part.replace('+', "%20"))
}

/// A path with a query of those parameters that are given.
fn query(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters.iter().filter_map(|(name, value)| Some((*name, (*value)?))));
    let query = query.finish();
    if query.is_empty() { path.to_string() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_place_in_the_path() {
        assert_eq!(path("/v1/explain", "12-34"), "/v1/explain/12-34");
        assert_eq!(path("/v1/explain", "../a b?c#d%"), "/v1/explain/..%2Fa%20b%3Fc%23d%25");
        assert_eq!(query("/v1/instances", &[("a", None), ("b", None)]), "/v1/instances");
        assert_eq!(query("/x", &[("a", Some("1&2")), ("b", None), ("c", Some("3"))]), "/x?a=1%262&c=3");
    }
}
