//! From the fields of AWS JSON to `EventBridge`'s calls.

use super::super::super::model::events::call::{
    Action, Call, CreateApiDestination, CreateConnection, HttpParameters, List, NewEvent, PutRule, Target,
};
use super::super::super::model::events::error::{ApiError, Code};
use super::super::json::{Fields, JsonError};

/// What the target of a request begins with.
pub(in super::super) const TARGET: &str = "AWSEvents";

/// Reads one request. What cannot be read becomes a call that answers why.
pub(in super::super) fn call(action: &str, fields: Result<Fields, JsonError>) -> Call {
    let Ok(action) = action.parse::<Action>() else {
        let message = format!("The action {action} is not simulated.");
        let error = ApiError::new(Code::UnknownOperationException, message);
        return Call::Unreadable { action: None, error };
    };
    fields
        .map_err(ApiError::from)
        .and_then(|fields| read(action, &fields))
        .unwrap_or_else(|error| Call::Unreadable { action: Some(action), error })
}

fn read(action: Action, f: &Fields) -> Result<Call, ApiError> {
    let name = || required(f, "Name");
    let rule = || required(f, "Rule");
    default_bus(f)?;
    Ok(match action {
        Action::PutRule => Call::PutRule(PutRule {
            name: name()?,
            pattern: f.text("EventPattern")?,
            schedule: f.text("ScheduleExpression")?,
            state: f.text("State")?,
            description: f.text("Description")?,
            role_arn: f.text("RoleArn")?,
        }),
        Action::DeleteRule => Call::DeleteRule { name: name()? },
        Action::ListRules => Call::ListRules(list(f)?),
        Action::PutTargets => {
            let targets = f.list("Targets")?.iter().map(target).collect::<Result<_, _>>()?;
            Call::PutTargets { rule: rule()?, targets }
        }
        Action::RemoveTargets => Call::RemoveTargets { rule: rule()?, ids: f.texts("Ids")? },
        Action::ListTargetsByRule => Call::ListTargetsByRule { rule: rule()?, page: list(f)? },
        Action::PutEvents => {
            let entries = f.list("Entries")?.iter().map(event).collect::<Result<_, _>>()?;
            Call::PutEvents { entries }
        }
        Action::CreateConnection => Call::CreateConnection(connection(f)?),
        Action::DeleteConnection => Call::DeleteConnection { name: name()? },
        Action::CreateApiDestination => Call::CreateApiDestination(CreateApiDestination {
            name: name()?,
            description: f.text("Description")?,
            connection_arn: required(f, "ConnectionArn")?,
            endpoint: required(f, "InvocationEndpoint")?,
            method: required(f, "HttpMethod")?,
            rate: f.number("InvocationRateLimitPerSecond")?,
        }),
        Action::DescribeApiDestination => Call::DescribeApiDestination { name: name()? },
        Action::DeleteApiDestination => Call::DeleteApiDestination { name: name()? },
    })
}

fn required(f: &Fields, name: &str) -> Result<String, ApiError> {
    f.text(name)?.ok_or_else(|| {
        let mut parameter = name.to_string();
        if let Some(first) = parameter.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        ApiError::missing(&parameter)
    })
}

/// There is one bus; rules of others are not there.
fn default_bus(f: &Fields) -> Result<(), ApiError> {
    match f.text("EventBusName")? {
        Some(bus) if bus != "default" && !bus.ends_with(":event-bus/default") => {
            Err(ApiError::not_found(format!("Event bus {bus}")))
        }
        Some(_) | None => Ok(()),
    }
}

fn list(f: &Fields) -> Result<List, ApiError> {
    Ok(List { prefix: f.text("NamePrefix")?, limit: f.number("Limit")?, next_token: f.text("NextToken")? })
}

fn target(f: &Fields) -> Result<Target, ApiError> {
    let http = f.under("HttpParameters")?;
    let retry = f.under("RetryPolicy")?;
    Ok(Target {
        id: required(f, "Id")?,
        arn: required(f, "Arn")?,
        role_arn: f.text("RoleArn")?,
        input: f.text("Input")?,
        input_path: f.text("InputPath")?,
        transformer: f.has("InputTransformer"),
        http: HttpParameters {
            path_values: http.texts("PathParameterValues")?,
            headers: http.map("HeaderParameters")?,
            query: http.map("QueryStringParameters")?,
        },
        dead_letter: f.under("DeadLetterConfig")?.text("Arn")?,
        max_retries: retry.number("MaximumRetryAttempts")?,
        max_age_s: retry.number("MaximumEventAgeInSeconds")?,
    })
}

fn event(f: &Fields) -> Result<NewEvent, ApiError> {
    Ok(NewEvent {
        source: f.text("Source")?,
        detail_type: f.text("DetailType")?,
        detail: f.text("Detail")?,
        resources: f.texts("Resources")?,
        bus: f.text("EventBusName")?,
    })
}

fn connection(f: &Fields) -> Result<CreateConnection, ApiError> {
    let auth = f.under("AuthParameters")?;
    let key = auth.under("ApiKeyAuthParameters")?;
    let pair = |header: &Fields| Ok::<_, ApiError>((required(header, "Key")?, required(header, "Value")?));
    let headers = auth.under("InvocationHttpParameters")?.list("HeaderParameters")?;
    Ok(CreateConnection {
        name: required(f, "Name")?,
        authorization: required(f, "AuthorizationType")?,
        api_key: key.text("ApiKeyName")?.zip(key.text("ApiKeyValue")?),
        headers: headers.iter().map(pair).collect::<Result<_, _>>()?,
    })
}

/// As `EventBridge` says what it cannot read.
impl From<JsonError> for ApiError {
    fn from(error: JsonError) -> ApiError {
        ApiError::new(Code::SerializationException, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(action: &str, body: &str) -> Call {
        call(action, Fields::parse(body.as_bytes()))
    }

    #[test]
    fn a_target_is_read_whole() {
        let body = r#"{"Rule":"r","EventBusName":"default","Targets":[{"Id":"a","Arn":"arn","InputPath":"$.detail",
            "HttpParameters":{"HeaderParameters":{"h":"1"},"QueryStringParameters":{"q":"2"},"PathParameterValues":["3"]},
            "DeadLetterConfig":{"Arn":"dead"},"RetryPolicy":{"MaximumRetryAttempts":2,"MaximumEventAgeInSeconds":60}}]}"#;
        let Call::PutTargets { targets, .. } = of("PutTargets", body) else { panic!("not read") };
        let target = &targets[0];
        assert_eq!(
            (target.max_retries, target.max_age_s, target.dead_letter.as_deref()),
            (Some(2), Some(60), Some("dead"))
        );
        assert_eq!(target.http.headers, [("h".to_string(), "1".to_string())]);
        assert_eq!((target.http.path_values.len(), target.http.query.len()), (1, 1));
    }

    #[test]
    fn a_connection_is_read_with_its_key() {
        let body = r#"{"Name":"c","AuthorizationType":"API_KEY","AuthParameters":{
            "ApiKeyAuthParameters":{"ApiKeyName":"x-key","ApiKeyValue":"v"},
            "InvocationHttpParameters":{"HeaderParameters":[{"Key":"k","Value":"v","IsValueSecret":false}]}}}"#;
        let Call::CreateConnection(create) = of("CreateConnection", body) else { panic!("not read") };
        assert_eq!(create.api_key, Some(("x-key".to_string(), "v".to_string())));
        assert_eq!(create.headers.len(), 1);
    }

    #[test]
    fn what_is_missing_or_elsewhere_says_so() {
        let code = |action: &str, body: &str| {
            let Call::Unreadable { error, .. } = of(action, body) else { panic!("it was read") };
            error.code
        };
        assert_eq!(code("Fly", "{}"), Code::UnknownOperationException);
        assert_eq!(code("PutRule", "{}"), Code::ValidationException);
        assert_eq!(code("PutRule", "]"), Code::SerializationException);
        assert_eq!(code("PutRule", r#"{"Name":1}"#), Code::SerializationException);
        assert_eq!(code("PutRule", r#"{"Name":"r","EventBusName":"mine"}"#), Code::ResourceNotFoundException);
    }
}
