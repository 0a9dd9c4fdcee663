//! CloudWatch: how old and how high a metric is.
//!
//! Not over the SDK's crate: with it comes the compression of requests, and with that a second HTTP
//! stack (http 0.2, http-body 0.4), for a call that muster never makes. So this is the one service
//! whose request and answer are our own: `document` is AWS JSON 1.0, `query` the query protocol, `client` signs and sends.

mod client;
mod document;
mod query;

use std::time::Duration;

pub use client::AwsCloudWatch;

use super::Outcome;
use crate::decide::words::{Time, named};

named! {
    /// What CloudWatch is asked in. AWS itself understands both.
    pub enum Protocol {
        /// AWS JSON 1.0.
        Json = "json",
        /// Forms and XML: `LocalStack` 4 knows nothing else.
        Query = "query",
    }
}

/// Most queries of one call (aws-facts 5.1).
pub const QUERIES_MOST: usize = 500;

/// One metric, and how it is to be summed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricQuery {
    /// `AWS/EC2`, `AWS/TransitGateway`, or one of the operator's own.
    pub namespace: String,
    pub name: String,
    pub dimensions: Vec<(String, String)>,
    /// In whole seconds: a multiple of 60 s, or 1, 5, 10, 20 or 30 s for metrics of that resolution.
    pub period: Duration,
    /// `Average`, `Sum`, `Minimum`, `Maximum`, `SampleCount`, `p99`, ...
    pub statistic: String,
}

/// What CloudWatch has of one metric, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The beginning of each period, and its value.
    pub points: Vec<(Time, f64)>,
    pub status: SeriesStatus,
}

impl Series {
    /// The newest value and the beginning of its period: how fresh the metric is.
    #[must_use]
    pub fn newest(&self) -> Option<(Time, f64)> {
        self.points.first().copied()
    }
}

named! {
    /// How much of a series the answer has.
    pub enum SeriesStatus {
        Complete = "Complete",
        /// More of it is on the next page.
        PartialData = "PartialData",
        InternalError = "InternalError",
        Forbidden = "Forbidden",
        /// One that this list does not have, or none.
        Unlisted = "unlisted",
    }
}

/// One page of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricPage {
    /// One for each query, in their order; one of which the page says nothing is empty and `Unlisted`.
    pub series: Vec<Series>,
    /// What the next page is asked for with.
    pub next: Option<String>,
}

/// The CloudWatch calls muster makes. One call of a method is one request.
pub trait CloudWatch: Send + Sync + 'static {
    /// `GetMetricData` of at most [`QUERIES_MOST`] metrics, from one time until another, newest first,
    /// one page. No queries send nothing.
    fn metric_data<'a>(
        &'a self,
        queries: &'a [MetricQuery],
        from: Time,
        until: Time,
        page: Option<&'a str>,
    ) -> Outcome<'a, MetricPage>;
}
