//! `PUT /v1/zones/{zone}` and `PUT /v1/groups/{group}/zones/{zone}`: order a zone's weight.

use axum::Json;
use axum::extract::State;

use crate::api::body::JsonBody;
use crate::api::fields::Fields;
use crate::api::lookup::{Name, Names};
use crate::api::problem::Problem;
use crate::api::scale_ups::MOST_REASON;
use crate::api::state::ApiState;
use crate::api::types::{NewWeight, ProblemBody, ZoneItem, Zones};
use crate::decide::guard::zones::Weigh;
use crate::decide::order::Order;

/// Orders a zone's weight in every group, and ends what was ordered for single ones.
///
/// It acts on the next launch. What an Auto Scaling group launches by itself goes where that group wants it: only
/// muster's own launches obey.
#[utoipa::path(
    put, path = "/v1/zones/{zone}", operation_id = "weighZone", tag = "groups",
    params(("zone" = String, Path, description = "Its name, for example us-east-1a")),
    request_body = NewWeight,
    responses(
        (status = 200, description = "Durable and in force; the zone as it is now in each group", body = Zones),
        (status = 404, description = "No group launches there", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "A group could launch nowhere", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = "4XX", description = "Refused; nothing was changed", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Not ready; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn weigh(
    State(state): State<ApiState>,
    Name(zone): Name,
    JsonBody(body): JsonBody,
) -> Result<Json<Zones>, Problem> {
    order(&state, None, zone, &body).await
}

/// Orders a zone's weight in one group. It goes over what is ordered for every group.
#[utoipa::path(
    put, path = "/v1/groups/{group}/zones/{zone}", operation_id = "weighZoneOfGroup", tag = "groups",
    params(
        ("group" = String, Path, description = "A group's name"),
        ("zone" = String, Path, description = "Its name, for example us-east-1a"),
    ),
    request_body = NewWeight,
    responses(
        (status = 200, description = "Durable and in force; the zone as it is now", body = Zones),
        (status = 404, description = "There is no such group, or it has no such zone", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "The group could launch nowhere", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = "4XX", description = "Refused; nothing was changed", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Not ready; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn weigh_in_group(
    State(state): State<ApiState>,
    Names(group, zone): Names,
    JsonBody(body): JsonBody,
) -> Result<Json<Zones>, Problem> {
    order(&state, Some(group), zone, &body).await
}

async fn order(
    state: &ApiState,
    group: Option<String>,
    zone: String,
    body: &[u8],
) -> Result<Json<Zones>, Problem> {
    let NewWeight { percent, reason } = parse(body)?;
    let reason = reason.unwrap_or_default();
    let weigh = Weigh { group: group.clone(), zone: zone.clone(), percent, reason };
    state.order(Order::Weigh(weigh)).await?;
    let view = state.handle.view();
    let asked = view.zones.iter().filter(|z| z.zone == zone && group.as_ref().is_none_or(|g| *g == z.group));
    Ok(Json(Zones { zones: asked.map(ZoneItem::of).collect() }))
}

fn parse(body: &[u8]) -> Result<NewWeight, Problem> {
    let mut fields = Fields::read(body)?;
    let percent = fields.percent_or_null("percent");
    let reason = fields.optional_text("reason", MOST_REASON);
    fields.finish()?;
    Ok(NewWeight { percent, reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::problem::Kind;
    use crate::api::testing::{self, Answer, Fake};
    use crate::decide::view::View;

    #[test]
    fn a_weight_is_a_percentage_or_null() {
        let weight = |percent, reason: Option<&str>| NewWeight { percent, reason: reason.map(String::from) };
        assert_eq!(parse(br#"{"percent": 0, "reason": "grey"}"#), Ok(weight(Some(0), Some("grey"))));
        assert_eq!(parse(br#"{"percent": 100}"#), Ok(weight(Some(100), None)));
        assert_eq!(parse(br#"{"percent": null}"#), Ok(weight(None, None)));
        for bad in
            ["{}", r#"{"percent": 101}"#, r#"{"percent": -1}"#, r#"{"percent": 0.5}"#, r#"{"weight": 1}"#]
        {
            assert_eq!(parse(bad.as_bytes()).unwrap_err().kind, Kind::InvalidFields, "{bad}");
        }
    }

    async fn put(fake: &Fake, path: &str, body: &str) -> Answer {
        fake.send("PUT", path, &[("content-type", "application/json")], body.to_string()).await
    }

    #[tokio::test]
    async fn an_order_reaches_the_engine_and_shows_what_is_in_force() {
        let fake = Fake::start().await;
        let zones = vec![testing::zone("us-east-1a", 0), testing::zone("us-east-1b", 100)];
        fake.show(View { zones, ..testing::view() });
        for path in ["/v1/zones/us-east-1a", "/v1/groups/web/zones/us-east-1a"] {
            let answer = put(&fake, path, r#"{"percent": 0}"#).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let shown: Zones = answer.json();
            assert_eq!((shown.zones.len(), shown.zones[0].percent), (1, 0), "{path}");
        }
        assert_eq!(fake.asked(), 2);
    }

    #[tokio::test]
    async fn what_cannot_be_is_told() {
        let fake = Fake::start().await;
        let refused = put(&fake, "/v1/zones/mars-1", r#"{"percent": 0}"#).await;
        assert_eq!(refused.problem("unknown_zone"), (404, vec![]));
        assert_eq!(put(&fake, "/v1/zones/us-east-1a", "{}").await.problem("invalid_fields").0, 422);
        assert_eq!(
            fake.send("PUT", "/v1/zones/us-east-1a", &[], "{}").await.problem("unsupported_media_type").0,
            415
        );
        assert_eq!(fake.post("/v1/zones/us-east-1a", "{}").await.problem("method_not_allowed").0, 405);
    }
}
