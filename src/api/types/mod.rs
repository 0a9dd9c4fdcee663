//! The words of the wire, shared by the service and its command line.
//!
//! Everything here reads back what it writes. Reading is lenient about fields it does not know, so
//! that an older command line works with a newer service; what the service itself accepts is
//! parsed strictly, elsewhere ([`super::fields`]).

pub mod explain;
pub mod gate;
pub mod gateway;
pub mod group;
pub mod health;
pub mod hook;
pub mod instance;
pub mod lease;
pub mod names;
pub mod preflight;
pub mod problem;
pub mod quarantine;
pub mod scale_in;
pub mod scale_up;
pub mod schedule;
pub mod signal;
pub mod stamp;
pub mod zone;

pub use explain::{Explanation, WaitLine};
pub use gate::{GateItem, NewOverride, OverrideItem};
pub use gateway::{
    GatewayItem, GatewayRequestHistory, GatewayRequestItem, GatewayTaken, GatewayZone, Gateways,
    NewConfirmation, NewGatewayRequest, ObservedItem,
};
pub use group::{AsgItem, FailingLaunch, FailingLaunches, GroupItem, Groups, ReserveItem, Watchdog};
pub use health::{Alive, Ready};
pub use hook::{HookItem, HookPage, HookTaken};
pub use instance::{InstanceItem, InstancePage, JournalLine, SlotHistory};
pub use lease::{
    FreezeItem, Freezes, HoldItem, Holds, LeaseItem, LeaseTaken, NewFreeze, NewHold, PendingItem,
};
pub use preflight::{AskItem, LimitItem, LimitShort, Preflight};
pub use problem::{FieldError, ProblemBody};
pub use quarantine::{KeptItem, Quarantine, ReleaseTaken};
pub use scale_in::{NewScaleIn, ScaleInItem, ScaleInTaken, ScaleIns};
pub use scale_up::{Cancel, Created, Links, NewScaleUp, ScaleUp, ScaleUpItem, ScaleUpPage, Shortfall};
pub use schedule::{NewSchedule, PeakItem, ScheduleHistory, ScheduleItem, ScheduleTaken, Schedules};
pub use signal::{PushSignals, SignalItem, Signals};
pub use stamp::Stamp;
pub use zone::{NewWeight, ZoneItem, ZoneOrder, Zones};

/// Words of the wire that the core has too.
pub use crate::decide::gateway::calendar::words::MissedRule;
pub use crate::decide::guard::lease::HoldWay;
