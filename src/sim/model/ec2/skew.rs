//! Answers of a service whose clock is wrong.

use std::sync::Arc;

use super::call::Answer;

impl Answer {
    /// Every time in it is that of a clock which is so far ahead, milliseconds.
    pub(in super::super) fn skew(&mut self, by_ms: i64) {
        let reservations = if let Answer::Launched(reservation) = self {
            std::slice::from_mut(reservation)
        } else if let Answer::Instances { reservations, .. } = self {
            reservations.as_mut_slice()
        } else {
            return;
        };
        for reservation in reservations {
            Arc::make_mut(&mut reservation.launch).launched_ms += by_ms;
            for at in reservation.instances.iter_mut().filter_map(|i| i.user_ended_ms.as_mut()) {
                *at += by_ms;
            }
        }
    }
}
