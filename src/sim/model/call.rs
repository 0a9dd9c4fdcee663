//! What the model is asked and what it answers, whichever service it is about.

use std::fmt;

use crate::decide::words::named;

use super::super::settings::Settings;
use super::{autoscaling, cloudwatch, ec2, elbv2, events, quotas, sns, sqs, support};

/// What each service has: a folder with a `call` and an `error`. Adding one is a line below.
macro_rules! services {
    ($($service:ident in $module:ident = $name:literal),+ $(,)?) => {
        named! {
            /// The services of AWS that the model knows, by the names that signatures use.
            pub enum Service { $($service = $name),+ }
        }

        /// One action of one service.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action { $($service($module::call::Action)),+ }

        impl Action {
            #[must_use]
            pub fn service(self) -> Service {
                match self { $(Action::$service(_) => Service::$service),+ }
            }

            /// AWS's name of it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Action::$service(action) => action.as_str()),+ }
            }

            /// Every action of every service.
            #[must_use]
            pub fn all() -> Vec<Action> {
                let mut all = Vec::new();
                $(all.extend($module::call::Action::ALL.iter().copied().map(Action::$service));)+
                all
            }
        }

        /// One call.
        #[derive(Clone, Debug)]
        pub enum Call { $($service($module::call::Call)),+ }

        impl Call {
            #[must_use]
            pub fn service(&self) -> Service {
                match self { $(Call::$service(_) => Service::$service),+ }
            }

            /// None if the service has no such action.
            #[must_use]
            pub fn action(&self) -> Option<Action> {
                match self { $(Call::$service(call) => call.action().map(Action::$service)),+ }
            }
        }

        /// What a call is answered with if it succeeds.
        #[derive(Clone, Debug)]
        pub enum Answer { $($service($module::call::Answer)),+ }

        impl Failure {
            /// It is the service's own fault.
            #[must_use]
            pub fn internal(service: Service) -> Failure {
                match service { $(Service::$service => $module::error::ApiError::internal().into()),+ }
            }
        }
    };
}

services! {
    Ec2 in ec2 = "ec2",
    AutoScaling in autoscaling = "autoscaling",
    CloudWatch in cloudwatch = "monitoring",
    Elbv2 in elbv2 = "elasticloadbalancing",
    Events in events = "events",
    Quotas in quotas = "servicequotas",
    Sns in sns = "sns",
    Sqs in sqs = "sqs",
    Support in support = "support",
}

impl Action {
    /// It launches instances before it answers, which takes EC2 longer.
    #[must_use]
    pub fn launches(self) -> bool {
        match self {
            Action::Ec2(action) => {
                matches!(action, ec2::call::Action::RunInstances | ec2::call::Action::CreateFleet)
            }
            Action::AutoScaling(action) => action == autoscaling::call::Action::LaunchInstances,
            Action::CloudWatch(_)
            | Action::Elbv2(_)
            | Action::Events(_)
            | Action::Quotas(_)
            | Action::Sns(_)
            | Action::Sqs(_)
            | Action::Support(_) => false,
        }
    }
}

/// As in the ledger: EC2's actions by their name alone, others with their service before it.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.service() != Service::Ec2 {
            write!(f, "{}:", self.service())?;
        }
        f.write_str(self.name())
    }
}

impl Answer {
    /// Every time in it is that of a clock which is so far ahead, milliseconds. Only EC2's times are
    /// reckoned with by anybody; the header `Date` is skewed whatever the service.
    pub(super) fn skew(&mut self, by_ms: i64) {
        if let Answer::Ec2(answer) = self {
            answer.skew(by_ms);
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
            Service::CloudWatch => cloudwatch::error::ApiError::throttled().into(),
            Service::Elbv2 => elbv2::error::ApiError::throttled().into(),
            Service::Events => events::error::ApiError::throttled().into(),
            Service::Quotas => quotas::error::ApiError::throttled().into(),
            Service::Sns => sns::error::ApiError::throttled().into(),
            Service::Sqs => sqs::error::ApiError::throttled().into(),
            Service::Support => support::error::ApiError::throttled().into(),
        }
    }

    /// Whoever asks has no permission for it, in the words of this service.
    #[must_use]
    pub fn denied(service: Service) -> Failure {
        let (code, http_status) = match service {
            Service::Ec2 => ("UnauthorizedOperation", 403),
            Service::AutoScaling | Service::CloudWatch | Service::Elbv2 | Service::Sqs => {
                ("AccessDenied", 403)
            }
            Service::Events | Service::Quotas | Service::Support => ("AccessDeniedException", 400),
            Service::Sns => ("AuthorizationError", 403),
        };
        let message = "You are not authorized to perform this operation.".into();
        Failure { code, http_status, message, throttle: false }
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
