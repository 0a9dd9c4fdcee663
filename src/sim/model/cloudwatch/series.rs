//! What can be read of one metric: by the minute, from whatever keeps it.

use super::super::super::draw::{Draw, Purpose};
use super::super::super::settings::{Point, Series};
use super::call::{Metric, Span, Stats};
use super::{Around, CloudWatch, KEPT_MS, MINUTE_MS};

/// The metric of the account's running On-Demand vCPUs (aws-facts 5.1), and its dimensions.
pub(super) const USAGE: (&str, &str) = ("AWS/Usage", "ResourceCount");
pub(super) const USAGE_DIMENSIONS: [(&str, &str); 4] =
    [("Class", "Standard/OnDemand"), ("Resource", "vCPU"), ("Service", "EC2"), ("Type", "Resource")];

/// What was read of a metric: when and what, the oldest first, and its unit.
pub(super) type Read = (Vec<(i64, Stats)>, Option<String>);

pub(super) fn usage() -> Metric {
    let dimensions = USAGE_DIMENSIONS.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Metric { namespace: USAGE.0.into(), name: USAGE.1.into(), dimensions }
}

impl CloudWatch {
    /// The datapoints of a metric, by the minute, that can be read now, and its unit.
    pub(super) fn minutes(&self, metric: &Metric, span: Span, around: &Around<'_>, now_ms: i64) -> Read {
        let frozen_ms = self.frozen.get(&metric.namespace).copied().unwrap_or(i64::MAX);
        let from = minute(span.start_ms.max(now_ms - KEPT_MS));
        let delay_ms = i64::from(self.settings.cloudwatch.delay_ms);
        // The last minute that ended long enough ago, and was not frozen when it did.
        let end = minute((now_ms - delay_ms).min(frozen_ms)).min(span.end_ms);
        let every = (from..end).step_by(usize::try_from(MINUTE_MS).unwrap_or(1));
        let told = &self.settings.cloudwatch.series;
        if let Some((number, series)) = told.iter().enumerate().find(|(_, s)| is(s, metric)) {
            let value = |at| (at, Stats::of(self.value(number, series, at)));
            return (every.map(value).collect(), series.unit.clone());
        }
        if *metric == usage() {
            let count = |at: i64| f64::from(around.ec2.vcpus_running(at + MINUTE_MS - 1));
            return (every.map(|at| (at, Stats::of(count(at)))).collect(), Some("None".into()));
        }
        let Some(stored) = self.stored.get(metric) else { return (Vec::new(), None) };
        let put_delay_ms = i64::from(self.settings.cloudwatch.put_delay_ms);
        let readable = |put_ms: i64| put_ms + put_delay_ms <= now_ms && put_ms <= frozen_ms;
        if from >= span.end_ms {
            return (Vec::new(), stored.unit.clone());
        }
        let range = stored.minutes.range(from..span.end_ms);
        let there = range.filter(|(_, (_, put_ms))| readable(*put_ms)).map(|(at, (stats, _))| (*at, *stats));
        (there.collect(), stored.unit.clone())
    }

    /// What a series tells of the minute that begins at this time.
    fn value(&self, number: usize, series: &Series, at_ms: i64) -> f64 {
        let since_ms = at_ms - minute(self.started_ms.unwrap_or(at_ms));
        let exact = between(&series.points, since_ms);
        let at = at_ms.div_euclid(MINUTE_MS).cast_unsigned();
        let mut draw = Draw::new(self.seed, Purpose::Metric, at ^ (number as u64) << 48);
        let share = f64::from(draw.below(2_001)) / 1_000.0 - 1.0;
        exact * (1.0 + share * series.noise / 100.0)
    }
}

/// On the straight line between the points around this time.
fn between(points: &[Point], since_ms: i64) -> f64 {
    let after = points.iter().position(|p| p.at_s * 1_000 > since_ms);
    match after {
        None => points.last().map_or(0.0, |p| p.value),
        Some(0) => points.first().map_or(0.0, |p| p.value),
        Some(i) => {
            let (a, b) = (points[i - 1], points[i]);
            #[allow(clippy::cast_precision_loss)] // exact for 285,000 years of milliseconds
            let share = (since_ms - a.at_s * 1_000) as f64 / ((b.at_s - a.at_s) * 1_000) as f64;
            a.value + (b.value - a.value) * share
        }
    }
}

pub(super) fn minute(at_ms: i64) -> i64 {
    at_ms.div_euclid(MINUTE_MS) * MINUTE_MS
}

fn is(series: &Series, metric: &Metric) -> bool {
    series.namespace == metric.namespace
        && series.metric == metric.name
        && series.dimensions == metric.dimensions
}

#[cfg(test)]
mod tests {
    use super::super::super::super::settings::CloudWatchSettings;
    use super::super::super::ec2::call::Call as Ec2Call;
    use super::super::super::ec2::testing::{A, Ask, run_in};
    use super::super::super::{Change, Model};
    use super::super::testing::*;
    use super::*;

    fn values(model: &mut Model, metric: Metric, end_ms: i64, now_ms: i64) -> Vec<i64> {
        let span = Span { start_ms: 0, end_ms };
        let points = points(model, query("m", metric, 60, "Sum"), span, now_ms);
        #[allow(clippy::cast_possible_truncation)]
        points.into_iter().map(|(_, value)| value.round() as i64).collect()
    }

    #[test]
    fn a_series_goes_from_point_to_point_and_stays() {
        let mut model = model(|_| {});
        model.ledger(0);
        assert_eq!(values(&mut model, bytes_in(), 300_000, 900_000), [0, 60, 120, 180, 240]);
        let all = values(&mut model, bytes_in(), i64::MAX, 900_000);
        assert_eq!((all.len(), all.last()), (15, Some(&600)));
    }

    #[test]
    fn a_delay_hides_the_latest_minutes() {
        let mut model = model(|s| s.delay_ms = 120_000);
        assert_eq!(values(&mut model, bytes_in(), i64::MAX, 0).len(), 0);
        assert_eq!(values(&mut model, bytes_in(), i64::MAX, 299_999).len(), 2);
        assert_eq!(values(&mut model, bytes_in(), i64::MAX, 300_000).len(), 3);
    }

    #[test]
    fn a_frozen_namespace_has_no_new_datapoints_until_it_thaws() {
        let mut model = model(|_| {});
        model.ledger(300_000);
        let settings = model.settings().cloudwatch.clone();
        let frozen = CloudWatchSettings { frozen: vec!["AWS/TransitGateway".into()], ..settings.clone() };
        model.change(&Change { cloudwatch: Some(frozen), ..Change::default() }, 0).unwrap();
        assert_eq!(values(&mut model, bytes_in(), i64::MAX, 310_000).len(), 5);
        assert_eq!(values(&mut model, bytes_in(), i64::MAX, 900_000).len(), 5);
        model.change(&Change { cloudwatch: Some(settings), ..Change::default() }, 0).unwrap();
        assert_eq!(values(&mut model, bytes_in(), i64::MAX, 900_000).len(), 15);
    }

    #[test]
    fn noise_stays_within_its_share_and_is_always_the_same() {
        let noisy = |s: &mut CloudWatchSettings| {
            s.series[0].noise = 10.0;
            s.series[0].points[0].value = 1_000.0;
            s.series[0].points[1].value = 1_000.0;
        };
        let mut model = model(noisy);
        let first = values(&mut model, bytes_in(), i64::MAX, 3_600_000);
        assert!(first.iter().all(|v| (900..=1_100).contains(v)) && first[1] != first[2], "{first:?}");
        assert_eq!(values(&mut model, bytes_in(), i64::MAX, 3_600_000), first);
    }

    #[test]
    fn the_use_of_vcpus_is_that_of_running_instances() {
        let mut model = model(|_| {});
        model.ask(&Ec2Call::RunInstances(run_in(A, "t", 3, 3)), 0);
        let used = values(&mut model, usage(), i64::MAX, 600_000);
        assert_eq!(used.last(), Some(&6), "{used:?}");
    }
}
