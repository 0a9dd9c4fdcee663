//! CloudWatch: metrics that nobody puts (those of gateways), and how late they are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{BucketSettings, SettingsError, ensure};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CloudWatchSettings {
    /// What the account's gateways measure, a datapoint a minute each.
    pub series: Vec<Series>,
    /// From the end of a minute until the datapoint of a series can be read.
    pub delay_ms: u32,
    /// From a `PutMetricData` until what was put can be read.
    pub put_delay_ms: u32,
    /// Namespaces without new datapoints from the moment in which they are named here. When they are
    /// no longer named, what happened meanwhile can be read.
    pub frozen: Vec<String>,
    /// Is a `PutMetricData` into a namespace that begins with `AWS/` refused? Not verified
    /// (aws-facts 9.4).
    pub refuses_aws_namespaces: bool,
    /// How fast calls may come: those that read, and `PutMetricData`. The numbers are not verified.
    pub reads: BucketSettings,
    pub puts: BucketSettings,
}

/// One metric that is told beforehand: straight lines between points, and flat before the first and
/// after the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    pub namespace: String,
    pub metric: String,
    #[serde(default)]
    pub dimensions: BTreeMap<String, String>,
    /// `Bytes`, `Count`, ...: one of CloudWatch's units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// In the order of their times. At least one.
    pub points: Vec<Point>,
    /// How far a datapoint may be off, in percent of its value.
    #[serde(default)]
    pub noise: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Since the first call that the model was asked, seconds of the model's own time.
    pub at_s: i64,
    pub value: f64,
}

impl Default for CloudWatchSettings {
    fn default() -> Self {
        CloudWatchSettings {
            series: Vec::new(),
            delay_ms: 60_000,
            put_delay_ms: 0,
            frozen: Vec::new(),
            refuses_aws_namespaces: true,
            reads: BucketSettings::full(50.0, 50.0),
            puts: BucketSettings::full(500.0, 500.0),
        }
    }
}

impl CloudWatchSettings {
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        for series in &self.series {
            let name = format!("cloudwatch.series.{}", series.metric);
            ensure(&name, !series.points.is_empty(), || "needs at least one point".into())?;
            let sorted = series.points.windows(2).all(|pair| pair[0].at_s < pair[1].at_s);
            ensure(&name, sorted, || "needs its points in the order of their times".into())?;
            let finite = series.points.iter().all(|point| point.value.is_finite());
            ensure(&name, finite && (0.0..=100.0).contains(&series.noise), || {
                "needs finite values, and a noise from 0 to 100".into()
            })?;
        }
        self.reads.check("cloudwatch.reads")?;
        self.puts.check("cloudwatch.puts")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_series_are_named() {
        let series = |points: &[(i64, f64)], noise| Series {
            namespace: "AWS/NATGateway".into(),
            metric: "X".into(),
            dimensions: BTreeMap::new(),
            unit: None,
            points: points.iter().map(|(at_s, value)| Point { at_s: *at_s, value: *value }).collect(),
            noise,
        };
        let check =
            |series| CloudWatchSettings { series: vec![series], ..CloudWatchSettings::default() }.check();
        assert_eq!(check(series(&[(0, 1.0), (60, 2.0)], 5.0)), Ok(()));
        for wrong in [
            series(&[], 0.0),
            series(&[(60, 1.0), (0, 2.0)], 0.0),
            series(&[(0, f64::NAN)], 0.0),
            series(&[(0, 1.0)], 101.0),
        ] {
            assert_eq!(check(wrong).unwrap_err().name, "cloudwatch.series.X");
        }
    }
}
