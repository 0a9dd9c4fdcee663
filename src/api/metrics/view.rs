//! Gauges that are read off the newest view when somebody asks.

use std::collections::BTreeMap;

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::decide::gateway::words::GatewayState;
use crate::decide::guard::lease::{Lease, LeaseState};
use crate::decide::retire::words::ScaleInState;
use crate::decide::signal::Agreement;
use crate::decide::view::View;
use crate::decide::words::{Phase, ScaleUpState};
use crate::engine::handle::Readiness;

/// The process's descriptors, as its budget counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descriptors {
    /// Soft `RLIMIT_NOFILE`.
    pub limit: u32,
    /// Most that may be in use by sockets of ours at once.
    pub budget: u32,
    /// Permits that are out now.
    pub in_use: u32,
    /// Most permits that were ever out at once.
    pub peak: u32,
    /// Entries of `/proc/self/fd` now, everything included.
    pub open: u32,
}

type Labelled<const N: usize> = Family<[(&'static str, String); N], Gauge>;

pub(super) fn register(to: &mut Registry, view: &View, ready: &Readiness, fds: Descriptors) {
    let instances = Labelled::<2>::default();
    for ((group, phase), count) in instances_of(view) {
        set(&instances.get_or_create(&[("group", group.to_string()), ("phase", phase.to_string())]), count);
    }
    to.register("instances", "Slots and instances by group and phase", instances);

    let (max, taken) = (Labelled::<1>::default(), Labelled::<1>::default());
    for g in &view.groups {
        set(&max.get_or_create(&[("group", g.name.clone())]), g.max);
        set(&taken.get_or_create(&[("group", g.name.clone())]), g.taken);
    }
    to.register("group_max", "Most instances a group may have", max);
    let watchdogs = Labelled::<2>::default();
    for (g, w) in view.groups.iter().flat_map(|g| g.watchdogs.iter().map(move |w| (g, w))) {
        let labels = [("group", g.name.clone()), ("phase", w.phase.to_string())];
        set(&watchdogs.get_or_create(&labels), w.limit.as_secs());
    }
    to.register("watchdog_seconds", "How long a phase may take before an instance is given up", watchdogs);
    let (open, members) = (Labelled::<1>::default(), Labelled::<2>::default());
    for (g, asg) in view.groups.iter().filter_map(|g| Some((g, g.asg.as_ref()?))) {
        set(&open.get_or_create(&[("group", g.name.clone())]), asg.hooks_open);
        for (state, count) in &asg.members {
            let labels = [("group", g.name.clone()), ("state", state.to_string())];
            set(&members.get_or_create(&labels), *count);
        }
    }
    to.register("hooks_open", "Lifecycle actions that wait for our answer", open);
    to.register("asg_members", "Members of Auto Scaling groups as last seen, by lifecycle state", members);
    register_removals(to, view);
    register_gateways(to, view);
    let expired = view.hooks_expired;
    one(to, "hooks_expired", "Lifecycle actions whose time ran out unanswered, since the start", expired);
    let help = "Instances that EC2 never showed, given up after the boot watchdog, since the start";
    one(to, "instances_never_shown", help, view.never_shown);
    let quarantine = Labelled::<1>::default();
    for g in &view.groups {
        set(&quarantine.get_or_create(&[("group", g.name.clone())]), g.quarantined);
    }
    to.register("quarantine", "Broken instances that are kept for people to look at", quarantine);
    let (size, at_hand) = (Labelled::<1>::default(), Labelled::<1>::default());
    for (name, reserve) in view.groups.iter().filter_map(|g| Some((g.name.clone(), g.reserve?))) {
        set(&size.get_or_create(&[("group", name.clone())]), reserve.size);
        set(&at_hand.get_or_create(&[("group", name)]), reserve.ready);
    }
    to.register("reserve_size", "Instances that are to be kept in reserve", size);
    to.register("reserve_ready", "Instances in reserve: verified, and not serving", at_hand);
    to.register("group_taken", "Places taken: live, pending, broken and not gone yet", taken);

    let (holds, freezes) = (Labelled::<1>::default(), Labelled::<1>::default());
    for state in LeaseState::ALL.iter().copied().filter(|s| *s != LeaseState::Done) {
        let labels = [("state", state.to_string())];
        let in_state = |lease: &Lease| lease.state == state;
        set(&holds.get_or_create(&labels), view.holds.iter().filter(|h| in_state(&h.row.lease)).count());
        set(&freezes.get_or_create(&labels), view.freezes.iter().filter(|f| in_state(&f.row.lease)).count());
    }
    to.register("holds", "Holds on instances that are not done, by state", holds);
    to.register("freezes", "Freezes of groups that are not done, by state", freezes);

    let scale_ups = Labelled::<1>::default();
    for state in [ScaleUpState::Open, ScaleUpState::Cancelling] {
        let count = view.scale_ups.iter().filter(|p| p.state == state).count();
        set(&scale_ups.get_or_create(&[("state", state.to_string())]), count);
    }
    to.register("scale_ups", "Scale-ups that are not done, by state", scale_ups);
    let late = view.scale_ups.iter().filter(|p| p.late).count();
    one(to, "scale_ups_late", "Scale-ups whose deadline cannot be met, by what is known", late);

    let (have, burst) = (Labelled::<1>::default(), Labelled::<1>::default());
    for b in &view.budgets {
        set(&have.get_or_create(&[("budget", b.name.clone())]), b.have);
        set(&burst.get_or_create(&[("budget", b.name.clone())]), b.burst);
    }
    to.register("tokens", "Tokens in hand by budget", have);
    to.register("tokens_burst", "Most tokens a budget holds", burst);

    one(to, "contacts_in_flight", "Contacts with instances under way", view.contacts.in_flight);
    one(to, "contacts_limit", "Contacts that may be under way at once", view.contacts.limit);
    one(to, "contacts_waiting", "Instances that are ready to be contacted and wait", view.contacts.waiting);
    one(to, "keep_failing", "Launches that do not settle after many tries", view.keep_failing.len());
    one(to, "ready", "1 if requests are taken, otherwise 0", u32::from(*ready == Readiness::Ready));

    one(to, "descriptors_limit", "Soft RLIMIT_NOFILE", fds.limit);
    one(to, "descriptors_budget", "Descriptors that muster's own sockets may use", fds.budget);
    one(to, "descriptors_in_use", "Descriptors of the budget in use", fds.in_use);
    one(to, "descriptors_peak", "Most descriptors of the budget that were in use at once", fds.peak);
    one(to, "descriptors_open", "Open descriptors of the process", fds.open);
}

/// What holds removals up, and what is being removed.
fn register_removals(to: &mut Registry, view: &View) {
    let (signals, valves, removals) =
        (Labelled::<2>::default(), Labelled::<1>::default(), Labelled::<1>::default());
    for g in &view.groups {
        for agreement in Agreement::ALL {
            let labels = [("group", g.name.clone()), ("signals", agreement.to_string())];
            set(&signals.get_or_create(&labels), u32::from(*agreement == g.agreement));
        }
        set(&valves.get_or_create(&[("group", g.name.clone())]), u32::from(g.valve.is_some()));
        set(&removals.get_or_create(&[("group", g.name.clone())]), g.removals);
    }
    to.register("signals", "1 for what a group's signals say together, 0 for all else", signals);
    to.register("removal_valve_shut", "1 while nothing in service of a group is removed", valves);
    to.register("removals", "Instances in service that are being replaced or removed", removals);
    let open = view.scale_ins.iter().filter(|s| s.row.state == ScaleInState::Open).count();
    one(to, "scale_ins", "Scale-ins that are open", open);
}

/// Queued and in service come from the group, which knows of every scale-up; what is in between
/// only exists in scale-ups that are not done, all of which the view shows.
fn instances_of(view: &View) -> BTreeMap<(&str, Phase), u32> {
    let mut counts = BTreeMap::new();
    for g in &view.groups {
        for phase in Phase::ALL.iter().copied().filter(|p| !matches!(p, Phase::Gone | Phase::Withdrawn)) {
            counts.insert((g.name.as_str(), phase), 0);
        }
        counts.insert((g.name.as_str(), Phase::Queued), g.queued);
        counts.insert((g.name.as_str(), Phase::InService), g.in_service);
    }
    for progress in &view.scale_ups {
        for (phase, count) in progress.phases.iter() {
            match phase {
                Phase::Launching
                | Phase::Booting
                | Phase::Configuring
                | Phase::Verifying
                | Phase::Admitting
                | Phase::Broken
                | Phase::Terminating => *counts.entry((progress.group.as_str(), phase)).or_default() += count,
                // The first two come from the group, above; the others hold nothing and would only grow.
                // Those in quarantine and in reserve have gauges of their own.
                Phase::Queued
                | Phase::InService
                | Phase::Quarantined
                | Phase::Reserved
                | Phase::Gone
                | Phase::Withdrawn => {}
            }
        }
    }
    counts
}

fn register_gateways(to: &mut Registry, view: &View) {
    let (declared, capacity) = (Labelled::<1>::default(), Labelled::<1>::default());
    let (may, planned, short) =
        (Labelled::<1>::default(), Labelled::<1>::default(), Labelled::<2>::default());
    let observed: [Labelled<1>; 4] = Default::default();
    for g in &view.gateways {
        set(&may.get_or_create(&[("gateway", g.name.clone())]), g.load.may());
        set(&planned.get_or_create(&[("gateway", g.name.clone())]), g.load.planned);
        for gate in &g.gates {
            let labels = [("gateway", g.name.clone()), ("group", gate.group.clone())];
            set(&short.get_or_create(&labels), u8::from(gate.short.is_some()));
        }
        let of_it = [("gateway", g.name.clone())];
        if let Some(seen) = &g.observed {
            set(&observed[1].get_or_create(&of_it), u8::from(seen.fresh));
            set(&observed[2].get_or_create(&of_it), u8::from(seen.differs));
            if let Some(newest) = &seen.newest {
                set(&observed[0].get_or_create(&of_it), newest.carried);
                set(&observed[3].get_or_create(&of_it), newest.at.0 / 1_000);
            }
        }
        set(&declared.get_or_create(&[("gateway", g.name.clone())]), g.declared);
        set(&capacity.get_or_create(&[("gateway", g.name.clone())]), g.capacity);
    }
    let [carried, fresh, differs, at] = observed;
    let help =
        "What a gateway carries by CloudWatch's newest metrics, in thousandths of its unit, however old";
    to.register("gateway_observed_milli", help, carried);
    let help = "1 where that is new enough to be believed, 0 where what a gateway carries is unknown";
    to.register("gateway_observed_fresh", help, fresh);
    let help = "1 where what a gateway carries is further from the plan than 20 % of its capacity";
    to.register("gateway_observed_differs", help, differs);
    let help = "When the period began that a gateway's newest metrics are of, in seconds since 1970";
    to.register("gateway_observed_at_seconds", help, at);
    to.register("gateway_declared", "What a gateway carries without being asked, in its unit", declared);
    let help = "What a gateway carries now, in its unit: declared, or brought by a request";
    to.register("gateway_capacity", help, capacity);
    let help =
        "What may be planned to go through a gateway, in thousandths of its unit: 80 % of what it carries";
    to.register("gateway_may_be_planned_milli", help, may);
    let help = "What its groups plan to send through a gateway, in thousandths of its unit";
    to.register("gateway_planned_milli", help, planned);
    let help = "1 where a group wants more of a gateway than may be planned";
    to.register("gateway_short", help, short);
    let overrides = view.gate_overrides.len();
    one(to, "gate_overrides", "Overrides of gates that are in force", overrides);
    let alarmed = view.gateways.iter().flat_map(|g| &g.gates).filter_map(|gate| gate.short.as_ref());
    let alarmed = alarmed.filter(|row| row.alarmed_at.is_some()).count();
    one(to, "gate_alarms", "Groups that have waited for a gateway for too long", alarmed);
    let (wanted, reminders) = (Labelled::<1>::default(), Labelled::<1>::default());
    let open = || view.gateway_requests.iter().map(|r| &r.row).filter(|row| !row.state.is_over());
    for row in open() {
        set(&wanted.get_or_create(&[("gateway", row.gateway.clone())]), row.wanted);
        set(&reminders.get_or_create(&[("gateway", row.gateway.clone())]), row.reminders);
    }
    to.register("gateway_wanted", "Capacity that is asked for of a gateway, in its unit", wanted);
    let help = "Times that people were reminded of a gateway's open request, and have not answered";
    to.register("gateway_reminders", help, reminders);
    let requests = Labelled::<1>::default();
    for state in GatewayState::ALL.iter().copied().filter(|state| !state.is_over()) {
        let count = open().filter(|row| row.state == state).count();
        set(&requests.get_or_create(&[("state", state.to_string())]), count);
    }
    to.register("gateway_requests", "Gateway requests that are not over, by state", requests);
    let unanswered = open().filter(|row| row.alarmed_at.is_some() && unanswered(row.state)).count();
    let help = "Gateway requests that nobody has answered for too long";
    one(to, "gateway_requests_unanswered", help, unanswered);
    let late = open().filter(|row| row.late && row.state != GatewayState::InEffect).count();
    one(to, "gateway_schedules", "Schedules of gateway requests", view.schedules.len());
    let waiting = view.schedules.iter().filter(|s| s.row.waiting.is_some()).count();
    let help = "Schedules with a peak that is due and that nothing could be asked for yet";
    one(to, "gateway_schedules_waiting", help, waiting);
    let missed = view.schedules.iter().filter(|s| s.missed).count();
    let help = "Schedules whose last peak passed without a request, at most a week ago";
    one(to, "gateway_schedules_missed", help, missed);
    one(to, "gateway_requests_late", "Gateway requests that are not in effect and are needed by now", late);
}

/// Nobody has answered it.
fn unanswered(state: GatewayState) -> bool {
    matches!(state, GatewayState::Wanted | GatewayState::Submitted)
}

fn one<N>(to: &mut Registry, name: &str, help: &str, value: N)
where
    i64: TryFrom<N>,
{
    let gauge = Gauge::<i64>::default();
    set(&gauge, value);
    to.register(name, help, gauge);
}

fn set<N>(gauge: &Gauge, value: N)
where
    i64: TryFrom<N>,
{
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing;
    use crate::decide::view::ReserveView;

    #[test]
    fn the_text_says_what_the_view_says() {
        let mut view = testing::view();
        view.groups[0].in_service = 930;
        view.groups[0].queued = 100;
        view.groups[0].reserve = Some(ReserveView { size: 20, ready: 18 });
        let mut registry = Registry::with_prefix("muster");
        let fds = Descriptors { limit: 256, budget: 96, in_use: 12, peak: 40, open: 30 };
        register(&mut registry, &view, &Readiness::Ready, fds);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "muster_instances{group=\"web\",phase=\"queued\"} 100",
            "muster_instances{group=\"web\",phase=\"booting\"} 150",
            "muster_instances{group=\"web\",phase=\"broken\"} 0",
            "muster_instances{group=\"web\",phase=\"in_service\"} 930",
            "muster_group_max{group=\"web\"} 2000",
            "muster_quarantine{group=\"web\"} 0",
            "muster_reserve_size{group=\"web\"} 20",
            "muster_reserve_ready{group=\"web\"} 18",
            "muster_scale_ups{state=\"open\"} 1",
            "muster_tokens{budget=\"RunInstances instances\"} 12",
            "muster_contacts_in_flight 7",
            "muster_ready 1",
            "muster_descriptors_peak 40",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("withdrawn"));
    }
}
