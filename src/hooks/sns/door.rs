//! The whole verification, in order: what costs nothing first, what opens a connection last.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;

use super::certificates::{Certificates, NoCertificate};
use super::fetch::{Fetch, FetchError};
use super::message::{BODY, Confirm, Envelope, Kind, NotMessage, SignatureVersion};
use super::refusal::{Reason, Refusal};
use super::replay::Replay;
use super::topics::{Topic, Topics};
use super::trust::Trust;
use super::{signature, url};
use crate::decide::words::Time;

/// By how much our clock and AWS's may differ.
const SKEW: Duration = Duration::from_secs(300);
/// Message ids that are remembered: 1,200 hooks, each with a launch and a termination, twenty times over
/// in an hour.
const REMEMBERED: usize = 50_000;

/// What the door lets in.
#[derive(Clone, Debug)]
pub struct SnsConfig {
    pub topics: Topics,
    /// Takes messages signed by SHA-1 too, which is what a topic does whose `SignatureVersion` was not
    /// set to 2. Collisions of SHA-1 can be made; forging SNS's signature by one takes a message of
    /// the forger's that SNS signs.
    pub allow_version_1: bool,
    /// How old a message may be, besides 5 minutes for clocks that differ. SNS tries no longer than an
    /// hour (aws-facts 4.1). Shorter drops what SNS may still send; longer leaves more time to
    /// somebody who has a copy, and the list of ids must reach as far back.
    pub max_age: Duration,
}

impl Default for SnsConfig {
    fn default() -> Self {
        SnsConfig { topics: Topics::default(), allow_version_1: false, max_age: Duration::from_secs(3_600) }
    }
}

/// A message that AWS has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// What was published: a lifecycle notification, perhaps, for [`crate::hooks::body::read`].
    Notification { message: String, id: String, topic: String },
    /// One that was taken before: to be acknowledged, with no effect.
    Again { id: String, topic: String },
    /// The topic asks whether it may send here: [`SnsDoor::confirm`] says yes.
    Confirm { confirmation: Confirmation, id: String, topic: String },
    /// The topic sends no more. It is not asked to go on: somebody with the right to stop it did.
    Unsubscribed { id: String, topic: String },
}

impl Received {
    /// SNS's id of the message, the same for each copy.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Received::Notification { id, .. }
            | Received::Again { id, .. }
            | Received::Confirm { id, .. }
            | Received::Unsubscribed { id, .. } => id,
        }
    }
}

/// What says yes to a topic: only the door makes one, from a signed message of a topic on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation(String);

impl Confirmation {
    fn of(confirm: &Confirm, topic: &Topic) -> Result<Confirmation, Refusal> {
        let url = url::confirmation(&confirm.subscribe_url, topic, &confirm.token);
        let bad = |why| bad_url(Reason::SubscribeUrl, "SubscribeURL", &confirm.subscribe_url, why);
        url.map(Confirmation).map_err(bad)
    }

    /// What is to be visited, at SNS's host in the topic's region.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0
    }
}

/// The door. One for the process: it remembers certificates and messages.
pub struct SnsDoor {
    config: SnsConfig,
    certificates: Certificates,
    fetch: Arc<dyn Fetch>,
    taken: Mutex<Replay>,
    refused: [AtomicU64; Reason::ALL.len()],
    verified: AtomicU64,
    again: AtomicU64,
    confirmations: AtomicU64,
}

/// What came through the door and what did not, for metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Signed by AWS, copies included.
    pub verified: u64,
    /// Of those, the copies of what was taken before.
    pub again: u64,
    /// Certificates asked for, and those of their issuers.
    pub certificates: u64,
    /// Confirmations sent.
    pub confirmations: u64,
    /// Turned away, in the order of [`Reason::ALL`].
    pub refused: Vec<(Reason, u64)>,
}

impl SnsDoor {
    /// A door that trusts these authorities and fetches by this.
    #[must_use]
    pub fn new(config: SnsConfig, trust: Trust, fetch: Arc<dyn Fetch>) -> SnsDoor {
        let keep = config.max_age + 2 * SKEW;
        SnsDoor {
            config,
            certificates: Certificates::new(trust, fetch.clone()),
            fetch,
            taken: Mutex::new(Replay::new(REMEMBERED, keep)),
            refused: std::array::from_fn(|_| AtomicU64::new(0)),
            verified: AtomicU64::new(0),
            again: AtomicU64::new(0),
            confirmations: AtomicU64::new(0),
        }
    }

    /// Verifies one request. Once its effect is committed, [`SnsDoor::taken`] is to be told.
    ///
    /// # Errors
    /// Why it is turned away and with which status.
    pub async fn receive(&self, headers: &HeaderMap, body: &[u8], now: Time) -> Result<Received, Refusal> {
        let outcome = self.verify(headers, body, now).await;
        match &outcome {
            Ok(received) => {
                self.verified.fetch_add(1, Relaxed);
                self.again.fetch_add(u64::from(matches!(received, Received::Again { .. })), Relaxed);
            }
            Err(refusal) => {
                self.refused[refusal.reason as usize].fetch_add(1, Relaxed);
            }
        }
        outcome
    }

    /// Books a request whose body was not taken in: it was too large, or broke off.
    pub fn unread(&self, too_large: bool) {
        let reason = if too_large { Reason::TooLarge } else { Reason::BrokenOff };
        self.refused[reason as usize].fetch_add(1, Relaxed);
    }

    /// The message with this id is dealt with, durably: copies of it are [`Received::Again`].
    pub fn taken(&self, id: &str, now: Time) {
        self.remembered().enter(id, now);
    }

    /// Says yes to a topic.
    ///
    /// # Errors
    /// If SNS could not be told; the topic asks again if it is not answered with success.
    pub async fn confirm(&self, confirmation: &Confirmation) -> Result<(), FetchError> {
        self.confirmations.fetch_add(1, Relaxed);
        self.fetch.get(confirmation.url()).await.map(drop)
    }

    #[must_use]
    pub fn tally(&self) -> Tally {
        let refused = Reason::ALL.iter().zip(&self.refused).map(|(r, n)| (*r, n.load(Relaxed))).collect();
        Tally {
            verified: self.verified.load(Relaxed),
            again: self.again.load(Relaxed),
            certificates: self.certificates.fetches(),
            confirmations: self.confirmations.load(Relaxed),
            refused,
        }
    }

    async fn verify(&self, headers: &HeaderMap, body: &[u8], now: Time) -> Result<Received, Refusal> {
        if body.len() > BODY {
            let detail = format!("the body has {} bytes; at most {BODY} are read", body.len());
            return Err(Refusal::new(Reason::TooLarge, detail));
        }
        if header(headers, "x-amz-sns-rawdelivery") == Some("true") {
            let detail = "the message has no signature; turn the subscription's RawMessageDelivery off";
            return Err(Refusal::new(Reason::RawDelivery, detail));
        }
        let message = Envelope::read(body).map_err(|e| unread(&e))?;
        same(headers, &message)?;
        let topic = self.config.topics.get(&message.topic).ok_or_else(|| {
            Refusal::new(Reason::TopicNotAllowed, format!("the topic '{}' is not listed", message.topic))
        })?;
        self.in_time(message.at, now)?;
        let certificate_url = url::certificate(&message.certificate_url, topic).map_err(|why| {
            bad_url(Reason::CertificateUrl, "SigningCertURL", &message.certificate_url, why)
        })?;
        let meaning = Meaning::of(&message.kind, topic)?;
        self.version_allowed(message.version)?;
        let chain = self.certificates.get(&certificate_url, topic, now).await.map_err(no_certificate)?;
        if !signature::is_by(&message, chain.key()) {
            return Err(Refusal::new(
                Reason::BadSignature,
                "the message is not as it was signed, or was not signed by SNS",
            ));
        }
        Ok(self.received(message, meaning))
    }

    /// What a message is that was verified.
    fn received(&self, message: Envelope, meaning: Meaning) -> Received {
        let Envelope { id, topic, message, .. } = message;
        if self.remembered().has(&id) {
            return Received::Again { id, topic };
        }
        match meaning {
            Meaning::Notification => Received::Notification { message, id, topic },
            Meaning::Confirm(confirmation) => Received::Confirm { confirmation, id, topic },
            Meaning::Unsubscribed => Received::Unsubscribed { id, topic },
        }
    }

    fn in_time(&self, at: Time, now: Time) -> Result<(), Refusal> {
        let (late, early) = (now.since(at), at.since(now));
        if late > self.config.max_age + SKEW {
            let detail = format!("the message is {} s old; SNS tries for an hour", late.as_secs());
            return Err(Refusal::new(Reason::TooOld, detail));
        }
        if early > SKEW {
            let detail = format!("the message is {} s ahead of this machine's clock", early.as_secs());
            return Err(Refusal::new(Reason::FromTheFuture, detail));
        }
        Ok(())
    }

    fn version_allowed(&self, version: SignatureVersion) -> Result<(), Refusal> {
        match version {
            SignatureVersion::V2 => Ok(()),
            SignatureVersion::V1 if self.config.allow_version_1 => Ok(()),
            SignatureVersion::V1 => Err(Refusal::new(
                Reason::SignatureVersion,
                "the message is signed by SHA-1; set the topic's SignatureVersion to 2, or allow version 1",
            )),
        }
    }

    /// Nothing panics while it is held, so a poisoned lock holds good data too.
    fn remembered(&self) -> MutexGuard<'_, Replay> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unread(e: &NotMessage) -> Refusal {
    let reason = match e {
        NotMessage::NotJson(_) => Reason::NotJson,
        NotMessage::UnknownType(_) => Reason::UnknownType,
        NotMessage::Malformed(_) => Reason::Malformed,
    };
    Refusal::new(reason, e.to_string())
}

fn no_certificate(why: NoCertificate) -> Refusal {
    match why {
        NoCertificate::Busy => Refusal::new(Reason::Overloaded, "too many certificates are being fetched"),
        NoCertificate::Unavailable(why) => Refusal::new(Reason::CertificateUnavailable, why),
        NoCertificate::Untrusted(why) => Refusal::new(Reason::CertificateUntrusted, why),
    }
}

/// The headers say a part of the same, unsigned: they must not say anything else. A proxy may drop
/// them.
fn same(headers: &HeaderMap, message: &Envelope) -> Result<(), Refusal> {
    let pairs = [
        ("x-amz-sns-message-type", message.kind.message_type().as_str()),
        ("x-amz-sns-message-id", message.id.as_str()),
        ("x-amz-sns-topic-arn", message.topic.as_str()),
    ];
    for (name, in_body) in pairs {
        if headers.contains_key(name) && header(headers, name) != Some(in_body) {
            let detail = format!("the header {name} is not what the body says, '{in_body}'");
            return Err(Refusal::new(Reason::HeaderMismatch, detail));
        }
    }
    Ok(())
}

/// What a message will mean if it is SNS's.
enum Meaning {
    Notification,
    Confirm(Confirmation),
    Unsubscribed,
}

impl Meaning {
    fn of(kind: &Kind, topic: &Topic) -> Result<Meaning, Refusal> {
        match kind {
            Kind::Notification => Ok(Meaning::Notification),
            Kind::SubscriptionConfirmation(confirm) => Confirmation::of(confirm, topic).map(Meaning::Confirm),
            Kind::UnsubscribeConfirmation(confirm) => {
                Confirmation::of(confirm, topic).map(|_| Meaning::Unsubscribed)
            }
        }
    }
}

fn bad_url(reason: Reason, key: &str, url: &str, why: &str) -> Refusal {
    let url: String = url.chars().take(128).collect();
    Refusal::new(reason, format!("{key} '{url}' is refused: {why}"))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;
