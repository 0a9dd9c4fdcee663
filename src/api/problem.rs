//! Problem documents: every answer that is not a success, in one shape (RFC 9457).

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::types::{FieldError, ProblemBody};
use crate::decide::action::Refusal;
use crate::decide::gateway::calendar::error::CalendarError;
use crate::decide::words::named;
use crate::engine::handle::AskError;
use crate::store::StoreError;
use crate::time::Clock;

/// Content type of every problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

named! {
    /// What can go wrong with a request, as programs tell it apart: the last word of `type`.
    pub enum Kind {
        InvalidBody = "invalid_body",
        InvalidFields = "invalid_fields",
        InvalidQuery = "invalid_query",
        InvalidHeader = "invalid_header",
        BodyTooLarge = "body_too_large",
        UnsupportedMediaType = "unsupported_media_type",
        Unauthorized = "unauthorized",
        ForeignHost = "foreign_host",
        Untrusted = "untrusted",
        NoSuchPath = "no_such_path",
        MethodNotAllowed = "method_not_allowed",
        UnknownGroup = "unknown_group",
        UnknownAsg = "unknown_auto_scaling_group",
        UnknownScaleUp = "unknown_scale_up",
        UnknownSlot = "unknown_slot",
        UnknownZone = "unknown_zone",
        NoZoneLeft = "no_zone_left",
        CountOutOfRange = "count_out_of_range",
        PastDeadline = "past_deadline",
        NoRoom = "no_room",
        DoesNotFit = "does_not_fit",
        KeyReused = "key_reused",
        UnknownSignal = "unknown_signal",
        Unsafe = "unsafe",
        AlreadyDone = "already_done",
        UnknownGateway = "unknown_gateway",
        UnknownGatewayRequest = "unknown_gateway_request",
        UnknownSchedule = "unknown_schedule",
        ScheduleExists = "schedule_exists",
        TooManySchedules = "too_many_schedules",
        GatewayBusy = "gateway_busy",
        NotByHand = "not_by_hand",
        NoLetter = "no_letter",
        NothingToOverride = "nothing_to_override",
        NoGates = "no_gates",
        LeaseEnd = "end_out_of_range",
        UnknownInstance = "unknown_instance",
        UnknownLease = "unknown_hold_or_freeze",
        NotTheirs = "not_theirs",
        NotInQuarantine = "not_in_quarantine",
        IsHeld = "held",
        TooManyLeases = "too_many_holds_or_freezes",
        TooManyScaleUps = "too_many_scale_ups",
        TooManyFollowers = "too_many_followers",
        Busy = "busy",
        NotReady = "not_ready",
        Storage = "storage",
        TimedOut = "timed_out",
        Internal = "internal",
    }
}

impl Kind {
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Kind::InvalidBody | Kind::InvalidQuery | Kind::InvalidHeader => StatusCode::BAD_REQUEST,
            Kind::Unauthorized => StatusCode::UNAUTHORIZED,
            Kind::ForeignHost | Kind::Untrusted => StatusCode::FORBIDDEN,
            Kind::NoSuchPath
            | Kind::UnknownGroup
            | Kind::UnknownAsg
            | Kind::UnknownScaleUp
            | Kind::UnknownSignal
            | Kind::UnknownInstance
            | Kind::UnknownLease
            | Kind::NotInQuarantine
            | Kind::UnknownSlot
            | Kind::UnknownGateway
            | Kind::UnknownGatewayRequest
            | Kind::NothingToOverride
            | Kind::UnknownSchedule
            | Kind::UnknownZone => StatusCode::NOT_FOUND,
            Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Kind::NoRoom
            | Kind::DoesNotFit
            | Kind::AlreadyDone
            | Kind::Unsafe
            | Kind::NotTheirs
            | Kind::IsHeld
            | Kind::GatewayBusy
            | Kind::ScheduleExists
            | Kind::TooManySchedules
            | Kind::NotByHand
            | Kind::NoLetter
            | Kind::NoGates
            | Kind::NoZoneLeft => StatusCode::CONFLICT,
            Kind::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Kind::InvalidFields
            | Kind::CountOutOfRange
            | Kind::PastDeadline
            | Kind::LeaseEnd
            | Kind::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::TooManyScaleUps | Kind::TooManyFollowers | Kind::TooManyLeases | Kind::Busy => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Kind::NotReady | Kind::Storage | Kind::TimedOut => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Kind::InvalidBody => "The body cannot be read",
            Kind::InvalidFields => "A field of the body is not valid",
            Kind::InvalidQuery => "A parameter of the query is not valid",
            Kind::InvalidHeader => "A header is not valid",
            Kind::BodyTooLarge => "The body is too large",
            Kind::UnsupportedMediaType => "The body is not JSON",
            Kind::Unauthorized => "A valid bearer token is needed",
            Kind::ForeignHost => "The request was meant for another host",
            Kind::Untrusted => "The message is not believed",
            Kind::NoSuchPath => "There is nothing at this path",
            Kind::MethodNotAllowed => "This path does not take this method",
            Kind::UnknownGroup => "There is no such group",
            Kind::UnknownAsg => "No group has this Auto Scaling group",
            Kind::UnknownScaleUp => "There is no such scale-up",
            Kind::UnknownSignal => "The group has no such pushed signal",
            Kind::Unsafe => "Nothing may be removed now",
            Kind::UnknownSlot => "There is no such slot or instance",
            Kind::UnknownZone => "No group launches in this zone",
            Kind::NoZoneLeft => "A group could launch nowhere",
            Kind::CountOutOfRange => "The count is out of range",
            Kind::PastDeadline => "The deadline has passed",
            Kind::NoRoom => "The group has no room for so many",
            Kind::DoesNotFit => "So many do not fit in the account or the network",
            Kind::KeyReused => "The idempotency key belongs to another request",
            Kind::AlreadyDone => "The scale-up is already done",
            Kind::LeaseEnd => "The end is out of range",
            Kind::UnknownGateway => "There is no such gateway",
            Kind::UnknownGatewayRequest => "There is no such gateway request",
            Kind::UnknownSchedule => "There is no such schedule",
            Kind::ScheduleExists => "There is another schedule of this name",
            Kind::TooManySchedules => "There are too many schedules",
            Kind::GatewayBusy => "The gateway has a request already",
            Kind::NotByHand => "The gateway is not confirmed by hand",
            Kind::NoLetter => "No person is to be asked",
            Kind::NothingToOverride => "There is no such group or open scale-up",
            Kind::NoGates => "The group depends on no gateway",
            Kind::UnknownInstance => "No group has this instance",
            Kind::UnknownLease => "There is no such hold, freeze or override",
            Kind::NotTheirs => "It is somebody else's",
            Kind::NotInQuarantine => "The instance is not in quarantine",
            Kind::IsHeld => "Somebody holds the instance",
            Kind::TooManyLeases => "Too many holds, freezes or overrides are open",
            Kind::TooManyScaleUps => "Too many scale-ups are open",
            Kind::TooManyFollowers => "Too many event streams are open",
            Kind::Busy => "The inbox is full",
            Kind::NotReady => "The service is not ready",
            Kind::Storage => "The database cannot be read",
            Kind::TimedOut => "The answer took too long",
            Kind::Internal => "A defect in muster",
        }
    }
}

/// A problem on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub kind: Kind,
    pub detail: String,
    pub errors: Vec<FieldError>,
    /// Not before then, on the wall.
    retry_after: Option<Duration>,
    location: Option<String>,
    /// For the log, not for the caller.
    cause: Option<String>,
}

/// Put on the response for whoever counts and logs it (see [`super::observe`]).
#[derive(Clone, Debug)]
pub struct Trace {
    pub kind: Kind,
    /// What the caller was told, or the cause it was not told.
    pub text: String,
}

impl Problem {
    pub fn new(kind: Kind, detail: impl Into<String>) -> Problem {
        Problem {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
            location: None,
            cause: None,
        }
    }

    /// One field, parameter or header is at fault; the detail is made from it.
    pub fn field(kind: Kind, field: &str, detail: impl Into<String>) -> Problem {
        Problem::fields(kind, vec![FieldError::new(field, detail)])
    }

    /// Several are; the detail is made from them.
    #[must_use]
    pub fn fields(kind: Kind, errors: Vec<FieldError>) -> Problem {
        let told: Vec<String> = errors.iter().map(|e| format!("{} {}", e.field, e.detail)).collect();
        Problem { errors, ..Problem::new(kind, told.join("; ")) }
    }

    /// The same, told in other words.
    #[must_use]
    pub fn detail(self, detail: String) -> Problem {
        Problem { detail, ..self }
    }

    /// Come back after this long on the wall.
    #[must_use]
    pub fn retry_after(self, wall: Duration) -> Problem {
        Problem { retry_after: Some(wall), ..self }
    }

    /// Where the thing that this is about can be found.
    #[must_use]
    pub fn location(self, path: String) -> Problem {
        Problem { location: Some(path), ..self }
    }

    /// What the log is told instead of the detail.
    #[must_use]
    pub fn cause(self, cause: impl std::fmt::Display) -> Problem {
        Problem { cause: Some(cause.to_string()), ..self }
    }

    /// The engine did not take a request.
    #[must_use]
    pub fn not_taken(error: AskError, clock: &Clock) -> Problem {
        match error {
            AskError::Refused(refusal) => Problem::refused(&refusal),
            AskError::Busy { retry_after } => Problem::new(
                Kind::Busy,
                "the inbox is full; nothing was stored, send the request again later",
            )
            .retry_after(clock.on_the_wall(retry_after)),
            AskError::Stopped => {
                // It may have been committed just before: only the key makes sending it again safe.
                Problem::new(
                    Kind::NotReady,
                    "the engine has stopped and the outcome is unknown; send the request again with the same \
                     Idempotency-Key",
                )
                .retry_after(RESTART)
            }
        }
    }

    /// The core refused a request: nothing was stored.
    #[must_use]
    pub fn refused(refusal: &Refusal) -> Problem {
        let (kind, field) = match refusal {
            Refusal::UnknownGroup { .. } => (Kind::UnknownGroup, Some("group")),
            Refusal::Count { .. } => (Kind::CountOutOfRange, Some("count")),
            Refusal::PastDeadline { .. } => (Kind::PastDeadline, Some("by")),
            Refusal::NoRoom { .. } => (Kind::NoRoom, Some("count")),
            Refusal::DoesNotFit { .. } => (Kind::DoesNotFit, Some("count")),
            Refusal::KeyReused { .. } => (Kind::KeyReused, Some("Idempotency-Key")),
            Refusal::Full { .. } => (Kind::TooManyScaleUps, None),
            Refusal::UnknownAsg { .. } => (Kind::UnknownAsg, Some("AutoScalingGroupName")),
            Refusal::UnknownScaleUp { .. } => (Kind::UnknownScaleUp, None),
            Refusal::AlreadyDone { .. } => (Kind::AlreadyDone, None),
            Refusal::UnknownSignal { .. } => (Kind::UnknownSignal, Some("values")),
            Refusal::Unsafe { doubts, .. } => {
                let each = doubts.iter().map(|d| FieldError::new(d.guard, d.text.clone())).collect();
                return Problem { errors: each, ..Problem::new(Kind::Unsafe, refusal.to_string()) };
            }
            Refusal::LeaseEnd { .. } => (Kind::LeaseEnd, Some("until")),
            Refusal::UnknownInstance { .. } => (Kind::UnknownInstance, Some("instance")),
            Refusal::UnknownLease { .. } => (Kind::UnknownLease, None),
            Refusal::NotTheirs { .. } => (Kind::NotTheirs, Some("override")),
            Refusal::NotInQuarantine { .. } => (Kind::NotInQuarantine, None),
            Refusal::IsHeld { .. } => (Kind::IsHeld, None),
            Refusal::LeasesFull { .. } => (Kind::TooManyLeases, None),
            Refusal::UnknownZone { .. } => (Kind::UnknownZone, None),
            Refusal::Percent { .. } => (Kind::InvalidFields, Some("percent")),
            Refusal::NoZoneLeft { .. } => (Kind::NoZoneLeft, Some("percent")),
            Refusal::UnknownGateway { .. } => (Kind::UnknownGateway, Some("gateway")),
            Refusal::UnknownGatewayRequest { .. } => (Kind::UnknownGatewayRequest, None),
            Refusal::GatewayBusy { .. } => (Kind::GatewayBusy, Some("gateway")),
            Refusal::Capacity { .. } => (Kind::InvalidFields, Some("capacity")),
            Refusal::NeededAfterEnd => (Kind::InvalidFields, Some("by")),
            Refusal::NotByHand { .. } => (Kind::NotByHand, None),
            Refusal::NothingToOverride { .. } => (Kind::NothingToOverride, Some("subject")),
            Refusal::NoGates { .. } => (Kind::NoGates, Some("subject")),
            Refusal::Calendar(CalendarError::Full { .. }) => (Kind::TooManySchedules, None),
            Refusal::Calendar(error) => (Kind::InvalidFields, Some(error.field())),
            Refusal::UnknownSchedule { .. } => (Kind::UnknownSchedule, None),
            Refusal::ScheduleExists { .. } => (Kind::ScheduleExists, Some("name")),
        };
        let text = refusal.to_string();
        let errors = field.map(|f| FieldError::new(f, text.clone())).into_iter().collect();
        let full = matches!(kind, Kind::TooManyScaleUps | Kind::TooManyLeases);
        let retry_after = full.then_some(SCALE_UP_DONE);
        Problem { errors, retry_after, ..Problem::new(kind, text) }
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(wall) = self.retry_after {
            // Whole seconds, rounded up: coming back too early is what the header is there to prevent.
            let seconds = wall.as_millis().div_ceil(1_000).max(1);
            headers.insert(RETRY_AFTER, HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX)));
        }
        if let Some(Ok(path)) = self.location.as_deref().map(HeaderValue::from_str) {
            headers.insert(LOCATION, path);
        }
        if self.kind == Kind::Unauthorized {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"muster\""));
        }
        headers
    }
}

/// How long a restart takes: the first thing a new owner does is to read its state back (under 1 s
/// for 100,000 instances). Too low only means a second refusal, too high a longer wait.
const RESTART: Duration = Duration::from_secs(2);

/// When to ask again while every place for a scale-up is taken. A scale-up takes minutes; asking
/// every 30 s costs nothing and finds a free place soon.
const SCALE_UP_DONE: Duration = Duration::from_secs(30);

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Problem::new(Kind::Storage, "the database cannot be read now; the log says why")
            .retry_after(RESTART)
            .cause(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, headers) = (self.kind.status(), self.headers());
        let body = ProblemBody {
            kind: format!("urn:muster:problem:{}", self.kind),
            title: self.kind.title().to_string(),
            status: status.as_u16(),
            detail: self.detail,
            errors: self.errors,
        };
        let text = self.cause.unwrap_or_else(|| body.detail.clone());
        let mut response = (status, headers, axum::Json(body)).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        response.extensions_mut().insert(Trace { kind: self.kind, text });
        response
    }
}

/// The answer to a path that no route has.
pub async fn no_such_path(uri: http::Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new(
        Kind::NoSuchPath,
        format!("there is nothing at '{path}'; GET /openapi.json lists what there is"),
    )
}

/// The answer to a method that a route does not take.
pub async fn method_not_allowed(method: http::Method, uri: http::Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new(
        Kind::MethodNotAllowed,
        format!("'{path}' does not take {method}; the {ALLOW} header says what it takes"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status_of(refusal: &Refusal) -> (u16, Vec<String>) {
        let problem = Problem::refused(refusal);
        (problem.kind.status().as_u16(), problem.errors.into_iter().map(|e| e.field).collect())
    }

    #[test]
    fn every_refusal_has_its_status_and_names_its_field() {
        let id = || "x".to_string();
        let web = || "web".to_string();
        let table = [
            (Refusal::UnknownGroup { group: web(), known: "api".into() }, 404, &["group"][..]),
            (Refusal::Count { count: 0, most: 10 }, 422, &["count"]),
            (Refusal::PastDeadline { late_ms: 5 }, 422, &["by"]),
            (Refusal::NoRoom { group: web(), room: 1, max: 2, taken: 1 }, 409, &["count"]),
            (Refusal::DoesNotFit { group: web(), wanted: 2, fits: 1, why: "vCPUs".into() }, 409, &["count"]),
            (Refusal::KeyReused { id: id() }, 422, &["Idempotency-Key"]),
            (Refusal::Full { open: 1_000 }, 429, &[]),
            (Refusal::UnknownScaleUp { id: id() }, 404, &[]),
            (Refusal::AlreadyDone { id: id() }, 409, &[]),
            (Refusal::LeaseEnd { most_s: 3_600 }, 422, &["until"]),
            (Refusal::UnknownInstance { id: "i-1".parse().unwrap(), unseen: 0 }, 404, &["instance"]),
            (Refusal::UnknownLease { what: "hold", id: id() }, 404, &[]),
            (Refusal::NotTheirs { id: id(), owner: "ann".into(), by: "bob".into() }, 409, &["override"]),
            (Refusal::NotInQuarantine { id: "i-1".parse().unwrap() }, 404, &[]),
            (Refusal::IsHeld { id: "i-1".parse().unwrap() }, 409, &[]),
            (Refusal::LeasesFull { most: 9 }, 429, &[]),
            (Refusal::UnknownZone { zone: id(), known: "a".into() }, 404, &[]),
            (Refusal::Percent { percent: 101 }, 422, &["percent"]),
            (Refusal::NoZoneLeft { group: web(), zone: id() }, 409, &["percent"]),
            (Refusal::UnknownGateway { gateway: web(), known: "core".into() }, 404, &["gateway"]),
            (Refusal::UnknownGatewayRequest { id: id() }, 404, &[]),
            (Refusal::GatewayBusy { gateway: web(), id: id() }, 409, &["gateway"]),
            (Refusal::Capacity { capacity: 0, most: 9 }, 422, &["capacity"]),
            (Refusal::NeededAfterEnd, 422, &["by"]),
            (Refusal::NotByHand { gateway: web() }, 409, &[]),
            (Refusal::NothingToOverride { subject: web(), known: "api".into() }, 404, &["subject"]),
            (Refusal::NoGates { group: web() }, 409, &["subject"]),
            (Refusal::Calendar(CalendarError::Cron("it has 6 fields".into())), 422, &["cron"]),
            (Refusal::Calendar(CalendarError::Full { most: 100 }), 409, &[]),
            (Refusal::UnknownSchedule { name: id() }, 404, &[]),
            (Refusal::ScheduleExists { name: id() }, 409, &["name"]),
        ];
        for (refusal, status, fields) in table {
            assert_eq!(
                status_of(&refusal),
                (status, fields.iter().map(ToString::to_string).collect()),
                "{refusal:?}"
            );
        }
    }

    #[test]
    fn a_busy_inbox_says_when_to_come_back_in_seconds_of_the_wall() {
        let fast = Clock::scaled(10.0, None);
        let busy = AskError::Busy { retry_after: Duration::from_secs(31) };
        let response = Problem::not_taken(busy, &fast).into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()[RETRY_AFTER], "4", "31 s at ten times the speed is 3.1 s, rounded up");
        assert_eq!(response.headers()[CONTENT_TYPE], PROBLEM_JSON);
    }

    #[test]
    fn an_engine_that_stopped_is_a_503_that_warns_about_the_outcome() {
        let problem = Problem::not_taken(AskError::Stopped, &Clock::real());
        assert!(problem.detail.contains("Idempotency-Key"));
        let response = problem.into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[RETRY_AFTER], "2");
    }

    #[test]
    fn a_failing_database_is_told_to_the_log_and_not_to_the_caller() {
        let problem = Problem::new(Kind::Storage, "told").cause("secret path");
        assert!(!problem.detail.contains("secret"));
        let response = problem.into_response();
        assert!(response.extensions().get::<Trace>().is_some_and(|t| t.text == "secret path"));
    }
}
