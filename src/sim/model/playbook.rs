//! The fault scripts that run: when each begins and ends, and what they do to a call.

use super::super::draw::{Draw, Purpose, mix};
use super::super::settings::{Fault, Script, in_ms};
use super::call::{Action, Service};
use super::faults::Luck;

/// One script with its times. Milliseconds of the model's time.
#[derive(Clone, Debug)]
struct Running {
    /// Its number among all that were ever added: draws depend on it.
    number: u64,
    from_ms: i64,
    until_ms: i64,
    script: Script,
}

impl Running {
    /// If it befalls what has this number: further draws about it.
    fn draw(&self, seed: u64, purpose: Purpose, number: u64) -> Option<Draw> {
        let mut draw = Draw::new(mix(seed ^ mix(self.number)), purpose, number);
        draw.chance(self.script.percent).then_some(draw)
    }
}

/// All scripts that have not ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Playbook {
    running: Vec<Running>,
    added: u64,
    /// Scripts have come or gone since this was last asked.
    stirred: bool,
}

/// Does the front listen?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listening {
    /// Until then, if that is known. Milliseconds.
    Open {
        until_ms: Option<i64>,
    },
    Closed {
        until_ms: i64,
    },
}

/// What a TLS handshake with the front comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    Made,
    /// The connection breaks off.
    Broken,
    /// The certificate is a stranger's.
    Stranger,
}

impl Playbook {
    /// Adds scripts whose times count from now.
    pub(super) fn add(&mut self, scripts: &[Script], now_ms: i64) {
        self.running.retain(|r| now_ms < r.until_ms);
        self.stirred = true;
        for script in scripts {
            let from_ms = now_ms.saturating_add(in_ms(script.at_s));
            let until_ms = script.for_s.map_or(i64::MAX, |s| from_ms.saturating_add(in_ms(s)));
            self.running.push(Running { number: self.added, from_ms, until_ms, script: script.clone() });
            self.added += 1;
        }
    }

    /// These in place of all before.
    pub(super) fn replace(&mut self, scripts: &[Script], now_ms: i64) {
        self.running.clear();
        self.add(scripts, now_ms);
    }

    /// What is still to come or goes on, as it would be added now.
    pub(super) fn ahead(&self, now_ms: i64) -> Vec<Script> {
        let left = self.running.iter().filter(|r| now_ms < r.until_ms);
        #[allow(clippy::cast_precision_loss)] // checked to be at most ten years
        let seconds = |ms: i64| ms as f64 / 1_000.0;
        left.map(|r| Script { at_s: seconds(r.from_ms - now_ms), ..r.script.clone() }).collect()
    }

    /// Those that go on now.
    fn now(&self, now_ms: i64) -> impl Iterator<Item = &Running> {
        self.running.iter().filter(move |r| (r.from_ms..r.until_ms).contains(&now_ms))
    }

    /// What they add to the luck of the call with this number. `fits` says whether a script is about
    /// the call.
    pub(super) fn befall(
        &self,
        luck: &mut Luck,
        seed: u64,
        number: u64,
        now_ms: i64,
        fits: impl Fn(&Script) -> bool,
    ) {
        for running in self.now(now_ms) {
            let script = &running.script;
            // Each has draws of its own: adding one changes nothing about the others.
            let mut draw = Draw::new(mix(seed ^ mix(running.number)), Purpose::Script, number);
            let (hit, before) = (draw.chance(script.percent), draw.chance(50.0));
            if !hit || !fits(script) {
                continue;
            }
            match script.fault {
                Fault::Throttle => luck.throttled = true,
                Fault::Denied => luck.denied = true,
                Fault::Error if before => luck.error_before = Some(script.status_or(500)),
                Fault::Error => luck.error_after = Some(script.status_or(500)),
                Fault::Html if before => luck.html_before = Some(script.status_or(502)),
                Fault::Html => luck.html_after = Some(script.status_or(502)),
                Fault::LostBefore => luck.lost_before = true,
                Fault::LostAfter => luck.lost_after = true,
                Fault::LateEffect => luck.late_ms = Some(script.span_ms()),
                Fault::Hang => {
                    luck.hang_ms = luck.hang_ms.max(u32::try_from(script.span_ms()).unwrap_or_default());
                }
                Fault::Latency => {
                    if let Some(spread) = script.spread() {
                        luck.answer_ms = draw.spread(spread);
                        luck.error_ms = luck.answer_ms;
                    }
                }
                Fault::Truncated => luck.truncated = true,
                Fault::ClockSkew => luck.skew_ms = script.span_ms(),
                Fault::Reset | Fault::Refuse | Fault::Tls | Fault::Unreached | Fault::PacketLoss => {}
            }
        }
    }

    /// Is the connection to the front with this number reset?
    pub(super) fn resets(&self, seed: u64, number: u64, now_ms: i64) -> bool {
        self.of(Fault::Reset, now_ms).any(|r| r.draw(seed, Purpose::Connection, number).is_some())
    }

    /// Whether the front listens, and until when.
    pub(super) fn listening(&self, now_ms: i64) -> Listening {
        if let Some(until_ms) = self.of(Fault::Refuse, now_ms).map(|r| r.until_ms).max() {
            return Listening::Closed { until_ms };
        }
        let ahead = self.running.iter().filter(|r| r.script.fault == Fault::Refuse && now_ms < r.from_ms);
        Listening::Open { until_ms: ahead.map(|r| r.from_ms).min() }
    }

    /// What the TLS handshake with this number comes to.
    pub(super) fn handshake(&self, seed: u64, number: u64, now_ms: i64) -> Handshake {
        let mut hits = self.of(Fault::Tls, now_ms).filter_map(|r| r.draw(seed, Purpose::Handshake, number));
        match hits.next().map(|mut draw| draw.chance(50.0)) {
            None => Handshake::Made,
            Some(true) => Handshake::Broken,
            Some(false) => Handshake::Stranger,
        }
    }

    /// Does the attempt with this number, of this service, not reach its endpoint?
    pub(super) fn misses(&self, seed: u64, service: Service, number: u64, now_ms: i64) -> bool {
        let about = |r: &&Running| r.script.service.as_deref().is_none_or(|s| s == service.as_str());
        let mut misses = self.of(Fault::Unreached, now_ms).filter(about);
        misses.any(|r| r.draw(seed, Purpose::Attempt, number).is_some())
    }

    /// How far ahead the clock of a service is by which it checks the signature of such a call.
    pub(super) fn skew_ms(&self, service: Service, action: Option<Action>, now_ms: i64) -> i64 {
        let skews = self.of(Fault::ClockSkew, now_ms).filter(|r| r.script.names(service, action));
        skews.last().map_or(0, |r| r.script.span_ms())
    }

    fn of(&self, fault: Fault, now_ms: i64) -> impl Iterator<Item = &Running> {
        self.now(now_ms).filter(move |r| r.script.fault == fault)
    }

    pub(super) fn take_stirred(&mut self) -> bool {
        std::mem::take(&mut self.stirred)
    }

    /// The share of packets that get lost between clients and an instance in this zone, beside what
    /// gets lost `always`: the largest that holds.
    pub(super) fn packet_loss(&self, zone: Option<&str>, always: f64, now_ms: i64) -> f64 {
        let losses = self.now(now_ms).filter(|r| r.script.fault == Fault::PacketLoss);
        let here = losses.filter(|r| r.script.zone.as_deref().is_none_or(|z| Some(z) == zone));
        here.map(|r| r.script.percent).fold(always, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::settings::Settings;
    use super::*;

    fn playbook(scripts: &[Script]) -> Playbook {
        let mut playbook = Playbook::default();
        playbook.add(scripts, 1_000);
        playbook
    }

    fn luck(playbook: &Playbook, number: u64, now_ms: i64) -> Luck {
        let mut luck = Luck::of(&Settings::default(), 5, number, None);
        playbook.befall(&mut luck, 5, number, now_ms, |s| s.zone.is_none());
        luck
    }

    fn half(fault: Fault) -> Script {
        Script { percent: 50.0, ..Script::always(fault) }
    }

    #[test]
    fn a_script_holds_from_its_beginning_to_its_end() {
        let p = playbook(&[Script { at_s: 2.0, for_s: Some(3.5), ..Script::always(Fault::Throttle) }]);
        let throttled = [2_999, 3_000, 6_499, 6_500].map(|at| luck(&p, 0, at).throttled);
        assert_eq!(throttled, [false, true, true, false]);
        assert!((p.ahead(4_000)[0].at_s + 1.0).abs() < 1e-9);
        assert_eq!(playbook(&p.ahead(4_000)).running[0].until_ms, 3_500);
        assert!(p.ahead(6_500).is_empty());
    }

    #[test]
    fn shares_are_as_said_and_independent() {
        let p = playbook(&[half(Fault::Throttle), half(Fault::LostAfter), half(Fault::Error)]);
        let all: Vec<Luck> = (0..10_000).map(|n| luck(&p, n, 1_000)).collect();
        let count = |f: fn(&Luck) -> bool| all.iter().filter(|l| f(l)).count();
        assert!((4_800..5_200).contains(&count(|l| l.throttled)));
        assert!((2_300..2_700).contains(&count(|l| l.throttled && l.lost_after)));
        assert!((2_300..2_700).contains(&count(|l| l.error_before == Some(500))));
        assert!((2_300..2_700).contains(&count(|l| l.error_after == Some(500))));
    }

    #[test]
    fn one_more_script_changes_nothing_about_the_others() {
        let (one, two) =
            (playbook(&[half(Fault::Throttle)]), playbook(&[half(Fault::Throttle), half(Fault::Truncated)]));
        for n in 0..500 {
            assert_eq!(Luck { truncated: false, ..luck(&two, n, 1_000) }, luck(&one, n, 1_000));
        }
    }

    #[test]
    fn latency_has_the_percentiles_it_was_told() {
        let script = Script { p50_ms: Some(300), p99_ms: Some(3_000), ..Script::always(Fault::Latency) };
        let p = playbook(&[script]);
        let mut all: Vec<u32> = (0..10_000).map(|n| luck(&p, n, 1_000).answer_ms).collect();
        all.sort_unstable();
        assert!((280..320).contains(&all[5_000]), "{}", all[5_000]);
        assert!((2_600..3_400).contains(&all[9_900]), "{}", all[9_900]);
    }

    #[test]
    fn parameters_arrive() {
        let seconds = |fault, s| Script { seconds: Some(s), ..Script::always(fault) };
        let p = playbook(&[
            seconds(Fault::Hang, 60.0),
            seconds(Fault::LateEffect, 2.5),
            seconds(Fault::ClockSkew, -3_600.0),
            Script { status: Some(503), ..Script::always(Fault::Html) },
        ]);
        let l = luck(&p, 0, 1_000);
        assert_eq!((l.hang_ms, l.late_ms, l.skew_ms), (60_000, Some(2_500), -3_600_000));
        assert_eq!(l.html_before.or(l.html_after), Some(503));
        assert_eq!(p.skew_ms(Service::Sqs, None, 1_000), -3_600_000);
        let of_sqs =
            Script { seconds: Some(60.0), service: Some("sqs".into()), ..Script::always(Fault::ClockSkew) };
        let p = playbook(&[of_sqs]);
        assert_eq!((p.skew_ms(Service::Sqs, None, 1_000), p.skew_ms(Service::Ec2, None, 1_000)), (60_000, 0));
    }

    #[test]
    fn packets_are_lost_where_it_is_said() {
        let b = Script { zone: Some("b".into()), percent: 40.0, ..Script::always(Fault::PacketLoss) };
        let p = playbook(&[b, Script { percent: 5.0, ..Script::always(Fault::PacketLoss) }]);
        let loss = |zone| p.packet_loss(zone, 2.0, 1_000);
        let losses = (loss(Some("a")), loss(Some("b")), loss(None));
        assert_eq!(losses, (5.0, 40.0, 5.0));
        assert!((p.packet_loss(None, 2.0, 0) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_share_of_connections_is_reset() {
        let p = playbook(&[half(Fault::Reset)]);
        let count = (0..10_000).filter(|n| p.resets(5, *n, 1_000)).count();
        assert!((4_800..5_200).contains(&count), "{count}");
        assert!(!playbook(&[half(Fault::Throttle)]).resets(5, 0, 1_000));
    }

    #[test]
    fn the_front_does_not_listen_while_connections_are_refused() {
        let refuse = |at_s, for_s| Script { at_s, for_s: Some(for_s), ..Script::always(Fault::Refuse) };
        let p = playbook(&[refuse(2.0, 3.0), refuse(4.0, 2.0)]);
        let listening = [2_999, 3_000, 5_500, 7_000].map(|now| p.listening(now));
        let closed = |until_ms| Listening::Closed { until_ms };
        let expected = [
            Listening::Open { until_ms: Some(3_000) },
            closed(6_000),
            closed(7_000),
            Listening::Open { until_ms: None },
        ];
        assert_eq!(listening, expected);
    }

    #[test]
    fn handshakes_fail_in_both_ways() {
        let p = playbook(&[half(Fault::Tls)]);
        let all: Vec<Handshake> = (0..10_000).map(|n| p.handshake(5, n, 1_000)).collect();
        let count = |what| all.iter().filter(|h| **h == what).count();
        assert!((4_800..5_200).contains(&count(Handshake::Made)));
        assert!((2_300..2_700).contains(&count(Handshake::Broken)));
        assert!((2_300..2_700).contains(&count(Handshake::Stranger)));
    }
}
