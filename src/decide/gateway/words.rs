//! What is written down of a gateway request, and what is configured of a gateway.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::GatewayAsk;
use super::case::SupportSpec;
use crate::decide::words::{Time, named};

named! {
    /// What a gateway is, and so who is asked to scale it.
    pub enum GatewayKind {
        /// AWS has no call for it (aws-facts 6.1): people are asked, and people confirm.
        TransitGateway = "transit-gateway",
        /// `ModifyCapacityReservation` of an Application or Network Load Balancer (aws-facts 6.2).
        LoadBalancer = "load-balancer",
        /// `RequestServiceQuotaIncrease`, and whatever AWS answers in its own time (aws-facts 1.5 and 6.4).
        Quota = "quota",
        /// `AssociateNatGatewayAddress` of a public NAT gateway (aws-facts 6.3).
        Nat = "nat",
    }
}

impl GatewayKind {
    /// People are asked, since AWS has no call for it.
    #[must_use]
    pub fn is_of_people(self) -> bool {
        match self {
            GatewayKind::TransitGateway => true,
            GatewayKind::LoadBalancer | GatewayKind::Quota | GatewayKind::Nat => false,
        }
    }
}

named! {
    /// How far a request has come.
    pub enum GatewayState {
        /// Stored; nobody was asked yet.
        Wanted = "wanted",
        /// Asked for. AWS may or may not have heard it; people have not said anything.
        Submitted = "submitted",
        /// AWS took it, and is at work.
        Pending = "pending",
        /// All of it is there.
        InEffect = "in_effect",
        /// Some of it is there, and no more will be by itself.
        PartlyInEffect = "partly_in_effect",
        /// Over; what was reserved is being given back.
        Releasing = "releasing",
        /// Whoever was asked said no.
        Refused = "refused",
        /// Its time ran out before anything of it was there.
        Expired = "expired",
        /// It was there, or was not wanted any more, and is over.
        Released = "released",
    }
}

impl GatewayState {
    /// Nothing becomes of it any more.
    #[must_use]
    pub fn is_over(self) -> bool {
        match self {
            GatewayState::Refused | GatewayState::Expired | GatewayState::Released => true,
            GatewayState::Wanted
            | GatewayState::Submitted
            | GatewayState::Pending
            | GatewayState::InEffect
            | GatewayState::PartlyInEffect
            | GatewayState::Releasing => false,
        }
    }

    /// It is wanted still.
    #[must_use]
    pub fn is_active(self) -> bool {
        !self.is_over() && self != GatewayState::Releasing
    }

    /// Some of it is there, as far as is known.
    #[must_use]
    pub fn carries(self) -> bool {
        match self {
            GatewayState::InEffect | GatewayState::PartlyInEffect => true,
            GatewayState::Wanted
            | GatewayState::Submitted
            | GatewayState::Pending
            | GatewayState::Releasing
            | GatewayState::Refused
            | GatewayState::Expired
            | GatewayState::Released => false,
        }
    }
}

named! {
    /// How a request came to its end.
    pub enum GatewayEnd {
        /// AWS, or whoever was asked, said no.
        Refused = "refused",
        /// By its time, before all or some of it was there.
        Expired = "expired",
        /// By its time, or by an operator.
        Released = "released",
        /// Somebody else changed the reservation: it is theirs now, and left as it is.
        Taken = "taken",
    }
}

impl GatewayEnd {
    /// The state of a request that ended so.
    #[must_use]
    pub fn state(self) -> GatewayState {
        match self {
            GatewayEnd::Refused => GatewayState::Refused,
            GatewayEnd::Expired => GatewayState::Expired,
            GatewayEnd::Released | GatewayEnd::Taken => GatewayState::Released,
        }
    }
}

/// One gateway, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    pub name: String,
    pub kind: GatewayKind,
    /// Its id (`tgw-...`, `nat-...`); of a load balancer its ARN, of a quota `SERVICE/CODE`.
    pub resource: String,
    /// What capacity is counted in: `LCU` of a load balancer.
    pub unit: String,
    /// What it carries without being asked, in that unit. 0: nobody has said.
    pub declared: u32,
    /// Of a NAT gateway: the allocations that may be added to it.
    pub pool: Vec<String>,
    /// Of a transit gateway: how AWS Support is asked beside people.
    pub support: Option<Arc<SupportSpec>>,
    /// People who have not answered are reminded this often.
    pub remind_every: Duration,
    /// Whoever was asked has answered by then, or it is an alarm.
    pub answer_within: Duration,
}

impl Gateway {
    /// AWS is called about it, and not people alone.
    #[must_use]
    pub fn calls_aws(&self) -> bool {
        !self.kind.is_of_people() || self.support.is_some()
    }
}

/// Key: `id`. One request that a gateway be scaled ahead of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayRow {
    /// Public id (UUID v7), given by the shell.
    pub id: String,
    /// The configured name.
    pub gateway: String,
    pub kind: GatewayKind,
    /// As configured when it was asked for: what is given back is this one's, whatever is configured since.
    pub resource: String,
    pub unit: String,
    /// The whole capacity that it is to have, not what is to be added. At least 1.
    pub wanted: u32,
    /// To be there by then.
    pub needed_by: Option<Time>,
    /// Not wanted any more after: it is given back by itself.
    pub until: Time,
    pub reason: String,
    /// Who asked.
    pub owner: String,
    pub state: GatewayState,
    /// Since when it is in that state.
    pub since: Time,
    pub asked_at: Time,
    /// When AWS or people were asked first. Written before they are.
    pub submitted_at: Option<Time>,
    /// What was reserved before we changed it, 0 for nothing: what is restored. Of a quota: what it was when it was
    /// first looked at; of a NAT gateway, what it carried then. None: nobody has looked yet.
    pub before: Option<u32>,
    /// Of what is wanted, so much is there.
    pub in_effect: u32,
    /// The person who said so.
    pub confirmed_by: Option<String>,
    /// What AWS calls that which is followed: of a quota, the id of its increase, whoever asked for it; of a NAT
    /// gateway, the allocations that are added, or were to be, with commas; of a transit gateway, the id of its support
    /// case.
    pub reference: Option<String>,
    /// Where a support case stands, in AWS's words; or the code of the error for which there is none.
    pub reference_state: Option<String>,
    /// Calls that changed something, or were to.
    pub calls: u32,
    /// When the last of them was sent whose answer never came, as far as is known: it may arrive yet.
    pub unanswered: Option<Time>,
    /// Times that people were reminded, and when they last were asked or reminded.
    pub reminders: u32,
    pub reminded_at: Option<Time>,
    /// It was said that it is not there when it was to be.
    pub late: bool,
    /// When it was said that nobody has answered.
    pub alarmed_at: Option<Time>,
    pub ended_at: Option<Time>,
    pub end: Option<GatewayEnd>,
    /// Who ended it; none if its time or AWS did.
    pub ended_by: Option<String>,
    /// What the last call about it failed with, or what people said.
    pub note: Option<String>,
}

impl GatewayRow {
    /// A request that nobody was told of yet.
    #[must_use]
    pub fn asked(ask: GatewayAsk, gateway: &Gateway, at: Time) -> GatewayRow {
        GatewayRow {
            id: ask.id,
            gateway: gateway.name.clone(),
            kind: gateway.kind,
            resource: gateway.resource.clone(),
            unit: gateway.unit.clone(),
            wanted: ask.capacity,
            needed_by: ask.needed_by,
            until: ask.until,
            reason: ask.reason,
            owner: ask.owner,
            state: GatewayState::Wanted,
            since: at,
            asked_at: at,
            submitted_at: None,
            before: None,
            in_effect: 0,
            confirmed_by: None,
            reference: None,
            reference_state: None,
            calls: 0,
            unanswered: None,
            reminders: 0,
            reminded_at: None,
            late: false,
            alarmed_at: None,
            ended_at: None,
            end: None,
            ended_by: None,
            note: None,
        }
    }
}
