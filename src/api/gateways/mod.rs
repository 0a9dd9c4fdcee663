//! `/v1/gateways`: what may be scaled ahead of time, and the requests that it be.

pub mod confirm;
pub mod create;
pub mod letter;
pub mod list;
pub mod release;
pub mod show;

use crate::decide::action::Accepted;
use crate::decide::gateway::words::GatewayRow;
use crate::store::Store;

use super::metrics::Answer;
use super::problem::{Kind, Problem};
use super::types::GatewayTaken;
use super::types::gateway::letter_of;

/// Longest name of whoever asks.
pub(super) const MOST_OWNER: usize = 64;
/// Longest name of a gateway, as the configuration has it.
pub(super) const MOST_NAME: usize = 64;
/// Longest reason or note, in characters.
pub(super) const MOST_REASON: usize = 500;

/// The request with this id, over or not.
async fn stored(store: &Store, id: &str) -> Result<GatewayRow, Problem> {
    let found = store.gateway_request(id).await?;
    found.ok_or_else(|| {
        Problem::new(Kind::UnknownGatewayRequest, format!("there is no gateway request '{id}'"))
    })
}

/// What an order came to, with the text for people. The row was committed before the order was answered.
async fn taken(store: &Store, accepted: Accepted) -> Result<(Answer, GatewayTaken), Problem> {
    let row = store.gateway_request(&accepted.id).await?;
    let answer = if accepted.repeated { Answer::Repeated } else { Answer::Accepted };
    let letter = row.as_ref().and_then(letter_of);
    Ok((answer, GatewayTaken { id: accepted.id, repeated: accepted.repeated, letter }))
}

/// The answer to an order that was taken.
async fn answered(store: &Store, accepted: Accepted) -> Result<axum::response::Response, Problem> {
    use axum::response::IntoResponse;
    let (answer, body) = taken(store, accepted).await?;
    let mut response = (http::StatusCode::ACCEPTED, axum::Json(body)).into_response();
    response.extensions_mut().insert(answer);
    Ok(response)
}
