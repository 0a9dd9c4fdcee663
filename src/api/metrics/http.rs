//! What the API records about the requests it answers.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::api::problem::Kind;
use crate::decide::words::named;

named! {
    /// How a request that was not a problem ended.
    pub enum Answer {
        /// A scale-up was taken.
        Accepted = "accepted",
        /// The same request had been taken before.
        Repeated = "repeated",
        /// A cancel was taken.
        Cancelled = "cancelled",
        /// Anything else that was answered: reads, health.
        Read = "read",
    }
}

/// Requests by how they ended, and open event streams.
#[derive(Clone, Debug, Default)]
pub struct HttpMetrics {
    requests: Family<[(&'static str, &'static str); 1], Counter>,
    streams: Gauge,
}

impl HttpMetrics {
    pub fn answered(&self, answer: Answer) {
        self.requests.get_or_create(&[("outcome", answer.as_str())]).inc();
    }

    pub fn refused(&self, kind: Kind) {
        self.requests.get_or_create(&[("outcome", kind.as_str())]).inc();
    }

    /// Counts a stream as open until it is dropped.
    #[must_use]
    pub fn stream_opened(&self) -> OpenStream {
        self.streams.inc();
        OpenStream(self.streams.clone())
    }

    pub(super) fn register(&self, to: &mut Registry) {
        let help = "Requests by outcome: what was answered, or the kind of problem";
        to.register("requests", help, self.requests.clone());
        to.register("event_streams", "Event streams that are open", self.streams.clone());
    }
}

/// One open event stream.
#[derive(Debug)]
pub struct OpenStream(Gauge);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_answer_is_named_like_a_problem() {
        for answer in Answer::ALL {
            assert!(answer.as_str().parse::<Kind>().is_err(), "{answer}");
        }
    }
}
