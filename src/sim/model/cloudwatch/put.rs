//! `PutMetricData`.

use super::call::{Answer, Datum, Metric};
use super::error::ApiError;
use super::series::minute;
use super::{CloudWatch, KEPT_MS, MINUTE_MS};

/// Metrics in one call, and dimensions of one metric.
const DATA_MAX: usize = 1_000;
const DIMENSIONS_MAX: usize = 30;
/// How far a datapoint may be in the past and in the future.
const PAST_MS: i64 = 14 * 24 * 60 * MINUTE_MS;
const FUTURE_MS: i64 = 120 * MINUTE_MS;

impl CloudWatch {
    /// All of it, or nothing.
    pub(super) fn put(&mut self, namespace: &str, data: &[Datum], now_ms: i64) -> Result<Answer, ApiError> {
        if self.settings.cloudwatch.refuses_aws_namespaces && namespace.starts_with("AWS/") {
            let message = "The value AWS/ for parameter Namespace is invalid.";
            return Err(ApiError::invalid(message));
        }
        if namespace.is_empty() || namespace.starts_with(':') {
            return Err(ApiError::invalid("The parameter Namespace must match [^:].*"));
        }
        if data.len() > DATA_MAX {
            return Err(ApiError::invalid(format!(
                "The collection MetricData must have at most {DATA_MAX} members"
            )));
        }
        data.iter().try_for_each(|datum| check(datum, now_ms))?;
        for datum in data {
            let metric = Metric {
                namespace: namespace.into(),
                name: datum.name.clone(),
                dimensions: datum.dimensions.clone(),
            };
            let stored = self.stored.entry(metric).or_default();
            if datum.unit.is_some() {
                stored.unit.clone_from(&datum.unit);
            }
            let at = minute(datum.at_ms.unwrap_or(now_ms));
            let known = stored.minutes.get(&at).map(|(stats, _)| *stats);
            let stats = known.map_or(datum.values, |known| known.and(datum.values));
            stored.minutes.insert(at, (stats, now_ms));
            stored.minutes = stored.minutes.split_off(&minute(now_ms - KEPT_MS));
        }
        Ok(Answer::Put)
    }
}

fn check(datum: &Datum, now_ms: i64) -> Result<(), ApiError> {
    let stats = datum.values;
    let numbers = [stats.count, stats.sum, stats.minimum, stats.maximum];
    if !numbers.iter().all(|n| n.is_finite()) || stats.count <= 0.0 {
        return Err(ApiError::invalid(format!("The values of the metric {} are not valid", datum.name)));
    }
    if datum.dimensions.len() > DIMENSIONS_MAX {
        return Err(ApiError::invalid(format!("A metric must have at most {DIMENSIONS_MAX} dimensions")));
    }
    let fits = |at: i64| (now_ms - PAST_MS..=now_ms + FUTURE_MS).contains(&at);
    if datum.at_ms.is_some_and(|at| !fits(at)) {
        return Err(ApiError::invalid(
            "The parameter Timestamp must specify a time no more than two weeks in the past and two hours in \
             the future",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::call::{Call, Span, Stats};
    use super::super::testing::*;
    use super::*;

    fn datum(value: f64) -> Datum {
        Datum {
            name: "load".into(),
            dimensions: BTreeMap::new(),
            at_ms: None,
            unit: None,
            values: Stats::of(value),
        }
    }

    fn put(namespace: &str, data: Vec<Datum>) -> Call {
        Call::PutMetricData { namespace: namespace.into(), data }
    }

    #[test]
    fn what_is_put_into_one_minute_is_added_up() {
        let mut model = model(|s| s.put_delay_ms = 5_000);
        ask(&mut model, put("mine", vec![datum(3.0), datum(5.0)]), 61_000).unwrap();
        ask(&mut model, put("mine", vec![datum(1.0)]), 62_000).unwrap();
        let metric = Metric { namespace: "mine".into(), name: "load".into(), dimensions: BTreeMap::new() };
        let span = Span { start_ms: 0, end_ms: 120_000 };
        let mut read = |stat, now| points(&mut model, query("m", metric.clone(), 60, stat), span, now);
        assert_eq!(read("Sum", 66_999), []);
        assert_eq!(read("Sum", 67_000), [(60_000, 9.0)]);
        assert_eq!(read("Maximum", 67_000), [(60_000, 5.0)]);
        assert_eq!(read("SampleCount", 67_000), [(60_000, 3.0)]);
        assert_eq!(read("Average", 67_000), [(60_000, 3.0)]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let mut model = model(|_| {});
        let at = |at_ms| Datum { at_ms: Some(at_ms), ..datum(1.0) };
        let many = (0..31).map(|i| (i.to_string(), String::new())).collect();
        for (namespace, data) in [
            ("AWS/EC2", vec![datum(1.0)]),
            ("", vec![datum(1.0)]),
            (":x", vec![datum(1.0)]),
            ("mine", vec![datum(f64::NAN)]),
            ("mine", vec![datum(1.0); 1_001]),
            ("mine", vec![at(FUTURE_MS + 1)]),
            ("mine", vec![at(-PAST_MS - 1)]),
            ("mine", vec![Datum { dimensions: many, ..datum(1.0) }]),
        ] {
            assert_eq!(ask(&mut model, put(namespace, data), 0), Err("InvalidParameterValue"), "{namespace}");
        }
    }

    #[test]
    fn aws_namespaces_may_be_let_through() {
        let mut model = model(|s| s.refuses_aws_namespaces = false);
        assert!(ask(&mut model, put("AWS/EC2", vec![datum(1.0)]), 0).is_ok());
    }
}
