//! From AWS JSON 1.1 to the calls of AWS Support.

use http::request::Parts;

use super::super::super::model::support::call::{Action, Call, CreateCase, DescribeCases, Page, Times, Verb};
use super::super::super::model::support::error::{ApiError, Code};
use super::super::json::{Fields, JsonError, target};

/// Reads one request. What cannot be read becomes a call that answers why.
pub(in super::super) fn call(head: &Parts, body: &[u8]) -> Call {
    let name = target(head).map_or("", |(_, name)| name);
    let Ok(action) = name.parse::<Action>() else {
        return Call::unreadable(None, ApiError::new(Code::UnknownOperation, ""));
    };
    let call = |fields: Fields| Ok(Call { dry_run: fields.flag("dryRun")?, verb: read(action, &fields)? });
    Fields::parse(body)
        .map_err(ApiError::from)
        .and_then(call)
        .unwrap_or_else(|error| Call::unreadable(Some(action), error))
}

/// A request that could not even be received.
pub(in super::super) fn unreadable(why: String) -> Call {
    Call::unreadable(None, ApiError::new(Code::Serialization, why))
}

fn read(action: Action, fields: &Fields) -> Result<Verb, ApiError> {
    Ok(match action {
        Action::CreateCase => Verb::CreateCase(CreateCase {
            subject: required(fields, "subject")?,
            body: required(fields, "communicationBody")?,
            service: fields.text("serviceCode")?,
            category: fields.text("categoryCode")?,
            severity: fields.text("severityCode")?,
            cc: fields.texts("ccEmailAddresses")?,
            language: fields.text("language")?,
        }),
        Action::DescribeCases => Verb::DescribeCases(DescribeCases {
            ids: fields.texts("caseIdList")?,
            display_id: fields.text("displayId")?,
            times: times(fields)?,
            include_resolved: fields.flag("includeResolvedCases")?,
            include_communications: !fields.has("includeCommunications")
                || fields.flag("includeCommunications")?,
            page: page(fields)?,
        }),
        Action::AddCommunicationToCase => Verb::AddCommunicationToCase {
            case_id: fields.text("caseId")?,
            body: required(fields, "communicationBody")?,
        },
        Action::DescribeCommunications => Verb::DescribeCommunications {
            case_id: required(fields, "caseId")?,
            times: times(fields)?,
            page: page(fields)?,
        },
        Action::ResolveCase => Verb::ResolveCase { case_id: fields.text("caseId")? },
        Action::DescribeServices => Verb::DescribeServices { codes: fields.texts("serviceCodeList")? },
        Action::DescribeSeverityLevels => Verb::DescribeSeverityLevels,
    })
}

fn page(fields: &Fields) -> Result<Page, ApiError> {
    Ok(Page { max_results: fields.number("maxResults")?, next_token: fields.text("nextToken")? })
}

fn times(fields: &Fields) -> Result<Times, ApiError> {
    Ok(Times { after_ms: time(fields, "afterTime")?, before_ms: time(fields, "beforeTime")? })
}

/// ISO 8601, as text. A day alone is its first moment in UTC.
fn time(fields: &Fields, name: &str) -> Result<Option<i64>, ApiError> {
    let parse = |text: String| {
        let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
        let at = text.parse::<jiff::Timestamp>().ok().or_else(|| day().map(|zoned| zoned.timestamp()));
        let at = at.ok_or_else(|| ApiError::invalid(format!("{name} '{text}' is not a time in ISO 8601")))?;
        Ok(at.as_millisecond())
    };
    fields.text(name)?.map(parse).transpose()
}

fn required(fields: &Fields, name: &str) -> Result<String, ApiError> {
    fields.text(name)?.ok_or_else(|| {
        ApiError::invalid(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be \
             null"
        ))
    })
}

impl From<JsonError> for ApiError {
    fn from(error: JsonError) -> ApiError {
        ApiError::new(Code::Serialization, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(action: &str, body: &str) -> Call {
        let target = format!("AWSSupport_20130415.{action}");
        let head = http::Request::builder().header("X-Amz-Target", target).body(()).unwrap().into_parts().0;
        call(&head, body.as_bytes())
    }

    #[test]
    fn a_case_is_read_whole() {
        let body = r#"{"subject": "s", "communicationBody": "b", "serviceCode": "c", "severityCode": "high",
            "ccEmailAddresses": ["a@example.org"], "dryRun": true}"#;
        let Call { dry_run: true, verb: Verb::CreateCase(case) } = of("CreateCase", body) else {
            panic!("not read")
        };
        assert_eq!((case.subject.as_str(), case.body.as_str(), case.cc.len()), ("s", "b", 1));
        assert_eq!((case.severity.as_deref(), case.category), (Some("high"), None));
    }

    #[test]
    fn cases_are_asked_for_by_time() {
        let body = r#"{"afterTime": "2023-11-14T22:13:20Z", "beforeTime": "2023-11-15",
            "includeCommunications": false}"#;
        let Verb::DescribeCases(read) = of("DescribeCases", body).verb else { panic!("not read") };
        assert_eq!(
            read.times,
            Times { after_ms: Some(1_700_000_000_000), before_ms: Some(1_700_006_400_000) }
        );
        assert!(!read.include_communications && !read.include_resolved);
        let Verb::DescribeCases(plain) = of("DescribeCases", "").verb else { panic!("not read") };
        assert_eq!(plain, DescribeCases::default());
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (action, body, known, code) in [
            ("OpenCase", "{}", false, "UnknownOperationException"),
            ("CreateCase", "{}", true, "ValidationException"),
            ("CreateCase", "x", true, "SerializationException"),
            ("CreateCase", r#"{"subject": "s", "communicationBody": 7}"#, true, "SerializationException"),
            ("DescribeCases", r#"{"afterTime": "yesterday"}"#, true, "ValidationException"),
            ("DescribeCommunications", "{}", true, "ValidationException"),
        ] {
            let Verb::Unreadable { action: read, error } = of(action, body).verb else { panic!("{body}") };
            assert_eq!((read.is_some(), error.code.as_str()), (known, code), "{action} {body}");
        }
    }
}
