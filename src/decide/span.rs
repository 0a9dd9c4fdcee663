//! Durations on a logarithmic scale, so that a short table holds seconds and hours alike.

use std::time::Duration;

/// Spans an eighth of an octave wide (9 %) from 1 s; the last begins at 3,756 s. What is shorter
/// than 1 s is in the first, what is longer in the last.
pub const SPANS: usize = 96;
const PER_OCTAVE: f64 = 8.0;

/// The span that a duration falls into.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped to the table
pub fn span_of(d: Duration) -> usize {
    ((d.as_secs_f64().max(1.0).log2() * PER_OCTAVE) as usize).min(SPANS - 1)
}

/// Where a span ends and the next begins.
#[must_use]
pub fn end_of(span: usize) -> Duration {
    let steps = f64::from(u32::try_from(span.min(SPANS - 1)).unwrap_or(u32::MAX)) + 1.0;
    Duration::from_secs_f64(2f64.powf(steps / PER_OCTAVE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_ends_where_the_next_begins() {
        assert_eq!(span_of(Duration::ZERO), 0);
        for span in 0..SPANS - 1 {
            let end = end_of(span);
            assert_eq!(span_of(end.mul_f64(0.999)), span);
            assert_eq!(span_of(end.mul_f64(1.001)), span + 1);
        }
        assert_eq!(span_of(Duration::from_secs(86_400)), SPANS - 1);
    }
}
