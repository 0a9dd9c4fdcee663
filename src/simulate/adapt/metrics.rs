//! What CloudWatch is asked for, in the model's words.

use crate::decide::event::CallError;
use crate::decide::signal::Metric;
use crate::decide::signal::read::Points;
use crate::decide::words::Time;
use crate::sim::model::call::{Answer as AnyAnswer, Call as AnyCall, Outcome};
use crate::sim::model::cloudwatch::call as model;

pub fn call(asked: &[Metric], from: Time, until: Time) -> AnyCall {
    let query = |(n, m): (usize, &Metric)| model::Query {
        id: format!("q{n}"),
        label: None,
        returned: true,
        what: model::What::Stat {
            metric: model::Metric {
                namespace: m.namespace.clone(),
                name: m.name.clone(),
                dimensions: m.dimensions.iter().cloned().collect(),
            },
            period_s: i64::try_from(m.period.as_secs()).unwrap_or(i64::MAX),
            stat: m.statistic.clone(),
        },
    };
    AnyCall::CloudWatch(model::Call::GetMetricData(model::GetMetricData {
        queries: asked.iter().enumerate().map(query).collect(),
        span: model::Span { start_ms: from.0, end_ms: until.0 },
        ..model::GetMetricData::default()
    }))
}

/// The points of each of so many metrics, in their order.
pub fn read(outcome: Outcome, asked: usize) -> Result<Vec<Points>, CallError> {
    let Outcome::Answer(AnyAnswer::CloudWatch(model::Answer::MetricData { results, .. })) = outcome else {
        return Err(super::failed(outcome));
    };
    let of = |n: usize| results.iter().find(|r| r.id == format!("q{n}"));
    let points = |n| of(n).map(|r| r.points.iter().map(|(at, v)| (Time(*at), *v)).collect());
    Ok((0..asked).map(|n| points(n).unwrap_or_default()).collect())
}
