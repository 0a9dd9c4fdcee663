//! Fault scripts: what goes wrong from when until when, with which calls.
//!
//! ```toml
//! [[script]]
//! fault = "throttle"
//! at_s = 30.0
//! for_s = 300.0
//! action = "RunInstances"
//! percent = 50.0
//!
//! [[script]]
//! fault = "packet_loss"
//! zone = "us-east-1b"
//! percent = 5.0
//! ```

use serde::{Deserialize, Serialize};

use crate::decide::words::named;

use super::super::model::call::{Action, Service};
use super::{SettingsError, Spread, ensure};

named! {
    /// What can go wrong.
    pub enum Fault {
        /// Answered as too fast, in the service's own words, though the buckets would allow it.
        Throttle = "throttle",
        /// Answered as not allowed, in the service's own words: what whoever has no permission for it gets, a
        /// dry run as well.
        Denied = "denied",
        /// Answered with the service's own 500 or 503 (`status`): half of them before the effect, half
        /// after it.
        Error = "error",
        /// Answered with a page of HTML and status 500, 502 or 503 (`status`), as by something that
        /// stands before the service: half before the effect, half after it.
        Html = "html",
        /// The connection closes without an answer, and nothing happened.
        LostBefore = "lost_before",
        /// Takes effect, and the connection closes without an answer.
        LostAfter = "lost_after",
        /// The connection closes without an answer, and the call takes effect so many `seconds` later.
        LateEffect = "late_effect",
        /// Takes effect, and the answer comes after so many `seconds` more.
        Hang = "hang",
        /// The answer takes as long as is drawn from `p50_ms` and `p99_ms` (lognormal), in place of
        /// what `latency` says.
        Latency = "latency",
        /// Takes effect; status and headers are right, and the connection closes in the middle of the
        /// body.
        Truncated = "truncated",
        /// A connection to the front is reset as soon as it was accepted. For all services, and
        /// `/_sim/`: a connection does not tell what it is for. So it must say `for_s`, or nobody
        /// could ever end it.
        Reset = "reset",
        /// Nobody listens at the front: new connections are refused by the system. For all services and
        /// `/_sim/`, and all of them, so it must say `for_s`. Connections that are open go on.
        Refuse = "refuse",
        /// A TLS handshake with the front fails: half of them break off without a word, half meet a
        /// certificate of an authority that nobody knows. Plain HTTP goes on.
        Tls = "tls",
        /// An attempt of SNS or EventBridge to reach an HTTP(S) endpoint does not connect (`service`
        /// selects).
        Unreached = "unreached",
        /// The service's clock is so many `seconds` ahead (behind, if negative): the times in
        /// answers, the header `date`, and the time by which signatures are checked.
        ClockSkew = "clock_skew",
        /// `percent` of the packets between clients and instances get lost, each way. This one is not
        /// about calls: only `zone` selects.
        PacketLoss = "packet_loss",
    }
}

/// One fault for some time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    pub fault: Fault,
    /// When it begins: seconds of the model's time from its start, or from when the script was added.
    #[serde(default)]
    pub at_s: f64,
    /// How long it lasts; none: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_s: Option<f64>,
    /// Only calls to this service, for example `ec2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Only calls of this action, for example `RunInstances`. `*` is all, as is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Only calls that launch in this zone or name an instance in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The share of those that it befalls.
    #[serde(default = "all")]
    pub percent: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<u32>,
}

fn all() -> f64 {
    100.0
}

/// Longest time in a script: ten years. Far below what milliseconds in 64 bits can hold.
const SECONDS_MAX: f64 = 315_360_000.0;
/// Longest delay of one call, of the model's time: a day, more than any client waits.
const DELAY_MAX_S: f64 = 86_400.0;

impl Script {
    /// A fault that befalls everything, from now on and for ever.
    #[must_use]
    pub fn always(fault: Fault) -> Script {
        Script {
            fault,
            at_s: 0.0,
            for_s: None,
            service: None,
            action: None,
            zone: None,
            percent: 100.0,
            status: None,
            seconds: None,
            p50_ms: None,
            p99_ms: None,
        }
    }

    /// Is it about calls of this action? Those of no known action are only in scripts for all.
    pub(in super::super) fn names(&self, service: Service, action: Option<Action>) -> bool {
        let of_service = self.service.as_ref().is_none_or(|wanted| wanted == service.as_str());
        let named = self.action.as_deref().filter(|wanted| *wanted != "*");
        of_service && named.is_none_or(|wanted| action.is_some_and(|a| a.name() == wanted))
    }

    /// The HTTP status to answer with.
    pub(in super::super) fn status_or(&self, usual: u16) -> u16 {
        self.status.unwrap_or(usual)
    }

    /// `seconds`, in milliseconds.
    pub(in super::super) fn span_ms(&self) -> i64 {
        in_ms(self.seconds.unwrap_or_default())
    }

    pub(in super::super) fn spread(&self) -> Option<Spread> {
        Some(Spread { median_ms: self.p50_ms?, p99_ms: self.p99_ms? })
    }

    pub(in super::super) fn check(&self) -> Result<(), SettingsError> {
        ensure("script.percent", (0.0..=100.0).contains(&self.percent), || {
            format!("{} is not a percentage, 0 to 100", self.percent)
        })?;
        ensure("script.at_s", self.at_s.abs() <= SECONDS_MAX, || {
            format!("{} is not a time in seconds, at most {SECONDS_MAX}", self.at_s)
        })?;
        ensure("script.for_s", self.for_s.is_none_or(|s| (0.0..=SECONDS_MAX).contains(&s)), || {
            format!("needs to be from 0 to {SECONDS_MAX}")
        })?;
        self.check_selectors()?;
        self.check_parameters()
    }

    fn check_selectors(&self) -> Result<(), SettingsError> {
        if let Some(service) = &self.service {
            ensure("script.service", Service::ALL.iter().any(|s| s.as_str() == service), || {
                let known: Vec<&str> = Service::ALL.iter().map(|s| s.as_str()).collect();
                format!("'{service}' is not one of {}", known.join(", "))
            })?;
        }
        if let Some(action) = self.action.as_deref().filter(|a| *a != "*") {
            ensure("script.action", Action::all().iter().any(|a| a.name() == action), || {
                format!("no service has an action '{action}'")
            })?;
        }
        let (services, actions, zones) = match self.fault {
            Fault::Reset | Fault::Refuse | Fault::Tls => (false, false, false),
            Fault::Unreached => {
                let senders = [Service::Sns, Service::Events].map(Service::as_str);
                (self.service.as_deref().is_none_or(|s| senders.contains(&s)), false, false)
            }
            Fault::PacketLoss => (false, false, true),
            Fault::Throttle
            | Fault::Denied
            | Fault::Error
            | Fault::Html
            | Fault::LostBefore
            | Fault::LostAfter
            | Fault::LateEffect
            | Fault::Hang
            | Fault::Latency
            | Fault::Truncated
            | Fault::ClockSkew => (true, true, true),
        };
        let fine = (services || self.service.is_none())
            && (actions || self.action.is_none())
            && (zones || self.zone.is_none());
        ensure("script", fine, || format!("{} is not about single calls: too many selectors", self.fault))
    }

    /// Every fault has the parameters it needs, and no others.
    fn check_parameters(&self) -> Result<(), SettingsError> {
        let no_status = self.status.is_none();
        let no_seconds = self.seconds.is_none();
        let no_spread = self.p50_ms.is_none() && self.p99_ms.is_none();
        let status_in = |allowed: &[u16]| self.status.is_none_or(|s| allowed.contains(&s));
        let (fine, needs) = match self.fault {
            Fault::Throttle
            | Fault::Denied
            | Fault::LostBefore
            | Fault::LostAfter
            | Fault::Truncated
            | Fault::Tls
            | Fault::Unreached
            | Fault::PacketLoss => (no_status && no_seconds && no_spread, "no further parameters"),
            Fault::Refuse => {
                let plain = no_status && no_seconds && no_spread;
                (self.for_s.is_some() && self.percent >= 100.0 && plain, "for_s, and nothing else")
            }
            Fault::Reset => {
                (self.for_s.is_some() && no_status && no_seconds && no_spread, "for_s, and nothing else")
            }
            Fault::Error => (status_in(&[500, 503]) && no_seconds && no_spread, "status 500 or 503"),
            Fault::Html => (status_in(&[500, 502, 503]) && no_seconds && no_spread, "status 500, 502 or 503"),
            Fault::LateEffect | Fault::Hang => {
                let delay = self.seconds.is_some_and(|s| (0.0..=DELAY_MAX_S).contains(&s));
                (delay && no_status && no_spread, "seconds, from 0 to 86400")
            }
            Fault::ClockSkew => {
                let skew = self.seconds.is_some_and(|s| s.abs() <= SECONDS_MAX);
                (skew && no_status && no_spread, "seconds")
            }
            Fault::Latency => {
                let rising = self.spread().is_some_and(|s| 0 < s.median_ms && s.median_ms <= s.p99_ms);
                (rising && no_status && no_seconds, "0 < p50_ms <= p99_ms")
            }
        };
        ensure("script", fine, || format!("{} needs {needs}", self.fault))
    }
}

/// Seconds as milliseconds. Times are checked to be far inside the range.
pub(in super::super) fn in_ms(seconds: f64) -> i64 {
    #[allow(clippy::cast_possible_truncation)]
    let ms = (seconds * 1_000.0).round() as i64;
    ms
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    #[test]
    fn a_file_can_hold_scripts() {
        let text = r#"
            [[script]]
            fault = "throttle"
            at_s = 30.0
            for_s = 300.0
            service = "ec2"
            action = "RunInstances"
            percent = 50.0
            [[script]]
            fault = "latency"
            p50_ms = 300
            p99_ms = 3000
            zone = "us-east-1a"
        "#;
        let settings: Settings = toml::from_str(text).unwrap();
        assert_eq!(settings.check(), Ok(()));
        assert_eq!(settings.script[1].spread(), Some(Spread { median_ms: 300, p99_ms: 3_000 }));
        assert_eq!((settings.script[1].percent, settings.script[0].for_s), (100.0, Some(300.0)));
        let again = toml::to_string(&settings).unwrap();
        assert_eq!(toml::from_str::<Settings>(&again).unwrap(), settings);
        let typo = toml::from_str::<Settings>("[[script]]\nfault = \"hang\"\nsecond = 3.0").unwrap_err();
        assert!(typo.to_string().contains("second"), "{typo}");
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        type Spoil = fn(&mut Script);
        let cases: [(Fault, Spoil, &str); 18] = [
            (Fault::Reset, |s| s.for_s = None, "reset needs for_s"),
            (Fault::Refuse, |s| s.for_s = None, "refuse needs for_s"),
            (Fault::Refuse, |s| (s.for_s, s.percent) = (Some(1.0), 50.0), "refuse needs for_s"),
            (Fault::Tls, |s| s.service = Some("sns".into()), "tls is not about single calls"),
            (Fault::Unreached, |s| s.service = Some("ec2".into()), "unreached is not about single calls"),
            (Fault::Unreached, |s| s.action = Some("Publish".into()), "unreached is not about single calls"),
            (Fault::Throttle, |s| s.percent = 101.0, "script.percent: 101"),
            (Fault::Throttle, |s| s.at_s = f64::NAN, "script.at_s: NaN"),
            (Fault::Throttle, |s| s.for_s = Some(-1.0), "script.for_s: needs"),
            (Fault::Throttle, |s| s.service = Some("s3".into()), "script.service: 's3' is not one of ec2"),
            (Fault::Throttle, |s| s.action = Some("Run".into()), "no service has an action 'Run'"),
            (Fault::Throttle, |s| s.seconds = Some(1.0), "throttle needs no further parameters"),
            (Fault::Reset, |s| s.zone = Some("us-east-1a".into()), "reset is not about single calls"),
            (Fault::PacketLoss, |s| s.action = Some("*".into()), "packet_loss is not about single calls"),
            (Fault::Hang, |_| {}, "hang needs seconds, from 0"),
            (Fault::Html, |s| s.status = Some(404), "html needs status 500, 502 or 503"),
            (Fault::Latency, |s| s.p50_ms = Some(3), "latency needs 0 < p50_ms <= p99_ms"),
            (Fault::ClockSkew, |s| s.seconds = Some(f64::INFINITY), "clock_skew needs seconds"),
        ];
        for (fault, spoil, says) in cases {
            let mut script = Script::always(fault);
            spoil(&mut script);
            let settings = Settings { script: vec![script], ..Settings::default() };
            let error = settings.check().unwrap_err().to_string();
            assert!(error.contains(says), "{says} in {error}");
        }
    }

    #[test]
    fn selectors_select() {
        let run = Action::all().into_iter().find(|a| a.name() == "RunInstances");
        let named = |service: Option<&str>, action: Option<&str>| {
            let script = Script {
                service: service.map(Into::into),
                action: action.map(Into::into),
                ..Script::always(Fault::Throttle)
            };
            [run, None].map(|action| script.names(Service::Ec2, action))
        };
        assert_eq!(named(None, None), [true, true]);
        assert_eq!(named(None, Some("*")), [true, true]);
        assert_eq!(named(None, Some("RunInstances")), [true, false]);
        assert_eq!(named(Some("sqs"), None), [false, false]);
        assert_eq!(named(Some("ec2"), Some("DescribeInstances")), [false, false]);
    }
}
