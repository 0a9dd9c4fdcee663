//! `GetMetricData` and `GetMetricStatistics`.

use std::collections::{BTreeMap, BTreeSet};

use super::super::quotas::STANDARD_VCPUS;
use super::call::{
    Answer, GetMetricData, GetMetricStatistics, Metric, Query, ResultView, Span, Statistic, Stats, What,
};
use super::error::{ApiError, Code};
use super::list::unknown_token;
use super::series::{Read, usage};
use super::{Around, CloudWatch};

/// Queries in one call, and datapoints in one answer (aws-facts 5.1).
const QUERIES_MAX: usize = 500;
const DATAPOINTS_MAX: usize = 100_800;
/// Longest id of a query.
const ID_MAX: usize = 255;
/// Datapoints of one `GetMetricStatistics`.
const STATISTICS_MAX: i64 = 1_440;

impl CloudWatch {
    pub(super) fn get_data(
        &self,
        call: &GetMetricData,
        around: &Around<'_>,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        if call.queries.is_empty() || call.queries.len() > QUERIES_MAX {
            let message =
                format!("The collection MetricDataQueries must have from 1 to {QUERIES_MAX} members");
            return Err(ApiError::new(Code::ValidationError, message));
        }
        check_ids(&call.queries)?;
        if call.span.start_ms == call.span.end_ms {
            let message = "The parameter StartTime must not equal parameter EndTime.";
            return Err(ApiError::new(Code::ValidationError, message));
        }
        if call.span.start_ms > call.span.end_ms {
            let message = "The parameter EndTime must be greater than StartTime.";
            return Err(ApiError::new(Code::ValidationError, message));
        }
        let most = match call.max_datapoints.map(usize::try_from) {
            None => DATAPOINTS_MAX,
            Some(Ok(n)) if (1..=DATAPOINTS_MAX).contains(&n) => n,
            Some(_) => {
                let message = format!("MaxDatapoints must be from 1 to {DATAPOINTS_MAX}");
                return Err(ApiError::new(Code::ValidationError, message));
            }
        };
        let start = call.next_token.as_deref().map_or(Some(0), start_of).ok_or_else(unknown_token)?;
        let mut results = Vec::new();
        for query in call.queries.iter().filter(|query| query.returned) {
            let (label, mut points) = self.answer_of(query, call, around, now_ms)?;
            if !call.ascending {
                points.reverse();
            }
            let label = query.label.clone().unwrap_or(label);
            results.push(ResultView { id: query.id.clone(), label, points, complete: true });
        }
        let next_token = cut(&mut results, start, most);
        Ok(Answer::MetricData { results, next_token })
    }

    /// A label, and the points, the oldest first.
    fn answer_of(
        &self,
        query: &Query,
        call: &GetMetricData,
        around: &Around<'_>,
        now_ms: i64,
    ) -> Result<(String, Vec<(i64, f64)>), ApiError> {
        match &query.what {
            What::Stat { metric, period_s, stat } => {
                let statistic: Statistic = stat.parse().map_err(|_| {
                    let message = format!("The statistic {stat} of the query {} is not known", query.id);
                    ApiError::new(Code::ValidationError, message)
                })?;
                let (points, _) = self.periods(metric, call.span, *period_s, around, now_ms)?;
                let points = points.into_iter().map(|(at, stats)| (at, stats.value(statistic)));
                Ok((metric.name.clone(), points.collect()))
            }
            What::Expression(text) => {
                let quota = quota_of(text, &call.queries).ok_or_else(|| {
                    let message = format!("Error in expression '{}': {text}", query.id);
                    ApiError::new(Code::ValidationError, message)
                })?;
                let (points, _) = self.periods(&usage(), call.span, quota, around, now_ms)?;
                let value = around.quotas.value(STANDARD_VCPUS);
                Ok((query.id.clone(), points.into_iter().map(|(at, _)| (at, value)).collect()))
            }
        }
    }

    pub(super) fn get_statistics(
        &self,
        call: &GetMetricStatistics,
        around: &Around<'_>,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        if call.span.start_ms >= call.span.end_ms {
            let message = "The parameter StartTime must be less than the parameter EndTime.";
            return Err(ApiError::invalid(message));
        }
        if call.statistics.is_empty() {
            let message =
                "At least one of the parameters Statistics and ExtendedStatistics must be specified.";
            return Err(ApiError::new(Code::InvalidParameterCombination, message));
        }
        let asked = call.span.end_ms.saturating_sub(call.span.start_ms) / 1_000 / call.period_s.max(1);
        if asked > STATISTICS_MAX {
            let message = format!(
                "You have requested up to {asked} datapoints, which exceeds the limit of {STATISTICS_MAX}. You may \
                 reduce the datapoints requested by increasing Period, or decreasing the time range."
            );
            return Err(ApiError::new(Code::InvalidParameterCombination, message));
        }
        let (points, unit) = self.periods(&call.metric, call.span, call.period_s, around, now_ms)?;
        let (label, statistics) = (call.metric.name.clone(), call.statistics.clone());
        Ok(Answer::Statistics { label, statistics, points, unit })
    }

    /// A metric by the period, the oldest first: periods begin at multiples of their length.
    fn periods(
        &self,
        metric: &Metric,
        span: Span,
        period_s: i64,
        around: &Around<'_>,
        now_ms: i64,
    ) -> Result<Read, ApiError> {
        let short = matches!(period_s, 1 | 5 | 10 | 20 | 30);
        if !short && (period_s < 60 || period_s % 60 != 0) {
            let message = "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.";
            return Err(ApiError::invalid(message));
        }
        let length_ms = period_s.saturating_mul(1_000);
        let start = |at: i64| at.div_euclid(length_ms) * length_ms;
        let (minutes, unit) =
            self.minutes(metric, Span { start_ms: start(span.start_ms), ..span }, around, now_ms);
        let mut all: BTreeMap<i64, Stats> = BTreeMap::new();
        for (at, stats) in minutes {
            all.entry(start(at)).and_modify(|known| *known = known.and(stats)).or_insert(stats);
        }
        Ok((all.into_iter().collect(), unit))
    }
}

/// The period of the query that `SERVICE_QUOTA(id)` is about, if that is the use of vCPUs.
fn quota_of(text: &str, queries: &[Query]) -> Option<i64> {
    let id = text.trim().strip_prefix("SERVICE_QUOTA(")?.strip_suffix(')')?.trim();
    match &queries.iter().find(|query| query.id == id)?.what {
        What::Stat { metric, period_s, .. } => (*metric == usage()).then_some(*period_s),
        What::Expression(_) => None,
    }
}

/// Leaves the datapoints from number `start` on, `most` at a time, counted through all results, and
/// says where the next page starts.
fn cut(results: &mut Vec<ResultView>, start: usize, most: usize) -> Option<String> {
    let end = start.saturating_add(most);
    let mut before = 0;
    for result in results.iter_mut() {
        let all = result.points.len();
        let (from, to) = (start.saturating_sub(before).min(all), end.saturating_sub(before).min(all));
        result.complete = to == all;
        result.points = result.points[from..to].to_vec();
        before += all;
    }
    // What was complete on a page before is not said again.
    results.retain(|result| start == 0 || !result.points.is_empty());
    (before > end).then(|| format!("data{end:08x}"))
}

fn start_of(token: &str) -> Option<usize> {
    usize::from_str_radix(token.strip_prefix("data").filter(|d| d.len() == 8)?, 16).ok()
}

/// Each query has an id of its own, by which expressions can name it: a small letter, then letters, digits
/// and underscores, 255 at most (BM(cloudwatch)).
fn check_ids(queries: &[Query]) -> Result<(), ApiError> {
    let mut seen = BTreeSet::new();
    for (i, Query { id, .. }) in queries.iter().enumerate() {
        let begins = id.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if !begins || id.len() > ID_MAX || !id.bytes().all(word) {
            let message = format!(
                "The value {id} for parameter MetricDataQueries.member.{}.Id is not matching the expected \
                 pattern ^[a-z][a-zA-Z0-9_]*$.",
                i + 1
            );
            return Err(ApiError::new(Code::ValidationError, message));
        }
        if !seen.insert(id) {
            let message = "The values for parameter id in MetricDataQueries are not unique.";
            return Err(ApiError::new(Code::ValidationError, message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::Model;
    use super::super::call::Call;
    use super::super::testing::*;
    use super::*;

    const NOW: i64 = 900_000;

    fn get(queries: Vec<Query>) -> GetMetricData {
        let span = Span { start_ms: 0, end_ms: 600_000 };
        GetMetricData { queries, span, ..GetMetricData::default() }
    }

    fn data(model: &mut Model, get: GetMetricData) -> (Vec<ResultView>, Option<String>) {
        let answer = ask(model, Call::GetMetricData(get), NOW).unwrap();
        let Answer::MetricData { results, next_token } = answer else { panic!("{answer:?}") };
        (results, next_token)
    }

    fn started() -> Model {
        let mut model = model(|_| {});
        model.ledger(0);
        model
    }

    #[test]
    fn minutes_are_put_together_into_periods_the_latest_first() {
        let mut model = started();
        let (results, _) = data(&mut model, get(vec![query("m", bytes_in(), 300, "Sum")]));
        let expected = [(300_000, 300.0 + 360.0 + 420.0 + 480.0 + 540.0), (0, 600.0)];
        assert_eq!((results[0].label.as_str(), &results[0].points[..]), ("BytesIn", &expected[..]));
        let (results, _) = data(&mut model, get(vec![query("m", bytes_in(), 300, "Maximum")]));
        assert_eq!(results[0].points, [(300_000, 540.0), (0, 240.0)]);
    }

    #[test]
    fn all_datapoints_come_in_pages() {
        let mut model = started();
        let queries = || vec![query("a", bytes_in(), 60, "Sum"), query("b", bytes_in(), 60, "Sum")];
        let page = |next_token| GetMetricData { max_datapoints: Some(15), next_token, ..get(queries()) };
        let (first, token) = data(&mut model, page(None));
        let lengths: Vec<_> = first.iter().map(|r| (r.points.len(), r.complete)).collect();
        assert_eq!(lengths, [(10, true), (5, false)]);
        let (second, none) = data(&mut model, page(token));
        assert_eq!((second.len(), second[0].id.as_str(), second[0].points.len(), none), (1, "b", 5, None));
    }

    #[test]
    fn the_quota_of_what_is_used_is_metric_math() {
        let mut model = started();
        let expression = |text: &str| Query {
            id: "q".into(),
            label: None,
            returned: true,
            what: What::Expression(text.into()),
        };
        let used = Query { returned: false, ..query("m", usage(), 300, "Maximum") };
        let (results, _) = data(&mut model, get(vec![used.clone(), expression("SERVICE_QUOTA(m)")]));
        assert_eq!((results.len(), results[0].points.len()), (1, 2));
        assert_eq!(results[0].points[0], (300_000, 1e6));
        for text in ["SERVICE_QUOTA(x)", "m * 2"] {
            let call = Call::GetMetricData(get(vec![used.clone(), expression(text)]));
            assert_eq!(ask(&mut model, call, NOW), Err("ValidationError"), "{text}");
        }
    }

    #[test]
    fn statistics_have_those_that_are_asked_for_and_a_limit() {
        let mut model = started();
        let call = |period_s, end_ms| GetMetricStatistics {
            metric: bytes_in(),
            span: Span { start_ms: 0, end_ms },
            period_s,
            statistics: vec![Statistic::Sum],
        };
        let answer = ask(&mut model, Call::GetMetricStatistics(call(600, 600_000)), NOW).unwrap();
        let Answer::Statistics { points, unit, .. } = answer else { panic!("{answer:?}") };
        assert_eq!((points.len(), unit.as_deref()), (1, Some("Bytes")));
        for (wrong, code) in [
            (call(60, 60_000 * 1_441), "InvalidParameterCombination"),
            (call(61, 600_000), "InvalidParameterValue"),
            (call(60, 0), "InvalidParameterValue"),
            (GetMetricStatistics { statistics: vec![], ..call(60, 60_000) }, "InvalidParameterCombination"),
        ] {
            assert_eq!(ask(&mut model, Call::GetMetricStatistics(wrong), NOW), Err(code));
        }
    }

    #[test]
    fn queries_are_checked() {
        let mut model = started();
        let one = || query("m", bytes_in(), 60, "Sum");
        for (wrong, code) in [
            (get(vec![]), "ValidationError"),
            (
                get((0..501).map(|i| query(&format!("m{i}"), bytes_in(), 60, "Sum")).collect()),
                "ValidationError",
            ),
            (get(vec![one(); 2]), "ValidationError"),
            (get(vec![query("M", bytes_in(), 60, "Sum")]), "ValidationError"),
            (get(vec![query("m-1", bytes_in(), 60, "Sum")]), "ValidationError"),
            (get(vec![query("", bytes_in(), 60, "Sum")]), "ValidationError"),
            (get(vec![query(&"m".repeat(256), bytes_in(), 60, "Sum")]), "ValidationError"),
            (
                GetMetricData { span: Span { start_ms: 600_000, end_ms: 600_000 }, ..get(vec![one()]) },
                "ValidationError",
            ),
            (
                GetMetricData { span: Span { start_ms: 600_001, end_ms: 600_000 }, ..get(vec![one()]) },
                "ValidationError",
            ),
            (get(vec![query("m", bytes_in(), 60, "p99")]), "ValidationError"),
            (GetMetricData { max_datapoints: Some(0), ..get(vec![one()]) }, "ValidationError"),
            (GetMetricData { next_token: Some("x".into()), ..get(vec![one()]) }, "InvalidNextToken"),
            (get(vec![query("m", bytes_in(), 90, "Sum")]), "InvalidParameterValue"),
        ] {
            assert_eq!(ask(&mut model, Call::GetMetricData(wrong), NOW), Err(code));
        }
    }
}
