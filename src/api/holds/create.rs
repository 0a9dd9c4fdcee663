//! `POST /v1/holds`: hold an instance.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::{MOST_GROUP, MOST_OWNER, MOST_REASON};
use crate::api::body::JsonBody;
use crate::api::fields::Fields;
use crate::api::metrics::Answer;
use crate::api::problem::{Kind, Problem};
use crate::api::state::ApiState;
use crate::api::types::{LeaseTaken, NewHold, ProblemBody};
use crate::decide::guard::hold::HoldAsk;
use crate::decide::guard::lease::HoldWay;
use crate::decide::order::Order;
use crate::decide::words::{Ec2Id, Time};
use crate::store::{InstanceFilter, Store};

/// Holds an instance: nobody ends it until then.
///
/// Durable when it is answered, and obeyed by muster from then on; in force at AWS within seconds, which
/// `GET /v1/holds` shows. The same owner who asks again for the same instance moves the end.
#[utoipa::path(
    post, path = "/v1/holds", operation_id = "createHold", tag = "guards",
    request_body = NewHold,
    responses(
        (status = 202, description = "Durable", body = LeaseTaken),
        (status = 404, description = "No group has this instance", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = "4XX", description = "Refused; nothing was stored", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Not ready; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn create(State(state): State<ApiState>, JsonBody(body): JsonBody) -> Result<Response, Problem> {
    let now = state.handle.clock().now();
    let mut ask = parse(&body, crate::ids::uuid(now), now)?;
    if ask.group.is_none() {
        ask.group = group_of(&state.store, ask.instance).await?;
    }
    Ok(taken_by(state.order(Order::Hold(ask)).await?))
}

/// The answer to an order that was taken.
pub fn taken_by(accepted: crate::decide::action::Accepted) -> Response {
    let answer = if accepted.repeated { Answer::Repeated } else { Answer::Accepted };
    let body = LeaseTaken { id: accepted.id, repeated: accepted.repeated };
    let mut response = (StatusCode::ACCEPTED, Json(body)).into_response();
    response.extensions_mut().insert(answer);
    response
}

/// Of an instance that muster brought into service long ago, the engine does not know any more; the store does.
async fn group_of(store: &Store, id: Ec2Id) -> Result<Option<String>, Problem> {
    let filter = InstanceFilter { id: Some(id), ..InstanceFilter::default() };
    let rows = store.instances(&filter, None, 16).await?;
    Ok(rows.into_iter().rev().find(|row| row.phase.occupies()).map(|row| row.group))
}

fn parse(body: &[u8], id: String, now: Time) -> Result<HoldAsk, Problem> {
    let mut fields = Fields::read(body)?;
    let instance = fields.text("instance", Ec2Id::MAX).and_then(|s| read(&mut fields, "instance", &s));
    let group = fields.optional_text("group", MOST_GROUP);
    let until = fields.time("until", now);
    let owner = fields.text("owner", MOST_OWNER);
    let reason = fields.optional_text("reason", MOST_REASON).unwrap_or_default();
    let way = fields.optional_text("way", 64);
    let way = way.map_or(Some(HoldWay::Replacement), |s| read(&mut fields, "way", &s));
    fields.finish()?;
    let (Some(instance), Some(until), Some(owner), Some(way)) = (instance, until, owner, way) else {
        // `finish` has told what is missing; this is for the compiler.
        return Err(Problem::new(Kind::InvalidFields, "instance, until and owner must be given"));
    };
    Ok(HoldAsk { id, instance, group, until, owner, reason, way })
}

fn read<T: std::str::FromStr<Err = String>>(fields: &mut Fields, name: &str, text: &str) -> Option<T> {
    text.parse().map_err(|e| fields.wrong(name, e)).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::api::testing::{self, Fake, NOW};
    use crate::decide::words::Phase;

    fn read_all(body: &str) -> Result<HoldAsk, Problem> {
        parse(body.as_bytes(), "id".into(), NOW)
    }

    #[test]
    fn a_body_becomes_an_ask() {
        let sent = NewHold {
            instance: "i-0123456789abcdef0".parse().unwrap(),
            group: None,
            until: "2h".into(),
            owner: "ann".into(),
            reason: Some("a look at the heap".into()),
            way: Some(HoldWay::Standby),
        };
        let ask = read_all(&serde_json::to_string(&sent).unwrap()).unwrap();
        assert_eq!(ask.until, NOW.plus(Duration::from_hours(2)));
        assert_eq!((ask.owner.as_str(), ask.way), ("ann", HoldWay::Standby));
        let short = read_all(r#"{"instance": "i-1", "until": "1m", "owner": "ann"}"#).unwrap();
        assert_eq!((short.way, short.reason.as_str()), (HoldWay::Replacement, ""));
    }

    #[test]
    fn every_wrong_field_is_named() {
        for (body, field) in [
            (r#"{"until": "1h", "owner": "ann"}"#, "instance"),
            (r#"{"instance": "", "until": "1h", "owner": "ann"}"#, "instance"),
            (r#"{"instance": "i-1", "owner": "ann"}"#, "until"),
            (r#"{"instance": "i-1", "until": "soon", "owner": "ann"}"#, "until"),
            (r#"{"instance": "i-1", "until": "1h"}"#, "owner"),
            (r#"{"instance": "i-1", "until": "1h", "owner": "ann", "way": "asleep"}"#, "way"),
            (r#"{"instance": "i-1", "until": "1h", "owner": "ann", "for": "1h"}"#, "for"),
        ] {
            let problem = read_all(body).unwrap_err();
            assert_eq!(problem.kind, Kind::InvalidFields, "{body}");
            assert_eq!(problem.errors[0].field, field, "{body}");
        }
    }

    #[tokio::test]
    async fn an_instance_that_the_engine_has_forgotten_is_found_in_the_store() {
        let fake = Fake::start().await;
        let mut row = testing::instance(1, 0, 1, Phase::InService);
        row.id = Some("i-0123456789abcdef0".parse().unwrap());
        fake.write(vec![testing::scale_up(1, 1)], vec![row.clone()], vec![]).await;
        let found = group_of(&fake.store, "i-0123456789abcdef0".parse().unwrap()).await.unwrap();
        assert_eq!(found.as_deref(), Some("web"));
        assert_eq!(group_of(&fake.store, "i-1".parse().unwrap()).await.unwrap(), None);
        row.phase = Phase::Gone;
        fake.write(vec![], vec![row], vec![]).await;
        assert_eq!(group_of(&fake.store, "i-0123456789abcdef0".parse().unwrap()).await.unwrap(), None);
    }
}
