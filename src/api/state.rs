//! What every handler may use.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::auth::Auth;
use super::hooks::Doors;
use super::metrics::{Descriptors, HttpMetrics, Metrics};
use super::problem::{Kind, Problem};
use crate::decide::action::Accepted;
use crate::decide::order::Order;
use crate::engine::handle::{Handle, Readiness};
use crate::store::Store;

/// Event streams that may be open at once, unless the wiring says otherwise. Each holds a
/// connection for minutes; of the 24 descriptors that the API may use, half stay for requests.
pub const FOLLOWERS: usize = 12;

/// The engine, the store and the means to count. Cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    pub(super) handle: Handle,
    pub(super) store: Store,
    pub(super) auth: Arc<Auth>,
    pub(super) metrics: Metrics,
    pub(super) http: HttpMetrics,
    pub(super) descriptors: Arc<dyn Fn() -> Descriptors + Send + Sync>,
    pub(super) followers: Arc<Semaphore>,
    pub(super) doors: Doors,
}

impl ApiState {
    /// `descriptors` is asked when somebody reads `/metrics`; `followers` is how many event streams
    /// may be open at once (see [`FOLLOWERS`]).
    pub fn new(
        handle: Handle,
        store: Store,
        auth: Auth,
        metrics: Metrics,
        descriptors: impl Fn() -> Descriptors + Send + Sync + 'static,
        followers: usize,
        doors: Doors,
    ) -> ApiState {
        ApiState {
            handle,
            store,
            auth: Arc::new(auth),
            metrics,
            http: HttpMetrics::default(),
            descriptors: Arc::new(descriptors),
            followers: Arc::new(Semaphore::new(followers)),
            doors,
        }
    }

    /// Hands in what an operator orders; answered once it is durable.
    pub(super) async fn order(&self, order: Order) -> Result<Accepted, Problem> {
        self.check_ready()?;
        let taken = self.handle.order(order).await;
        taken.map_err(|error| Problem::not_taken(error, &self.handle.clock()))
    }

    /// Refuses work that the engine could not take now, and says why.
    pub(super) fn check_ready(&self) -> Result<(), Problem> {
        let (detail, wall) = match self.handle.ready() {
            Readiness::Ready => return Ok(()),
            Readiness::Starting => {
                ("starting: the engine is reading its state back".to_string(), Duration::from_secs(1))
            }
            // It comes back only when somebody restarts it: the other process serves meanwhile.
            Readiness::Fenced(by) => (
                format!(
                    "fenced: another process ({by}) owns the database; this one changes nothing any more"
                ),
                Duration::from_secs(30),
            ),
            Readiness::Stopping => ("stopping".to_string(), Duration::from_secs(5)),
        };
        Err(Problem::new(Kind::NotReady, detail).retry_after(wall))
    }
}
