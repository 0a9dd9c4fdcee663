//! Following a scale-up: a bar for each stage on a terminal, plain lines elsewhere. All of it on
//! standard error.

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::bail;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::decide::view::{Progress, View};
use crate::decide::words::{Phase, ScaleUpState, Time};
use crate::engine::{Handle, Readiness};
use crate::time::{Stopwatch, timeout_on_the_wall};

/// Redraw at least this often.
const FRAME: Duration = Duration::from_millis(200);
/// Where there is no terminal, one line for each of these.
const LINE: Duration = Duration::from_secs(2);

/// Stages as a person sees them: how many slots have come at least so far.
const STAGES: [(&str, Phase); 4] = [
    ("launched", Phase::Booting),
    ("booted", Phase::Configuring),
    ("configured", Phase::Verifying),
    ("in service", Phase::InService),
];

/// Waits until the scale-up is done.
///
/// # Errors
/// If the engine stops before.
pub async fn to_the_end(handle: &Handle, id: &str) -> anyhow::Result<()> {
    let mut screen = Screen::new();
    let mut changes = handle.changes();
    loop {
        let view = changes.borrow_and_update().clone();
        if let Some(progress) = view.scale_up(id) {
            screen.show(&view, progress);
            if progress.state == ScaleUpState::Done {
                screen.end();
                return Ok(());
            }
        }
        if let Readiness::Fenced(why) = handle.ready() {
            bail!("another process took the database over: {why}");
        }
        // A frame without news still moves the ETA on.
        if let Some(Err(_)) = timeout_on_the_wall(FRAME, changes.changed()).await {
            bail!("the engine stopped");
        }
    }
}

struct Screen {
    bars: Option<Bars>,
    last_line: Option<Stopwatch>,
}

struct Bars {
    stages: Vec<ProgressBar>,
    status: ProgressBar,
    drawn: Stopwatch,
}

impl Screen {
    fn new() -> Screen {
        let terminal = std::io::stderr().is_terminal();
        Screen { bars: terminal.then(Bars::new), last_line: None }
    }

    fn show(&mut self, view: &View, p: &Progress) {
        match &mut self.bars {
            Some(bars) => bars.draw(view, p),
            None if self.last_line.is_none_or(|w| w.elapsed() >= LINE) => {
                self.last_line = Some(Stopwatch::start());
                eprintln!("{}", line(view, p));
            }
            None => {}
        }
    }

    fn end(&mut self) {
        if let Some(bars) = &self.bars {
            bars.stages.iter().for_each(ProgressBar::abandon);
            bars.status.finish_and_clear();
        }
    }
}

impl Bars {
    fn new() -> Bars {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{msg:>12} {wide_bar} {pos:>6}/{len} {prefix:>9}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let stages = STAGES
            .iter()
            .map(|(name, _)| {
                let bar = all.add(ProgressBar::new(0).with_style(style.clone()));
                bar.set_message(*name);
                bar
            })
            .collect();
        let plain =
            ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let status = all.add(ProgressBar::new(0).with_style(plain));
        Bars { stages, status, drawn: Stopwatch::start() }
    }

    fn draw(&mut self, view: &View, p: &Progress) {
        let elapsed = view.at.since(p.accepted_at).as_secs_f64();
        for (bar, (_, phase)) in self.stages.iter().zip(STAGES) {
            let n = come_to(p, phase);
            bar.set_length(p.wanted.into());
            bar.set_position(n.into());
            let rate = if elapsed > 0.0 { f64::from(n) / elapsed } else { 0.0 };
            bar.set_prefix(format!("{rate:.1}/s"));
        }
        self.status.set_message(status(view.at, p));
        self.drawn = Stopwatch::start();
    }
}

/// Slots whose newest instance has come at least as far as `phase`.
fn come_to(p: &Progress, phase: Phase) -> u32 {
    let live = [Phase::Booting, Phase::Configuring, Phase::Verifying, Phase::InService];
    live.iter().filter(|l| **l >= phase).map(|l| p.phases.get(*l)).sum()
}

fn status(now: Time, p: &Progress) -> String {
    let at = now.since(p.accepted_at).as_secs();
    let eta =
        p.eta.map_or("ETA unknown".to_string(), |t| format!("ETA {} s", t.since(p.accepted_at).as_secs()));
    let broken =
        if p.broken_so_far > 0 { format!(", {} broken so far", p.broken_so_far) } else { String::new() };
    format!("{at:>4} s, {eta}{broken}; {}", binding(now, p))
}

/// What holds up most slots that are not on an instance yet, or else most of those that are.
fn binding(now: Time, p: &Progress) -> String {
    match p.waits.first() {
        Some(w) => format!("{} wait: {}", w.count, w.wait.describe(now)),
        None => "nothing waits".to_string(),
    }
}

fn line(view: &View, p: &Progress) -> String {
    let stages: Vec<String> =
        STAGES.iter().map(|(name, phase)| format!("{name} {}", come_to(p, *phase))).collect();
    format!("{} of {}; {}", stages.join(", "), p.wanted, status(view.at, p))
}
