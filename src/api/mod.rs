//! The HTTP API: one file per verb.
//!
//! A request passes, from the outside in: its id and its count ([`observe`]), a net for panics, a
//! limit on its time, the token or the host check ([`auth`]), the handler. A handler parses
//! strictly ([`fields`], [`params`], [`headers`], [`body`]), asks the engine or reads the store, and
//! answers with a wire type ([`types`]) or a [`problem`].
//!
//! Handlers decide nothing and write nothing: the engine accepts and refuses, the store is only
//! read here.

pub mod auth;
mod body;
mod by;
mod explain;
mod fields;
mod freezes;
mod gates;
mod gateways;
mod groups;
mod headers;
mod health;
mod holds;
pub mod hooks;
mod instances;
mod keep_failing;
mod lookup;
pub mod metrics;
mod observe;
mod openapi;
mod params;
mod preflights;
pub mod problem;
mod quarantine;
mod scale_ins;
mod scale_ups;
mod schedules;
mod signals;
pub mod state;
mod tally;
#[cfg(test)]
mod testing;
pub mod types;
mod zones;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use tower_http::catch_panic::CatchPanicLayer;

use crate::time::Clock;
use metrics::HttpMetrics;

pub use auth::{Auth, check_bind};
pub use metrics::{Descriptors, Metrics};
pub use openapi::openapi;
pub use state::{ApiState, FOLLOWERS};

/// Every route, behind everything that each request passes.
pub fn router(state: ApiState) -> Router {
    let watched = (state.http.clone(), state.handle.clock());
    let auth = state.auth.clone();
    wrap(openapi::routes().with_state(state), watched, auth, observe::LONGEST)
}

fn wrap(routes: Router, watched: (HttpMetrics, Clock), auth: Arc<Auth>, limit: Duration) -> Router {
    routes
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(from_fn_with_state(auth, auth::guard))
        .layer(from_fn_with_state(limit, observe::within))
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(from_fn_with_state(watched, observe::observe))
}

#[cfg(test)]
mod tests;
