//! Answers that AWS would not give: none of them makes a call panic, and none that is not whole is
//! believed.

use std::sync::{Arc, Mutex};

use super::Ec2;
use super::ec2::testing::{body, patient};
use super::whole;
use crate::decide::rng::Rng;
use crate::net::testing::{Peer, Reply};
use crate::sim::wire::mutation::{Until, spoiled};

const LAUNCHED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><RunInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId><reservationId>r-1</reservationId><instancesSet><item><instanceId>i-01</instanceId><instanceState><code>0</code><name>pending</name></instanceState><privateIpAddress>127.1.0.4</privateIpAddress></item><item><instanceId>i-02</instanceId><instanceState><code>16</code><name>running</name></instanceState></item></instancesSet></RunInstancesResponse>";
const REFUSED: &str = "<?xml version=\"1.0\"?><Response><Errors><Error><Code>InsufficientInstanceCapacity</Code><Message>none</Message></Error></Errors><RequestID>7f</RequestID></Response>";

#[tokio::test]
async fn whatever_is_answered_is_survived_and_half_an_answer_is_not_believed() {
    let corpus = [
        LAUNCHED.as_bytes().to_vec(),
        REFUSED.as_bytes().to_vec(),
        b"<html><body>503</body></html>".to_vec(),
    ];
    let last: Arc<Mutex<(Vec<u8>, u64)>> = Arc::default();
    let shared = Arc::clone(&last);
    let peer = Peer::answering(move |_| {
        let mut last = shared.lock().unwrap();
        last.1 += 1;
        let mut rng = Rng::new(last.1);
        last.0 = spoiled(&corpus, &mut rng);
        let status = ["200 OK", "200 OK", "200 OK", "500 x", "503 x", "400 x"]
            [usize::try_from(rng.next_u64() % 6).unwrap()];
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", last.0.len());
        Reply::Send([head.as_bytes(), &last.0].concat())
    })
    .await;
    let ec2 = patient(peer.address).await;
    let (until, mut runs) = (Until::told(), 0);
    while !until.is_over() {
        let outcome = ec2.run_instances(&body()).await;
        runs += 1;
        let (document, _) = last.lock().unwrap().clone();
        if let Ok(seen) = outcome {
            let told = document.windows(12).filter(|w| *w == b"<instanceId>").count();
            assert!(
                whole::check(&document).is_ok(),
                "half an answer is believed: {}",
                String::from_utf8_lossy(&document)
            );
            assert!(seen.len() <= told, "{} instances of {told}", seen.len());
        }
    }
    assert!(runs > 20, "only {runs} answers");
}
