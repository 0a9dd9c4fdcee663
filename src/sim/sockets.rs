//! Accepting connections under a bound, or none for a while, and descriptors enough for it.

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

/// Nobody listens until `open` says so: whoever connects meanwhile is refused by the system. The same address
/// again afterwards.
///
/// # Errors
/// If the address is not known any more.
pub(super) async fn closed(listener: TcpListener, open: impl Future<Output = ()>) -> io::Result<TcpListener> {
    /// As often somebody is asked to give the address back who has taken it meanwhile.
    const PAUSE: Duration = Duration::from_millis(50);
    let address = listener.local_addr()?;
    drop(listener);
    open.await;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
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
