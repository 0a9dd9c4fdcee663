//! `GetMetricData` in the query protocol: a form asks, XML answers, times are RFC 3339. Software that others wrote
//! may know nothing else.

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::Event;
use url::form_urlencoded::Serializer;

use super::document::page_of;
use super::{MetricPage, MetricQuery, Series, SeriesStatus};
use crate::decide::words::Time;

const VERSION: &str = "2010-08-01";

/// The form of a request.
pub(super) fn request(
    queries: &[MetricQuery],
    from: Time,
    until: Time,
    page: Option<&str>,
) -> Result<Vec<u8>, String> {
    let mut form = Serializer::new(String::new());
    form.append_pair("Action", "GetMetricData").append_pair("Version", VERSION);
    form.append_pair("StartTime", &rfc3339(from)?).append_pair("EndTime", &rfc3339(until)?);
    form.append_pair("ScanBy", "TimestampDescending");
    if let Some(page) = page {
        form.append_pair("NextToken", page);
    }
    for (n, query) in queries.iter().enumerate() {
        let start = format!("MetricDataQueries.member.{}", n + 1);
        let mut add = |rest: &str, value: &str| {
            form.append_pair(&format!("{start}.{rest}"), value);
        };
        add("Id", &super::document::id(n));
        add("MetricStat.Metric.Namespace", &query.namespace);
        add("MetricStat.Metric.MetricName", &query.name);
        for (k, (name, value)) in query.dimensions.iter().enumerate() {
            let dimension = format!("MetricStat.Metric.Dimensions.member.{}", k + 1);
            add(&format!("{dimension}.Name"), name);
            add(&format!("{dimension}.Value"), value);
        }
        add("MetricStat.Period", &query.period.as_secs().to_string());
        add("MetricStat.Stat", &query.statistic);
    }
    Ok(form.finish().into_bytes())
}

/// The answer to so many queries. `Err` if it does not say what it should.
pub(super) fn answer(document: &[u8], queries: usize) -> Result<MetricPage, String> {
    let mut found: Vec<Found> = Vec::new();
    let mut next = None;
    let mut known = false;
    walk(document, |path, text| {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let ["GetMetricDataResponse", "GetMetricDataResult", rest @ ..] = path.as_slice() else {
            return Ok(());
        };
        known = true;
        match rest {
            ["NextToken"] => next = Some(text.to_string()),
            ["MetricDataResults", "member"] => found.push(Found::default()),
            ["MetricDataResults", "member", field @ ..] => {
                if let Some(series) = found.last_mut() {
                    series.read(field, text)?;
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    if !known {
        return Err("it has no GetMetricDataResult".into());
    }
    let series = found.into_iter().map(Found::series).collect::<Result<Vec<_>, _>>()?;
    Ok(page_of(series, queries, next))
}

/// Code and message of an error's document; none if it is not one.
pub(super) fn refusal(document: &[u8]) -> Option<(String, String)> {
    let (mut code, mut message) = (String::new(), String::new());
    walk(document, |path, text| {
        match path.last().map(String::as_str) {
            Some("Code") => code = text.to_string(),
            Some("Message") => message = text.to_string(),
            _ => {}
        }
        Ok(())
    })
    .ok()?;
    (!code.is_empty()).then_some((code, message))
}

/// One series as it is read.
#[derive(Default)]
struct Found {
    id: String,
    status: Option<SeriesStatus>,
    times: Vec<Time>,
    values: Vec<f64>,
}

impl Found {
    fn read(&mut self, field: &[&str], text: &str) -> Result<(), String> {
        match field {
            ["Id"] => self.id = text.to_string(),
            ["StatusCode"] => self.status = text.parse().ok(),
            ["Timestamps", "member"] => self.times.push(time(text)?),
            ["Values", "member"] => {
                self.values.push(text.parse().map_err(|_| format!("\"{text}\" is no number"))?);
            }
            _ => {}
        }
        Ok(())
    }

    fn series(self) -> Result<(String, Series), String> {
        let (times, values) = (self.times.len(), self.values.len());
        if times != values {
            return Err(format!("{} has {times} times and {values} values", self.id));
        }
        let points = self.times.into_iter().zip(self.values).collect();
        Ok((self.id, Series { points, status: self.status.unwrap_or(SeriesStatus::Unlisted) }))
    }
}

/// Tells of each element with its path from the root: when it begins, if it is a `member` (with no text), and when
/// text in it has been read.
fn walk(document: &[u8], mut tell: impl FnMut(&[String], &str) -> Result<(), String>) -> Result<(), String> {
    let mut reader = Reader::from_reader(document);
    let mut path: Vec<String> = Vec::new();
    let mut text = String::new();
    loop {
        match reader.read_event().map_err(|e| e.to_string())? {
            Event::Start(start) => {
                path.push(start.local_name().as_ref().to_string());
                text.clear();
                // A member of results is announced before what is in it.
                if path.ends_with(&["MetricDataResults".to_string(), "member".to_string()]) {
                    tell(&path, "")?;
                }
            }
            Event::Text(part) => text.push_str(&part),
            Event::GeneralRef(part) => {
                let character = format!("&{};", &*part);
                text.push_str(&unescape(&character).map_err(|e| e.to_string())?);
            }
            Event::CData(part) => text.push_str(&part),
            Event::End(_) => {
                if !text.trim().is_empty() {
                    tell(&path, text.trim())?;
                }
                text.clear();
                path.pop();
            }
            Event::Eof => return if path.is_empty() { Ok(()) } else { Err("it is cut short".into()) },
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

fn rfc3339(at: Time) -> Result<String, String> {
    jiff::Timestamp::from_millisecond(at.0).map(|t| t.to_string()).map_err(|e| e.to_string())
}

fn time(text: &str) -> Result<Time, String> {
    let at: jiff::Timestamp = text.parse().map_err(|_| format!("\"{text}\" is no time"))?;
    Ok(Time(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ANSWER: &str = "<?xml version='1.0' encoding='utf-8'?>\n\
        <GetMetricDataResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"><GetMetricDataResult>\
        <MetricDataResults><member><Id>q1</Id><Label>a &amp; b</Label><StatusCode>Complete</StatusCode><Timestamps>\
        <member>2023-11-14T22:14:20Z</member><member>2023-11-14T22:13:20Z</member></Timestamps><Values>\
        <member>2</member><member>1.5</member></Values></member><member><Id>q0</Id><Timestamps />\
        <Values/><StatusCode>Forbidden</StatusCode></member></MetricDataResults><NextToken>more</NextToken><Messages />\
        </GetMetricDataResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetMetricDataResponse>";

    #[test]
    fn a_request_names_the_metric_and_the_time() {
        let load = MetricQuery {
            namespace: "AWS/EC2".into(),
            name: "CPU".into(),
            dimensions: vec![("Group".into(), "a b".into())],
            period: Duration::from_secs(60),
            statistic: "Average".into(),
        };
        let form = request(&[load], Time(1_700_000_000_000), Time(1_700_000_300_500), Some("t")).unwrap();
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(&form).into_owned().collect();
        let has = |name: &str, value: &str| pairs.contains(&(name.into(), value.into()));
        assert!(has("Action", "GetMetricData") && has("NextToken", "t"), "{pairs:?}");
        assert!(
            has("StartTime", "2023-11-14T22:13:20Z") && has("EndTime", "2023-11-14T22:18:20.5Z"),
            "{pairs:?}"
        );
        assert!(
            has("MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Value", "a b"),
            "{pairs:?}"
        );
    }

    #[test]
    fn series_come_back_in_the_order_of_the_queries() {
        let page = answer(ANSWER.as_bytes(), 3).unwrap();
        assert_eq!(page.next.as_deref(), Some("more"));
        assert_eq!(page.series[0], Series { points: vec![], status: SeriesStatus::Forbidden });
        assert_eq!(page.series[1].points, [(Time(1_700_000_060_000), 2.0), (Time(1_700_000_000_000), 1.5)]);
        assert_eq!(page.series[2].status, SeriesStatus::Unlisted);
    }

    #[test]
    fn what_does_not_say_what_it_should_is_no_answer() {
        let short = ANSWER.replace("<member>1.5</member>", "");
        assert_eq!(answer(short.as_bytes(), 2), Err("q1 has 2 times and 1 values".into()));
        for text in ["", "{}", "<html/>", &ANSWER[..ANSWER.len() - 30], &ANSWER.replace("1.5", "x")] {
            assert!(answer(text.as_bytes(), 2).is_err(), "{text}");
        }
    }

    #[test]
    fn an_error_says_its_code() {
        let text = b"<ErrorResponse xmlns=\"x\"><Error><Code>Throttling</Code><Message>Rate &lt; 1</Message></Error>\
                     <RequestId>r</RequestId></ErrorResponse>";
        assert_eq!(refusal(text), Some(("Throttling".into(), "Rate < 1".into())));
        assert_eq!(refusal(b"{}"), None);
    }
}
