//! Reading CloudWatch: the metrics of all groups and gateways in one call, on a beat.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::spec::{Metric, Source};
use crate::decide::action::Action;
use crate::decide::event::CallError;
use crate::decide::gateway::observed::Observed;
use crate::decide::group::Group;
use crate::decide::words::{Api, Time};
use crate::decide::{Core, Now};

/// Metrics have a datapoint a minute (a detailed one; basic ones have one in five): read twice as often,
/// one is seen at most 30 s after it can be. At 500 metrics a call, 10 USD a month for each 350 metrics.
const EVERY: Duration = Duration::from_secs(30);
/// Pause before a read that failed is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// Most metrics in one call (aws-facts 5.1).
const MOST_METRICS: usize = 500;

/// Values of one metric with the beginnings of their periods.
pub type Points = Vec<(Time, f64)>;

/// When to read next, and what.
#[derive(Debug)]
pub(in crate::decide) struct MetricReads {
    /// Every metric that some signal or gateway reads, once, a call's worth each.
    pages: Vec<Arc<[Metric]>>,
    /// How far back samples are wanted.
    back: Duration,
    next_at: Time,
    todo: Vec<Arc<[Metric]>>,
}

impl MetricReads {
    pub fn new<'a>(
        groups: impl Iterator<Item = &'a Group>,
        observed: impl Iterator<Item = &'a Observed>,
    ) -> MetricReads {
        let mut metrics = BTreeSet::new();
        let mut back = Duration::ZERO;
        for signal in groups.flat_map(|g| &g.signals) {
            if let Source::CloudWatch(metric) = &signal.source {
                metrics.insert(metric.clone());
                back = back.max(signal.steady_for + signal.fresh_for + metric.period * 2);
            }
        }
        for observed in observed {
            metrics.extend(observed.all().cloned());
            back = back.max(observed.back());
        }
        let metrics: Vec<Metric> = metrics.into_iter().collect();
        let next_at = if metrics.is_empty() { Time::NEVER } else { Time(0) };
        let pages = metrics.chunks(MOST_METRICS).map(Arc::from).collect();
        MetricReads { pages, back, next_at, todo: Vec::new() }
    }

    pub fn next(&self) -> Time {
        if self.todo.is_empty() { self.next_at } else { Time(0) }
    }
}

impl Core {
    /// Reads, if it is time.
    pub(in crate::decide) fn plan_reads(&mut self, now: &mut Now) {
        if self.reads.next_at <= now.time {
            self.reads.next_at = now.time.plus(EVERY);
            self.reads.todo.clone_from(&self.reads.pages);
            self.mark_gateways(now.time);
        }
        while !self.reads.todo.is_empty() && self.metrics.take(now.time, 0).is_ok() {
            let Some(asked) = self.reads.todo.pop() else { return };
            let from = now.time.minus(self.reads.back);
            now.actions.push(Action::ReadMetrics { asked, from, until: now.time });
        }
    }

    /// Books what was read.
    pub(in crate::decide) fn metrics_read(
        &mut self,
        asked: &[Metric],
        outcome: Result<Vec<Points>, CallError>,
        now: &mut Now,
    ) {
        let elsewhere = self.throttled_elsewhere(Api::GetMetricData);
        self.metrics.answered(now.time, 0, outcome.as_ref().err(), elsewhere, &mut now.rng);
        let Ok(series) = outcome else {
            self.reads.next_at = self.reads.next_at.min(now.time.plus(AFTER_FAILURE));
            return;
        };
        for (metric, points) in asked.iter().zip(series) {
            self.gateways.metric_read(metric, &points, now.time);
            for group in 0..self.ledger.groups.len() {
                let spec = self.ledger.groups[group].spec.clone();
                for (signal, series) in spec.signals.iter().zip(&mut self.signals[group]) {
                    if matches!(&signal.source, Source::CloudWatch(m) if m == metric) {
                        for (at, value) in &points {
                            series.add(*at, *value, now.time);
                        }
                    }
                }
            }
        }
        self.book_observed(now.time);
    }
}
