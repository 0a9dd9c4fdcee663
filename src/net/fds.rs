//! The descriptor budget: every socket is paid for before it is opened (DESIGN rule 5: no EMFILE, ever).
//!
//! ```text
//! RLIMIT_NOFILE  =  open at the start  +  store  +  reserve  +  Api + Operator + Cloud + Contact
//! ```
//! The classes' shares are fixed at the start and disjoint. A share is a semaphore, so it cannot be
//! exceeded by construction; nothing here grows with the work.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::{fs, io};

use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::shares::{self, CLASSES, Shares};
use crate::decide::words::named;

named! {
    /// What a descriptor is for.
    pub enum FdClass {
        /// Accepted connections to the API.
        Api = "api",
        /// Accepted connections from this machine that found the API's share used up: always a few,
        /// so that an operator gets in while the API is flooded.
        Operator = "operator",
        /// Connections to AWS.
        Cloud = "cloud",
        /// Connections to instances: configure pushes and probes.
        Contact = "contact",
    }
}

/// Caps on what is asked for and handed out.
///
/// The defaults add up so that the service stays below 128 descriptors, half of `ulimit -n 256`:
/// 24 + 4 + 12 + 48 sockets, 16 of the store's, and about 15 that any tokio process has open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FdLimits {
    /// The soft limit is raised to the hard one, but not above this. Some tables (the kernel's, a
    /// child's) are sized by the limit, so "as many as there are" is not free: `HAProxy` learnt it
    /// with a hard limit of 2^30. 64 to 1,048,576.
    pub limit: u64,
    pub api: u32,
    pub operator: u32,
    pub cloud: u32,
    pub contacts: u32,
    /// What the store opens after the budget is drawn up: the store knows. 16 is more than either
    /// engine takes.
    pub store: u32,
    /// Kept back for what nobody pays for: name lookups (4 at a time, up to 2 each), trust roots,
    /// credentials files, the listener, `/proc`.
    pub reserve: u32,
}

impl Default for FdLimits {
    fn default() -> Self {
        FdLimits { limit: 65_536, api: 24, operator: 4, cloud: 12, contacts: 48, store: 16, reserve: 16 }
    }
}

impl FdLimits {
    /// Most permits a class gets, however high the limit.
    #[must_use]
    pub fn cap_of(&self, class: FdClass) -> u32 {
        match class {
            FdClass::Api => self.api,
            FdClass::Operator => self.operator,
            FdClass::Cloud => self.cloud,
            FdClass::Contact => self.contacts,
        }
    }
}

/// Why there is no budget.
#[derive(Debug, thiserror::Error)]
pub enum FdsError {
    #[error("the limit on open descriptors (RLIMIT_NOFILE) cannot be read or raised")]
    Limit(#[source] io::Error),
    #[error("the open descriptors cannot be counted in /proc/self/fd")]
    Count(#[source] io::Error),
    #[error(
        "{limit} open descriptors are allowed and at least {least} are needed: {open} are open, {store} are for \
         the store, {reserve} in reserve, {sockets} for sockets; raise the hard limit \
         (ulimit -Hn, LimitNOFILE= in a systemd unit)"
    )]
    TooFew { limit: u64, least: u64, open: u32, store: u32, reserve: u32, sockets: u64 },
}

/// The budget. One for the process.
#[derive(Debug)]
pub struct Fds {
    limit: u64,
    shares: Shares,
    slots: [Arc<Semaphore>; CLASSES],
    taken: [Level; CLASSES],
    total: Level,
    peak_open: AtomicU32,
}

/// How many now, and the most so far.
#[derive(Debug, Default)]
struct Level {
    now: AtomicU32,
    peak: AtomicU32,
}

impl Level {
    /// Counts one more; true if there were never so many.
    fn rise(&self) -> bool {
        let now = self.now.fetch_add(1, Relaxed) + 1;
        self.peak.fetch_max(now, Relaxed) < now
    }

    fn fall(&self) {
        self.now.fetch_sub(1, Relaxed);
    }
}

impl Fds {
    /// Raises the soft limit, counts what is open and divides the rest.
    ///
    /// Call it once, early: what is opened later and is not a socket of ours comes out of
    /// [`FdLimits::store`] and [`FdLimits::reserve`].
    pub fn at_start(limits: &FdLimits) -> Result<Arc<Fds>, FdsError> {
        let limit = rlimit::increase_nofile_limit(limits.limit).map_err(FdsError::Limit)?;
        Fds::within(limit, count_open().map_err(FdsError::Count)?, limits)
    }

    /// The budget of a process that may open `limit` descriptors and has `open` of them open.
    pub fn within(limit: u64, open: u32, limits: &FdLimits) -> Result<Arc<Fds>, FdsError> {
        let unpaid = u64::from(open) + u64::from(limits.store) + u64::from(limits.reserve);
        let shares =
            shares::divide(limit.saturating_sub(unpaid), limits).map_err(|sockets| FdsError::TooFew {
                limit,
                least: unpaid + sockets,
                open,
                store: limits.store,
                reserve: limits.reserve,
                sockets,
            })?;
        Ok(Arc::new(Fds {
            limit,
            shares,
            slots: shares.map(|share| Arc::new(Semaphore::new(share as usize))),
            taken: Default::default(),
            total: Level::default(),
            peak_open: AtomicU32::new(open),
        }))
    }

    /// Most permits the class may hold at once: what lanes and pools are sized by.
    #[must_use]
    pub fn share(&self, class: FdClass) -> u32 {
        self.shares[class as usize]
    }

    /// Waits for a permit, first come, first served.
    pub async fn take(self: &Arc<Self>, class: FdClass) -> FdPermit {
        match Arc::clone(&self.slots[class as usize]).acquire_owned().await {
            Ok(slot) => self.issue(class, slot),
            // Only a closed semaphore gets here, and nothing closes it.
            Err(_) => std::future::pending().await,
        }
    }

    /// A permit if one is free now.
    #[must_use]
    pub fn try_take(self: &Arc<Self>, class: FdClass) -> Option<FdPermit> {
        let slot = Arc::clone(&self.slots[class as usize]).try_acquire_owned().ok()?;
        Some(self.issue(class, slot))
    }

    fn issue(self: &Arc<Self>, class: FdClass, slot: OwnedSemaphorePermit) -> FdPermit {
        self.taken[class as usize].rise();
        if self.total.rise() {
            // At most once for each descriptor of the budget in the life of the process. The one
            // about to be opened is not in the count yet.
            if let Ok(open) = count_open() {
                self.peak_open.fetch_max(open + 1, Relaxed);
            }
        }
        FdPermit { class, fds: Arc::clone(self), _slot: slot }
    }

    /// What is in use now. Reads `/proc/self/fd`: microseconds for each descriptor that is open.
    #[must_use]
    pub fn usage(&self) -> FdUsage {
        let open_now = count_open().ok();
        if let Some(open) = open_now {
            self.peak_open.fetch_max(open, Relaxed);
        }
        FdUsage {
            limit: self.limit,
            budget: self.shares.iter().sum(),
            in_use: self.total.now.load(Relaxed),
            peak: self.total.peak.load(Relaxed),
            open_now,
            peak_open: self.peak_open.load(Relaxed),
            classes: std::array::from_fn(|i| ClassUsage {
                class: FdClass::ALL[i],
                share: self.shares[i],
                in_use: self.taken[i].now.load(Relaxed),
                peak: self.taken[i].peak.load(Relaxed),
            }),
        }
    }
}

/// The right to have one descriptor open. Keep it beside the socket and drop it after the socket.
#[derive(Debug)]
#[must_use = "a permit that is dropped pays for nothing"]
pub struct FdPermit {
    class: FdClass,
    fds: Arc<Fds>,
    _slot: OwnedSemaphorePermit,
}

impl FdPermit {
    #[must_use]
    pub fn class(&self) -> FdClass {
        self.class
    }
}

impl Drop for FdPermit {
    // Runs before the slot is given back, so the counts never show more than the share.
    fn drop(&mut self) {
        self.fds.taken[self.class as usize].fall();
        self.fds.total.fall();
    }
}

/// What the budget is and how much of it is used, for metrics and for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FdUsage {
    /// The soft `RLIMIT_NOFILE`.
    pub limit: u64,
    /// Sum of the shares: most sockets muster has open at once.
    pub budget: u32,
    /// Permits out now.
    pub in_use: u32,
    /// Most permits that were ever out at once.
    pub peak: u32,
    /// Descriptors of every kind open now; none if `/proc/self/fd` cannot be read.
    pub open_now: Option<u32>,
    /// Most descriptors of every kind that were seen open, looked at here and whenever `peak` rises.
    pub peak_open: u32,
    pub classes: [ClassUsage; CLASSES],
}

/// One class's part of [`FdUsage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ClassUsage {
    pub class: FdClass,
    pub share: u32,
    pub in_use: u32,
    pub peak: u32,
}

/// Descriptors open in this process, without the one that the counting itself takes.
fn count_open() -> io::Result<u32> {
    let open = fs::read_dir("/proc/self/fd")?.count().saturating_sub(1);
    Ok(u32::try_from(open).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn small() -> FdLimits {
        FdLimits { api: 4, operator: 1, cloud: 3, contacts: 5, store: 0, reserve: 0, ..FdLimits::default() }
    }

    #[test]
    fn sixty_four_descriptors_are_enough_and_the_refusal_names_the_least() {
        let limits = FdLimits::default();
        let usage = Fds::within(64, 13, &limits).unwrap().usage();
        assert!(usage.budget <= 64 - 13 - 16 - 16, "{usage:?}");

        let refusal = Fds::within(53, 13, &limits).unwrap_err().to_string();
        assert!(refusal.contains("53 open descriptors are allowed and at least 54 are needed"), "{refusal}");
        assert!(Fds::within(54, 13, &limits).is_ok());
    }

    #[test]
    fn the_defaults_stay_below_half_of_256() {
        let limits = FdLimits::default();
        let usage = Fds::within(256, 15, &limits).unwrap().usage();
        assert!(15 + limits.store + usage.budget < 128, "{usage:?}");
    }

    #[test]
    fn the_limit_is_raised_and_what_is_open_is_counted() {
        let fds = Fds::at_start(&FdLimits::default()).unwrap();
        let held = (0..100).map(|_| fs::File::open("/dev/null").unwrap()).collect::<Vec<_>>();
        let usage = fds.usage();
        assert!(usage.open_now.unwrap() >= 100, "{usage:?}");
        assert!(usage.peak_open >= usage.open_now.unwrap());
        assert_eq!(usage.limit, rlimit::Resource::NOFILE.get_soft().unwrap());
        drop(held);
    }

    #[tokio::test]
    async fn a_permit_given_back_wakes_the_one_who_waits() {
        let fds = Fds::within(100, 0, &FdLimits { cloud: 1, ..small() }).unwrap();
        let held = fds.take(FdClass::Cloud).await;
        assert!(fds.try_take(FdClass::Cloud).is_none());
        let waiting = tokio::spawn({
            let fds = Arc::clone(&fds);
            async move { fds.take(FdClass::Cloud).await.class() }
        });
        drop(held);
        assert_eq!(waiting.await.unwrap(), FdClass::Cloud);
        assert_eq!(fds.usage().classes[FdClass::Cloud as usize].peak, 1);
    }

    proptest! {
        /// Whatever the order of takes (`Ok`) and drops (`Err`), the books agree with a model that
        /// counts what is held, and no class holds more than its share.
        #[test]
        fn never_more_permits_than_the_share(
            ops in proptest::collection::vec(prop_oneof![
                (0..CLASSES).prop_map(Ok),
                (0..64usize).prop_map(Err),
            ], 0..60),
            limit in 9u64..20,
        ) {
            let fds = Fds::within(limit, 0, &small()).unwrap();
            let mut held: Vec<FdPermit> = Vec::new();
            let mut most = 0;
            for op in ops {
                match op {
                    Ok(i) => {
                        let class = FdClass::ALL[i];
                        let have = held.iter().filter(|p| p.class() == class).count();
                        let permit = fds.try_take(class);
                        prop_assert_eq!(permit.is_some(), have < fds.share(class) as usize);
                        held.extend(permit);
                    }
                    Err(i) if !held.is_empty() => drop(held.swap_remove(i % held.len())),
                    Err(_) => {}
                }
                most = most.max(held.len());
                let usage = fds.usage();
                prop_assert_eq!(usage.in_use as usize, held.len());
                prop_assert_eq!(usage.peak as usize, most);
                prop_assert!(u64::from(usage.in_use) <= limit);
                for c in usage.classes {
                    prop_assert!(c.in_use <= c.share && c.peak <= c.share);
                }
            }
            held.clear();
            prop_assert_eq!(fds.usage().in_use, 0);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_hundred_tasks_never_hold_more_than_the_share() {
        let fds = Fds::within(100, 0, &small()).unwrap();
        let tasks = (0..100).map(|_| {
            let fds = Arc::clone(&fds);
            tokio::spawn(async move {
                for _ in 0..20 {
                    let _permit = fds.take(FdClass::Contact).await;
                    tokio::task::yield_now().await;
                }
            })
        });
        futures_util::future::join_all(tasks).await.into_iter().for_each(|t| t.unwrap());
        let contact = fds.usage().classes[FdClass::Contact as usize];
        assert_eq!((contact.in_use, contact.peak), (0, 5));
    }
}
