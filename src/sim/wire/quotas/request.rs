//! From AWS JSON 1.1 to the calls of Service Quotas.

use http::request::Parts;

use super::super::super::model::quotas::call::{Action, Call, Of, Page, Status};
use super::super::super::model::quotas::error::{ApiError, Code};
use super::super::json::{Fields, JsonError, target};

/// The largest value that a quota can be asked for.
const VALUE_MAX: f64 = 1e10;

/// Reads one request. What cannot be read becomes a call that answers why.
pub(in super::super) fn call(head: &Parts, body: &[u8]) -> Call {
    let name = target(head).map_or("", |(_, name)| name);
    let Ok(action) = name.parse::<Action>() else {
        let error = ApiError::new(Code::UnknownOperation, "");
        return Call::Unreadable { action: None, error };
    };
    Fields::parse(body)
        .map_err(ApiError::from)
        .and_then(|fields| read(action, &fields))
        .unwrap_or_else(|error| Call::Unreadable { action: Some(action), error })
}

/// A request that could not even be received.
pub(in super::super) fn unreadable(why: String) -> Call {
    Call::Unreadable { action: None, error: ApiError::new(Code::Serialization, why) }
}

fn read(action: Action, fields: &Fields) -> Result<Call, ApiError> {
    Ok(match action {
        Action::ListServices => Call::ListServices(page(fields)?),
        Action::ListServiceQuotas => Call::ListServiceQuotas {
            service: required(fields, "ServiceCode")?,
            quota: fields.text("QuotaCode")?,
            page: page(fields)?,
        },
        Action::GetServiceQuota => Call::GetServiceQuota(of(fields)?),
        Action::GetAwsDefaultServiceQuota => Call::GetAwsDefaultServiceQuota(of(fields)?),
        Action::ListAwsDefaultServiceQuotas => Call::ListAwsDefaultServiceQuotas {
            service: required(fields, "ServiceCode")?,
            page: page(fields)?,
        },
        Action::RequestServiceQuotaIncrease => {
            let desired = fields.float("DesiredValue")?.ok_or_else(|| missing("DesiredValue"))?;
            if !(0.0..=VALUE_MAX).contains(&desired) {
                return Err(invalid("desiredValue", "Member must have value between 0 and 10000000000"));
            }
            Call::RequestServiceQuotaIncrease { of: of(fields)?, desired }
        }
        Action::GetRequestedServiceQuotaChange => {
            Call::GetRequestedServiceQuotaChange { id: required(fields, "RequestId")? }
        }
        Action::ListRequestedServiceQuotaChangeHistory => Call::ListRequestedServiceQuotaChangeHistory {
            service: fields.text("ServiceCode")?,
            status: status(fields)?,
            page: page(fields)?,
        },
        Action::ListRequestedServiceQuotaChangeHistoryByQuota => {
            Call::ListRequestedServiceQuotaChangeHistoryByQuota {
                of: of(fields)?,
                status: status(fields)?,
                page: page(fields)?,
            }
        }
    })
}

fn of(fields: &Fields) -> Result<Of, ApiError> {
    Ok(Of { service: required(fields, "ServiceCode")?, quota: required(fields, "QuotaCode")? })
}

fn page(fields: &Fields) -> Result<Page, ApiError> {
    Ok(Page { max_results: fields.number("MaxResults")?, next_token: fields.text("NextToken")? })
}

fn status(fields: &Fields) -> Result<Option<Status>, ApiError> {
    let parse = |text: String| {
        let known = "Member must satisfy enum value set: [PENDING, CASE_OPENED, APPROVED, DENIED, CASE_CLOSED, \
                     NOT_APPROVED, INVALID_REQUEST]";
        text.parse().map_err(|_| invalid("status", known))
    };
    fields.text("Status")?.map(parse).transpose()
}

fn required(fields: &Fields, name: &str) -> Result<String, ApiError> {
    fields.text(name)?.ok_or_else(|| missing(name))
}

fn missing(name: &str) -> ApiError {
    let mut letters = name.chars();
    let first = letters.next().map(|c| c.to_ascii_lowercase());
    let name: String = first.into_iter().chain(letters).collect();
    let message = format!(
        "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
    );
    ApiError::new(Code::Validation, message)
}

fn invalid(name: &str, constraint: &str) -> ApiError {
    let message =
        format!("1 validation error detected: Value at '{name}' failed to satisfy constraint: {constraint}");
    ApiError::new(Code::Validation, message)
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
        let target = format!("ServiceQuotasV20190624.{action}");
        let head = http::Request::builder().header("X-Amz-Target", target).body(()).unwrap().into_parts().0;
        call(&head, body.as_bytes())
    }

    #[test]
    fn an_increase_is_read_whole() {
        let body = r#"{"ServiceCode": "ec2", "QuotaCode": "L-1216C47A", "DesiredValue": 640}"#;
        let Call::RequestServiceQuotaIncrease { of, desired } = of("RequestServiceQuotaIncrease", body)
        else {
            panic!("not read")
        };
        assert_eq!((of.service.as_str(), of.quota.as_str(), desired), ("ec2", "L-1216C47A", 640.0));
    }

    #[test]
    fn pages_and_filters_are_read() {
        let body = r#"{"Status": "CASE_OPENED", "MaxResults": 10, "NextToken": "page00000010"}"#;
        let call = of("ListRequestedServiceQuotaChangeHistory", body);
        let Call::ListRequestedServiceQuotaChangeHistory { service: None, status, page } = call else {
            panic!("{call:?}")
        };
        assert_eq!((status, page.max_results), (Some(Status::CaseOpened), Some(10)));
        assert_eq!(page.next_token.as_deref(), Some("page00000010"));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (action, body, known, code) in [
            ("GetQuota", "{}", false, "UnknownOperationException"),
            ("GetServiceQuota", "{}", true, "ValidationException"),
            ("GetServiceQuota", "[]", true, "SerializationException"),
            ("GetServiceQuota", r#"{"ServiceCode": 1}"#, true, "SerializationException"),
            ("GetServiceQuota", r#"{"ServiceCode": "ec2"}"#, true, "ValidationException"),
            ("ListRequestedServiceQuotaChangeHistory", r#"{"Status": "X"}"#, true, "ValidationException"),
            (
                "RequestServiceQuotaIncrease",
                r#"{"ServiceCode": "ec2", "QuotaCode": "L-1", "DesiredValue": -1}"#,
                true,
                "ValidationException",
            ),
        ] {
            let Call::Unreadable { action: read, error } = of(action, body) else {
                panic!("{action} {body}")
            };
            assert_eq!((read.is_some(), error.code.as_str()), (known, code), "{action} {body}");
        }
    }
}
