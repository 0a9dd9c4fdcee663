//! What the model is asked and what it answers, whichever service it is about.

use std::fmt;

use crate::decide::words::named;

use super::ec2;

named! {
    /// The services of AWS that the model knows, by the names that signatures use.
    pub enum Service {
        Ec2 = "ec2",
    }
}

/// One action of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    Ec2(ec2::call::Action),
}

impl Action {
    #[must_use]
    pub fn service(self) -> Service {
        match self {
            Action::Ec2(_) => Service::Ec2,
        }
    }

    /// AWS's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Action::Ec2(action) => action.as_str(),
        }
    }

    /// Every action of every service.
    pub fn all() -> impl Iterator<Item = Action> {
        ec2::call::Action::ALL.iter().copied().map(Action::Ec2)
    }

    /// It launches instances before it answers, which takes EC2 longer.
    #[must_use]
    pub fn launches(self) -> bool {
        match self {
            Action::Ec2(action) => {
                matches!(action, ec2::call::Action::RunInstances | ec2::call::Action::CreateFleet)
            }
        }
    }
}

/// As in the ledger: EC2's actions by their name alone, others with their service before it.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Ec2(action) => f.write_str(action.as_str()),
        }
    }
}

/// One call.
#[derive(Clone, Debug)]
pub enum Call {
    Ec2(ec2::call::Call),
}

impl Call {
    #[must_use]
    pub fn service(&self) -> Service {
        match self {
            Call::Ec2(_) => Service::Ec2,
        }
    }

    /// None if the service has no such action.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        match self {
            Call::Ec2(call) => call.action().map(Action::Ec2),
        }
    }
}

/// What became of one call.
#[derive(Clone, Debug)]
pub struct Reply {
    /// From the call's arrival until this answer leaves. The effect was at the arrival.
    pub latency_ms: u32,
    pub request_id: String,
    pub outcome: Outcome,
}

#[derive(Clone, Debug)]
pub enum Outcome {
    Answer(Answer),
    Error(Failure),
    /// The connection closes without a byte.
    Lost,
}

#[derive(Clone, Debug)]
pub enum Answer {
    Ec2(ec2::call::Answer),
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
    pub fn throttled(service: Service) -> Failure {
        match service {
            Service::Ec2 => ec2::error::ApiError::throttled().into(),
        }
    }

    /// It is the service's own fault.
    #[must_use]
    pub fn internal(service: Service) -> Failure {
        match service {
            Service::Ec2 => ec2::error::ApiError::internal().into(),
        }
    }
}
