//! `[[groups.NAME.signals]]`, `valve` and `floor`: what a group's load looks like, and what holds removals up.

use std::time::Duration;

use crate::config::section::{Read, Section};
use crate::decide::guard::valve::ValveSpec;
use crate::decide::signal::{Metric, Signal, Source, Tells};

/// Most signals of one group.
pub(super) const MOST: usize = 16;

/// Wider than any metric; finite.
const VALUES: std::ops::RangeInclusive<f64> = -1e15..=1e15;

/// CloudWatch's own limits: 255 characters of a name (aws-facts 5.1).
const TEXT_MOST: usize = 255;

const MINUTE: Duration = Duration::from_mins(1);

pub(super) fn signal(s: &mut Section<'_>) -> Read<Signal> {
    let name = s.text("name", super::NAME, None, |t| super::is_name(t).then(|| t.to_string()));
    let tells: Vec<&str> = Tells::ALL.iter().map(|t| t.as_str()).collect();
    let tells = s.text("tells", &format!("one of {}", tells.join(", ")), Tells::Other, |t| t.parse().ok());
    let cloudwatch = s.maybe_table("cloudwatch", metric);
    // A datapoint of CloudWatch's begins a minute before it ends, and can be read a minute or two later.
    let usual = if cloudwatch == Ok(None) { Duration::from_mins(2) } else { Duration::from_mins(5) };
    let fresh_for = s.duration("fresh_for", MINUTE..=Duration::from_mins(30), usual);
    let idle = s.real("idle", VALUES, f64::MIN_POSITIVE);
    let busy = s.real("busy", VALUES, f64::MIN_POSITIVE);
    let swing = s.number("swing", 1..=99, 50);
    let steady_for = s.duration("steady_for", MINUTE..=Duration::from_mins(45), Duration::from_mins(10));
    for mark in ["idle", "busy"] {
        if !s.is_written(mark) {
            s.refuse(mark, "missing: write the value from which on it says so");
        }
    }
    let (idle, busy) = (idle?, busy?);
    #[allow(clippy::float_cmp)] // as written, digit for digit
    if idle == busy && s.is_written("idle") && s.is_written("busy") {
        return Err(s.refuse("busy", "is the same as idle: one value cannot say both"));
    }
    let source = cloudwatch?.map_or(Source::Pushed, Source::CloudWatch);
    Ok(Signal {
        name: name?,
        tells: tells?,
        source,
        fresh_for: fresh_for?,
        idle,
        busy,
        swing: swing?,
        steady_for: steady_for?,
    })
}

fn metric(s: &mut Section<'_>) -> Read<Metric> {
    let allowed = "text of 1 to 255 characters";
    let namespace = s.text("namespace", allowed, None, text);
    let name = s.text("metric", allowed, None, text);
    let statistic = s.text("statistic", allowed, "Average".to_string(), text);
    let period_s = s.number("period_s", 60..=3_600, 60u64);
    let dimensions = if s.is_written("dimensions") {
        s.tables("dimensions", 0..=30, |s| {
            let (name, value) = (s.text("name", allowed, None, text), s.text("value", allowed, None, text));
            Ok((name?, value?))
        })
    } else {
        // Asked for, so that it is known.
        let _ = s.list("dimensions", 0..=30, "a table", Some(Vec::<()>::new()), |_| None);
        Ok(Vec::new())
    };
    let period_s = period_s?;
    if period_s % 60 != 0 {
        return Err(s.refuse("period_s", format!("{period_s} is not a multiple of 60")));
    }
    Ok(Metric {
        namespace: namespace?,
        name: name?,
        dimensions: dimensions?,
        statistic: statistic?,
        period: Duration::from_secs(period_s),
    })
}

fn text(t: &str) -> Option<String> {
    let fits = (1..=TEXT_MOST).contains(&t.chars().count()) && !t.chars().any(char::is_control);
    fits.then(|| t.to_string())
}

pub(super) fn valve(s: &mut Section<'_>) -> Read<ValveSpec> {
    let default = ValveSpec::default();
    let share = s.number("share", 1..=100, default.share);
    let window = s.duration("window", MINUTE..=Duration::from_hours(1), default.window);
    Ok(ValveSpec { share: share?, window: window? })
}

/// Two signals of one name could not be told apart.
pub(super) fn check_names(s: &mut Section<'_>, signals: &[Signal]) {
    for (i, signal) in signals.iter().enumerate() {
        if signals[..i].iter().any(|other| other.name == signal.name) {
            let what = format!("{:?} is another signal's already", signal.name);
            s.refuse(&format!("signals[{i}].name"), what);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::config::testing::{group, refused_group};
    use crate::decide::signal::{Source, Tells};

    #[test]
    fn a_pushed_signal_and_one_of_cloudwatch() {
        let web = group(
            r#"
floor = 10
valve = { share = 30 }
signals = [
  { name = "workers", tells = "workers", idle = 0.3, busy = 0.9 },
  { name = "cpu", tells = "cpu", idle = 30, busy = 70, cloudwatch = { namespace = "AWS/EC2", metric = "CPUUtilization", dimensions = [{ name = "AutoScalingGroupName", value = "web" }] } },
]
"#,
        )
        .unwrap();
        assert_eq!((web.floor, web.valve.share, web.valve.window), (10, 30, Duration::from_mins(5)));
        let [workers, cpu] = &web.signals[..] else { panic!("{:?}", web.signals) };
        assert_eq!((workers.tells, workers.source == Source::Pushed), (Tells::Workers, true));
        assert_eq!((workers.fresh_for, cpu.fresh_for), (Duration::from_mins(2), Duration::from_mins(5)));
        let Source::CloudWatch(metric) = &cpu.source else { panic!("{cpu:?}") };
        assert_eq!((metric.statistic.as_str(), metric.dimensions.len()), ("Average", 1));
        assert!(cpu.is_idle(30.0) && cpu.is_busy(70.0) && !cpu.is_idle(31.0));
    }

    #[test]
    fn signals_that_cannot_work() {
        let problems = refused_group(
            r#"signals = [{ name = "CPU", idle = 3, busy = 3.0 }, { name = "a", tells = "nothing", busy = 1 }, { name = "b", idle = 1, busy = 2 }, { name = "b", idle = 1, busy = 2, swing = 100 }]"#,
        );
        for said in [
            "signals[0].name: \"CPU\" is not 1 to 64 of a-z, 0-9 and -",
            "signals[0].busy: is the same as idle",
            "signals[1].tells: \"nothing\" is not one of cpu, workers, latency",
            "signals[1].idle: missing: write the value",
            "signals[3].swing: 100 is not a whole number from 1 to 99",
        ] {
            assert!(problems.contains(said), "{said} in\n{problems}");
        }
    }
}
