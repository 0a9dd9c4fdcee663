//! What the engine records about its own work. Names nothing of the API, so it can live wherever
//! the engine can reach it.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::decide::event::Contact;
use crate::decide::words::{Api, ErrorClass};

/// Counters and histograms; recording costs an atomic or a short lock and never waits for I/O.
#[derive(Clone, Debug)]
pub struct Metrics {
    decisions: Histogram,
    commits: Histogram,
    calls: Family<[(&'static str, &'static str); 2], Counter>,
    contacts: Family<[(&'static str, &'static str); 2], Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics {
            // 10 µs (an event or two) to 2.6 s (a walk over far more than 100,000 instances).
            decisions: Histogram::new(exponential_buckets(10e-6, 4.0, 10)),
            // 0.5 ms (one fsync on a good disk) to 8 s (something is very wrong with the disk).
            commits: Histogram::new(exponential_buckets(0.5e-3, 2.0, 15)),
            calls: Family::default(),
            contacts: Family::default(),
        }
    }
}

impl Metrics {
    /// One decision took this long on the wall.
    pub fn decision(&self, took: Duration) {
        self.decisions.observe(took.as_secs_f64());
    }

    /// One commit took this long on the wall.
    pub fn commit(&self, took: Duration) {
        self.commits.observe(took.as_secs_f64());
    }

    /// One call to AWS was answered, or was not.
    pub fn call(&self, api: Api, outcome: Result<(), ErrorClass>) {
        let outcome = outcome.map_or_else(ErrorClass::as_str, |()| "ok");
        self.calls.get_or_create(&[("api", api.as_str()), ("outcome", outcome)]).inc();
    }

    /// One push of the configuration to an instance.
    pub fn configure(&self, outcome: &Contact) {
        self.contact("configure", outcome);
    }

    /// One round of probes.
    pub fn probe(&self, outcome: &Contact) {
        self.contact("probe", outcome);
    }

    fn contact(&self, step: &'static str, outcome: &Contact) {
        let outcome = match outcome {
            Contact::Passed => "passed",
            Contact::Rejected(_) => "rejected",
            Contact::Unreachable(_) => "unreachable",
            Contact::Hung(_) => "hung",
            Contact::NotTried(_) => "not_tried",
        };
        self.contacts.get_or_create(&[("step", step), ("outcome", outcome)]).inc();
    }

    pub(super) fn register(&self, to: &mut Registry) {
        let decisions = self.decisions.clone();
        to.register_with_unit("decision_duration", "Time one decision took", Unit::Seconds, decisions);
        let commits = self.commits.clone();
        to.register_with_unit("commit_duration", "Time one commit took", Unit::Seconds, commits);
        to.register("calls", "Calls to AWS by API and outcome (ok or error class)", self.calls.clone());
        to.register("contacts", "Contacts with instances by step and outcome", self.contacts.clone());
    }
}
