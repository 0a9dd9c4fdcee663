//! Drill D14 at the door: everything that AWS signs comes in, nothing else does, and nothing else
//! opens a connection.

use futures_util::future::join_all;
use http::HeaderValue;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::hooks::sns::testing::{Aws, NOW, Sent, Shelf, Sns, TOPIC, URL, aws, timestamp, trust};
use crate::sim::model::sns::message::{MessageType, SignatureVersion as Version};
use crate::time::wall_now;

const ELSEWHERE: &str = "arn:aws:sns:us-east-1:123456789012:other";

fn config() -> SnsConfig {
    SnsConfig { topics: Topics::new([TOPIC]).unwrap(), ..SnsConfig::default() }
}

fn shelf() -> Arc<Shelf> {
    Shelf::with(URL, aws().certificate(false))
}

fn door(shelf: &Arc<Shelf>) -> SnsDoor {
    SnsDoor::new(config(), trust(), shelf.clone())
}

async fn receive(door: &SnsDoor, body: &str) -> Result<Received, Refusal> {
    door.receive(&HeaderMap::new(), body.as_bytes(), NOW).await
}

async fn refused(door: &SnsDoor, body: &str) -> (Reason, u16) {
    match receive(door, body).await {
        Err(refusal) => (refusal.reason, refusal.status()),
        Ok(received) => panic!("{received:?} was let in: {body}"),
    }
}

fn edited(body: &str, edit: impl FnOnce(&mut Value)) -> String {
    let mut value: Value = serde_json::from_str(body).unwrap();
    edit(&mut value);
    value.to_string()
}

#[tokio::test]
async fn what_aws_signed_is_let_in() {
    let shelf = shelf();
    let door = SnsDoor::new(SnsConfig { allow_version_1: true, ..config() }, trust(), shelf.clone());
    for version in Version::ALL {
        let of = |kind| Sent { version: *version, subject: Some("S"), ..Sent::of(kind) };
        let got = receive(&door, &of(MessageType::Notification).body()).await.unwrap();
        let (message, id) = (Sent::default().message.to_owned(), Sent::default().id);
        assert_eq!(got, Received::Notification { message, id: id.clone(), topic: TOPIC.into() });
        let without_subject = |kind| Sent { version: *version, ..Sent::of(kind) }.body();
        let got = receive(&door, &without_subject(MessageType::SubscriptionConfirmation)).await.unwrap();
        let Received::Confirm { confirmation, topic, .. } = got else { panic!("{got:?}") };
        assert_eq!(topic, TOPIC);
        assert!(
            confirmation.url().starts_with("https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription")
        );
        let got = receive(&door, &without_subject(MessageType::UnsubscribeConfirmation)).await.unwrap();
        assert_eq!(got, Received::Unsubscribed { id, topic: TOPIC.into() });
    }
    assert_eq!(shelf.asked(), [URL]);
    let tally = door.tally();
    assert_eq!((tally.verified, tally.again, tally.certificates), (6, 0, 1));
    assert!(tally.refused.iter().all(|(_, n)| *n == 0));
}

#[tokio::test]
async fn the_forgeries_that_open_no_connection() {
    let shelf = shelf();
    let door = door(&shelf);
    let at = |url: &str| Sent { certificate_url: url.into(), ..Sent::default() }.body();
    let confirming = |url: &str| {
        Sent { subscribe_url: Some(url.into()), ..Sent::of(MessageType::SubscriptionConfirmation) }.body()
    };
    let good = Sent::default().body();
    let pem = "SimpleNotificationService-0123456789abcdef0123456789abcdef.pem";
    let forgeries = [
        (at("https://s3.amazonaws.com/x.pem"), Reason::CertificateUrl),
        (at(&format!("https://sns.s3.amazonaws.com/{pem}")), Reason::CertificateUrl),
        (at(&format!("https://sns.s3-us-west-2.amazonaws.com/{pem}")), Reason::CertificateUrl),
        (at(&format!("https://sns.us-east-1.amazonaws.com.evil.example/{pem}")), Reason::CertificateUrl),
        (at(&format!("https://sns.us-east-1.amazonaws.com@evil.example/{pem}")), Reason::CertificateUrl),
        (at(&format!("https://169.254.169.254/{pem}")), Reason::CertificateUrl),
        (at("http://169.254.169.254/latest/meta-data/iam/security-credentials/"), Reason::CertificateUrl),
        (at(&format!("https://sns.eu-west-1.amazonaws.com/{pem}")), Reason::CertificateUrl),
        (at(&URL.replace("https", "http")), Reason::CertificateUrl),
        (Sent { version: Version::V1, ..Sent::default() }.body(), Reason::SignatureVersion),
        (Sent { topic: ELSEWHERE, ..Sent::default() }.body(), Reason::TopicNotAllowed),
        (
            Sent { topic: ELSEWHERE, ..Sent::of(MessageType::SubscriptionConfirmation) }.body(),
            Reason::TopicNotAllowed,
        ),
        (confirming("https://evil.example/"), Reason::SubscribeUrl),
        (confirming("http://169.254.169.254/"), Reason::SubscribeUrl),
        (confirming("https://sns.us-east-1.amazonaws.com/?Action=DeleteTopic"), Reason::SubscribeUrl),
        (Sent { at: Time(NOW.0 - 3_900_001), ..Sent::default() }.body(), Reason::TooOld),
        (Sent { at: Time(NOW.0 + 300_001), ..Sent::default() }.body(), Reason::FromTheFuture),
        (format!("{{\"x\":\"{}\"}}", "x".repeat(1 << 20)), Reason::TooLarge),
        (format!("{good}{}", " ".repeat(BODY)), Reason::TooLarge),
        ("[".repeat(1_000), Reason::NotJson),
        (String::new(), Reason::NotJson),
        (good.replacen('{', "{\"Message\":\"other\",", 1), Reason::NotJson),
        (edited(&good, |m| m["Type"] = json!("Other")), Reason::UnknownType),
        (edited(&good, |m| m["Signature"] = json!("EXAMPLE")), Reason::Malformed),
        (edited(&good, |m| m["Message"] = json!({ "a": 1 })), Reason::Malformed),
    ];
    for (body, reason) in &forgeries {
        assert_eq!(refused(&door, body).await, (*reason, reason.status()));
    }
    assert_eq!(shelf.asked(), Vec::<String>::new());
    let tally = door.tally();
    assert_eq!(tally.verified, 0);
    assert_eq!(tally.refused.iter().map(|(_, n)| n).sum::<u64>(), forgeries.len() as u64);
}

#[tokio::test]
async fn the_forgeries_that_cost_at_most_the_one_fetch() {
    let shelf = shelf();
    let door = door(&shelf);
    let forger = Aws::new();
    let good = Sent::default();
    for body in [
        good.signed_by_another(&forger),
        edited(&good.body(), |m| m["Message"] = json!("other")),
        edited(&good.body(), |m| m["Subject"] = json!("added")),
        edited(&Sent { subject: Some("S"), ..Sent::default() }.body(), |m| {
            m.as_object_mut().unwrap().remove("Subject");
        }),
        // A confirmation made of a notification, and the other way round.
        edited(&Sent::of(MessageType::SubscriptionConfirmation).body(), |m| {
            m["Type"] = json!("Notification");
        }),
        edited(&Sent::of(MessageType::UnsubscribeConfirmation).body(), |m| {
            m["Type"] = json!("SubscriptionConfirmation");
        }),
        edited(&good.body(), |m| m["Timestamp"] = json!(timestamp(Time(NOW.0 + 1)))),
    ] {
        assert_eq!(refused(&door, &body).await, (Reason::BadSignature, 403));
    }
    // Signed by SHA-1, and said to be signed by SHA-256.
    let older = Sent { version: Version::V1, ..Sent::default() }.body();
    assert_eq!(
        refused(&door, &edited(&older, |m| m["SignatureVersion"] = json!("2"))).await,
        (Reason::BadSignature, 403)
    );
    assert_eq!(shelf.asked(), [URL]);
}

/// AWS's validator for JavaScript leaves the token out; AWS does not, so a message that was signed so is
/// none of AWS's.
#[tokio::test]
async fn an_unsubscription_is_signed_with_its_token() {
    let door = door(&shelf());
    let whole = Sent::of(MessageType::UnsubscribeConfirmation).body();
    assert!(matches!(receive(&door, &whole).await, Ok(Received::Unsubscribed { .. })));
    let without_token = edited(&whole, |m| {
        let keys = signed_keys(MessageType::UnsubscribeConfirmation).iter().filter(|key| **key != "Token");
        let text: String = keys.flat_map(|key| [key, "\n", m[*key].as_str().unwrap(), "\n"]).collect();
        m["Signature"] = json!(aws().sign(Version::V2, &text));
    });
    assert_eq!(refused(&door, &without_token).await, (Reason::BadSignature, 403));
    let other_token = edited(&whole, |m| {
        let token = m["Token"].as_str().unwrap().to_owned();
        m["SubscribeURL"] = json!(m["SubscribeURL"].as_str().unwrap().replace(&token, "other"));
        m["Token"] = json!("other");
    });
    assert_eq!(refused(&door, &other_token).await, (Reason::BadSignature, 403));
}

#[tokio::test]
async fn a_certificate_that_is_not_sns_is_not_believed_though_it_signed() {
    use crate::sim::signer::pem;
    use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize, SigningKey, date_time_ymd};
    struct Own(KeyPair);
    impl std::fmt::Debug for Own {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Own")
        }
    }
    impl crate::sim::model::sns::message::Sign for Own {
        fn sign(&self, _: Version, text: &str) -> String {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.encode(self.0.sign(text.as_bytes()).unwrap())
        }
    }
    let own = Own(KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap());
    let body = Sent::default().signed_by(&own);
    let certificate = |name: &str, until: i32| {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = date_time_ymd(until, 1, 1);
        pem(&params.self_signed(&own.0).unwrap())
    };
    // Self-signed and trusted, but of the wrong name or no longer valid; then not trusted at all.
    for (pem, root) in [
        (certificate("evil.example", 2030), certificate("evil.example", 2030)),
        (certificate("sns.amazonaws.com", 2025), certificate("sns.amazonaws.com", 2025)),
        (certificate("sns.amazonaws.com", 2030), aws().authority()),
    ] {
        let shelf = Shelf::with(URL, pem);
        let door = SnsDoor::new(config(), Trust::of_pem(&root).unwrap(), shelf.clone());
        for _ in 0..3 {
            assert_eq!(refused(&door, &body).await, (Reason::CertificateUntrusted, 403));
        }
        assert_eq!(shelf.asked(), [URL]);
    }
}

/// So that SNS tries again: what we could not look at is not a forgery.
#[tokio::test]
async fn a_certificate_that_cannot_be_had_is_asked_for_again_later() {
    for failure in [
        FetchError::Late,
        FetchError::Status(302),
        FetchError::Status(404),
        FetchError::Status(500),
        FetchError::TooLarge,
    ] {
        let shelf = Shelf::failing(URL, failure);
        let door = door(&shelf);
        let body = Sent::default().body();
        let refusal = receive(&door, &body).await.unwrap_err();
        assert_eq!((refusal.reason, refusal.status()), (Reason::CertificateUnavailable, 503));
        assert!(refusal.retry_after.is_some());
        shelf.put(URL, aws().certificate(false));
        let later = NOW.plus(Duration::from_secs(20));
        assert!(door.receive(&HeaderMap::new(), body.as_bytes(), later).await.is_ok());
    }
}

#[tokio::test]
async fn a_copy_has_no_effect_once_the_first_is_committed() {
    let door = door(&shelf());
    let body = Sent::default().body();
    // Not committed: what SNS sends again must come through.
    for _ in 0..2 {
        assert!(matches!(receive(&door, &body).await, Ok(Received::Notification { .. })));
    }
    door.taken(&Sent::default().id, NOW);
    for _ in 0..5 {
        assert!(matches!(receive(&door, &body).await, Ok(Received::Again { .. })));
    }
    // Nobody can make a message pass for one that was taken.
    let other = Sent { message: "other", ..Sent::default() };
    let forged = edited(&other.body(), |m| m["MessageId"] = json!("00000000-0000-0000-0000-000000000000"));
    assert_eq!(refused(&door, &forged).await, (Reason::BadSignature, 403));
    assert_eq!(door.tally().again, 5);
}

/// A copy is too old before its id is forgotten.
#[tokio::test]
async fn a_replay_is_known_or_too_old_at_any_time() {
    let door = door(&shelf());
    let sent = Sent { at: NOW.plus(SKEW), ..Sent::default() };
    assert!(receive(&door, &sent.body()).await.is_ok());
    door.taken(&sent.id, NOW);
    for minutes in (0..180).step_by(5) {
        let now = NOW.plus(Duration::from_secs(minutes * 60));
        door.taken(&format!("another at {minutes}"), now);
        match door.receive(&HeaderMap::new(), sent.body().as_bytes(), now).await {
            Ok(Received::Again { .. }) => {}
            Err(refusal) => assert_eq!(refusal.reason, Reason::TooOld),
            Ok(other) => panic!("after {minutes} min: {other:?}"),
        }
    }
}

#[tokio::test]
async fn headers_must_say_the_same_and_may_be_missing() {
    let door = door(&shelf());
    let body = Sent::default().body();
    let with = |name: &'static str, value: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    };
    let right = with("x-amz-sns-topic-arn", TOPIC);
    assert!(door.receive(&right, body.as_bytes(), NOW).await.is_ok());
    for (headers, reason) in [
        (with("x-amz-sns-topic-arn", ELSEWHERE), Reason::HeaderMismatch),
        (with("x-amz-sns-message-type", "SubscriptionConfirmation"), Reason::HeaderMismatch),
        (with("x-amz-sns-message-id", "other"), Reason::HeaderMismatch),
        (with("x-amz-sns-rawdelivery", "true"), Reason::RawDelivery),
    ] {
        let refusal = door.receive(&headers, body.as_bytes(), NOW).await.unwrap_err();
        assert_eq!((refusal.reason, refusal.status()), (reason, 400));
    }
}

#[tokio::test]
async fn a_door_without_topics_lets_nothing_in() {
    let shelf = shelf();
    let door = SnsDoor::new(SnsConfig::default(), trust(), shelf.clone());
    assert_eq!(refused(&door, &Sent::default().body()).await, (Reason::TopicNotAllowed, 403));
    assert!(shelf.asked().is_empty());
}

/// Drill D14's flood: 1,200 messages at once, each 1 to 5 times, among 10,000 forgeries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_forgeries_keeps_nothing_out() {
    let shelf = shelf();
    let door = Arc::new(door(&shelf));
    let forger = Aws::new();
    let good: Vec<String> =
        (0..1_200).map(|i| Sent { id: format!("good-{i}"), ..Sent::default() }.body()).collect();
    let bad = [
        Sent::default().signed_by_another(&forger),
        edited(&good[0], |m| m["MessageId"] = json!("forged")),
        Sent { certificate_url: "https://s3.amazonaws.com/x.pem".into(), ..Sent::default() }.body(),
        Sent { certificate_url: "http://169.254.169.254/".into(), ..Sent::default() }.body(),
        Sent { topic: ELSEWHERE, ..Sent::default() }.body(),
        "x".repeat(1 << 20),
    ];
    let mut asked = Vec::new();
    for (i, body) in good.iter().enumerate() {
        asked.extend((0..=i % 5).map(|_| (true, body.clone())));
        asked.extend((0..8).map(|n| (false, bad[(i + n) % bad.len()].clone())));
    }
    let all = asked.into_iter().map(|(genuine, body)| {
        let door = door.clone();
        tokio::spawn(async move {
            let outcome = door.receive(&HeaderMap::new(), body.as_bytes(), NOW).await;
            if let Ok(received) = &outcome {
                door.taken(received.id(), NOW);
            }
            (genuine, outcome)
        })
    });
    for done in join_all(all).await {
        let (genuine, outcome) = done.unwrap();
        assert_eq!(outcome.is_ok(), genuine, "{outcome:?}");
    }
    assert_eq!(shelf.asked(), [URL]);
    let tally = door.tally();
    assert_eq!((tally.verified, tally.refused.iter().map(|(_, n)| n).sum::<u64>()), (3_600, 9_600));
}

/// Over real sockets and TLS, from the simulated AWS: its certificate, its signatures, its confirmation.
#[tokio::test]
async fn the_simulated_aws_is_let_in_over_real_sockets() {
    let sns = Sns::start().await;
    for allow_version_1 in [false, true] {
        let config = SnsConfig { allow_version_1, ..config() };
        let door = SnsDoor::new(config, sns.trust(), Arc::new(sns.fetch()));
        let version = if allow_version_1 { Version::V1 } else { Version::V2 };
        let sent =
            Sent { version, at: wall_now(), certificate_url: sns.certificate_url(), ..Sent::default() };
        let body = sent.signed_by(sns.signer());
        let got = door.receive(&HeaderMap::new(), body.as_bytes(), wall_now()).await;
        assert!(matches!(got, Ok(Received::Notification { .. })), "{got:?}");

        let asking = Sent { kind: MessageType::SubscriptionConfirmation, ..sent }.signed_by(sns.signer());
        let got = door.receive(&HeaderMap::new(), asking.as_bytes(), wall_now()).await;
        let Ok(Received::Confirm { confirmation, .. }) = got else { panic!("{got:?}") };
        // The simulator knows no such topic, and says so: the answer is not 200.
        let said = door.confirm(&confirmation).await;
        assert!(matches!(said, Err(FetchError::Status(400..=499))), "{said:?}");
        assert_eq!(door.tally().certificates, 1);
    }
}

/// Which keys are signed, for each kind of message.
fn signed_keys(kind: MessageType) -> &'static [&'static str] {
    match kind {
        MessageType::Notification => &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
        MessageType::SubscriptionConfirmation | MessageType::UnsubscribeConfirmation => {
            &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
        }
    }
}

fn in_a_runtime<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Each key that is signed, changed in any way: the message is refused, whatever the change.
    #[test]
    fn no_signed_key_can_be_changed(
        kind in prop::sample::select(MessageType::ALL),
        which in 0..7_usize,
        at in any::<prop::sample::Index>(),
        put in "[ -~\n]{1,3}",
    ) {
        let keys = signed_keys(kind);
        let key = keys[which % keys.len()];
        let subject = Some("Subject").filter(|_| kind == MessageType::Notification);
        let body = Sent { subject, ..Sent::of(kind) }.body();
        let changed = edited(&body, |m| {
            let text = m[key].as_str().unwrap();
            let at = at.index(text.len() + 1);
            let text = format!("{}{put}{}", &text[..at], text.get(at + 1..).unwrap_or_default());
            m[key] = json!(text);
        });
        let same = serde_json::from_str::<Value>(&body).unwrap() == serde_json::from_str::<Value>(&changed).unwrap();
        in_a_runtime(async {
            let outcome = receive(&door(&shelf()), &changed).await;
            prop_assert_eq!(outcome.is_ok(), same, "{}: {:?}", key, outcome);
            Ok(())
        })?;
    }

    /// A signature with any bit changed is none.
    #[test]
    fn no_bit_of_the_signature_can_be_changed(bit in 0..2_048_usize) {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        let changed = edited(&Sent::default().body(), |m| {
            let mut signature = STANDARD.decode(m["Signature"].as_str().unwrap()).unwrap();
            signature[bit / 8] ^= 1 << (bit % 8);
            m["Signature"] = json!(STANDARD.encode(signature));
        });
        in_a_runtime(async {
            prop_assert_eq!(refused(&door(&shelf()), &changed).await, (Reason::BadSignature, 403));
            Ok(())
        })?;
    }

    #[test]
    fn no_body_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        in_a_runtime(async {
            let shelf = shelf();
            let outcome = door(&shelf).receive(&HeaderMap::new(), &bytes, NOW).await;
            prop_assert!(outcome.is_err() && shelf.asked().is_empty());
            Ok(())
        })?;
    }
}
