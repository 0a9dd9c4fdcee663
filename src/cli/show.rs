//! Scale-ups for people: a line, a few lines, a table.

use std::fmt::Write as _;

use super::text::{Align, Table, clean, seconds};
use crate::api::types::{Created, Preflight, ScaleUp, ScaleUpItem, Shortfall, WaitLine};
use crate::decide::words::{Phase, ScaleUpState};

/// One line for a scale-up that was just accepted.
#[must_use]
pub fn accepted(created: &Created) -> String {
    let short = created.preflight.as_ref().filter(|told| told.fits < told.wanted);
    format!(
        "scale-up {} ({}) accepted: {} of {}, {}{}{}",
        created.seq,
        clean(&created.id),
        created.wanted,
        clean(&created.group),
        expected(created.eta_s),
        if created.late { TOO_LATE } else { "" },
        short.map(does_not_fit).unwrap_or_default()
    )
}

/// Said after that: what is short from the start.
fn does_not_fit(told: &Preflight) -> String {
    let why: Vec<String> = told.shortfall.iter().map(|s| clean(&s.text)).collect();
    format!("; only {} fit: {}", told.fits, why.join("; "))
}

/// Said after when something is expected.
const TOO_LATE: &str = ", later than asked for: what is not launched by then is dropped";

fn expected(eta_s: Option<u64>) -> String {
    eta_s.map_or("no estimate yet".to_string(), |s| format!("expected in service in {}", seconds(s)))
}

/// One line of progress.
#[must_use]
pub fn progress(show: &ScaleUp) -> String {
    let mut line = format!("{} of {} in service", show.item.in_service, show.item.wanted);
    let moving = phases(show, |p| p != Phase::InService && p != Phase::Withdrawn);
    if !moving.is_empty() {
        line = format!("{line}; {moving}");
    }
    if show.item.withdrawn > 0 {
        line = format!("{line}; {} withdrawn", show.item.withdrawn);
    }
    if let Some(eta) = show.eta_s {
        line = format!("{line}; done in about {}", seconds(eta));
    }
    if let Some(wait) = show.waits.first() {
        line = format!("{line}; {} wait: {}", wait.count, clean(&wait.text));
    }
    line
}

/// All there is to say about one.
#[must_use]
pub fn summary(show: &ScaleUp) -> String {
    let item = &show.item;
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            // Writing into a string cannot fail.
            let _ = writeln!(text, "{name:<12}{}", clean(value));
        }
    };
    line("scale-up", &format!("{} ({})", item.seq, item.id));
    line("group", &item.group);
    line("state", item.state.as_str());
    line("in service", &format!("{} of {}", item.in_service, item.wanted));
    if item.state != ScaleUpState::Done {
        line("phases", &phases(show, |_| true));
        let late = if show.late { TOO_LATE } else { "" };
        line("expected", &show.eta_s.map(|s| format!("in {}{late}", seconds(s))).unwrap_or_default());
    }
    if let Some(broken) = show.broken_so_far.filter(|n| *n > 0) {
        line("broken", &format!("{broken}, each replaced or given up"));
    }
    line("accepted", &item.accepted_at.to_string());
    line("wanted by", &item.by.as_ref().map(ToString::to_string).unwrap_or_default());
    line("done", &item.done_at.as_ref().map(ToString::to_string).unwrap_or_default());
    line("reason", &item.reason);
    line("cancelled", item.cancel_reason.as_deref().unwrap_or_default());
    for table in [waits(&show.waits), shortfall(&show.shortfall)].into_iter().flatten() {
        text.push('\n');
        text.push_str(&table);
    }
    text
}

/// What waits and why; `None` if nothing does.
#[must_use]
pub fn waits(waits: &[WaitLine]) -> Option<String> {
    counts("WAITS FOR", waits.iter().map(|w| (w.count, &w.text)))
}

fn shortfall(shortfall: &[Shortfall]) -> Option<String> {
    counts("MISSING BECAUSE", shortfall.iter().map(|s| (s.count, &s.reason)))
}

fn counts<'a>(heading: &'static str, lines: impl Iterator<Item = (u32, &'a String)>) -> Option<String> {
    let mut table = Table::new(&[("COUNT", Align::Right), (heading, Align::Left)]);
    let mut any = false;
    for (count, text) in lines {
        any = true;
        table.row([count.to_string(), text.clone()]);
    }
    any.then(|| table.text())
}

/// Scale-ups, one a line.
#[must_use]
pub fn list(items: &[ScaleUpItem]) -> String {
    let mut table = Table::new(&[
        ("NUMBER", Align::Right),
        ("ID", Align::Left),
        ("GROUP", Align::Left),
        ("STATE", Align::Left),
        ("WANTED", Align::Right),
        ("IN SERVICE", Align::Right),
        ("WITHDRAWN", Align::Right),
        ("ACCEPTED", Align::Left),
        ("REASON", Align::Left),
    ]);
    for item in items {
        table.row([
            item.seq.to_string(),
            item.id.clone(),
            item.group.clone(),
            item.state.to_string(),
            item.wanted.to_string(),
            item.in_service.to_string(),
            item.withdrawn.to_string(),
            item.accepted_at.to_string(),
            item.reason.clone(),
        ]);
    }
    table.text()
}

/// `300 booting, 40 verifying`, in the order of a life, zeros left out.
fn phases(show: &ScaleUp, of: impl Fn(Phase) -> bool) -> String {
    let counts: Vec<String> = show
        .phases
        .iter()
        .filter(|(phase, count)| **count > 0 && of(**phase))
        .map(|(phase, count)| format!("{count} {}", phase.as_str().replace('_', " ")))
        .collect();
    counts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::scale_up;

    fn read(value: serde_json::Value) -> ScaleUp {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn one_line_says_how_far_it_is_and_what_binds() {
        let mut open = scale_up("open", 640);
        open["phases"] = serde_json::json!({ "queued": 500, "booting": 60, "gone": 0, "in_service": 640 });
        open["eta_s"] = 85.into();
        open["waits"] = serde_json::json!([{ "count": 500, "text": "instance tokens: 0 of the 100" }]);
        assert_eq!(
            progress(&read(open)),
            "640 of 1200 in service; 500 queued, 60 booting; done in about 1m25s; 500 wait: instance tokens: 0 of the 100"
        );
        assert_eq!(progress(&read(scale_up("done", 1200))), "1200 of 1200 in service");
    }

    #[test]
    fn a_shortfall_is_told_with_its_reasons() {
        let mut done = scale_up("done", 1197);
        done["withdrawn"] = 3.into();
        done["done_at"] = "2026-01-04T15:10:00.000Z".into();
        done["shortfall"] = serde_json::json!([{ "count": 3, "reason": "account limit VcpuLimitExceeded" }]);
        assert_eq!(
            summary(&read(done)),
            "scale-up    12 (id-12)\n\
             group       web\n\
             state       done\n\
             in service  1197 of 1200\n\
             accepted    2026-01-04T15:00:00.000Z\n\
             done        2026-01-04T15:10:00.000Z\n\
             reason      first working day\n\
             \n\
             COUNT  MISSING BECAUSE\n\
             \x20   3  account limit VcpuLimitExceeded\n"
        );
    }
}
