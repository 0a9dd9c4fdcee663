//! One instance of a group.

use std::sync::Arc;

use super::super::ec2::Launch;
use super::activity::ActivityNumber;
use super::notify::Route;
use super::words::{HealthStatus, LifecycleState, Place, Stage};

/// How it came, or comes, into the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Launched,
    /// `AttachInstances`: no hooks.
    Attached,
    /// `ExitStandby`: no hooks.
    Returned,
    FromWarmPool,
}

/// Why it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaves {
    /// The group is larger than desired.
    ScaleIn,
    /// Its instance has ended.
    NotRunning,
    /// Someone called it unhealthy.
    UserHealth,
    /// The load balancer's check fails: one of a few at a time.
    LoadBalancerHealth,
    /// `TerminateInstanceInAutoScalingGroup`
    UserRequest,
    /// A hook abandoned its launch.
    Abandoned,
    /// The group, or its warm pool, is deleted.
    Deletion,
}

#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) ordinal: u32,
    pub(super) launch: Arc<Launch>,
    pub(super) state: LifecycleState,
    pub(super) since_ms: i64,
    /// When the state ends by itself, if it does.
    pub(super) until_ms: Option<i64>,
    pub(super) way: Way,
    pub(super) leaves: Option<Leaves>,
    /// It goes back to the warm pool instead of ending.
    pub(super) to_pool: bool,
    /// Its termination hooks have been asked; a retained one is ended without asking again.
    pub(super) hooked_out: bool,
    /// EC2 has been told to end it.
    pub(super) ended: bool,
    /// The group will notice that it has ended: it is on the agenda.
    pub(super) noticed: bool,
    pub(super) health: HealthStatus,
    /// From `SetInstanceHealth`: replaced at once.
    pub(super) marked_by_user: bool,
    pub(super) protected: bool,
    pub(super) in_service_ms: Option<i64>,
    /// Launched beyond the desired capacity to balance the zones.
    pub(super) extra: bool,
    /// Registered with the load balancers: not if `AddToLoadBalancer` was suspended.
    pub(super) registered: bool,
    /// The activity about it, if one is going on.
    pub(super) activity: Option<ActivityNumber>,
}

impl Member {
    pub(super) fn new(ordinal: u32, launch: Arc<Launch>, state: LifecycleState, now_ms: i64) -> Member {
        Member {
            ordinal,
            launch,
            state,
            since_ms: now_ms,
            until_ms: None,
            way: Way::Launched,
            leaves: None,
            to_pool: false,
            hooked_out: false,
            ended: false,
            noticed: false,
            health: HealthStatus::Healthy,
            marked_by_user: false,
            protected: false,
            in_service_ms: None,
            extra: false,
            registered: false,
            activity: None,
        }
    }

    pub(super) fn stage(&self) -> Stage {
        self.state.stage()
    }

    /// It waits for termination hooks. An abandoned launch does not, nor does anything when its
    /// group is deleted by force (aws-facts 0.10).
    pub(super) fn runs_hooks_out(&self) -> bool {
        !self.hooked_out && !matches!(self.leaves, Some(Leaves::Abandoned | Leaves::Deletion))
    }

    /// Where it comes from and goes to, on its way in or out.
    pub(super) fn route(&self) -> Route {
        let (origin, destination) = match self.stage() {
            Stage::Coming | Stage::InService if self.way == Way::FromWarmPool => {
                (Place::WarmPool, Place::Group)
            }
            Stage::Coming | Stage::InService => (Place::Ec2, Place::Group),
            Stage::Warm => (Place::Ec2, Place::WarmPool),
            Stage::LeavingWarm => (Place::WarmPool, Place::Ec2),
            Stage::Leaving if self.to_pool => (Place::Group, Place::WarmPool),
            Stage::Aside | Stage::Leaving | Stage::Retained => (Place::Group, Place::Ec2),
        };
        Route { origin, destination }
    }
}
