//! `POST /v1/groups/{group}/signals`: samples of a group's pushed signals.

use axum::extract::State;
use http::StatusCode;

use crate::api::body::JsonBody;
use crate::api::fields::Fields;
use crate::api::lookup::Name;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{ProblemBody, PushSignals, Stamp};
use crate::decide::order::Order;
use crate::decide::signal::push::{Pushed, Sample};
use crate::decide::words::Time;

/// Takes samples in: all of them, or none.
///
/// They are kept in memory only. A sample that is lost leaves the group blind until the next one, and nothing
/// is removed from a blind group.
#[utoipa::path(
    post, path = "/v1/groups/{group}/signals", operation_id = "pushSignals", tag = "groups",
    params(("group" = String, Path, description = "A configured group")),
    request_body = PushSignals,
    responses(
        (status = 204, description = "Taken in"),
        (status = 404, description = "There is no such group or signal", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = "4XX", description = "Refused; nothing was taken in", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Not ready; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn push(
    State(state): State<ApiState>,
    Name(group): Name,
    JsonBody(body): JsonBody,
) -> Result<StatusCode, Problem> {
    let (values, at) = parse(&body)?;
    let samples = values.into_iter().map(|(signal, value)| Sample { signal, at, value }).collect();
    state.order(Order::Signals(Pushed { group, samples })).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Values by their signal's name, in the order given.
type Values = Vec<(String, f64)>;

fn parse(body: &[u8]) -> Result<(Values, Option<Time>), Problem> {
    let mut fields = Fields::read(body)?;
    let values = fields.numbers("values");
    let at = fields
        .optional_text("at", 64)
        .and_then(|text| text.parse::<Stamp>().map_err(|e| fields.wrong("at", e)).ok().map(|Stamp(at)| at));
    fields.finish()?;
    Ok((values.unwrap_or_default(), at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::problem::Kind;
    use crate::api::testing::Fake;

    #[test]
    fn values_are_numbers_by_name() {
        let (values, at) =
            parse(br#"{"values": {"cpu": 3, "lag": 0.5}, "at": "2027-01-15T08:00:00Z"}"#).unwrap();
        assert_eq!(values, [("cpu".to_string(), 3.0), ("lag".to_string(), 0.5)]);
        assert_eq!(at, Some(Time(1_800_000_000_000)));
        for bad in [
            "{}",
            r#"{"values": {}}"#,
            r#"{"values": [1]}"#,
            r#"{"values": {"cpu": "3"}}"#,
            r#"{"values": {"cpu": 3}, "at": "soon"}"#,
            r#"{"values": {"cpu": 3}, "value": 3}"#,
        ] {
            assert_eq!(parse(bad.as_bytes()).unwrap_err().kind, Kind::InvalidFields, "{bad}");
        }
    }

    #[tokio::test]
    async fn samples_reach_the_engine() {
        let fake = Fake::start().await;
        let answer = fake.post("/v1/groups/web/signals", r#"{"values": {"cpu": 3}}"#).await;
        assert_eq!((answer.status, fake.asked()), (204, 1));
    }
}
