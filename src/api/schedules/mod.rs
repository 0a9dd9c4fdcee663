//! `/v1/gateway-schedules`: gateway requests that are made by the calendar.

pub mod create;
pub mod list;
pub mod remove;
pub mod show;

use axum::response::{IntoResponse, Response};

use super::metrics::Answer;
use super::types::{PeakItem, ScheduleTaken};
use crate::decide::action::Accepted;

/// The answer to an order that was taken.
fn taken(accepted: Accepted, next: Vec<PeakItem>) -> Response {
    let answer = if accepted.repeated { Answer::Repeated } else { Answer::Accepted };
    let body = ScheduleTaken { id: accepted.id, repeated: accepted.repeated, next };
    let mut response = (http::StatusCode::ACCEPTED, axum::Json(body)).into_response();
    response.extensions_mut().insert(answer);
    response
}
