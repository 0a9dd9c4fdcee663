//! Samples that others send.

use super::spec::Source;
use crate::decide::action::{Accepted, Refusal};
use crate::decide::words::Time;
use crate::decide::{Core, Now};

/// Samples of one group, as they were sent. Answered without being stored: a sample that a crash loses
/// leaves the group blind until the next one, and a blind group loses nobody.
#[derive(Clone, Debug, PartialEq)]
pub struct Pushed {
    pub group: String,
    pub samples: Vec<Sample>,
}

/// One sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub signal: String,
    /// When it was taken, by the sender's clock; now if none.
    pub at: Option<Time>,
    pub value: f64,
}

impl Core {
    /// Takes samples in: all of them, or none.
    pub(in crate::decide) fn pushed(&mut self, pushed: &Pushed, now: &Now) -> Result<Accepted, Refusal> {
        let group = self.group_named(&pushed.group)?;
        let spec = self.ledger.groups[group].spec.clone();
        let mut places = Vec::with_capacity(pushed.samples.len());
        for sample in &pushed.samples {
            let named = |s: &super::spec::Signal| s.name == sample.signal && s.source == Source::Pushed;
            let place = spec.signals.iter().position(named).ok_or_else(|| {
                let known = spec.signals.iter().filter(|s| s.source == Source::Pushed);
                let known: Vec<&str> = known.map(|s| s.name.as_str()).collect();
                Refusal::UnknownSignal {
                    signal: sample.signal.clone(),
                    group: spec.name.clone(),
                    known: known.join(", "),
                }
            })?;
            places.push(place);
        }
        for (sample, place) in pushed.samples.iter().zip(places) {
            self.signals[group][place].add(sample.at.unwrap_or(now.time), sample.value, now.time);
        }
        Ok(Accepted { id: spec.name.clone(), repeated: false })
    }
}
