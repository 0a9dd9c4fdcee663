//! `ListMetrics`.

use std::collections::BTreeSet;

use super::super::listing::cut;
use super::CloudWatch;
use super::call::{Answer, ListMetrics, Metric};
use super::error::{ApiError, Code};
use super::series::usage;

/// Metrics on one page.
const PAGE: usize = 500;

impl CloudWatch {
    pub(super) fn list(&self, call: &ListMetrics) -> Result<Answer, ApiError> {
        let told = self.settings.cloudwatch.series.iter().map(|s| Metric {
            namespace: s.namespace.clone(),
            name: s.metric.clone(),
            dimensions: s.dimensions.clone(),
        });
        let all: BTreeSet<Metric> = self.stored.keys().cloned().chain(told).chain([usage()]).collect();
        let asked = |metric: &Metric| {
            call.namespace.as_ref().is_none_or(|n| metric.namespace == *n)
                && call.name.as_ref().is_none_or(|n| metric.name == *n)
                && call.dimensions.iter().all(|(name, value)| {
                    metric.dimensions.get(name).is_some_and(|v| value.as_ref().is_none_or(|w| v == w))
                })
        };
        let (metrics, next_token) =
            cut(all.into_iter().filter(asked), call.next_token.as_deref(), PAGE).ok_or_else(unknown_token)?;
        Ok(Answer::Metrics { metrics, next_token })
    }
}

pub(super) fn unknown_token() -> ApiError {
    ApiError::new(Code::InvalidNextToken, "The next token specified is invalid.")
}

#[cfg(test)]
mod tests {
    use super::super::super::Model;
    use super::super::call::{Call, Datum, Stats};
    use super::super::testing::*;
    use super::*;

    fn found(model: &mut Model, list: ListMetrics) -> (Vec<String>, Option<String>) {
        let answer = ask(model, Call::ListMetrics(list), 0).unwrap();
        let Answer::Metrics { metrics, next_token } = answer else { panic!("{answer:?}") };
        (metrics.into_iter().map(|m| m.name).collect(), next_token)
    }

    #[test]
    fn metrics_are_found_by_namespace_name_and_dimension() {
        let mut model = model(|_| {});
        let all = ListMetrics::default;
        assert_eq!(found(&mut model, all()).0, ["BytesIn", "ResourceCount"]);
        let tgw = ListMetrics { namespace: Some("AWS/TransitGateway".into()), ..all() };
        assert_eq!(found(&mut model, tgw).0, ["BytesIn"]);
        let dimension = |value: Option<&str>| ListMetrics {
            dimensions: vec![("TransitGateway".into(), value.map(Into::into))],
            ..all()
        };
        assert_eq!(found(&mut model, dimension(None)).0, ["BytesIn"]);
        assert_eq!(found(&mut model, dimension(Some("tgw-1"))).0, ["BytesIn"]);
        assert!(found(&mut model, dimension(Some("tgw-2"))).0.is_empty());
        let named = ListMetrics { name: Some("Nothing".into()), ..all() };
        assert!(found(&mut model, named).0.is_empty());
    }

    #[test]
    fn pages_hold_500() {
        let mut model = model(|_| {});
        let datum = |i: u32| Datum {
            name: format!("m{i}"),
            dimensions: [].into(),
            at_ms: None,
            unit: None,
            values: Stats::of(1.0),
        };
        let call = Call::PutMetricData { namespace: "mine".into(), data: (0..700).map(datum).collect() };
        ask(&mut model, call, 0).unwrap();
        let (first, token) = found(&mut model, ListMetrics::default());
        let (second, none) = found(&mut model, ListMetrics { next_token: token, ..ListMetrics::default() });
        assert_eq!((first.len(), second.len(), none), (500, 202, None));
        let wrong = ListMetrics { next_token: Some("x".into()), ..ListMetrics::default() };
        assert_eq!(ask(&mut model, Call::ListMetrics(wrong), 0), Err("InvalidNextToken"));
    }
}
