//! CloudWatch: metrics that were put, metrics of gateways that the settings tell, and the account's
//! own use of vCPUs. Datapoints are of a minute each and kept for 15 days.

pub mod call;
pub mod error;
mod get;
mod list;
mod put;
mod series;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::settings::Settings;
use super::counters::ApiCounters;
use super::ec2::Ec2;
use super::ec2::bucket::Bucket;
use super::quotas::Quotas;
use call::{Action, Answer, Call, Metric, Stats};
use error::ApiError;

/// A minute, and how long datapoints of a minute are kept.
const MINUTE_MS: i64 = 60_000;
const KEPT_MS: i64 = 15 * 24 * 60 * MINUTE_MS;

/// The other services that CloudWatch looks at.
pub(super) struct Around<'a> {
    pub(super) ec2: &'a Ec2,
    pub(super) quotas: &'a Quotas,
}

/// What was put of one metric.
#[derive(Clone, Debug, Default)]
struct Stored {
    unit: Option<String>,
    /// By the start of the minute, with the time of the latest put.
    minutes: BTreeMap<i64, (Stats, i64)>,
}

/// CloudWatch of one account in one Region.
#[derive(Debug)]
pub struct CloudWatch {
    settings: Arc<Settings>,
    seed: u64,
    /// The first time it was told. Milliseconds.
    started_ms: Option<i64>,
    /// Since when namespaces are frozen.
    frozen: BTreeMap<String, i64>,
    stored: BTreeMap<Metric, Stored>,
    reads: Bucket,
    puts: Bucket,
}

impl CloudWatch {
    pub(super) fn new(settings: Arc<Settings>, seed: u64) -> CloudWatch {
        CloudWatch {
            seed,
            started_ms: None,
            frozen: BTreeMap::new(),
            stored: BTreeMap::new(),
            reads: Bucket::new(settings.cloudwatch.reads),
            puts: Bucket::new(settings.cloudwatch.puts),
            settings,
        }
    }

    /// From now on these settings hold; what is newly frozen is so from the next time it is told.
    pub(super) fn adopt(&mut self, settings: &Arc<Settings>, now_ms: i64) {
        self.reads.adopt(settings.cloudwatch.reads, now_ms);
        self.puts.adopt(settings.cloudwatch.puts, now_ms);
        self.settings = settings.clone();
    }

    /// Answers one call, metered.
    pub(super) fn handle(
        &mut self,
        call: &Call,
        around: &Around<'_>,
        meter: &mut ApiCounters,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        if let Some(action) = call.action() {
            let bucket = if is_put(action) { &mut self.puts } else { &mut self.reads };
            if !bucket.take(1, now_ms) {
                meter.throttled_by_requests += 1;
                return Err(ApiError::throttled());
            }
            meter.request_tokens += 1;
        }
        match call {
            Call::GetMetricData(get) => self.get_data(get, around, now_ms),
            Call::GetMetricStatistics(get) => self.get_statistics(get, around, now_ms),
            Call::ListMetrics(list) => self.list(list),
            Call::PutMetricData { namespace, data } => self.put(namespace, data, now_ms),
            Call::Unreadable { error, .. } => Err(error.clone()),
        }
    }

    /// The most calls of the action that anyone could have made between two times.
    pub(super) fn offered(&self, action: Action, first_ms: i64, last_ms: i64) -> f64 {
        if is_put(action) {
            self.puts.offered(first_ms, last_ms)
        } else {
            self.reads.offered(first_ms, last_ms)
        }
    }

    /// Remembers when it began, and since when what is frozen.
    pub(super) fn settle(&mut self, now_ms: i64) {
        self.started_ms.get_or_insert(now_ms);
        let named = &self.settings.cloudwatch.frozen;
        if self.frozen.len() != named.len() || !named.iter().all(|n| self.frozen.contains_key(n)) {
            self.frozen.retain(|namespace, _| named.contains(namespace));
            for namespace in named {
                self.frozen.entry(namespace.clone()).or_insert(now_ms);
            }
        }
    }
}

fn is_put(action: Action) -> bool {
    match action {
        Action::PutMetricData => true,
        Action::GetMetricData | Action::GetMetricStatistics | Action::ListMetrics => false,
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::super::super::settings::{CloudWatchSettings, Point, Series};
    use super::super::Model;
    use super::super::call::{Answer as AnyAnswer, Call as AnyCall, Outcome};
    use super::super::ec2::testing::small_settings;
    use super::call::*;

    /// With the bytes of one transit gateway: from 0 to 600 within ten minutes.
    pub(crate) fn model(change: impl FnOnce(&mut CloudWatchSettings)) -> Model {
        let mut settings = small_settings();
        settings.cloudwatch.delay_ms = 0;
        settings.cloudwatch.series.push(Series {
            namespace: "AWS/TransitGateway".into(),
            metric: "BytesIn".into(),
            dimensions: [("TransitGateway".to_string(), "tgw-1".to_string())].into(),
            unit: Some("Bytes".into()),
            points: vec![Point { at_s: 0, value: 0.0 }, Point { at_s: 600, value: 600.0 }],
            noise: 0.0,
        });
        change(&mut settings.cloudwatch);
        Model::new(settings, 1).unwrap()
    }

    /// The answer, or the error's code.
    pub(crate) fn ask(model: &mut Model, call: Call, now_ms: i64) -> Result<Answer, &'static str> {
        match model.handle(&AnyCall::CloudWatch(call), now_ms).outcome {
            Outcome::Answer(AnyAnswer::CloudWatch(answer)) => Ok(answer),
            Outcome::Error(failure) => Err(failure.code),
            Outcome::Answer(other) => panic!("{other:?}"),
            Outcome::Lost => panic!("lost"),
        }
    }

    pub(crate) fn bytes_in() -> Metric {
        Metric {
            namespace: "AWS/TransitGateway".into(),
            name: "BytesIn".into(),
            dimensions: [("TransitGateway".to_string(), "tgw-1".to_string())].into(),
        }
    }

    pub(crate) fn query(id: &str, metric: Metric, period_s: i64, stat: &str) -> Query {
        let what = What::Stat { metric, period_s, stat: stat.into() };
        Query { id: id.into(), label: None, returned: true, what }
    }

    /// The points of one query, the oldest first.
    pub(crate) fn points(model: &mut Model, query: Query, span: Span, now_ms: i64) -> Vec<(i64, f64)> {
        let get = GetMetricData { queries: vec![query], span, ascending: true, ..GetMetricData::default() };
        let answer = ask(model, Call::GetMetricData(get), now_ms).unwrap();
        let Answer::MetricData { results, .. } = answer else { panic!("{answer:?}") };
        results[0].points.clone()
    }
}
