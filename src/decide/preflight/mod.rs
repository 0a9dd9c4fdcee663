//! What a request for more is told at minute 0: how many fit, what binds, what to ask AWS for, and how long it
//! will take.
//!
//! The core keeps a [`picture`]: numbers that AWS told ([`look`]), each with its age, looked at on a beat
//! ([`rota`]) out of a budget of its own, and stored, so that a restart, or an AWS that does not answer, leaves
//! the last known one. A request is held against it ([`limits`]) without any call, in the decision that takes
//! it: what fits is taken, what does not ends as a shortfall with the reason, before the first launch.
//!
//! AWS's counts lag. So each number is kept with how many of our own instances it counts already, and what is
//! held against a limit is the others' share of it plus everything of ours that exists, may exist or was
//! promised, by muster's own books.

pub mod estimate;
pub mod limits;
pub mod look;
pub mod picture;
pub mod quota;
pub mod rota;
#[cfg(test)]
mod tests;
pub mod verdict;

use std::sync::Arc;

use look::{Look, Looked, Sighting, Subject};
use picture::{Fact, Picture};
use rota::Rota;

use super::action::{Action, Refusal};
use super::budget::api::{ApiBudget, ApiLimits};
use super::event::{Ask, CallError};
use super::rows::FactRow;
use super::words::{Api, ErrorClass, Time};
use super::{Core, Now, Settings};
use limits::Asked;
use verdict::{Limit, Verdict};

/// What `GetServiceQuota` answers where the account has no value of its own (aws-facts 5.1).
const NO_VALUE: &str = "NoSuchResourceException";
/// From this age on the picture is called old in so many words: five beats at the usual minute.
const OLD_S: u64 = 300;

/// The picture, and how it is kept fresh.
#[derive(Debug)]
pub struct Preflight {
    pub picture: Picture,
    rota: Rota,
    pub(super) budget: ApiBudget,
}

impl Preflight {
    #[must_use]
    pub fn new(settings: &Settings, groups: &[Arc<super::group::Group>]) -> Preflight {
        Preflight {
            picture: Picture::default(),
            rota: settings.look_every.map(|every| Rota::new(groups, every)).unwrap_or_default(),
            budget: ApiBudget::new(Api::Preflight, &ApiLimits::published(Api::Preflight)),
        }
    }

    /// When there is something to look at, and a chance to.
    #[must_use]
    pub fn wake(&self, now: Time) -> Time {
        let next = self.rota.next();
        if next == Time::NEVER { next } else { next.max(self.budget.next_chance(now)) }
    }
}

impl Core {
    /// Takes the picture up as it was stored.
    pub(super) fn restore_picture(&mut self, rows: &[FactRow]) {
        for row in rows {
            self.preflight.picture.restore(row);
        }
    }

    /// Looks at what is due, as far as the budget goes.
    pub(super) fn plan_looks(&mut self, now: &mut Now) {
        while self.preflight.rota.next() <= now.time && self.preflight.budget.take(now.time, 0).is_ok() {
            let Some(look) = self.preflight.rota.take(now.time) else { return };
            now.actions.push(Action::Look { look, at: now.time });
        }
    }

    /// Books what a look showed.
    pub(super) fn looked(&mut self, look: &Look, outcome: Result<Looked, CallError>, now: &mut Now) {
        let elsewhere = self.throttled_elsewhere(Api::Preflight);
        self.preflight.budget.answered(now.time, 0, outcome.as_ref().err(), elsewhere, &mut now.rng);
        match outcome {
            Ok(looked) => {
                let Some(began) = self.preflight.rota.answered(look, looked.next, now.time) else { return };
                let is_default = matches!(look, Look::DefaultQuota(_));
                for sighting in &looked.seen {
                    self.see(sighting, began, is_default, now);
                }
            }
            Err(error) => self.not_shown(look, &error, now),
        }
    }

    fn not_shown(&mut self, look: &Look, error: &CallError, now: &Now) {
        if let Look::Quota(quota) = look
            && error.code == NO_VALUE
        {
            self.preflight.rota.answered(look, Some(Look::DefaultQuota(*quota)), now.time);
            return;
        }
        // AWS read it and will not show it: asked again soon it would say the same.
        let refused = error.class == ErrorClass::Configuration;
        self.preflight.rota.failed(look, refused, now.time);
        if let Look::Template { id, version } = look
            && refused
            && error.code.contains("NotFound")
        {
            let subject = Subject::Template(format!("{id} {version}"));
            self.see(&Sighting { subject, value: 0, as_of: None }, now.time, false, now);
        }
    }

    /// One number, asked for at `asked_at`.
    fn see(&mut self, sighting: &Sighting, asked_at: Time, is_default: bool, now: &Now) {
        let as_of = sighting.as_of.unwrap_or(asked_at);
        let ours = self.counted_by_aws(&sighting.subject, as_of);
        let fact = Fact { value: sighting.value, ours, as_of, seen_at: now.time, is_default };
        self.ledger.changes.facts.extend(self.preflight.picture.see(&sighting.subject, fact));
    }

    /// What so many more of a group, by then, come to.
    pub(super) fn verdict(&self, group: usize, count: u32, by: Option<Time>, now: Time) -> Verdict {
        let known = self.limits(Asked { group, count, now });
        let fits = known.bounds.first().map_or(count, |b| b.fits.min(count));
        let asked = Asked { group, count: fits, now };
        let estimate = self.estimate(asked);
        let picture_age_s = known.oldest.map(|at| now.since(at).as_secs());
        let mut notes = self.holdups(asked);
        if let Some(age_s) = picture_age_s.filter(|age_s| *age_s >= OLD_S) {
            notes.push(format!("the picture is old: AWS was last seen {age_s} s ago"));
        }
        Verdict {
            group: self.ledger.groups[group].spec.name.clone(),
            wanted: count,
            fits,
            bounds: known.bounds,
            eta_s: estimate.eta.map(|at| at.since(now).as_secs()),
            bound_s: estimate.bound.as_secs(),
            basis: estimate.basis,
            by_s: by.map(|by| by.since(now).as_secs()),
            late: by.is_some_and(|by| estimate.eta.is_none_or(|eta| eta > by)),
            picture_age_s,
            unknown: known.unknown,
            notes,
        }
    }

    /// Why a request is not taken at all, by its verdict: nothing of it fits, or not all of it and it wants
    /// all or nothing.
    pub(super) fn refused_by(verdict: &Verdict, all_or_nothing: bool) -> Option<Refusal> {
        let binding = verdict.binding()?;
        if verdict.fits > 0 && !all_or_nothing {
            return None;
        }
        let number = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
        Some(match binding.limit {
            Limit::GroupMax => Refusal::NoRoom {
                group: verdict.group.clone(),
                room: verdict.fits,
                max: number(binding.number),
                taken: number(binding.taken),
            },
            Limit::Ceiling
            | Limit::Vcpus
            | Limit::Addresses
            | Limit::Interfaces
            | Limit::Targets
            | Limit::LaunchTemplate => Refusal::DoesNotFit {
                group: verdict.group.clone(),
                wanted: verdict.wanted,
                fits: verdict.fits,
                why: verdict.why(),
            },
        })
    }

    /// What would become of a request. Nothing is changed and nothing is stored.
    pub(super) fn foretell(&self, ask: &Ask, now: &Now) -> Result<Arc<Verdict>, Refusal> {
        let group = self.admissible(ask, now.time)?;
        Ok(Arc::new(self.verdict(group, ask.count, ask.by, now.time)))
    }
}
