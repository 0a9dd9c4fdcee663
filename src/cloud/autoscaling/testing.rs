//! A client, canned answers, and what a call sent for them, for the tests of this room.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::super::account::Account;
use super::super::ec2::testing::settings;
use super::AwsAutoScaling;
use crate::decide::event::CallError;
use crate::net::fds::FdLimits;
use crate::net::testing::{Peer, Reply, fds_with};
use crate::time::Clock;

/// An answer of this action with this in its result.
pub fn answer(action: &str, result: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><{action}Response xmlns=\"http://autoscaling.amazonaws.com/doc/\
         2011-01-01/\"><{action}Result>{result}</{action}Result><ResponseMetadata><RequestId>r</RequestId>\
         </ResponseMetadata></{action}Response>"
    )
}

pub fn error(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    )
}

pub async fn client(at: SocketAddr) -> AwsAutoScaling {
    let fds = fds_with(FdLimits::default());
    let account = Account::new(&settings(at, Duration::from_secs(20)), fds, Clock::real()).await.unwrap();
    AwsAutoScaling::of(&account)
}

/// What a call comes to when Auto Scaling answers this, and the parameters of each request it made, one
/// a line.
pub async fn exchanged<T>(
    status: &'static str,
    text: &str,
    call: impl AsyncFnOnce(Arc<AwsAutoScaling>) -> Result<T, CallError>,
) -> (Result<T, CallError>, Vec<String>) {
    let text = text.to_owned();
    let peer = Peer::answering(move |_| Reply::http(status, &text)).await;
    let outcome = call(Arc::new(client(peer.address).await)).await;
    (outcome, peer.requests().iter().map(|r| parameters(r)).collect())
}

/// The parameters that one call sends, all but those that are always the same.
pub async fn sent(
    action: &str,
    result: &str,
    call: impl AsyncFnOnce(Arc<AwsAutoScaling>) -> Result<(), CallError>,
) -> String {
    let (outcome, mut requests) = exchanged("200 OK", &answer(action, result), call).await;
    assert_eq!((outcome, requests.len()), (Ok(()), 1), "one call is one request");
    let request = requests.remove(0);
    let (action, version) = (format!("Action={action}\n"), "\nVersion=2011-01-01");
    request.strip_prefix(&action).and_then(|r| r.strip_suffix(version)).expect(&request).to_owned()
}

fn parameters(request: &str) -> String {
    let (_, form) = request.split_once("\r\n\r\n").unwrap();
    let mut fields = form.split('&').collect::<Vec<_>>();
    fields.sort_unstable();
    fields.join("\n")
}
