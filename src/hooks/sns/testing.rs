//! For SNS's tests: messages signed by the simulated AWS, and somewhere to fetch certificates from.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};

use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::{Notify, OwnedRwLockWriteGuard, RwLock};
use tokio::task::JoinHandle;

use super::fetch::{Fetch, FetchError, PaidFetch};
use super::topics::{Topic, Topics};
use super::trust::{Chain, Trust};
use crate::decide::words::Time;
use crate::net::connect::Reach;
use crate::net::fds::FdLimits;
use crate::net::testing::fds_with;
use crate::sim::model::call::{Answer as AnyAnswer, Call as AnyCall, Outcome};
use crate::sim::model::outbox::{Body, Delivery};
use crate::sim::model::sns::call::{Answer, Call};
use crate::sim::model::sns::message::{Confirm, MessageType, Sign, SignatureVersion, SnsMessage};
use crate::sim::signer::Signer;
use crate::sim::wire::{Front, FrontLimits};
use crate::sim::{Model, Settings, Shared};
use crate::time::Clock;

pub(super) const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:hooks";
pub(super) const URL: &str =
    "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem";
/// 1 January 2026, 0:00.
pub(super) const NOW: Time = Time(1_767_225_600_000);

pub(super) fn topic() -> Topic {
    Topics::new([TOPIC]).unwrap().get(TOPIC).unwrap().clone()
}

/// What signs as SNS does.
pub(super) struct Aws(Signer);

/// One for all tests: a key takes a while to make.
pub(super) fn aws() -> &'static Aws {
    static AWS: OnceLock<Aws> = OnceLock::new();
    AWS.get_or_init(Aws::new)
}

/// Trusts [`aws`].
pub(super) fn trust() -> Trust {
    Trust::of_pem(&aws().authority()).unwrap()
}

impl Aws {
    pub(super) fn new() -> Aws {
        Aws(Signer::new("us-east-1"))
    }

    pub(super) fn certificate(&self, with_chain: bool) -> String {
        self.0.certificate(with_chain).unwrap()
    }

    pub(super) fn authority(&self) -> String {
        self.0.authority().unwrap()
    }

    /// In base64.
    pub(super) fn sign(&self, version: SignatureVersion, text: &str) -> String {
        self.0.sign(version, text)
    }

    /// `SubjectPublicKeyInfo`.
    pub(super) fn key(&self) -> Vec<u8> {
        Chain::of_pem(self.certificate(false).as_bytes()).unwrap().key().to_vec()
    }
}

/// A message, before it is signed.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) kind: MessageType,
    pub(super) version: SignatureVersion,
    pub(super) id: String,
    pub(super) topic: &'static str,
    pub(super) subject: Option<&'static str>,
    pub(super) message: &'static str,
    pub(super) at: Time,
    pub(super) certificate_url: String,
    /// What stands between `?` and the end of a confirmation's URL; the right thing if not given.
    pub(super) subscribe_url: Option<String>,
}

impl Default for Sent {
    fn default() -> Self {
        Sent {
            kind: MessageType::Notification,
            version: SignatureVersion::V2,
            id: "9d2c5580-b61d-550c-8583-37a582870907".into(),
            topic: TOPIC,
            subject: None,
            message: "{\"several\":\n\"lines\"}",
            at: NOW,
            certificate_url: URL.into(),
            subscribe_url: None,
        }
    }
}

impl Sent {
    pub(super) fn of(kind: MessageType) -> Sent {
        Sent { kind, ..Sent::default() }
    }

    /// Signed by [`aws`].
    pub(super) fn body(&self) -> String {
        self.signed_by(&aws().0)
    }

    pub(super) fn signed_by_another(&self, other: &Aws) -> String {
        self.signed_by(&other.0)
    }

    pub(super) fn signed_by(&self, signer: &dyn Sign) -> String {
        let token = "2336412f37fb687f5d51e6e2425929f5";
        let right = || {
            format!(
                "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={}&Token={token}",
                self.topic
            )
        };
        let confirm =
            Confirm { token: token.into(), subscribe_url: self.subscribe_url.clone().unwrap_or_else(right) };
        let message = SnsMessage {
            message_type: self.kind,
            message_id: self.id.clone(),
            topic_arn: self.topic.into(),
            subject: self.subject.map(str::to_owned),
            message: self.message.into(),
            timestamp: timestamp(self.at),
            signature_version: self.version,
            signing_cert_url: self.certificate_url.clone(),
            confirm: Some(confirm).filter(|_| self.kind != MessageType::Notification),
            unsubscribe_url: None,
            attributes: BTreeMap::new(),
        };
        message.document(signer)
    }
}

pub(super) fn timestamp(at: Time) -> String {
    jiff::Timestamp::from_millisecond(at.0).unwrap().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Somewhere to fetch from: answers what was put there, and keeps count.
#[derive(Default)]
pub(super) struct Shelf {
    answers: Mutex<HashMap<String, Result<Vec<u8>, FetchError>>>,
    asked: Mutex<Vec<String>>,
    one_more: Notify,
    gate: Arc<RwLock<()>>,
}

impl Shelf {
    pub(super) fn with(url: &str, answer: String) -> Arc<Shelf> {
        let shelf = Arc::new(Shelf::default());
        shelf.put(url, answer);
        shelf
    }

    pub(super) fn failing(url: &str, e: FetchError) -> Arc<Shelf> {
        let shelf = Arc::new(Shelf::default());
        shelf.answers.lock().unwrap().insert(url.into(), Err(e));
        shelf
    }

    pub(super) fn put(&self, url: &str, answer: String) {
        self.answers.lock().unwrap().insert(url.into(), Ok(answer.into()));
    }

    /// Every URL that was asked for, in order.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Waits until so many were asked for.
    pub(super) async fn asked_for(&self, many: usize) {
        loop {
            let mut one_more = std::pin::pin!(self.one_more.notified());
            one_more.as_mut().enable();
            if self.asked().len() >= many {
                return;
            }
            one_more.await;
        }
    }

    /// Nobody is answered while this is held.
    pub(super) fn hold(&self) -> OwnedRwLockWriteGuard<()> {
        self.gate.clone().try_write_owned().unwrap()
    }
}

impl Fetch for Shelf {
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<u8>, FetchError>> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(url.to_owned());
            self.one_more.notify_waiters();
            drop(self.gate.read().await);
            let answers = self.answers.lock().unwrap();
            answers.get(url).cloned().unwrap_or(Err(FetchError::Status(404)))
        })
    }
}

/// The simulated AWS on a socket of this machine.
pub(super) struct Sns {
    pub(super) address: SocketAddr,
    shared: Shared,
    serving: JoinHandle<()>,
}

impl Sns {
    pub(super) async fn start() -> Sns {
        Sns::with(Settings::default()).await
    }

    pub(super) async fn with(settings: Settings) -> Sns {
        let shared = Shared::new(Model::new(settings, 1).unwrap(), Clock::real());
        let limits = FrontLimits { connections: 8, batch: 1 };
        let front = Front::bind("127.0.0.1:0".parse().unwrap(), limits, shared.clone()).await.unwrap();
        let address = front.address().unwrap();
        Sns { address, shared, serving: tokio::spawn(front.serve()) }
    }

    pub(super) fn ask(&self, call: Call) -> Answer {
        let reply = self.shared.with(|model, now| model.handle(&AnyCall::Sns(call), now));
        let Outcome::Answer(AnyAnswer::Sns(answer)) = reply.outcome else { panic!("{reply:?}") };
        answer
    }

    /// What is due for endpoints, each as its endpoint would get it.
    pub(super) fn deliveries(&self) -> Vec<(HeaderMap, String)> {
        let due = self.shared.with(|model, now| model.take_deliveries(usize::MAX, now));
        due.into_iter().map(|delivery| self.request(&delivery)).collect()
    }

    fn request(&self, delivery: &Delivery) -> (HeaderMap, String) {
        let Body::Sns(message) = &delivery.body else { panic!("{delivery:?}") };
        let headers = delivery.headers.iter().map(|(name, value)| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
        });
        (headers.collect(), message.document(self.signer()))
    }

    pub(super) fn signer(&self) -> &dyn Sign {
        self.shared.signer()
    }

    pub(super) fn certificate_url(&self) -> String {
        let path = self.shared.with(|model, _| model.certificate_path());
        format!("https://sns.us-east-1.amazonaws.com{path}")
    }

    pub(super) fn trust(&self) -> Trust {
        Trust::of_pem(&self.shared.signer().authority().unwrap()).unwrap()
    }

    /// Fetches from it, wherever the name would lead.
    pub(super) fn fetch(&self) -> PaidFetch {
        let fds = fds_with(FdLimits::default());
        PaidFetch::new(fds, Clock::real(), &self.trust(), Reach::Public).unwrap().at(self.address)
    }
}

impl Drop for Sns {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
