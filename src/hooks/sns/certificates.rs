//! Certificates: fetched once, kept, few at a time.
//!
//! A certificate's name says what is in it, so it is fetched once however many messages name it, and
//! however many of them come at the same instant. What could not be had is remembered for a moment,
//! so that a flood of messages is not a flood of connections. Neither fills up with what strangers
//! make up: what is kept was trusted, failures and fetches are bounded apart from it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Shared;
use rustls::pki_types::ServerName;
use tokio::sync::oneshot;

use super::fetch::Fetch;
use super::topics::Topic;
use super::trust::{Chain, Distrust, Trust};
use crate::decide::words::Time;

/// Certificates kept. A region signs with one at a time.
const KEPT: usize = 16;
/// Fetches at a time, each with one descriptor of those for AWS. Names that strangers make up can keep
/// these busy: then a certificate that is not kept yet waits for SNS's next try, and those that are
/// kept are not affected.
const FETCHES: usize = 4;
/// Failures remembered.
const FAILED: usize = 256;
/// How long, from the beginning of a fetch that takes up to 5 s: shorter than the 20 s after which SNS
/// tries again.
const UNAVAILABLE: Duration = Duration::from_secs(10);
/// How long it is remembered of what was had, and is not trusted.
const UNTRUSTED: Duration = Duration::from_secs(60);
/// How long a chain that was found good is not looked at again: it may have expired since.
const JUDGED: Duration = Duration::from_secs(60);

/// Why there is no certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoCertificate {
    /// Too many are being fetched.
    Busy,
    /// It could not be had.
    Unavailable(String),
    /// It is not to be trusted.
    Untrusted(String),
}

type Outcome = Result<Arc<Chain>, NoCertificate>;

/// All there are.
pub(super) struct Certificates {
    fetch: Arc<dyn Fetch>,
    trust: Arc<Trust>,
    kept: Arc<Mutex<Kept>>,
    fetches: Arc<AtomicU64>,
}

#[derive(Default)]
struct Kept {
    good: BTreeMap<String, Good>,
    failed: BTreeMap<String, (NoCertificate, Time)>,
    coming: BTreeMap<String, Shared<oneshot::Receiver<Outcome>>>,
}

struct Good {
    chain: Arc<Chain>,
    judged: Time,
    used: Time,
}

/// What is known of a URL.
enum Known {
    Good(Arc<Chain>),
    /// Good when it was last looked at.
    Stale(Arc<Chain>),
    Failed(NoCertificate),
    Coming(Shared<oneshot::Receiver<Outcome>>),
}

impl Certificates {
    pub(super) fn new(trust: Trust, fetch: Arc<dyn Fetch>) -> Certificates {
        Certificates { fetch, trust: Arc::new(trust), kept: Arc::default(), fetches: Arc::default() }
    }

    /// URLs that were asked for so far.
    pub(super) fn fetches(&self) -> u64 {
        self.fetches.load(Relaxed)
    }

    /// The certificate at this URL, which must have passed [`super::url::certificate`].
    pub(super) async fn get(&self, url: &str, topic: &Topic, now: Time) -> Outcome {
        match self.known_or_asked(url, topic, now)? {
            Known::Good(chain) => Ok(chain),
            Known::Stale(chain) => self.judge_again(url, chain, topic, now),
            Known::Failed(why) => Err(why),
            // An error: the task is gone, with its runtime.
            Known::Coming(coming) => coming.await.unwrap_or(Err(NoCertificate::Busy)),
        }
    }

    fn known_or_asked(&self, url: &str, topic: &Topic, now: Time) -> Result<Known, NoCertificate> {
        let mut kept = lock(&self.kept);
        if let Some(known) = kept.known(url, now) {
            return Ok(known);
        }
        if kept.coming.len() >= FETCHES {
            return Err(NoCertificate::Busy);
        }
        let (land, landed) = oneshot::channel();
        let coming = landed.shared();
        kept.coming.insert(url.to_owned(), coming.clone());
        // A task of its own: it ends, and frees its place, though everyone who waits for it goes away.
        tokio::spawn({
            let (fetch, trust, all) = (self.fetch.clone(), self.trust.clone(), self.kept.clone());
            let (fetches, url, names) = (self.fetches.clone(), url.to_owned(), topic.names());
            async move {
                let mut landing = Landing { all, url, outcome: None, now };
                let outcome = obtain(&*fetch, &trust, &fetches, &landing.url, &names, now).await;
                landing.outcome = Some(outcome.clone());
                drop(landing);
                // Nobody may be waiting any more.
                let _ = land.send(outcome);
            }
        });
        Ok(Known::Coming(coming))
    }

    fn judge_again(&self, url: &str, chain: Arc<Chain>, topic: &Topic, now: Time) -> Outcome {
        let judged = self.trust.judge(&chain, &topic.names(), now).map_err(untrusted);
        let mut kept = lock(&self.kept);
        match judged {
            Ok(()) => {
                if let Some(good) = kept.good.get_mut(url) {
                    good.judged = now;
                }
                Ok(chain)
            }
            Err(why) => {
                kept.good.remove(url);
                kept.fail(url.to_owned(), why.clone(), now);
                Err(why)
            }
        }
    }
}

/// Gives the place of a fetch back and keeps what came of it; nothing, if its task was cut off.
struct Landing {
    all: Arc<Mutex<Kept>>,
    url: String,
    outcome: Option<Outcome>,
    now: Time,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut kept = lock(&self.all);
        kept.coming.remove(&self.url);
        match self.outcome.take() {
            None => {}
            Some(Ok(chain)) => kept.keep(std::mem::take(&mut self.url), chain, self.now),
            Some(Err(why)) => kept.fail(std::mem::take(&mut self.url), why, self.now),
        }
    }
}

impl Kept {
    fn known(&mut self, url: &str, now: Time) -> Option<Known> {
        if let Some(good) = self.good.get_mut(url) {
            good.used = good.used.max(now);
            let fresh = good.judged <= now && now.since(good.judged) <= JUDGED;
            let chain = good.chain.clone();
            return Some(if fresh { Known::Good(chain) } else { Known::Stale(chain) });
        }
        if let Some((why, until)) = self.failed.get(url) {
            if now < *until {
                return Some(Known::Failed(why.clone()));
            }
            self.failed.remove(url);
        }
        self.coming.get(url).cloned().map(Known::Coming)
    }

    fn keep(&mut self, url: String, chain: Arc<Chain>, now: Time) {
        self.good.insert(url, Good { chain, judged: now, used: now });
        while self.good.len() > KEPT {
            let oldest = self.good.iter().min_by_key(|(_, good)| good.used).map(|(url, _)| url.clone());
            oldest.map(|url| self.good.remove(&url));
        }
    }

    fn fail(&mut self, url: String, why: NoCertificate, now: Time) {
        let long = match why {
            NoCertificate::Busy | NoCertificate::Unavailable(_) => UNAVAILABLE,
            NoCertificate::Untrusted(_) => UNTRUSTED,
        };
        self.failed.insert(url, (why, now.plus(long)));
        while self.failed.len() > FAILED {
            let first = self.failed.iter().min_by_key(|(_, (_, until))| *until).map(|(url, _)| url.clone());
            first.map(|url| self.failed.remove(&url));
        }
    }
}

/// Fetches a certificate, its issuer's too if that is needed, and judges it.
async fn obtain(
    fetch: &dyn Fetch,
    trust: &Trust,
    fetches: &AtomicU64,
    url: &str,
    names: &[ServerName<'static>],
    now: Time,
) -> Outcome {
    let unavailable = |url: &str, why: String| NoCertificate::Unavailable(format!("{url}: {why}"));
    fetches.fetch_add(1, Relaxed);
    let pem = fetch.get(url).await.map_err(|e| unavailable(url, e.to_string()))?;
    let mut chain = Chain::of_pem(&pem).map_err(|e| unavailable(url, e))?;
    let mut judged = trust.judge(&chain, names, now);
    if judged == Err(Distrust::UnknownIssuer)
        && let Some(at) = chain.issuer_url()
    {
        fetches.fetch_add(1, Relaxed);
        let issuer = fetch.get(&at).await.map_err(|e| unavailable(&at, e.to_string()))?;
        chain = chain.issued_by(&issuer).map_err(|e| unavailable(&at, e))?;
        judged = trust.judge(&chain, names, now);
    }
    judged.map(|()| Arc::new(chain)).map_err(untrusted)
}

fn untrusted(why: Distrust) -> NoCertificate {
    NoCertificate::Untrusted(match why {
        Distrust::UnknownIssuer => "the certificate is not from an issuer that is trusted here".to_owned(),
        Distrust::Never(why) => format!("the certificate is not SNS's, or not now: {why}"),
    })
}

/// Nothing panics while it is held, so a poisoned lock holds good data too.
fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::hooks::sns::fetch::FetchError;
    use crate::hooks::sns::testing::{NOW, Shelf, URL, aws, topic, trust};

    fn all(shelf: &Arc<Shelf>) -> Certificates {
        Certificates::new(trust(), shelf.clone())
    }

    fn name(i: usize) -> String {
        format!("https://sns.us-east-1.amazonaws.com/SimpleNotificationService-{i:032x}.pem")
    }

    #[tokio::test]
    async fn twelve_hundred_at_once_are_one_fetch() {
        let shelf = Shelf::with(URL, aws().certificate(false));
        let held = shelf.hold();
        let certificates = all(&shelf);
        let topic = topic();
        let everyone = join_all((0..1_200).map(|_| certificates.get(URL, &topic, NOW)));
        let release = async {
            shelf.asked_for(1).await;
            drop(held);
        };
        let (outcomes, ()) = tokio::join!(everyone, release);
        assert!(outcomes.iter().all(Result::is_ok));
        assert!(certificates.get(URL, &topic, NOW).await.is_ok());
        assert_eq!((shelf.asked(), certificates.fetches()), (vec![URL.to_owned()], 1));
    }

    #[tokio::test]
    async fn a_failure_is_remembered_for_a_moment_and_then_tried_again() {
        let shelf = Shelf::failing(URL, FetchError::Status(503));
        let certificates = all(&shelf);
        for seconds in [0, 5, 9] {
            let now = NOW.plus(Duration::from_secs(seconds));
            let Err(NoCertificate::Unavailable(why)) = certificates.get(URL, &topic(), now).await else {
                panic!()
            };
            assert!(why.contains(URL) && why.contains("503"), "{why}");
        }
        assert_eq!(shelf.asked().len(), 1);
        shelf.put(URL, aws().certificate(false));
        assert!(certificates.get(URL, &topic(), NOW.plus(UNAVAILABLE)).await.is_ok());
        assert_eq!(shelf.asked().len(), 2);
    }

    #[tokio::test]
    async fn what_is_not_trusted_is_not_fetched_again_and_again() {
        let shelf = Shelf::with(URL, crate::hooks::sns::testing::Aws::new().certificate(true));
        let certificates = all(&shelf);
        for _ in 0..10 {
            let outcome = certificates.get(URL, &topic(), NOW).await;
            assert!(matches!(outcome, Err(NoCertificate::Untrusted(_))));
        }
        assert_eq!(shelf.asked().len(), 1);
    }

    #[tokio::test]
    async fn names_that_are_made_up_leave_what_is_kept_alone() {
        let shelf = Shelf::with(URL, aws().certificate(false));
        let certificates = all(&shelf);
        assert!(certificates.get(URL, &topic(), NOW).await.is_ok());
        for i in 0..1_000 {
            assert!(certificates.get(&name(i), &topic(), NOW).await.is_err());
        }
        assert!(certificates.get(URL, &topic(), NOW).await.is_ok());
        assert_eq!(shelf.asked().iter().filter(|url| *url == URL).count(), 1);
        let kept = lock(&certificates.kept);
        assert_eq!((kept.good.len(), kept.failed.len(), kept.coming.len()), (1, FAILED, 0));
    }

    #[tokio::test]
    async fn only_a_few_are_fetched_at_a_time_and_those_who_go_away_free_their_places() {
        let shelf = Shelf::with(URL, aws().certificate(false));
        let held = shelf.hold();
        let certificates = Arc::new(all(&shelf));
        let waiting: Vec<_> = (0..FETCHES)
            .map(|i| {
                let certificates = certificates.clone();
                tokio::spawn(async move { certificates.get(&name(i), &topic(), NOW).await })
            })
            .collect();
        shelf.asked_for(FETCHES).await;
        assert_eq!(certificates.get(URL, &topic(), NOW).await.unwrap_err(), NoCertificate::Busy);
        waiting.iter().for_each(tokio::task::JoinHandle::abort);
        drop(held);
        while !lock(&certificates.kept).coming.is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(certificates.get(URL, &topic(), NOW).await.is_ok());
    }

    #[tokio::test]
    async fn a_kept_certificate_that_has_expired_is_no_longer_trusted() {
        let shelf = Shelf::with(URL, aws().certificate(false));
        let certificates = all(&shelf);
        assert!(certificates.get(URL, &topic(), NOW).await.is_ok());
        assert!(certificates.get(URL, &topic(), NOW.plus(Duration::from_secs(3_600))).await.is_ok());
        // The simulated SNS's is valid until the end of the century.
        let later = Time(4_070_908_801_000);
        let outcome = certificates.get(URL, &topic(), later).await;
        assert!(matches!(outcome, Err(NoCertificate::Untrusted(_))), "{outcome:?}");
        assert_eq!(shelf.asked().len(), 1);
    }

    #[tokio::test]
    async fn the_kept_are_bounded_and_the_least_used_goes() {
        let shelf = Shelf::with(URL, aws().certificate(false));
        let certificates = all(&shelf);
        for i in 0..KEPT + 4 {
            shelf.put(&name(i), aws().certificate(false));
            let now = NOW.plus(Duration::from_secs(i as u64));
            assert!(certificates.get(URL, &topic(), now).await.is_ok());
            assert!(certificates.get(&name(i), &topic(), now).await.is_ok());
        }
        let kept = lock(&certificates.kept);
        assert_eq!(kept.good.len(), KEPT);
        assert!(kept.good.contains_key(URL) && !kept.good.contains_key(&name(0)));
    }

    #[tokio::test]
    async fn an_answer_that_is_no_certificate_is_none() {
        let shelf = Shelf::with(URL, "<html>we are sorry</html>".to_owned());
        let outcome = all(&shelf).get(URL, &topic(), NOW).await;
        assert!(matches!(outcome, Err(NoCertificate::Unavailable(_))), "{outcome:?}");
    }
}
