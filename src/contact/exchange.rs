//! One HTTP/1.1 request and its answer over a connection of its own.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::HttpContacts;
use crate::decide::event::Contact;
use crate::net::connect::{ConnectError, PaidStream};
use crate::net::fds::FdClass;

/// Most of an answer's body that is read. An agent has nothing to say that needs more; one that goes
/// on talking must not hold a descriptor.
const BODY: usize = 64 * 1024;

/// Room for an answer's head, and what is read at once: hyper's least is 8 KiB, its usual 400 KiB.
const HEAD: usize = 16 * 1024;

/// How much of a rejecting answer's body is quoted, in bytes.
const QUOTE: usize = 200;

/// Sends one request and judges the answer by its status.
///
/// `within` is for everything from the SYN to the end of the answer. Where the instance broke off
/// decides what is said of it: before it was connected, `Unreachable`; connected and silent, `Hung`.
/// An answer with an expected status counts only when it is complete: a server that cannot finish a
/// short answer does not serve.
pub(super) async fn exchange(
    contacts: &HttpContacts,
    to: SocketAddr,
    request: Request<Full<Bytes>>,
    expect: &[u16],
    within: Duration,
) -> Contact {
    let what = format!("{} :{}{}", request.method(), to.port(), request.uri().path());
    let permit = contacts.fds.take(FdClass::Contact).await;
    let mut reached = Reached::Nothing;
    let talk = async {
        let stream = PaidStream::open(permit, to).await.map_err(|e| unconnected(&e))?;
        reached = Reached::Connection;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|e| broken_off(&what, &e))?;
        let mut connection = pin!(connection);
        let mut answer = pin!(async {
            let answer = sender.send_request(request).await.map_err(|e| broken_off(&what, &e))?;
            let status = answer.status().as_u16();
            reached = Reached::Head(status);
            Ok((status, read(answer.into_body()).await))
        });
        // The connection does the work, so both are polled; it may end first, with the answer read.
        tokio::select! {
            biased;
            done = &mut answer => return done,
            _ = &mut connection => {}
        }
        answer.await
    };
    match contacts.clock.timeout(within, talk).await {
        Ok(Ok((status, body))) => judge(&what, status, &body, expect),
        Ok(Err(contact)) => contact,
        Err(elapsed) => match reached {
            Reached::Nothing => Contact::Unreachable(format!("{what}: not connected, {elapsed}")),
            Reached::Connection => Contact::Hung(format!("{what}: connected, {elapsed}")),
            Reached::Head(status) if !expect.contains(&status) => {
                Contact::Rejected(format!("answered {status} to {what}, in part"))
            }
            Reached::Head(_) => Contact::Hung(format!("{what}: answered in part, {elapsed}")),
        },
    }
}

/// How far a contact got.
#[derive(Clone, Copy)]
enum Reached {
    Nothing,
    Connection,
    /// The answer's status is known, not yet its end.
    Head(u16),
}

/// What could be read of a body.
struct Body {
    /// The first [`QUOTE`] bytes.
    start: Vec<u8>,
    /// Why it is not complete, if it is not. A body cut at [`BODY`] by us counts as complete.
    broken: Option<hyper::Error>,
}

async fn read(mut incoming: Incoming) -> Body {
    let mut body = Body { start: Vec::new(), broken: None };
    let mut length = 0;
    while length < BODY {
        match incoming.frame().await {
            Some(Ok(frame)) => {
                let Some(data) = frame.data_ref() else { continue };
                length += data.len();
                let room = QUOTE - body.start.len();
                body.start.extend_from_slice(&data[..data.len().min(room)]);
            }
            Some(Err(e)) => {
                body.broken = Some(e);
                break;
            }
            None => break,
        }
    }
    body
}

fn judge(what: &str, status: u16, body: &Body, expect: &[u16]) -> Contact {
    if !expect.contains(&status) {
        return Contact::Rejected(format!("answered {status} to {what}{}", quote(&body.start)));
    }
    match &body.broken {
        None => Contact::Passed,
        Some(e) => Contact::Unreachable(format!("{what}: the answer broke off: {e}")),
    }
}

/// `: text` without what would break a log line or a terminal, or nothing.
fn quote(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty());
    let text = text.collect::<Vec<_>>().join(" ");
    if text.is_empty() { text } else { format!(": {text}") }
}

/// What a failure to connect says of the instance: nothing, if it was ours.
pub(super) fn unconnected(e: &ConnectError) -> Contact {
    if e.is_ours() { Contact::NotTried(e.to_string()) } else { Contact::Unreachable(e.to_string()) }
}

/// What a failure after connecting says of the instance.
fn broken_off(what: &str, e: &hyper::Error) -> Contact {
    if e.is_parse() {
        Contact::Rejected(format!("answered {what} with something that is not HTTP: {e}"))
    } else {
        Contact::Unreachable(format!("{what}: closed without an answer: {e}"))
    }
}

/// A request to the instance itself, to be the only one on its connection.
pub(super) fn request(
    method: &str,
    to: SocketAddr,
    path: &str,
    body: String,
) -> Result<Request<Full<Bytes>>, Contact> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, to.to_string())
        .header(header::USER_AGENT, concat!("muster/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close");
    if let Some(kind) = content_type(&body) {
        request = request.header(header::CONTENT_TYPE, kind);
    }
    // The configuration was checked at the start, so this is a defect of ours.
    request
        .body(Full::from(body))
        .map_err(|e| Contact::NotTried(format!("'{method} {path}' makes no HTTP request: {e}")))
}

/// JSON if it looks like it, else plain text; nothing for no body.
fn content_type(body: &str) -> Option<&'static str> {
    match body.trim_start().as_bytes().first()? {
        b'{' | b'[' => Some("application/json"),
        _ => Some("text/plain; charset=utf-8"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::contact::testing::{configured, contacts, target_at};
    use crate::net::fds::FdLimits;
    use crate::net::testing::{Peer, Reply, fds_with, full_backlog, nothing_listens_at};
    use crate::time::Clock;
    use std::sync::Arc;
    use tokio::sync::Barrier;

    /// Long enough for whatever ends by itself, on any machine.
    const AMPLE: Duration = Duration::from_secs(20);
    /// Short, where running out is the point; long enough for what comes before.
    const SHORT: Duration = Duration::from_secs(1);

    async fn outcome(within: Duration, reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Contact {
        let peer = Peer::answering(reply).await;
        configured(peer.address, within).await
    }

    #[tokio::test]
    async fn an_answer_is_judged_by_its_status() {
        assert_eq!(outcome(AMPLE, |_| Reply::http("202 Accepted", "")).await, Contact::Passed);
        let Contact::Rejected(why) = outcome(AMPLE, |_| Reply::http("500 Oh", "disk\n full")).await else {
            panic!()
        };
        assert!(why.starts_with("answered 500 to PUT :") && why.ends_with("/configure: disk full"), "{why}");
        let Contact::Rejected(why) = outcome(AMPLE, |_| Reply::Send(b"SSH-2.0-OpenSSH_9.2\r\n".into())).await
        else {
            panic!()
        };
        assert!(why.contains("not HTTP"), "{why}");
    }

    #[tokio::test]
    async fn silence_after_connecting_is_a_hang() {
        let hung = |c: &Contact| matches!(c, Contact::Hung(_));
        let silent = outcome(SHORT, |_| Reply::SendAndHold(vec![])).await;
        assert!(hung(&silent), "{silent:?}");
        let in_part =
            outcome(SHORT, |_| Reply::SendAndHold(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe".into()))
                .await;
        assert!(hung(&in_part), "{in_part:?}");
        let refusal = b"HTTP/1.1 409 Conflict\r\ncontent-length: 5\r\n\r\nhe";
        let rejected = outcome(SHORT, |_| Reply::SendAndHold(refusal.into())).await;
        assert!(matches!(rejected, Contact::Rejected(_)), "{rejected:?}");
    }

    #[tokio::test]
    async fn no_connection_or_a_lost_one_is_unreachable() {
        let unreachable = |c: &Contact| matches!(c, Contact::Unreachable(_));
        for contact in [
            configured(nothing_listens_at(), AMPLE).await,
            configured(full_backlog().address(), SHORT).await,
            outcome(AMPLE, |_| Reply::Close).await,
            outcome(AMPLE, |_| Reply::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe".into())).await,
        ] {
            assert!(unreachable(&contact), "{contact:?}");
        }
    }

    #[tokio::test]
    async fn an_endless_answer_is_not_read_to_its_end() {
        let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        endless.resize(endless.len() + BODY, b'x');
        assert_eq!(outcome(AMPLE, move |_| Reply::SendAndHold(endless.clone())).await, Contact::Passed);
    }

    #[tokio::test]
    async fn a_head_without_end_is_cut() {
        let mut endless = b"HTTP/1.1 200 OK\r\nx: ".to_vec();
        endless.resize(4 * HEAD, b'x');
        let contact = outcome(AMPLE, move |_| Reply::SendAndHold(endless.clone())).await;
        assert!(matches!(contact, Contact::Rejected(_)), "{contact:?}");
    }

    #[tokio::test]
    async fn every_way_to_fail_gives_the_permit_back() {
        let fds = fds_with(FdLimits::default());
        let contacts = HttpContacts::new(Arc::clone(&fds), Clock::real());
        let silent = Peer::answering(|_| Reply::SendAndHold(vec![])).await;
        let rude = Peer::answering(|_| Reply::Close).await;
        let good = Peer::answering(|_| Reply::http("200 OK", "")).await;
        for at in [silent.address, rude.address, good.address, nothing_listens_at()] {
            crate::contact::Contacts::configure(&contacts, &target_at(at, Duration::from_millis(50))).await;
            assert_eq!(fds.usage().in_use, 0, "{at}");
        }
    }

    /// The peer answers nobody before it holds four requests, so a fifth permit would be seen.
    #[tokio::test]
    async fn a_hundred_contacts_at_once_use_four_sockets() {
        let four = Arc::new(Barrier::new(4));
        let peer = Peer::scripted(move |_| {
            let four = Arc::clone(&four);
            Box::pin(async move {
                four.wait().await;
                Reply::http("200 OK", "")
            })
        })
        .await;
        let contacts = contacts(FdLimits { contacts: 4, ..FdLimits::default() });
        let target = target_at(peer.address, Duration::from_secs(20));
        let all = (0..100).map(|_| crate::contact::Contacts::configure(&contacts, &target));
        for contact in futures_util::future::join_all(all).await {
            assert_eq!(contact, Contact::Passed);
        }
        assert_eq!((peer.requests().len(), peer.most_at_once()), (100, 4));
    }

    #[test]
    fn a_quote_fits_on_a_line() {
        assert_eq!(quote(b"  out of\r\n\x1b[31m disk\0\n"), ": out of [31m disk");
        assert_eq!(quote(b" \n"), "");
        assert_eq!(quote(b"caf\xc3"), ": caf\u{fffd}");
    }

    #[test]
    fn a_body_is_labelled_by_its_first_character() {
        assert_eq!(content_type(" {\"a\":1}"), Some("application/json"));
        assert_eq!(content_type("role=web"), Some("text/plain; charset=utf-8"));
        assert_eq!(content_type(" "), None);
    }
}
