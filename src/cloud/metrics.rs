//! The core's metrics in CloudWatch's terms.

use super::cloudwatch::{CloudWatch, MetricQuery};
use crate::decide::event::CallError;
use crate::decide::signal::Metric;
use crate::decide::signal::read::Points;
use crate::decide::words::Time;

/// One `GetMetricData` of at most 500 metrics. What does not fit on its first page is left out: it comes
/// newest first, and an hour of minutes of 500 metrics is a third of a page.
///
/// # Errors
/// As [`CloudWatch::metric_data`].
pub async fn read(
    cloudwatch: &dyn CloudWatch,
    asked: &[Metric],
    from: Time,
    until: Time,
) -> Result<Vec<Points>, CallError> {
    let query = |m: &Metric| MetricQuery {
        namespace: m.namespace.clone(),
        name: m.name.clone(),
        dimensions: m.dimensions.clone(),
        period: m.period,
        statistic: m.statistic.clone(),
    };
    let queries: Vec<MetricQuery> = asked.iter().map(query).collect();
    let page = cloudwatch.metric_data(&queries, from, until, None).await?;
    Ok(page.series.into_iter().map(|series| series.points).collect())
}
