//! What gateways really carry, as CloudWatch has it, beside what is planned to go through them.
//!
//! Metrics are read with those of the signals, in the same calls ([`crate::decide::signal::read`]), and believed by
//! their own time: one that is too old, or that is missing, says nothing, and is never taken for 0. Only periods that
//! are over count, since the sum of one that is not grows yet.
//!
//! An observation can only make the plan tighter. What was carried in a period is held against what the instances
//! bring that were in service all through it; what is beyond that is *unplanned*: others use the gateway too, or
//! instances bring more than was said. It counts beside everything that is planned until the next observation, or
//! until this one is too old. So what counts is the higher of what is carried and what is planned for those in
//! service, and on top of it whatever is on its way.
//!
//! Nothing of this is kept over a restart, as with signals: a process believes the first period that began after it
//! had seen its groups, about two minutes later.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::load::{self, shown};
use crate::decide::Core;
use crate::decide::asg::seen::Lifecycle;
use crate::decide::signal::Metric;
use crate::decide::signal::read::Points;
use crate::decide::signal::series::Series;
use crate::decide::words::{Time, named};

/// Observed and planned load may be so far apart, in percent of what is confirmed, before it is said. Lower: said of
/// every quiet night. Higher: a plan that is wrong by a whole group is believed.
pub const MAY_DIFFER: u64 = 20;
/// Two marks of what was in service are at least so far apart: as far as reads are, and less than any period.
const MARKS_APART: Duration = Duration::from_secs(15);

named! {
    /// How several metrics are one number.
    pub enum Together {
        /// The highest: each direction has a limit of its own.
        Highest = "highest",
        Sum = "sum",
    }
}

/// What tells what a gateway carries, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// 1 to 8, all of one period.
    pub metrics: Vec<Metric>,
    pub together: Together,
    /// So much of the metrics is one of the gateway's unit. At least 1.
    pub per: u64,
    /// A period that began longer ago says nothing. At least two periods.
    pub fresh_for: Duration,
    /// Above 0 it refuses connections since it has no ports left (aws-facts 6.3).
    pub refusals: Option<Metric>,
}

impl Observed {
    fn period(&self) -> Duration {
        self.metrics.first().map_or(Duration::ZERO, |m| m.period)
    }

    /// How far back samples are wanted.
    #[must_use]
    pub fn back(&self) -> Duration {
        self.fresh_for + self.period() * 2
    }

    /// All that is read for it.
    pub fn all(&self) -> impl Iterator<Item = &Metric> {
        self.metrics.iter().chain(&self.refusals)
    }

    /// Metrics' values of one period in thousandths of the gateway's unit, rounded up. None: not a load.
    fn milli(&self, values: &[f64]) -> Option<u64> {
        let value = match self.together {
            Together::Highest => values.iter().copied().reduce(f64::max)?,
            Together::Sum => values.iter().sum(),
        };
        #[allow(clippy::cast_precision_loss)] // a divisor: far more digits than a metric has
        let milli = (value / self.per as f64 * 1_000.0).ceil();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates, and is not below 0
        (milli.is_finite() && value >= 0.0).then_some(milli as u64)
    }
}

/// What a gateway carried in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The beginning of the period.
    pub at: Time,
    /// Thousandths of the gateway's unit.
    pub carried: u64,
    /// What those were planned to bring that were in service all through it.
    pub planned: u64,
}

impl Observation {
    /// What no plan explains.
    #[must_use]
    pub fn unplanned(&self) -> u64 {
        self.carried.saturating_sub(self.planned)
    }

    /// It is further from the plan than may be.
    #[must_use]
    pub fn differs(&self, confirmed: u64) -> bool {
        let apart = self.carried.abs_diff(self.planned);
        confirmed > 0 && apart.saturating_mul(100) > confirmed.saturating_mul(MAY_DIFFER)
    }
}

/// What is known of one gateway's metrics, by this process.
#[derive(Debug)]
pub struct Watch {
    spec: Observed,
    series: Vec<Series>,
    refusals: Series,
    /// What those in service are planned to bring, oldest first.
    marks: VecDeque<(Time, u64)>,
    newest: Option<Observation>,
    /// What was said of it.
    differs: bool,
    refuses: bool,
}

impl Watch {
    #[must_use]
    pub fn new(spec: &Observed) -> Watch {
        Watch {
            series: vec![Series::default(); spec.metrics.len()],
            spec: spec.clone(),
            refusals: Series::default(),
            marks: VecDeque::new(),
            newest: None,
            differs: false,
            refuses: false,
        }
    }

    /// Notes what those in service are planned to bring.
    pub fn mark(&mut self, planned: u64, now: Time) {
        if self.marks.back().is_some_and(|(at, _)| now.since(*at) < MARKS_APART) {
            return;
        }
        self.marks.push_back((now, planned));
        // One before the oldest period that may be believed has to stay.
        let oldest = now.minus(self.spec.back());
        while self.marks.get(1).is_some_and(|(at, _)| *at <= oldest) {
            self.marks.pop_front();
        }
    }

    /// Takes in what was read of one metric.
    pub fn read(&mut self, metric: &Metric, points: &Points, now: Time) {
        let of_it = self.spec.metrics.iter().zip(&mut self.series).filter(|(m, _)| *m == metric);
        let refusals = self.spec.refusals.as_ref().filter(|m| *m == metric).map(|_| &mut self.refusals);
        for series in of_it.map(|(_, series)| series).chain(refusals) {
            for (at, value) in points {
                series.add(*at, *value, now);
            }
        }
    }

    /// Works out the newest period that is over and that every metric has.
    pub fn book(&mut self, now: Time) {
        let period = self.spec.period();
        let Some((first, others)) = self.series.split_first() else { return };
        let whole = first.newest_first().filter(|(at, _)| at.plus(period) <= now);
        let newest = whole.into_iter().find_map(|(at, value)| {
            let others = others.iter().map(|s| s.newest_first().find(|(t, _)| *t == at).map(|(_, v)| v));
            let values: Option<Vec<f64>> = std::iter::once(Some(value)).chain(others).collect();
            Some((at, self.spec.milli(&values?)?))
        });
        let Some((at, carried)) = newest else { return };
        // Without a mark from before nobody knows who was in service all through it.
        let before = self.marks.iter().rev().find(|(t, _)| *t <= at);
        let during = self.marks.iter().filter(|(t, _)| (at..=at.plus(period)).contains(t));
        let planned = before.and_then(|mark| during.chain([mark]).map(|(_, planned)| *planned).min());
        if let Some(planned) = planned {
            self.newest = Some(Observation { at, carried, planned });
        }
    }

    /// The newest observation that is to be believed.
    #[must_use]
    pub fn current(&self, now: Time) -> Option<Observation> {
        self.newest.filter(|o| now.since(o.at) <= self.spec.fresh_for)
    }

    /// Connections that it refused in the newest period, for want of ports. None: unknown.
    #[must_use]
    pub fn refused(&self, now: Time) -> Option<u64> {
        let (_, value) = self.refusals.newest().filter(|(at, _)| now.since(*at) <= self.spec.fresh_for)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
        Some(value.max(0.0).ceil() as u64)
    }
}

/// What is shown of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedView {
    /// The newest that was read, however old it is. None: nothing yet.
    pub newest: Option<Observation>,
    /// It is believed, and counts.
    pub fresh: bool,
    /// It is further from the plan than may be.
    pub differs: bool,
    /// Connections refused for want of ports in the newest period. None: unknown, or not looked for.
    pub refused: Option<u64>,
}

impl super::Gateways {
    pub(super) fn watches(configured: &[std::sync::Arc<super::words::Gateway>]) -> BTreeMap<String, Watch> {
        let watch = |g: &std::sync::Arc<super::words::Gateway>| {
            Some((g.name.clone(), Watch::new(g.observed.as_ref()?)))
        };
        configured.iter().filter_map(watch).collect()
    }

    /// What is carried by a gateway that no plan explains, as far as is known.
    pub(super) fn unplanned(&self, gateway: &str, now: Time) -> u64 {
        let current = self.watches.get(gateway).and_then(|w| w.current(now));
        current.map_or(0, |o| o.unplanned())
    }

    /// What was read of one metric.
    pub(in crate::decide) fn metric_read(&mut self, metric: &Metric, points: &Points, now: Time) {
        for watch in self.watches.values_mut() {
            watch.read(metric, points, now);
        }
    }
}

impl Core {
    /// Notes what goes through watched gateways by plan. Of a group that was not seen yet nobody knows.
    pub(in crate::decide) fn mark_gateways(&mut self, now: Time) {
        let names: Vec<String> = self.gateways.watches.keys().cloned().collect();
        for name in names {
            let each = self.depend_on(&name).map(|(g, gate)| Some(load::of(self.serve_in(g)?, gate.load)));
            let Some(planned) = each.sum::<Option<u64>>() else { continue };
            if let Some(watch) = self.gateways.watches.get_mut(&name) {
                watch.mark(planned, now);
            }
        }
    }

    /// Instances of a group that are in service. None: it was not seen yet.
    fn serve_in(&self, group: usize) -> Option<u32> {
        if self.asgs[group].name.is_none() {
            return Some(self.ledger.groups[group].in_service);
        }
        let seen = self.asgs[group].seen.as_ref()?;
        u32::try_from(seen.members.values().filter(|m| m.lifecycle == Lifecycle::InService).count()).ok()
    }

    /// Works out what the metrics that were read say, and tells where that turns into something else.
    pub(in crate::decide) fn book_observed(&mut self, now: Time) {
        let names: Vec<String> = self.gateways.watches.keys().cloned().collect();
        for name in names {
            let confirmed = self.load_of(&name, now).confirmed;
            let Some(watch) = self.gateways.watches.get_mut(&name) else { continue };
            watch.book(now);
            // What is unknown is neither: what was said stays said.
            let differs = watch.current(now).map_or(watch.differs, |o| o.differs(confirmed));
            let refuses = watch.refused(now).map_or(watch.refuses, |n| n > 0);
            let turned = (watch.differs != differs, watch.refuses != refuses);
            (watch.differs, watch.refuses) = (differs, refuses);
            if turned.0 {
                let kind = if differs { "gateway_differs" } else { "gateway_agrees" };
                let says = if differs { "is further apart" } else { "is no further apart" };
                let load = self.observed_text(&name, now);
                let text = format!(
                    "gateway {name}: {load}, which {says} than {MAY_DIFFER} % of the {} confirmed",
                    shown(confirmed)
                );
                self.ledger.journal(now, None, None, kind, text);
            }
            if turned.1 {
                let (kind, text) = if refuses {
                    ("gateway_ports_run_out", "refuses connections for want of ports (ErrorPortAllocation)")
                } else {
                    ("gateway_ports_again", "refuses no connections for want of ports any more")
                };
                self.ledger.journal(now, None, None, kind, format!("gateway {name} {text}"));
            }
        }
    }

    /// What a gateway really carries, for a sentence.
    pub(super) fn observed_text(&self, gateway: &str, now: Time) -> String {
        let Some(watch) = self.gateways.watches.get(gateway) else { return String::new() };
        let unit = self.gateways.known(gateway).map_or("", |g| g.unit.as_str());
        let ago = |o: Observation| now.since(o.at).as_secs();
        let carried = match (watch.current(now), watch.newest) {
            (Some(o), _) => {
                let (carried, planned) = (shown(o.carried), shown(o.planned));
                format!(
                    "{carried} {unit} are carried (CloudWatch, {} s ago), {planned} planned for those in service",
                    ago(o)
                )
            }
            (None, Some(o)) => {
                format!("what is carried is unknown (CloudWatch's newest is {} s old)", ago(o))
            }
            (None, None) => "what is carried is unknown (nothing of CloudWatch's yet)".to_string(),
        };
        let refused = watch.refused(now).filter(|n| *n > 0);
        let refused = refused.map(|n| format!("; {n} connections were refused for want of ports"));
        format!("{carried}{}", refused.unwrap_or_default())
    }

    pub(super) fn observed_view(&self, gateway: &str, now: Time) -> Option<ObservedView> {
        let watch = self.gateways.watches.get(gateway)?;
        let confirmed = self.load_of(gateway, now).confirmed;
        let current = watch.current(now);
        Some(ObservedView {
            newest: watch.newest,
            fresh: current.is_some(),
            differs: current.is_some_and(|o| o.differs(confirmed)),
            refused: watch.refused(now),
        })
    }
}
