//! Progress bars for one scale-up: one for each stage, and a line that says what binds.

use std::fmt::Write;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::text::{clean, seconds};
use crate::api::types::ScaleUp;
use crate::decide::words::Phase;

/// Stages and the phases that have passed them.
const STAGES: [(&str, &[Phase]); 4] = [
    ("launched", &[Phase::Booting, Phase::Configuring, Phase::Verifying, Phase::InService]),
    ("booted", &[Phase::Configuring, Phase::Verifying, Phase::InService]),
    ("configured", &[Phase::Verifying, Phase::InService]),
    ("in service", &[Phase::InService]),
];

/// Frames a second: enough to look smooth, little to draw over a slow connection.
const FRAMES: u8 = 4;

/// The bars, on standard error. They vanish when dropped.
pub struct Bars {
    all: MultiProgress,
    stages: Vec<ProgressBar>,
    says: ProgressBar,
}

impl Bars {
    #[must_use]
    pub fn new() -> Bars {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(FRAMES));
        let template = "{prefix:>10} [{wide_bar}] {pos:>6}/{len} {rate:>8}";
        // A template that cannot be read would be a slip of ours; the default then does.
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("rate", rate)
            .progress_chars("=> ");
        let stage = |(name, _): &(&'static str, &[Phase])| {
            all.add(ProgressBar::new(0).with_style(style.clone()).with_prefix(*name))
        };
        let stages = STAGES.iter().map(stage).collect();
        let line =
            ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let says = all.add(ProgressBar::new(0).with_style(line));
        Bars { all, stages, says }
    }

    /// Shows this state.
    pub fn update(&self, show: &ScaleUp) {
        for (bar, (_, passed)) in self.stages.iter().zip(STAGES) {
            let count: u32 = passed.iter().filter_map(|p| show.phases.get(p)).sum();
            bar.set_length(u64::from(show.item.wanted));
            bar.set_position(u64::from(count));
        }
        self.says.set_message(says(show));
    }

    /// Writes a line above the bars.
    pub fn note(&self, text: &str) {
        // If standard error is gone, nobody watches.
        let _ = self.all.println(text);
    }
}

impl Default for Bars {
    fn default() -> Self {
        Bars::new()
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        let _ = self.all.clear();
    }
}

/// Instances a second, on the wall.
fn rate(state: &ProgressState, out: &mut dyn Write) {
    // Writing into a line cannot fail.
    let _ = write!(out, "{:.1}/s", state.per_sec());
}

fn says(show: &ScaleUp) -> String {
    let eta = show.eta_s.map_or("no estimate yet".to_string(), |s| format!("done in about {}", seconds(s)));
    let broken =
        show.broken_so_far.filter(|n| *n > 0).map(|n| format!("; {n} broken so far")).unwrap_or_default();
    let wait =
        show.waits.first().map(|w| format!("; {} wait: {}", w.count, clean(&w.text))).unwrap_or_default();
    format!("{eta}{broken}{wait}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::scale_up;

    #[test]
    fn a_stage_counts_all_that_have_passed_it() {
        let mut value = scale_up("open", 640);
        value["phases"] =
            serde_json::json!({ "queued": 500, "booting": 30, "verifying": 30, "in_service": 640 });
        value["broken_so_far"] = 4.into();
        let show: ScaleUp = serde_json::from_value(value).unwrap();
        let bars = Bars::new();
        bars.update(&show);
        let positions: Vec<u64> = bars.stages.iter().map(ProgressBar::position).collect();
        assert_eq!(positions, [700, 670, 670, 640]);
        assert!(bars.stages.iter().all(|b| b.length() == Some(1200)));
        assert_eq!(says(&show), "no estimate yet; 4 broken so far");
    }
}
