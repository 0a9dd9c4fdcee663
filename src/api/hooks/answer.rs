//! What the sender of a notification is told.

use axum::Json;
use axum::extract::{FromRequest, Request};

use crate::api::body::JsonBody;
use crate::api::problem::{Kind, Problem};
use crate::api::state::ApiState;
use crate::api::types::HookTaken;
use crate::engine::AskError;
use crate::hooks::inlet::{Door, Handed, Outcome};

/// Hands a notification in and answers for it.
pub async fn hand_in(state: &ApiState, door: Door, text: &str) -> Result<Json<HookTaken>, Problem> {
    state.check_ready()?;
    let handed = state.doors.inlet.hand_in(door, text).await;
    let outcome = handed.outcome();
    match handed {
        Handed::Stored { token, .. } => Ok(Json(HookTaken { outcome, token: Some(token), what: None })),
        Handed::Acknowledged { what } => Ok(Json(HookTaken { outcome, token: None, what: Some(what) })),
        Handed::Unreadable(why) => Err(Problem::new(Kind::InvalidBody, why.to_string())),
        Handed::UnknownGroup(refusal) => Err(Problem::refused(&refusal)),
        Handed::Later(error) => {
            let wall = state.doors.inlet.retry_after(&error);
            let (kind, why) = match error {
                AskError::Busy { .. } => (Kind::Busy, "the inbox is full"),
                AskError::Stopped | AskError::Refused(_) => (Kind::NotReady, "the engine has stopped"),
            };
            let detail = format!("{why}; send the notification again, twice does no harm");
            Err(Problem::new(kind, detail).retry_after(wall))
        }
    }
}

/// Hands in the notification that is a request's JSON body. What has none is counted at its door too.
pub async fn hand_in_body(
    state: &ApiState,
    door: Door,
    request: Request,
) -> Result<Json<HookTaken>, Problem> {
    let body = JsonBody::from_request(request, &()).await.and_then(|JsonBody(bytes)| text(&bytes));
    match body {
        Ok(text) => hand_in(state, door, &text).await,
        Err(problem) => {
            let large = problem.kind == Kind::BodyTooLarge;
            state.doors.inlet.count(door, if large { Outcome::TooLarge } else { Outcome::Unreadable });
            Err(problem)
        }
    }
}

fn text(body: &[u8]) -> Result<String, Problem> {
    let text = std::str::from_utf8(body).map(str::to_owned);
    text.map_err(|e| Problem::new(Kind::InvalidBody, format!("the body is not UTF-8: {e}")))
}
