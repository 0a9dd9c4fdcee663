//! `POST /v1/scale-ups/{id}/cancel`: stop one, and undo what is not in service yet.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::MOST_REASON;
use super::detail::detail;
use crate::api::body::JsonBody;
use crate::api::fields::Fields;
use crate::api::lookup::{self, Name};
use crate::api::metrics::Answer;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{Cancel, ProblemBody, ScaleUp};
use crate::decide::action::Refusal;
use crate::decide::words::ScaleUpState;

/// Stops a scale-up: slots that are not in service yet are withdrawn, their instances terminated.
///
/// Asking twice changes nothing. What is in service stays in service.
#[utoipa::path(
    post, path = "/v1/scale-ups/{id}/cancel", operation_id = "cancelScaleUp", tag = "scale-ups",
    params(("id" = String, Path, description = "Public id, or number in this database")),
    request_body = Cancel,
    responses(
        (status = 202, description = "Durable; the scale-up as it is now", body = ScaleUp),
        (status = 404, description = "There is no such scale-up", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "It is already done", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = "4XX", description = "Refused; nothing was changed", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Not ready; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn cancel(
    State(state): State<ApiState>,
    Name(id): Name,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let reason = parse(&body)?;
    state.check_ready()?;
    let row = lookup::scale_up(&state.store, &id).await?;
    if row.state == ScaleUpState::Done {
        // The engine forgets what is done, the store does not.
        return Err(Problem::refused(&Refusal::AlreadyDone { id: row.id }));
    }
    let clock = state.handle.clock();
    let cancelled = state.handle.cancel(row.id, reason).await;
    let accepted = cancelled.map_err(|error| Problem::not_taken(error, &clock))?;
    let row = lookup::scale_up(&state.store, &accepted.id).await?;
    let shown = detail(&state.store, row, &state.handle.view(), clock.now()).await?;
    let mut response = (StatusCode::ACCEPTED, Json(shown)).into_response();
    response.extensions_mut().insert(Answer::Cancelled);
    Ok(response)
}

fn parse(body: &[u8]) -> Result<String, Problem> {
    let mut fields = Fields::read(body)?;
    let reason = fields.optional_text("reason", MOST_REASON);
    fields.finish()?;
    Ok(reason.unwrap_or_else(|| "no reason given".to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::problem::Kind;
    use crate::api::testing::{self, Fake};
    use crate::decide::rows::ScaleUpRow;

    #[test]
    fn a_reason_may_be_left_out_but_not_be_wrong() {
        assert_eq!(parse(br#"{"reason": "wrong image"}"#), Ok("wrong image".to_string()));
        assert_eq!(parse(b"{}"), Ok("no reason given".to_string()));
        for bad in [r#"{"reason": ""}"#, r#"{"reason": null}"#, r#"{"why": "x"}"#] {
            assert_eq!(parse(bad.as_bytes()).unwrap_err().kind, Kind::InvalidFields, "{bad}");
        }
    }

    #[tokio::test]
    async fn a_cancel_reaches_the_engine_once_and_shows_what_it_did() {
        let fake = Fake::start().await;
        fake.write(vec![testing::scale_up(3, 10)], vec![], vec![]).await;
        let answer = fake.post("/v1/scale-ups/3/cancel", r#"{"reason": "wrong image"}"#).await;
        assert_eq!(answer.status, 202);
        let shown: ScaleUp = answer.json();
        assert_eq!(shown.item.state, ScaleUpState::Cancelling);
        assert_eq!(shown.item.cancel_reason.as_deref(), Some("wrong image"));
    }

    #[tokio::test]
    async fn what_cannot_be_cancelled_is_said() {
        let fake = Fake::start().await;
        let done = ScaleUpRow { state: ScaleUpState::Done, ..testing::scale_up(1, 1) };
        fake.write(vec![done], vec![], vec![]).await;
        assert_eq!(fake.post("/v1/scale-ups/1/cancel", "{}").await.problem("already_done").0, 409);
        assert_eq!(fake.post("/v1/scale-ups/2/cancel", "{}").await.problem("unknown_scale_up").0, 404);
        assert_eq!(fake.post("/v1/scale-ups/1/cancel", "").await.problem("invalid_body").0, 400);
        let wrong =
            fake.send("POST", "/v1/scale-ups/1/cancel", &[("content-type", "text/plain")], "{}").await;
        assert_eq!(wrong.problem("unsupported_media_type").0, 415);
    }
}
