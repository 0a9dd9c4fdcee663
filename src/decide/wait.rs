//! Why waiting things wait. `decide` fills these in as it passes by; `explain`, the API and the
//! demo only read them.

use serde::{Deserialize, Serialize};

use super::words::{Api, Phase, Time};

/// The reason that a slot, a launch or an instance is not moving right now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Wait {
    /// The bucket of instances we may launch is too low for the next batch.
    InstanceTokens { have: u32, want: u32, ready_at: Time },
    /// The bucket of calls of this API is empty.
    RequestTokens { api: Api, ready_at: Time },
    /// As many calls of this API are out as may be.
    CallsInFlight { api: Api, limit: u32 },
    /// This API keeps failing; the next call is a probe.
    ApiBackoff { api: Api, failures: u32, until: Time },
    /// The call was throttled or its answer lost; the same call goes out again.
    Resend { code: String, sends: u32, until: Time },
    /// After many tries without an answer that settles it; tried again at a slow pace.
    KeepFailing { code: String, sends: u32, until: Time },
    /// A larger launch that was throttled so often in a row goes first.
    Behind { throttles: u32, count: u32 },
    /// Launches were refused for what the group's configuration says.
    Refused { refusals: u32, until: Time },
    /// The version is unproven: the rest waits for the first of these to be in service.
    Canary { tried: u32, size: u32 },
    /// Too many of the last instances broke.
    BreakerOpen { failures: u32, outcomes: u32, until: Time },
    /// Half open: the rest waits for these.
    BreakerTrial { tried: u32, trial: u32 },
    /// The group is full, broken ones that are not gone yet included.
    GroupMax { max: u32, live: u32 },
    /// A gateway carries no more, as far as is confirmed.
    Gate {
        /// The arithmetic.
        told: String,
        /// What one instance brings.
        each: String,
        /// So many have to fit together; none: each by itself.
        whole: Option<u32>,
        /// The gateway request that is waited for.
        request: Option<String>,
    },
    /// No zone has capacity; the first is tried again then.
    Capacity { pools: u32, until: Time },
    /// Zones at 0 % by order; the others have no capacity, or there are none.
    ZoneWeights { closed: u32, until: Time },
    /// An account limit was reached.
    Quota { code: String, until: Time },
    /// EC2 is starting it.
    Booting { until: Time },
    /// Its agent has not accepted the configuration yet.
    Configuring { until: Time },
    /// Its probes have not passed often enough in a row yet.
    Verifying { until: Time },
    /// Verified; its group is told in its turn, which the bucket that all of Auto Scaling shares allows then.
    Admitting { ready_at: Time },
    /// Its Auto Scaling group has not been seen lately: how much room it has is not known.
    Unseen { since: Option<Time> },
    /// Its Auto Scaling group launches it, once its desired capacity is so much.
    Raising { to: u32, taken: bool },
    /// Its Auto Scaling group is to launch it, and has no launch lifecycle hook.
    NoLaunchHook,
    /// Ready to be contacted; all contact permits are in use.
    Contacts { limit: u32 },
    /// Being removed.
    Terminating,
    /// To be removed, and held: nobody ends it before then.
    Held { until: Time },
    /// Its group is not to be scaled in before then.
    Frozen { until: Time },
}

impl Wait {
    /// The phases in which a slot can wait for this.
    #[must_use]
    pub fn phases(&self) -> &'static [Phase] {
        match self {
            Wait::Canary { .. }
            | Wait::BreakerOpen { .. }
            | Wait::BreakerTrial { .. }
            | Wait::GroupMax { .. }
            | Wait::Gate { .. }
            | Wait::Unseen { .. }
            | Wait::Capacity { .. }
            | Wait::ZoneWeights { .. }
            | Wait::NoLaunchHook
            | Wait::Behind { .. }
            | Wait::Refused { .. }
            | Wait::Quota { .. } => &[Phase::Queued],
            // Before its launch is made, or before it is sent again.
            Wait::InstanceTokens { .. } | Wait::Raising { .. } => &[Phase::Queued, Phase::Launching],
            Wait::Resend { .. } | Wait::KeepFailing { .. } => &[Phase::Launching],
            Wait::RequestTokens { api, .. }
            | Wait::CallsInFlight { api, .. }
            | Wait::ApiBackoff { api, .. } => phases_of(*api),
            Wait::Booting { .. } => &[Phase::Booting],
            Wait::Configuring { .. } => &[Phase::Configuring],
            Wait::Verifying { .. } => &[Phase::Verifying],
            Wait::Admitting { .. } => &[Phase::Admitting],
            Wait::Contacts { .. } => &[Phase::Configuring, Phase::Verifying],
            Wait::Terminating | Wait::Held { .. } => &[Phase::Broken, Phase::Terminating],
            // Scale-in takes from what serves.
            Wait::Frozen { .. } => &[Phase::InService],
        }
    }

    /// Until when, if that can be told: others wait for something to happen, which [`Wait::describe`] names.
    #[must_use]
    pub fn until(&self) -> Option<Time> {
        let time = match self {
            Wait::InstanceTokens { ready_at, .. }
            | Wait::RequestTokens { ready_at, .. }
            | Wait::Admitting { ready_at } => *ready_at,
            Wait::ApiBackoff { until, .. }
            | Wait::Resend { until, .. }
            | Wait::KeepFailing { until, .. }
            | Wait::BreakerOpen { until, .. }
            | Wait::Capacity { until, .. }
            | Wait::ZoneWeights { until, .. }
            | Wait::Refused { until, .. }
            | Wait::Quota { until, .. }
            | Wait::Booting { until }
            | Wait::Configuring { until }
            | Wait::Verifying { until }
            | Wait::Held { until }
            | Wait::Frozen { until } => *until,
            Wait::CallsInFlight { .. }
            | Wait::Behind { .. }
            | Wait::Canary { .. }
            | Wait::BreakerTrial { .. }
            | Wait::GroupMax { .. }
            | Wait::Gate { .. }
            | Wait::Unseen { .. }
            | Wait::Raising { .. }
            | Wait::NoLaunchHook
            | Wait::Contacts { .. }
            | Wait::Terminating => return None,
        };
        (time != Time::NEVER).then_some(time)
    }

    /// A few words for a screen; times are told relative to `now`.
    #[must_use]
    pub fn describe(&self, now: Time) -> String {
        let in_s = |t: &Time| in_s(*t, now);
        match self {
            Wait::InstanceTokens { have, want, ready_at } => {
                format!(
                    "instance tokens: {have} of the {want} for the next batch, there in {}",
                    in_s(ready_at)
                )
            }
            Wait::RequestTokens { api, ready_at } => {
                format!("{api} request tokens: next in {}", in_s(ready_at))
            }
            Wait::CallsInFlight { api, limit } => {
                format!("{api} calls in flight: all {limit} are out; next when one is answered")
            }
            Wait::ApiBackoff { api, failures, until } => {
                format!("{api} failed {failures} times in a row: next probe in {}", in_s(until))
            }
            Wait::Resend { code, sends, until } => {
                format!(
                    "launch answered {code}: the same call goes out again in {} (sent {sends} times)",
                    in_s(until)
                )
            }
            Wait::KeepFailing { code, sends, until } => {
                format!("launch keeps failing with {code} after {sends} tries: next try in {}", in_s(until))
            }
            Wait::Behind { throttles, count } => {
                format!(
                    "launch order: a launch of {count} that was throttled {throttles} times in a row goes first"
                )
            }
            Wait::Refused { refusals, until } => {
                format!(
                    "launches refused {refusals} times for what the group's configuration says: next try in {}",
                    in_s(until)
                )
            }
            Wait::Canary { tried, size } => {
                format!(
                    "canary: {tried} of {size} instances of an unproven launch version are out; the rest follow when one \
                     is in service"
                )
            }
            Wait::BreakerOpen { failures, outcomes, until } => {
                format!(
                    "launch breaker open: {failures} of the last {outcomes} instances broke; tries again in {}",
                    in_s(until)
                )
            }
            Wait::BreakerTrial { tried, trial } => {
                format!(
                    "launch breaker half open: {tried} of {trial} trial instances are out; decided when they are verified or broken"
                )
            }
            Wait::GroupMax { max, live } => {
                format!("group maximum: {live} of {max} places are taken; next when one is free")
            }
            Wait::Gate { told, each, whole, request } => {
                let want = whole.map_or(format!("one more brings {each}"), |n| {
                    format!("{n} × {each} have to fit together")
                });
                let request = request.as_ref().map_or("nobody was asked for more".to_string(), |id| {
                    format!("waits for gateway request {id}")
                });
                format!("{told}: {want}; {request}")
            }
            Wait::Capacity { pools, until } => {
                format!("no capacity in any of {pools} zones: next try in {}", in_s(until))
            }
            Wait::ZoneWeights { closed, until } => zones(*closed, *until, now),
            Wait::Quota { code, until } => format!("account limit {code}: next try in {}", in_s(until)),
            Wait::Booting { until } => format!("booting, given up in {}", in_s(until)),
            Wait::Configuring { until } => format!("configuring, given up in {}", in_s(until)),
            Wait::Verifying { until } => format!("verifying, given up in {}", in_s(until)),
            Wait::Admitting { ready_at } => {
                format!("its Auto Scaling group is told to let it in: next call in {}", in_s(ready_at))
            }
            Wait::Unseen { since: Some(since) } => {
                format!("its Auto Scaling group was last seen {:.0} s ago", now.since(*since).as_secs_f64())
            }
            Wait::Unseen { since: None } => "its Auto Scaling group has not been seen yet".to_string(),
            Wait::Raising { to, taken: false } => {
                format!("its Auto Scaling group is looked at before its desired capacity is set to {to}")
            }
            Wait::Raising { to, taken: true } => {
                format!("its Auto Scaling group launches it: its desired capacity is {to}")
            }
            Wait::NoLaunchHook => {
                "its Auto Scaling group has no launch lifecycle hook: put one, or its instances would serve \
                 unverified"
                    .to_string()
            }
            Wait::Contacts { limit } => {
                format!("contact permits: all {limit} are in use; next when one is given back")
            }
            Wait::Terminating => "being removed".to_string(),
            Wait::Held { until } => format!("held: not removed for another {}", in_s(until)),
            Wait::Frozen { until } => format!("frozen: no scale-in for another {}", in_s(until)),
        }
    }
}

/// The phases in which a slot can wait for its turn at this call.
fn phases_of(api: Api) -> &'static [Phase] {
    const LEAVING: &[Phase] = &[Phase::Broken, Phase::Terminating];
    // One bucket for all that is asked of a group.
    const OF_GROUPS: &[Phase] =
        &[Phase::Queued, Phase::Launching, Phase::Admitting, Phase::Broken, Phase::Terminating];
    if api == Api::RunInstances {
        // Before its launch is made, or before it is sent again.
        &[Phase::Queued, Phase::Launching]
    } else if api == Api::DescribeInstances {
        &[Phase::Booting]
    } else if matches!(api, Api::TerminateInstances | Api::TerminateInstanceInAutoScalingGroup) {
        LEAVING
    } else if api.is_auto_scaling() {
        OF_GROUPS
    } else {
        // What is only looked at, or done beside a slot's way.
        &[]
    }
}

fn in_s(t: Time, now: Time) -> String {
    if t == Time::NEVER {
        "an unknown time".to_string()
    } else {
        format!("{:.0} s", t.since(now).as_secs_f64().ceil())
    }
}

fn zones(closed: u32, until: Time, now: Time) -> String {
    let are = if closed == 1 { "zone is" } else { "zones are" };
    let others = if until == Time::NEVER {
        "no other is open".to_string()
    } else {
        format!("the others have no capacity: next try in {}", in_s(until, now))
    };
    format!("zone weights: {closed} {are} at 0 % by order, and {others}")
}
