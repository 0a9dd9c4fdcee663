//! What the model is asked and what it answers, whichever service it is about.

use std::fmt;

use crate::decide::words::named;

use super::super::settings::Settings;
use super::{autoscaling, ec2};

named! {
    /// The services of AWS that the model knows, by the names that signatures use.
    pub enum Service {
        Ec2 = "ec2",
        AutoScaling = "autoscaling",
    }
}

/// One action of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    Ec2(ec2::call::Action),
    AutoScaling(autoscaling::call::Action),
}

impl Action {
    #[must_use]
    pub fn service(self) -> Service {
        match self {
            Action::Ec2(_) => Service::Ec2,
            Action::AutoScaling(_) => Service::AutoScaling,
        }
    }

    /// AWS's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Action::Ec2(action) => action.as_str(),
            Action::AutoScaling(action) => action.as_str(),
        }
    }

    /// Every action of every service.
    pub fn all() -> impl Iterator<Item = Action> {
        let ec2 = ec2::call::Action::ALL.iter().copied().map(Action::Ec2);
        ec2.chain(autoscaling::call::Action::ALL.iter().copied().map(Action::AutoScaling))
    }

    /// It launches instances before it answers, which takes EC2 longer.
    #[must_use]
    pub fn launches(self) -> bool {
        match self {
            Action::Ec2(action) => action == ec2::call::Action::RunInstances,
            Action::AutoScaling(action) => action == autoscaling::call::Action::LaunchInstances,
        }
    }
}

/// As in the ledger: EC2's actions by their name alone, others with their service before it.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Ec2(action) => f.write_str(action.as_str()),
            Action::AutoScaling(action) => write!(f, "autoscaling:{action}"),
        }
    }
}

/// One call.
#[derive(Clone, Debug)]
pub enum Call {
    Ec2(ec2::call::Call),
    AutoScaling(autoscaling::call::Call),
}

impl Call {
    #[must_use]
    pub fn service(&self) -> Service {
        match self {
            Call::Ec2(_) => Service::Ec2,
            Call::AutoScaling(_) => Service::AutoScaling,
        }
    }

    /// None if the service has no such action.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        match self {
            Call::Ec2(call) => call.action().map(Action::Ec2),
            Call::AutoScaling(call) => call.action().map(Action::AutoScaling),
        }
    }
}

/// What became of one call.
#[derive(Clone, Debug)]
pub struct Reply {
    /// From the call's arrival until this answer leaves. The effect was at the arrival.
    pub latency_ms: u32,
    pub request_id: String,
    /// How far ahead the service's clock is, milliseconds. The times in the answer are its.
    pub skew_ms: i64,
    pub outcome: Outcome,
    /// An answer that nobody can read, which is as good as a lost one: what is sent instead.
    pub garbled: Option<Garbled>,
}

#[derive(Clone, Debug)]
pub enum Outcome {
    Answer(Answer),
    Error(Failure),
    /// The connection closes without a byte, unless the reply is garbled.
    Lost,
}

/// What comes instead of an answer.
#[derive(Clone, Debug)]
pub enum Garbled {
    /// A page of HTML with this HTTP status.
    Html(u16),
    /// The beginning of this, with the headers of the whole.
    Truncated(Box<Outcome>),
}

#[derive(Clone, Debug)]
pub enum Answer {
    Ec2(ec2::call::Answer),
    AutoScaling(autoscaling::call::Answer),
}

impl Answer {
    /// Every time in it is that of a clock which is so far ahead, milliseconds.
    pub(super) fn skew(&mut self, by_ms: i64) {
        match self {
            Answer::Ec2(answer) => answer.skew(by_ms),
            // Their times are shown and not reckoned with; the Date header is skewed all the same.
            Answer::AutoScaling(_) => {}
        }
    }
}

/// One error, as the caller sees it, whichever service it came from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Failure {
    /// AWS's code.
    pub code: &'static str,
    pub http_status: u16,
    pub message: String,
    /// One of those that mean "too fast": counted apart.
    pub throttle: bool,
}

impl Failure {
    /// Too fast, in the words of this service.
    #[must_use]
    pub fn throttled(service: Service, settings: &Settings) -> Failure {
        match service {
            Service::Ec2 => ec2::error::ApiError::throttled().into(),
            Service::AutoScaling => {
                autoscaling::error::ApiError::throttled(settings.autoscaling.throttle_code).into()
            }
        }
    }

    /// It is the service's own fault.
    #[must_use]
    pub fn internal(service: Service) -> Failure {
        match service {
            Service::Ec2 => ec2::error::ApiError::internal().into(),
            Service::AutoScaling => autoscaling::error::ApiError::internal().into(),
        }
    }

    /// It is the service's own fault, as 500 or as 503.
    #[must_use]
    pub fn server(service: Service, http_status: u16) -> Failure {
        if http_status != 503 {
            return Failure::internal(service);
        }
        // EC2 has its own word for it (aws-facts 2.3).
        let code = if service == Service::Ec2 { "Unavailable" } else { "ServiceUnavailable" };
        let message = "The server is overloaded and can't handle the request.".into();
        Failure { code, http_status, message, throttle: false }
    }
}
