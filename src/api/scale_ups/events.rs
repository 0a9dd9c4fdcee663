//! `GET /v1/scale-ups/{id}/events`: follow one until it is done.

use axum::extract::State;
use axum::response::{IntoResponse, Response, Sse};
use http::HeaderMap;

use super::follow::Follow;
use crate::api::headers::last_event_id;
use crate::api::lookup::{self, Name};
use crate::api::params::Params;
use crate::api::problem::{Kind, Problem};
use crate::api::state::ApiState;
use crate::api::types::ProblemBody;

/// Follows a scale-up as server-sent events.
///
/// First its history, then what happens, until it is done. Events: `journal` (a journal line; its
/// number is the event's id), `progress` (the scale-up as shown, at most twice a second) and `end`
/// (the same, once, when it is done; then the stream closes). A stream that closes without `end`
/// is to be opened again with the last id in `Last-Event-ID`; nothing is missed or told twice.
#[utoipa::path(
    get, path = "/v1/scale-ups/{id}/events", operation_id = "followScaleUp", tag = "scale-ups",
    params(
        ("id" = String, Path, description = "Public id, or number in this database"),
        ("Last-Event-ID" = Option<i64>, Header, description = "Go on after this journal line"),
    ),
    responses(
        (status = 200, description = "The stream", body = String, content_type = "text/event-stream"),
        (status = 404, description = "There is no such scale-up", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 429, description = "Too many streams are open; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn events(
    State(state): State<ApiState>,
    Name(id): Name,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    params.finish()?;
    let after = last_event_id(&headers)?;
    let row = lookup::scale_up(&state.store, &id).await?;
    let permit = state.followers.clone().try_acquire_owned().map_err(|_| {
        Problem::new(
            Kind::TooManyFollowers,
            "all event streams that may be open are; ask again, or poll the scale-up",
        )
        .retry_after(std::time::Duration::from_secs(5))
    })?;
    let follow = Follow::start(&state, row, after, permit);
    let stream = futures_util::stream::unfold(follow, |mut follow| async move {
        let event = follow.next().await?;
        Some((Ok::<_, std::convert::Infallible>(event), follow))
    });
    Ok(Sse::new(stream).into_response())
}
