//! What CloudWatch is asked and what it answers, in no wire's words.

use std::collections::BTreeMap;

use crate::decide::words::named;

use super::error::ApiError;

named! {
    /// The actions the model knows. It has no alarms.
    pub enum Action {
        GetMetricData = "GetMetricData",
        GetMetricStatistics = "GetMetricStatistics",
        ListMetrics = "ListMetrics",
        PutMetricData = "PutMetricData",
    }
}

named! {
    /// What a period's values are told by. Percentiles are not in the model.
    pub enum Statistic {
        SampleCount = "SampleCount",
        Average = "Average",
        Sum = "Sum",
        Minimum = "Minimum",
        Maximum = "Maximum",
    }
}

/// One call.
#[derive(Clone, Debug)]
pub enum Call {
    GetMetricData(GetMetricData),
    GetMetricStatistics(GetMetricStatistics),
    ListMetrics(ListMetrics),
    PutMetricData {
        namespace: String,
        data: Vec<Datum>,
    },
    /// The front could not make sense of it; metered and answered here. Without an action it costs
    /// nothing.
    Unreadable {
        action: Option<Action>,
        error: ApiError,
    },
}

impl Call {
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        Some(match self {
            Call::GetMetricData(_) => Action::GetMetricData,
            Call::GetMetricStatistics(_) => Action::GetMetricStatistics,
            Call::ListMetrics(_) => Action::ListMetrics,
            Call::PutMetricData { .. } => Action::PutMetricData,
            Call::Unreadable { action, .. } => return *action,
        })
    }
}

/// One metric: what its values are values of.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    pub namespace: String,
    pub name: String,
    pub dimensions: BTreeMap<String, String>,
}

/// From the one up to, not including, the other. Milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub start_ms: i64,
    pub end_ms: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetMetricData {
    pub queries: Vec<Query>,
    pub span: Span,
    /// The oldest first.
    pub ascending: bool,
    /// Datapoints on one page, all queries together.
    pub max_datapoints: Option<i64>,
    pub next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub id: String,
    pub label: Option<String>,
    /// It is in the answer.
    pub returned: bool,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Stat {
        metric: Metric,
        /// Seconds.
        period_s: i64,
        stat: String,
    },
    /// Metric math. The model knows `SERVICE_QUOTA(id)`.
    Expression(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetMetricStatistics {
    pub metric: Metric,
    pub span: Span,
    /// Seconds.
    pub period_s: i64,
    pub statistics: Vec<Statistic>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListMetrics {
    pub namespace: Option<String>,
    pub name: Option<String>,
    /// With any value, or with this one.
    pub dimensions: Vec<(String, Option<String>)>,
    pub next_token: Option<String>,
}

/// One metric's values, as they are put.
#[derive(Clone, Debug, PartialEq)]
pub struct Datum {
    pub name: String,
    pub dimensions: BTreeMap<String, String>,
    /// Now, if it is not given. Milliseconds.
    pub at_ms: Option<i64>,
    pub unit: Option<String>,
    pub values: Stats,
}

/// What a period's values come down to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stats {
    pub count: f64,
    pub sum: f64,
    pub minimum: f64,
    pub maximum: f64,
}

impl Stats {
    #[must_use]
    pub fn of(value: f64) -> Stats {
        Stats { count: 1.0, sum: value, minimum: value, maximum: value }
    }

    /// The same value so many times.
    #[must_use]
    pub fn times(value: f64, count: f64) -> Stats {
        Stats { count, sum: value * count, minimum: value, maximum: value }
    }

    #[must_use]
    pub fn and(self, other: Stats) -> Stats {
        Stats {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            minimum: self.minimum.min(other.minimum),
            maximum: self.maximum.max(other.maximum),
        }
    }

    #[must_use]
    pub fn value(&self, statistic: Statistic) -> f64 {
        match statistic {
            Statistic::SampleCount => self.count,
            Statistic::Average => self.sum / self.count,
            Statistic::Sum => self.sum,
            Statistic::Minimum => self.minimum,
            Statistic::Maximum => self.maximum,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    MetricData { results: Vec<ResultView>, next_token: Option<String> },
    Statistics { label: String, statistics: Vec<Statistic>, points: Vec<(i64, Stats)>, unit: Option<String> },
    Metrics { metrics: Vec<Metric>, next_token: Option<String> },
    Put,
}

impl Answer {
    /// What it answers.
    #[must_use]
    pub fn action(&self) -> Action {
        match self {
            Answer::MetricData { .. } => Action::GetMetricData,
            Answer::Statistics { .. } => Action::GetMetricStatistics,
            Answer::Metrics { .. } => Action::ListMetrics,
            Answer::Put => Action::PutMetricData,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct ResultView {
    pub id: String,
    pub label: String,
    /// Milliseconds, and the values.
    pub points: Vec<(i64, f64)>,
    /// There is no more of it on the next page.
    pub complete: bool,
}
