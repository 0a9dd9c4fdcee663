//! Accepting connections under a bound, and descriptors enough for it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Accepts the next connection once there is a slot for it. Errors are waited out: a failed accept
/// is about one connection, or about descriptors that will come back.
pub(super) async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    /// Long enough not to spin, short enough not to be noticed.
    const PAUSE: Duration = Duration::from_millis(5);
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else {
            // Nobody closes these semaphores.
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((socket, _)) => return (socket, slot),
            Err(_) => crate::time::sleep_on_the_wall(PAUSE).await,
        }
    }
}

/// Raises the soft limit of descriptors towards the hard one; the limit that holds then.
///
/// # Errors
/// If the limits cannot be read.
pub(super) fn raise_descriptors(wanted: u64) -> io::Result<u64> {
    rlimit::increase_nofile_limit(wanted)
}
