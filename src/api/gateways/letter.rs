//! `GET /v1/gateways/{id}/letter`: the text for people as a mail that is ready to be sent.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;

use super::stored;
use crate::api::lookup::Name;
use crate::api::params::Params;
use crate::api::problem::{Kind, Problem};
use crate::api::state::ApiState;
use crate::api::types::ProblemBody;
use crate::decide::gateway::letter::mail;

const TEXT: &str = "text/plain; charset=utf-8";

/// Gives the text for people as a mail without addresses: headers, an empty line, text.
///
/// Only of a gateway that people scale, while the request is not over.
#[utoipa::path(
    get, path = "/v1/gateways/{id}/letter", operation_id = "showGatewayLetter", tag = "gateways",
    params(("id" = String, Path, description = "The request's id")),
    responses(
        (status = 200, description = "The mail: Subject and other headers, an empty line, the text", body = String,
            content_type = TEXT),
        (status = 404, description = "There is no such request", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "Nobody is to be asked: AWS itself is, or the request is over",
            body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn letter(
    State(state): State<ApiState>,
    Name(id): Name,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let row = stored(&state.store, &id).await?;
    let none = |why: String| Err(Problem::new(Kind::NoLetter, why));
    if !row.kind.is_of_people() {
        return none(format!("gateway '{}' is scaled by AWS itself: no person is asked", row.gateway));
    }
    if !row.state.is_active() {
        return none(format!("request '{id}' is {}: nobody is asked any more", row.state));
    }
    Ok(([(CONTENT_TYPE, TEXT)], mail(&row)).into_response())
}

#[cfg(test)]
mod tests {
    use crate::api::testing::{self, Fake};
    use crate::decide::gateway::words::{GatewayKind, GatewayRow, GatewayState};
    use crate::decide::rows::Changes;

    #[tokio::test]
    async fn a_mail_is_given_while_people_are_asked() {
        let fake = Fake::start().await;
        let asked = testing::gateway_request();
        let with = |id: &str, kind, state| GatewayRow { id: id.into(), kind, state, ..asked.clone() };
        let over = with("0192", GatewayKind::TransitGateway, GatewayState::Expired);
        let quota = with("0193", GatewayKind::Quota, GatewayState::Pending);
        fake.commit(Changes { gateways: vec![asked.clone(), over, quota], ..Changes::default() }).await;
        let answer = fake.get("/v1/gateways/0191/letter").await;
        assert_eq!(answer.header("content-type").as_deref(), Some("text/plain; charset=utf-8"));
        let text = answer.text();
        assert!(text.starts_with("Subject: muster: core to 200 Gbit/s (0191)\n"), "{text}");
        assert!(text.contains("\n\nPlease have the transit gateway core"), "{text}");
        for id in ["0192", "0193"] {
            assert_eq!(fake.get(&format!("/v1/gateways/{id}/letter")).await.problem("no_letter").0, 409);
        }
        assert_eq!(fake.get("/v1/gateways/0194/letter").await.problem("unknown_gateway_request").0, 404);
    }
}
