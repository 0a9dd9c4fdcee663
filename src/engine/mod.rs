//! The shell around the core: collect → decide → commit → perform.
//!
//! One task owns the core. It gathers what came in, lets the core decide, commits everything that
//! was decided in one transaction, and only then performs the actions; their outcomes come back as
//! events. While a commit syncs, the next events gather, so the store's sync rate limits latency
//! but never throughput.
//!
//! What is absent: no decision, no retry, no timer of its own (the core says when to wake), and no
//! second writer.

pub mod crash;
pub mod handle;
mod perform;
pub mod protocol;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::cloud::Ec2;
use crate::cloud::autoscaling::AutoScaling;
use crate::cloud::cloudwatch::CloudWatch;
use crate::cloud::gateways::Gateways;
use crate::cloud::looks::Looks;
use crate::contact::Contacts;
use crate::decide::action::{Accepted, Action, Refusal};
use crate::decide::event::{Contact, Event, Ticket};
use crate::decide::group::Group;
use crate::decide::intake::KEY_MEMORY;
use crate::decide::preflight::verdict::Verdict;
use crate::decide::restore::RestoreError;
use crate::decide::words::{Api, ErrorClass, Time};
use crate::decide::{Core, Settings};
use crate::ids;
use crate::store::{CommitError, Epoch, Store, StoreError};
use crate::time::{Clock, Stopwatch};
use crash::{CrashPoint, Crasher};
pub use handle::{AskError, Handle, Readiness};
use handle::{Ends, Request};
use perform::Performer;
use protocol::Uncommitted;

/// Most events that one decision takes in: keeps a transaction, and the wait for it, short.
const MOST_EVENTS: usize = 8_192;
/// Shortest pause on the wall between two views while nothing of note happens: people and scrapers
/// look a few times a second, and building one walks over every open scale-up.
const VIEW_EVERY: Duration = Duration::from_millis(50);

/// Whoever counts what happens, for `/metrics`. Durations are the wall's.
pub trait Gauges: Send + Sync + 'static {
    /// One decision took this long.
    fn decision(&self, _took: Duration) {}
    /// One commit took this long.
    fn commit(&self, _took: Duration) {}
    /// One call to AWS was answered, or was not.
    fn call(&self, _api: Api, _outcome: Result<(), ErrorClass>) {}
    /// One push of a configuration.
    fn configure(&self, _outcome: &Contact) {}
    /// One round of probes.
    fn probe(&self, _outcome: &Contact) {}
}

/// Nobody counts.
impl Gauges for () {}

/// What an engine is made of.
pub struct Parts {
    pub store: Store,
    pub ec2: Arc<dyn Ec2>,
    pub auto_scaling: Arc<dyn AutoScaling>,
    pub cloudwatch: Arc<dyn CloudWatch>,
    pub looks: Arc<dyn Looks>,
    pub gateways: Arc<dyn Gateways>,
    pub contacts: Arc<dyn Contacts>,
    pub clock: Clock,
    pub settings: Settings,
    pub groups: Vec<Arc<Group>>,
    /// Who we are, for the ownership row and for whoever is fenced by us.
    pub holder: String,
    pub gauges: Arc<dyn Gauges>,
    pub crasher: Crasher,
}

/// Why an engine ended.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("the database cannot be used: {0}")]
    Store(#[from] StoreError),
    #[error("what is stored cannot be gone on from: {0}")]
    Restore(#[from] RestoreError),
    #[error(
        "another muster ({by}) has taken over this database; this one has stopped and changed nothing since"
    )]
    Fenced { by: String },
    #[error("a decision could not be committed, so nothing of it was done: {0}")]
    Commit(CommitError),
}

/// The engine, about to run.
pub struct Engine {
    core: Core,
    epoch: Epoch,
    parts: Parts,
    ends: Ends,
    performer: Performer,
    outcomes: mpsc::UnboundedReceiver<Event>,
    waiting: HashMap<Ticket, oneshot::Sender<Result<Accepted, Refusal>>>,
    /// Those who only want to know what would become of a request.
    curious: HashMap<Ticket, oneshot::Sender<Result<Arc<Verdict>, Refusal>>>,
    tickets: u64,
    viewed: Stopwatch,
}

impl Engine {
    /// Takes the database's ownership, reads what is unfinished, and is ready to run.
    ///
    /// # Errors
    /// If the database cannot be used, or holds what cannot be gone on from.
    pub async fn start(parts: Parts, ends: Ends) -> Result<Engine, EngineError> {
        let now = parts.clock.now();
        let epoch = parts.store.take_ownership(&parts.holder, now).await?;
        let stored = parts.store.restore(now.minus(KEY_MEMORY)).await?;
        tracing::info!(
            scale_ups = stored.scale_ups.len(),
            unsettled_launches = stored.launches.len(),
            instances = stored.instances.len(),
            lifecycle_actions = stored.hooks.len(),
            gateway_requests = stored.gateways.len(),
            "took the database over"
        );
        let core = Core::restored(parts.settings.clone(), parts.groups.clone(), stored, now, ids::seed())?;
        // Unbounded, yet bounded: the core's lanes limit how many actions are out, and each brings
        // back one event.
        let (to_outcomes, outcomes) = mpsc::unbounded_channel();
        let performer = Performer {
            ec2: parts.ec2.clone(),
            auto_scaling: parts.auto_scaling.clone(),
            cloudwatch: parts.cloudwatch.clone(),
            looks: parts.looks.clone(),
            gateways: parts.gateways.clone(),
            contacts: parts.contacts.clone(),
            gauges: parts.gauges.clone(),
            outcomes: to_outcomes,
            crasher: parts.crasher.clone(),
        };
        Ok(Engine {
            core,
            epoch,
            parts,
            ends,
            performer,
            outcomes,
            waiting: HashMap::new(),
            curious: HashMap::new(),
            tickets: 0,
            viewed: Stopwatch::start(),
        })
    }

    /// Runs until `stop` resolves, all handles are gone, or a commit fails.
    ///
    /// # Errors
    /// If a commit fails: nothing of that decision was done, and a new engine, which reads back
    /// what was committed, goes on where this one stopped.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), EngineError> {
        let mut stop = std::pin::pin!(stop);
        self.show(true);
        self.ends.ready.send_replace(Readiness::Ready);
        let mut wake = self.parts.clock.now();
        loop {
            let mut events = Vec::new();
            let clock = self.parts.clock;
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some(e) = self.outcomes.recv() => events.push(e),
                request = self.ends.inbox.recv() => match request {
                    Some(r) => { let e = self.event_of(r); events.push(e); }
                    None => break,
                },
                () = clock.sleep_until(wake) => {}
            }
            self.gather(&mut events);
            match self.round(events).await {
                Ok(next) => wake = next,
                Err(error) => {
                    let readiness = match &error {
                        EngineError::Fenced { by } => Readiness::Fenced(by.clone()),
                        EngineError::Commit(_) | EngineError::Store(_) | EngineError::Restore(_) => {
                            Readiness::Stopping
                        }
                    };
                    self.ends.ready.send_replace(readiness);
                    return Err(error);
                }
            }
        }
        self.ends.ready.send_replace(Readiness::Stopping);
        Ok(())
    }

    /// Takes along whatever else is there already.
    fn gather(&mut self, events: &mut Vec<Event>) {
        while events.len() < MOST_EVENTS
            && let Ok(e) = self.outcomes.try_recv()
        {
            events.push(e);
        }
        while events.len() < MOST_EVENTS
            && let Ok(r) = self.ends.inbox.try_recv()
        {
            let e = self.event_of(r);
            events.push(e);
        }
    }

    fn event_of(&mut self, request: Request) -> Event {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        match request {
            Request::ScaleUp { ask, answer } => {
                self.waiting.insert(ticket, answer);
                Event::ScaleUpAsked { ask, ticket }
            }
            Request::Cancel { id, reason, answer } => {
                self.waiting.insert(ticket, answer);
                Event::CancelAsked { id, reason, ticket }
            }
            Request::Hook { notice, answer } => {
                self.waiting.insert(ticket, answer);
                Event::HookNoticed { notice, ticket }
            }
            Request::Preflight { ask, answer } => {
                self.curious.insert(ticket, answer);
                Event::PreflightAsked { ask, ticket }
            }
            Request::Order { order, answer } => {
                self.waiting.insert(ticket, answer);
                Event::Ordered { order, ticket }
            }
        }
    }

    /// One decision, committed and set going. Returns when to decide again at the latest.
    async fn round(&mut self, events: Vec<Event>) -> Result<Time, EngineError> {
        let deciding = Stopwatch::start();
        let decision = Uncommitted::decide(&mut self.core, self.parts.clock.now(), ids::seed(), events);
        self.parts.gauges.decision(deciding.elapsed());
        let wrote = !decision.changes().is_empty();
        if wrote {
            self.parts.crasher.at(CrashPoint::BeforeCommit);
            let committing = Stopwatch::start();
            self.parts.store.commit(self.epoch, decision.changes()).await.map_err(|e| match e {
                CommitError::Fenced { by } => EngineError::Fenced { by },
                other @ CommitError::Storage(_) => EngineError::Commit(other),
            })?;
            self.parts.gauges.commit(committing.elapsed());
            self.parts.crasher.at(CrashPoint::AfterCommit);
        }
        // Shown before it is answered, so that whoever was answered finds what was answered.
        let wake = decision.wake();
        let actions = decision.committed();
        let answers = actions.iter().any(|a| matches!(a, Action::Answer { .. }));
        self.show(answers);
        for action in actions {
            self.carry_out(action);
        }
        Ok(self.wake_for_view(wake, wrote))
    }

    /// Answers whoever waits, and has everything else performed.
    fn carry_out(&mut self, action: Action) {
        if let Action::Answer { ticket, answer } = action {
            if let Some(sender) = self.waiting.remove(&ticket) {
                // A caller that has gone away finds its request under its idempotency key.
                let _ = sender.send(answer);
            }
        } else if let Action::Foretell { ticket, verdict } = action {
            if let Some(sender) = self.curious.remove(&ticket) {
                let _ = sender.send(verdict);
            }
        } else {
            self.performer.perform(action);
        }
    }

    /// Wakes up for a view that was put off, even if nothing else is due.
    fn wake_for_view(&self, wake: Time, wrote: bool) -> Time {
        if !wrote {
            return wake;
        }
        let clock = &self.parts.clock;
        // A little over: clocks round to milliseconds, and a wake just before its time shows nothing.
        let pause = (VIEW_EVERY + Duration::from_millis(5)).as_secs_f64() * clock.scale();
        wake.min(clock.now().plus(Duration::from_secs_f64(pause)))
    }

    fn show(&mut self, now: bool) {
        if now || self.viewed.elapsed() >= VIEW_EVERY {
            self.ends.view.send_replace(Arc::new(self.core.view(self.parts.clock.now())));
            self.viewed = Stopwatch::start();
        }
    }
}
