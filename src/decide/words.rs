//! The words everything else is said in: time, ids, phases and error classes.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in muster's own time: milliseconds since the Unix epoch.
///
/// Muster's time may run faster than the wall's (`time.scale`), so it is never mixed with
/// `std::time` types: the shell converts, the core only compares and adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

impl Time {
    /// Later than anything that will ever be due.
    pub const NEVER: Time = Time(i64::MAX);

    /// This point plus a duration; saturates at [`Time::NEVER`].
    #[must_use]
    pub fn plus(self, d: Duration) -> Time {
        Time(self.0.saturating_add(millis(d)))
    }

    /// This point minus a duration; saturates.
    #[must_use]
    pub fn minus(self, d: Duration) -> Time {
        Time(self.0.saturating_sub(millis(d)))
    }

    /// Time passed since `earlier`; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn millis(d: Duration) -> i64 {
    i64::try_from(d.as_millis()).unwrap_or(i64::MAX)
}

/// A scale-up's number in this database: 1, 2, 3, ... The public id is a UUID beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScaleUpSeq(pub u32);

/// A launch's number in this database: 1, 2, 3, ...
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LaunchSeq(pub u64);

/// A hook action's number in this database: 1, 2, 3, ...
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HookSeq(pub u64);

/// One wanted instance: the scale-up it belongs to and its place in it, counted from 0.
///
/// Written `12-34` for people and on the wire, and as one 64-bit integer in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId {
    pub scale_up: ScaleUpSeq,
    pub ordinal: u32,
}

impl SlotId {
    /// The database's form: scale-up in the high 32 bits, ordinal in the low 32.
    #[must_use]
    pub fn to_i64(self) -> i64 {
        (i64::from(self.scale_up.0) << 32) | i64::from(self.ordinal)
    }

    /// The inverse of [`SlotId::to_i64`].
    #[must_use]
    pub fn from_i64(v: i64) -> SlotId {
        SlotId {
            scale_up: ScaleUpSeq(u32::try_from(v >> 32).unwrap_or(0)),
            ordinal: u32::try_from(v & 0xffff_ffff).unwrap_or(0),
        }
    }
}

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.scale_up.0, self.ordinal)
    }
}

impl FromStr for SlotId {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let bad = || format!("'{s}' is not a slot: write SCALE_UP-ORDINAL, for example 12-34");
        let (a, b) = s.split_once('-').ok_or_else(bad)?;
        Ok(SlotId {
            scale_up: ScaleUpSeq(a.parse().map_err(|_| bad())?),
            ordinal: b.parse().map_err(|_| bad())?,
        })
    }
}

impl Serialize for SlotId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SlotId {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One instance's life: the slot it fills and the how-manieth try at filling it (1, 2, ...).
///
/// The attempt is the fence for late answers: an outcome that names an attempt other than the
/// slot's current one is about an instance that is no longer ours to judge, and is dropped.
/// Attempts only grow, so a number never comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InstanceRef {
    pub slot: SlotId,
    pub attempt: u16,
}

impl InstanceRef {
    /// For an instance that no slot owns. Slots and attempts count from 1, so nothing matches it.
    pub const NOBODY: InstanceRef =
        InstanceRef { slot: SlotId { scale_up: ScaleUpSeq(0), ordinal: 0 }, attempt: 0 };
}

impl fmt::Display for InstanceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.slot, self.attempt)
    }
}

/// An EC2 instance id, kept inline: 100,000 of them in flight must not mean 100,000 allocations.
///
/// AWS writes `i-` and 8 or 17 hexadecimal digits; anything in printable ASCII up to 23 bytes fits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ec2Id {
    bytes: [u8; Ec2Id::MAX],
    len: u8,
}

impl Ec2Id {
    /// Longest id that fits: `i-` + 17 digits is 19; 23 makes the whole 24 bytes.
    pub const MAX: usize = 23;

    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or("")
    }
}

impl FromStr for Ec2Id {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        if s.is_empty() || s.len() > Self::MAX || !s.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(format!(
                "'{s}' is not an EC2 instance id (1 to {} printable ASCII bytes)",
                Self::MAX
            ));
        }
        let mut bytes = [0; Self::MAX];
        bytes[..s.len()].copy_from_slice(s.as_bytes());
        Ok(Ec2Id { bytes, len: u8::try_from(s.len()).map_err(|e| e.to_string())? })
    }
}

impl fmt::Display for Ec2Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Ec2Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Ec2Id {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Ec2Id {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Declares an enum whose variants have one fixed lower-case name, used in the database, in JSON
/// and on screens alike, so that no two places can spell a state differently.
macro_rules! named {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        $vis enum $name { $($(#[$vmeta])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every variant, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The fixed name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(s: &str) -> Result<Self, String> {
                $name::ALL.iter().copied().find(|v| v.as_str() == s).ok_or_else(|| {
                    let all: Vec<&str> = $name::ALL.iter().map(|v| v.as_str()).collect();
                    format!("'{s}' is not one of {}", all.join(", "))
                })
            }
        }
    };
}

pub(crate) use named;

named! {
    /// Where one instance's life stands.
    ///
    /// ```text
    /// queued → launching → booting → configuring → verifying → (admitting) → in_service
    ///    │          │          └──────────┴────────────┴───────────┴──→ broken → terminating → gone
    ///    └──────────┴──→ withdrawn                             └──→ quarantined ──┘
    /// ```
    pub enum Phase {
        /// Wanted; no launch has it yet.
        Queued = "queued",
        /// In a launch that is not settled: it may or may not exist.
        Launching = "launching",
        /// EC2 gave an id; it is not running yet, or not visible yet.
        Booting = "booting",
        /// Running; the configuration is being pushed to its agent.
        Configuring = "configuring",
        /// Configured; probes must pass so many times in a row.
        Verifying = "verifying",
        /// Verified; its Auto Scaling group waits for our answer before it lets it serve.
        Admitting = "admitting",
        /// Seen serving from outside.
        InService = "in_service",
        /// Given up, reason journalled, still holding its place.
        Broken = "broken",
        /// Broken, and kept for people to look at: out of service and nobody's slot, still holding its place.
        Quarantined = "quarantined",
        /// Verified, and kept out of service until it is wanted: nobody's slot, still holding its place.
        Reserved = "reserved",
        /// A terminate call that names it is committed.
        Terminating = "terminating",
        /// EC2 confirmed that it is shutting down or gone. The place is free.
        Gone = "gone",
        /// The slot ended without an instance: a shortfall, with its reason.
        Withdrawn = "withdrawn",
    }
}

impl Phase {
    /// Holds a place under the group's maximum: everything that exists or may exist.
    #[must_use]
    pub fn occupies(self) -> bool {
        match self {
            Phase::Launching
            | Phase::Booting
            | Phase::Configuring
            | Phase::Verifying
            | Phase::Admitting
            | Phase::InService
            | Phase::Broken
            | Phase::Quarantined
            | Phase::Reserved
            | Phase::Terminating => true,
            Phase::Queued | Phase::Gone | Phase::Withdrawn => false,
        }
    }

    /// Launched, and neither in service nor given up.
    #[must_use]
    pub fn is_on_its_way(self) -> bool {
        match self {
            Phase::Booting | Phase::Configuring | Phase::Verifying | Phase::Admitting => true,
            Phase::Queued
            | Phase::Launching
            | Phase::InService
            | Phase::Broken
            | Phase::Quarantined
            | Phase::Reserved
            | Phase::Terminating
            | Phase::Gone
            | Phase::Withdrawn => false,
        }
    }

    /// It exists, belongs to its slot, and does not serve: on its way, broken, or being ended.
    #[must_use]
    pub fn is_unready(self) -> bool {
        self.is_on_its_way() || matches!(self, Phase::Broken | Phase::Terminating)
    }

    /// Nothing more will happen to this instance within its scale-up.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Phase::InService | Phase::Gone | Phase::Quarantined | Phase::Reserved | Phase::Withdrawn => true,
            Phase::Queued
            | Phase::Launching
            | Phase::Booting
            | Phase::Configuring
            | Phase::Verifying
            | Phase::Admitting
            | Phase::Broken
            | Phase::Terminating => false,
        }
    }
}

named! {
    /// What is known of one bulk launch call.
    pub enum LaunchState {
        /// Committed, perhaps sent, no answer that settles it. Settled by sending it again.
        Unsettled = "unsettled",
        /// EC2 said what it launched.
        Settled = "settled",
        /// EC2 said that it launched nothing and will not for this call.
        Refused = "refused",
    }
}

named! {
    /// How far a scale-up has come.
    pub enum ScaleUpState {
        /// Slots are still on their way.
        Open = "open",
        /// Told to stop: what is not in service yet is being undone.
        Cancelling = "cancelling",
        /// Every slot is in service or withdrawn.
        Done = "done",
    }
}

named! {
    /// Who asked for a scale-up.
    pub enum Origin {
        /// A caller of our API.
        Asked = "asked",
        /// Nobody asked us: an Auto Scaling group launched instances, and we bring them into service.
        Adopted = "adopted",
        /// Muster itself: replacements for instances in service that are dead.
        Replacing = "replacing",
        /// A caller of our API, in an emergency: what the group has in reserve goes first to this one.
        Emergency = "emergency",
        /// Muster itself: instances that a group keeps in reserve.
        Reserving = "reserving",
    }
}

named! {
    /// What an error from AWS means for what we do next (aws-facts 2.3).
    pub enum ErrorClass {
        /// A token bucket of the account's is empty: nothing happened, send the same again later.
        Throttle = "throttle",
        /// No answer, or one that says nothing: it may or may not have happened.
        Unknown = "unknown",
        /// No capacity in this pool (zone and type) now; another pool may have it.
        Capacity = "capacity",
        /// The pool can never serve this (wrong zone for the type).
        Unsupported = "unsupported",
        /// The subnet has no free addresses.
        Addresses = "addresses",
        /// An account limit is reached; raising it is a request to AWS.
        Quota = "quota",
        /// One request named too many things.
        TooMany = "too_many",
        /// The token belongs to instances that have been terminated since.
        TokenSpent = "token_spent",
        /// The token was used with another body. A defect of ours or a second muster.
        TokenMismatch = "token_mismatch",
        /// Another activity of the group is under way: nothing happened, send the same again soon.
        Contention = "contention",
        /// There is no such lifecycle action any more: it was answered, or it timed out.
        NoAction = "no_action",
        /// The group's minimum or maximum forbids it.
        Size = "size",
        /// An id is not known, or not yet (eventual consistency).
        NotFound = "not_found",
        /// The request itself is wrong or not allowed: sending it again changes nothing.
        Configuration = "configuration",
    }
}

/// What a failed call that may be sent twice came to, by its error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing happened, and the bucket decides when it goes again.
    Throttled,
    /// It may have happened, or something else has to end first.
    Unclear,
    /// AWS will not do it as it stands.
    Refused,
}

impl ErrorClass {
    #[must_use]
    pub fn failure(self) -> Failure {
        match self {
            ErrorClass::Throttle => Failure::Throttled,
            ErrorClass::Unknown | ErrorClass::Contention => Failure::Unclear,
            ErrorClass::NotFound
            | ErrorClass::Configuration
            | ErrorClass::Size
            | ErrorClass::Capacity
            | ErrorClass::Unsupported
            | ErrorClass::Addresses
            | ErrorClass::Quota
            | ErrorClass::TooMany
            | ErrorClass::TokenSpent
            | ErrorClass::TokenMismatch
            | ErrorClass::NoAction => Failure::Refused,
        }
    }
}

named! {
    /// The AWS calls muster makes, as budgets, lanes and metrics name them.
    pub enum Api {
        RunInstances = "RunInstances",
        DescribeInstances = "DescribeInstances",
        TerminateInstances = "TerminateInstances",
        /// All calls of Auto Scaling: they share one bucket.
        AutoScaling = "AutoScaling",
        LaunchInstances = "LaunchInstances",
        CompleteLifecycleAction = "CompleteLifecycleAction",
        RecordLifecycleActionHeartbeat = "RecordLifecycleActionHeartbeat",
        DescribeAutoScalingGroups = "DescribeAutoScalingGroups",
        DescribeLifecycleHooks = "DescribeLifecycleHooks",
        TerminateInstanceInAutoScalingGroup = "TerminateInstanceInAutoScalingGroup",
        SetDesiredCapacity = "SetDesiredCapacity",
        SetInstanceProtection = "SetInstanceProtection",
        EnterStandby = "EnterStandby",
        ExitStandby = "ExitStandby",
        DetachInstances = "DetachInstances",
        SuspendProcesses = "SuspendProcesses",
        ResumeProcesses = "ResumeProcesses",
        ModifyInstanceAttribute = "ModifyInstanceAttribute",
        DescribeInstanceAttribute = "DescribeInstanceAttribute",
        CreateTags = "CreateTags",
        GetMetricData = "GetMetricData",
        /// All read-only calls for the picture that requests are held against: they share one small budget.
        Preflight = "preflight",
        GetServiceQuota = "GetServiceQuota",
        GetAwsDefaultServiceQuota = "GetAWSDefaultServiceQuota",
        DescribeInstanceTypes = "DescribeInstanceTypes",
        DescribeSubnets = "DescribeSubnets",
        DescribeNetworkInterfaces = "DescribeNetworkInterfaces",
        DescribeTargetHealth = "DescribeTargetHealth",
        DescribeLaunchTemplateVersions = "DescribeLaunchTemplateVersions",
        /// All calls about gateways: they share one small budget.
        Gateway = "gateway",
        DescribeCapacityReservation = "DescribeCapacityReservation",
        ModifyCapacityReservation = "ModifyCapacityReservation",
        GetRequestedServiceQuotaChange = "GetRequestedServiceQuotaChange",
        ListRequestedServiceQuotaChangeHistoryByQuota = "ListRequestedServiceQuotaChangeHistoryByQuota",
        RequestServiceQuotaIncrease = "RequestServiceQuotaIncrease",
        DescribeNatGateways = "DescribeNatGateways",
        AssociateNatGatewayAddress = "AssociateNatGatewayAddress",
        DescribeCases = "DescribeCases",
        CreateCase = "CreateCase",
        DisassociateNatGatewayAddress = "DisassociateNatGatewayAddress",
    }
}

impl Api {
    /// A call of Auto Scaling's, which all draw on one bucket.
    #[must_use]
    pub fn is_auto_scaling(self) -> bool {
        match self {
            Api::AutoScaling
            | Api::LaunchInstances
            | Api::CompleteLifecycleAction
            | Api::RecordLifecycleActionHeartbeat
            | Api::DescribeAutoScalingGroups
            | Api::DescribeLifecycleHooks
            | Api::TerminateInstanceInAutoScalingGroup
            | Api::SetDesiredCapacity
            | Api::SetInstanceProtection
            | Api::EnterStandby
            | Api::ExitStandby
            | Api::DetachInstances
            | Api::SuspendProcesses
            | Api::ResumeProcesses => true,
            Api::RunInstances
            | Api::DescribeInstances
            | Api::TerminateInstances
            | Api::ModifyInstanceAttribute
            | Api::DescribeInstanceAttribute
            | Api::CreateTags
            | Api::GetMetricData
            | Api::Preflight
            | Api::GetServiceQuota
            | Api::GetAwsDefaultServiceQuota
            | Api::DescribeInstanceTypes
            | Api::DescribeSubnets
            | Api::DescribeNetworkInterfaces
            | Api::DescribeTargetHealth
            | Api::DescribeLaunchTemplateVersions
            | Api::Gateway
            | Api::DescribeCapacityReservation
            | Api::ModifyCapacityReservation
            | Api::GetRequestedServiceQuotaChange
            | Api::ListRequestedServiceQuotaChangeHistoryByQuota
            | Api::RequestServiceQuotaIncrease
            | Api::DescribeNatGateways
            | Api::AssociateNatGatewayAddress
            | Api::DescribeCases
            | Api::CreateCase
            | Api::DisassociateNatGatewayAddress => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_id_survives_the_database_and_the_wire() {
        for (su, ord) in [(1, 0), (7, 1199), (u32::MAX >> 1, u32::MAX)] {
            let slot = SlotId { scale_up: ScaleUpSeq(su), ordinal: ord };
            assert_eq!(SlotId::from_i64(slot.to_i64()), slot);
            assert_eq!(slot.to_string().parse(), Ok(slot));
        }
        assert!("12".parse::<SlotId>().is_err_and(|e| e.contains("12-34")));
    }

    #[test]
    fn an_instance_id_that_does_not_fit_is_refused_not_cut() {
        assert_eq!(
            "i-0123456789abcdef0".parse::<Ec2Id>().map(|i| i.to_string()),
            Ok("i-0123456789abcdef0".into())
        );
        assert!("i-0123456789abcdef0123456".parse::<Ec2Id>().is_err());
        assert!("".parse::<Ec2Id>().is_err());
        assert!("i-\u{e9}".parse::<Ec2Id>().is_err());
    }

    #[test]
    fn every_name_reads_back() {
        for p in Phase::ALL {
            assert_eq!(p.as_str().parse(), Ok(*p));
        }
        assert!("dead".parse::<Phase>().is_err_and(|e| e.contains("in_service")));
    }
}
