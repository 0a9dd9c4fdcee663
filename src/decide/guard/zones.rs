//! Zone weights: what operators order of a zone's share of new launches, for one group or for all.
//!
//! An order acts on the next launch and on nothing else: what is in the zone stays there, and a launch that
//! AWS may have seen is settled where it was made. What a zone gets is its configured weight times what is
//! ordered, so 100 % is what is configured. An order for one group goes over one for all; one for all ends
//! what was ordered for single groups before it. Nothing in the zone is asked for any of this.

use std::collections::BTreeMap;

use super::pools::eligible;
use crate::decide::action::{Accepted, Refusal};
use crate::decide::rows::ZoneRow;
use crate::decide::view::ZoneView;
use crate::decide::words::Time;
use crate::decide::{Core, Now};

/// As configured.
pub const WHOLE: u8 = 100;

/// What is ordered of one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weigh {
    /// None: of every group.
    pub group: Option<String>,
    pub zone: String,
    /// Percent of what is configured, 0 to 100; none: nothing is ordered any more.
    pub percent: Option<u8>,
    /// For people; may be empty.
    pub reason: String,
}

/// One order in force.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ordered {
    percent: u8,
    reason: String,
    at: Time,
}

/// Everything that is ordered of one zone.
#[derive(Clone, Debug, Default)]
struct Zone {
    all: Option<Ordered>,
    groups: BTreeMap<String, Ordered>,
}

/// The orders in force.
#[derive(Clone, Debug, Default)]
pub struct Zones(BTreeMap<String, Zone>);

impl Zones {
    /// The order that counts for a group, and whether it is the group's own.
    fn order(&self, group: &str, zone: &str) -> Option<(&Ordered, bool)> {
        let zone = self.0.get(zone)?;
        let own = zone.groups.get(group).map(|o| (o, true));
        own.or_else(|| zone.all.as_ref().map(|o| (o, false)))
    }

    /// Percent of its configured weight that a zone has in a group.
    #[must_use]
    pub fn percent(&self, group: &str, zone: &str) -> u8 {
        self.order(group, zone).map_or(WHOLE, |(o, _)| o.percent)
    }

    /// Books a row.
    fn book(&mut self, row: &ZoneRow) {
        let ordered = row.percent.map(|percent| Ordered { percent, reason: row.reason.clone(), at: row.at });
        let zone = self.0.entry(row.zone.clone()).or_default();
        match (row.group.is_empty(), ordered) {
            (true, ordered) => zone.all = ordered,
            (false, Some(ordered)) => drop(zone.groups.insert(row.group.clone(), ordered)),
            (false, None) => drop(zone.groups.remove(&row.group)),
        }
    }

    /// Groups that have an order of their own about a zone.
    fn own(&self, zone: &str) -> Vec<String> {
        self.0.get(zone).map(|z| z.groups.keys().cloned().collect()).unwrap_or_default()
    }
}

impl Core {
    /// Takes an order about a zone's weight.
    pub(in crate::decide) fn weigh(&mut self, order: Weigh, now: &Now) -> Result<Accepted, Refusal> {
        let touched = self.touched_by(&order)?;
        if let Some(percent) = order.percent.filter(|p| *p > WHOLE) {
            return Err(Refusal::Percent { percent });
        }
        let row = |group: String, percent| ZoneRow {
            group,
            zone: order.zone.clone(),
            percent,
            reason: order.reason.clone(),
            at: now.time,
        };
        let mut rows = vec![row(order.group.clone().unwrap_or_default(), order.percent)];
        if order.group.is_none() {
            rows.extend(self.zones.own(&order.zone).into_iter().map(|group| row(group, None)));
        }
        let mut zones = self.zones.clone();
        for row in &rows {
            zones.book(row);
        }
        self.leaves_somewhere(&order, &touched, &zones)?;
        let before: Vec<u8> = touched.iter().map(|g| self.percent_in(&self.zones, *g, &order.zone)).collect();
        let after: Vec<u8> = touched.iter().map(|g| self.percent_in(&zones, *g, &order.zone)).collect();
        self.zones = zones;
        self.ledger.changes.zones.extend(rows);
        self.ledger.journal(now.time, None, None, "zone_weight", said(&order));
        Ok(Accepted { id: order.zone, repeated: before == after })
    }

    /// The groups that an order is about.
    fn touched_by(&self, order: &Weigh) -> Result<Vec<usize>, Refusal> {
        let groups = match &order.group {
            Some(name) => vec![self.ledger.group_index(name).ok_or_else(|| {
                let names: Vec<&str> = self.ledger.groups.iter().map(|g| g.spec.name.as_str()).collect();
                Refusal::UnknownGroup { group: name.clone(), known: names.join(", ") }
            })?],
            None => (0..self.ledger.groups.len()).collect(),
        };
        let pools = |g: &usize| self.ledger.groups[*g].spec.launch.pools.iter();
        let touched: Vec<usize> =
            groups.iter().copied().filter(|g| pools(g).any(|p| p.zone == order.zone)).collect();
        if touched.is_empty() {
            let mut known: Vec<&str> = groups.iter().flat_map(pools).map(|p| p.zone.as_str()).collect();
            known.sort_unstable();
            known.dedup();
            return Err(Refusal::UnknownZone { zone: order.zone.clone(), known: known.join(", ") });
        }
        Ok(touched)
    }

    /// An order may not close the last zone of a group. One for all groups may where the group has no other
    /// zone: that zone is to be left, and such a group has nowhere to go.
    fn leaves_somewhere(&self, order: &Weigh, touched: &[usize], zones: &Zones) -> Result<(), Refusal> {
        for group in touched {
            let spec = &self.ledger.groups[*group].spec;
            let open =
                |z: &Zones| spec.launch.pools.iter().any(|p| eligible(p, z.percent(&spec.name, &p.zone)));
            let only_there = spec.launch.pools.iter().all(|p| p.zone == order.zone);
            if open(&self.zones) && !open(zones) && !(order.group.is_none() && only_there) {
                let group = spec.name.clone();
                return Err(Refusal::NoZoneLeft { group, zone: order.zone.clone() });
            }
        }
        Ok(())
    }

    fn percent_in(&self, zones: &Zones, group: usize, zone: &str) -> u8 {
        zones.percent(&self.ledger.groups[group].spec.name, zone)
    }

    /// What each pool of a group has of its configured weight, in percent.
    pub(in crate::decide) fn percents(&self, group: usize) -> Vec<u8> {
        let spec = &self.ledger.groups[group].spec;
        spec.launch.pools.iter().map(|p| self.zones.percent(&spec.name, &p.zone)).collect()
    }

    /// Orders as they were stored.
    pub(in crate::decide) fn restore_zones(&mut self, rows: &[ZoneRow]) {
        for row in rows {
            self.zones.book(row);
        }
    }

    pub(in crate::decide) fn zone_views(&self) -> Vec<ZoneView> {
        (0..self.ledger.groups.len()).flat_map(|g| self.zones_of(g)).collect()
    }

    /// A group's zones, in the order in which they are configured.
    fn zones_of(&self, group: usize) -> Vec<ZoneView> {
        let g = &self.ledger.groups[group];
        let pools = &g.spec.launch.pools;
        let weight = |zone: &str| -> u32 {
            let percent = u32::from(self.zones.percent(&g.spec.name, zone));
            pools.iter().filter(|p| p.zone == zone).map(|p| u32::from(p.weight) * percent).sum()
        };
        let mut names: Vec<&str> = Vec::new();
        for pool in pools {
            if !names.contains(&pool.zone.as_str()) {
                names.push(&pool.zone);
            }
        }
        let all: u32 = names.iter().map(|z| weight(z)).sum();
        let view = |zone: &str| {
            let order = self.zones.order(&g.spec.name, zone);
            ZoneView {
                group: g.spec.name.clone(),
                zone: zone.to_string(),
                percent: order.map_or(WHOLE, |(o, _)| o.percent),
                share: (weight(zone) * 100 + all / 2).checked_div(all).unwrap_or(0),
                taken: pools.iter().zip(&g.per_pool).filter(|(p, _)| p.zone == zone).map(|(_, n)| n).sum(),
                own: order.is_some_and(|(_, own)| own),
                at: order.map(|(o, _)| o.at),
                reason: order.map(|(o, _)| o.reason.clone()).filter(|r| !r.is_empty()),
            }
        };
        names.into_iter().map(view).collect()
    }
}

/// An order in one line, for the journal.
fn said(order: &Weigh) -> String {
    let group = order.group.as_deref().map_or_else(|| "every group".to_string(), |g| format!("group {g}"));
    let why = if order.reason.is_empty() { String::new() } else { format!(" ({})", order.reason) };
    match order.percent {
        Some(percent) => {
            format!("zone {}, {group}: {percent} % of its configured share{why}", order.zone)
        }
        None => format!("zone {}, {group}: nothing is ordered any more{why}", order.zone),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::decide::Settings;
    use crate::decide::action::Action;
    use crate::decide::event::{Ask, Event, Ticket};
    use crate::decide::order::Order;
    use crate::decide::rows::Restored;
    use crate::decide::tests::world::{START, group};
    use crate::decide::wait::Wait;

    fn core() -> Core {
        let mut alone = group("alone");
        alone.launch.pools.truncate(1);
        Core::new(Settings::default(), vec![Arc::new(group("web")), Arc::new(alone)])
    }

    /// Answers an order, and gives the rows that it wrote.
    fn weigh(
        core: &mut Core,
        group: Option<&str>,
        zone: &str,
        percent: Option<u8>,
    ) -> (Result<Accepted, Refusal>, Vec<ZoneRow>) {
        let order = Order::Weigh(Weigh {
            group: group.map(String::from),
            zone: zone.into(),
            percent,
            reason: "grey".into(),
        });
        let mut decision = core.decide(START, 1, vec![Event::Ordered { order, ticket: Ticket(9) }]);
        let Some(Action::Answer { answer, .. }) = decision.actions.pop() else { panic!("no answer") };
        (answer, decision.changes.zones)
    }

    fn shares(core: &Core, group: &str) -> Vec<u32> {
        core.view(START).zones.iter().filter(|z| z.group == group).map(|z| z.share).collect()
    }

    #[test]
    fn a_zone_is_drained_step_by_step_and_given_back() {
        let mut core = core();
        assert_eq!(shares(&core, "web"), [33, 33, 33]);
        for (percent, expected) in
            [(99, [33, 33, 33]), (50, [20, 40, 40]), (1, [0, 50, 50]), (0, [0, 50, 50])]
        {
            assert!(!weigh(&mut core, None, "a", Some(percent)).0.unwrap().repeated);
            assert_eq!(shares(&core, "web"), expected, "{percent} %");
        }
        assert!(weigh(&mut core, None, "a", Some(0)).0.unwrap().repeated);
        weigh(&mut core, None, "a", None).0.unwrap();
        assert_eq!(shares(&core, "web"), [33, 33, 33]);
    }

    #[test]
    fn an_order_for_one_group_goes_over_one_for_all_until_the_next_for_all() {
        let mut core = core();
        weigh(&mut core, None, "a", Some(0)).0.unwrap();
        weigh(&mut core, Some("web"), "a", Some(10)).0.unwrap();
        assert_eq!((core.zones.percent("web", "a"), core.zones.percent("alone", "a")), (10, 0));
        let (answer, rows) = weigh(&mut core, None, "a", Some(0));
        answer.unwrap();
        assert_eq!(core.zones.percent("web", "a"), 0);
        let written: Vec<_> = rows.iter().map(|r| (r.group.as_str(), r.percent)).collect();
        assert_eq!(written, [("", Some(0)), ("web", None)]);
    }

    #[test]
    fn orders_survive_a_restart() {
        let mut core = core();
        let mut rows = weigh(&mut core, None, "a", Some(0)).1;
        rows.extend(weigh(&mut core, Some("web"), "b", Some(7)).1);
        let groups = core.ledger.groups.iter().map(|g| g.spec.clone()).collect();
        let stored = Restored { zones: rows, ..Restored::default() };
        let restored = Core::restored(Settings::default(), groups, stored, START, 1).unwrap();
        assert_eq!(restored.view(START).zones, core.view(START).zones);
        assert_eq!(restored.view(START).zones[0].reason.as_deref(), Some("grey"));
    }

    #[test]
    fn the_last_zone_of_a_group_stays_open_but_not_for_the_sake_of_those_that_have_no_other() {
        let mut core = core();
        let no_zone =
            |group: &str, zone: &str| Refusal::NoZoneLeft { group: group.into(), zone: zone.into() };
        assert_eq!(weigh(&mut core, Some("alone"), "a", Some(0)).0, Err(no_zone("alone", "a")));
        weigh(&mut core, None, "a", Some(0)).0.unwrap();
        weigh(&mut core, None, "b", Some(0)).0.unwrap();
        let (answer, rows) = weigh(&mut core, None, "c", Some(0));
        assert_eq!((answer, rows.len()), (Err(no_zone("web", "c")), 0));
        let text = no_zone("web", "c").to_string();
        assert_eq!(
            text,
            "with zone 'c' at 0 % group 'web' could launch nowhere: raise another of its zones first"
        );
    }

    #[test]
    fn what_is_not_there_is_named_with_what_is() {
        let mut core = core();
        let said = |r: (Result<Accepted, Refusal>, Vec<ZoneRow>)| r.0.unwrap_err().to_string();
        assert_eq!(
            said(weigh(&mut core, None, "d", Some(0))),
            "no group launches in zone 'd'; there are: a, b, c"
        );
        assert_eq!(
            said(weigh(&mut core, Some("alone"), "b", Some(0))),
            "no group launches in zone 'b'; there are: a"
        );
        assert!(said(weigh(&mut core, Some("db"), "a", Some(0))).contains("configured groups: web, alone"));
        assert_eq!(said(weigh(&mut core, None, "a", Some(101))), "101 % is outside 0 to 100");
    }

    #[test]
    fn an_order_acts_on_the_very_next_launch() {
        let mut core = core();
        weigh(&mut core, None, "a", Some(0)).0.unwrap();
        let ask = |group: &str, count| Ask {
            id: format!("id-{group}"),
            group: group.into(),
            count,
            by: None,
            reason: String::new(),
            idempotency_key: None,
            all_or_nothing: false,
            emergency: false,
        };
        let asked = |ask| Event::ScaleUpAsked { ask, ticket: Ticket(1) };
        let decision = core.decide(START, 1, vec![asked(ask("web", 400)), asked(ask("alone", 5))]);
        let zones: Vec<String> = decision
            .actions
            .iter()
            .filter_map(|a| if let Action::Launch { body, .. } = a { Some(body.zone.clone()) } else { None })
            .collect();
        assert_eq!(zones, ["b", "c", "b", "c"]);
        let wait = core.view(START).groups[1].wait.clone().unwrap();
        assert_eq!(wait, Wait::ZoneWeights { closed: 1, until: Time::NEVER });
        assert_eq!(wait.describe(START), "zone weights: 1 zone is at 0 % by order, and no other is open");
    }
}
