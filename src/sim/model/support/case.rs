//! One case: what was said, and who is to say something next.

use super::super::super::draw::{Draw, Purpose};
use super::super::super::settings::{Person, SupportSettings};
use super::call::{Communication, CreateCase, Status};

/// Who speaks for AWS.
const AWS: &str = "Amazon Web Services";

#[derive(Clone, Debug)]
pub(super) struct Case {
    /// Among all cases, from 0.
    pub(super) number: u64,
    pub(super) id: String,
    pub(super) display_id: String,
    pub(super) created: CreateCase,
    /// Milliseconds, like all times here.
    pub(super) created_ms: i64,
    /// The oldest first.
    pub(super) communications: Vec<Communication>,
    /// The caller, as the case shows them.
    customer: String,
    status: Status,
    /// When somebody has it, if it waits for that.
    assigned_ms: Option<i64>,
    /// When the person answers, if one will, and what.
    answer: Option<(i64, Person)>,
}

impl Case {
    pub(super) fn new(
        settings: &SupportSettings,
        seed: u64,
        number: u64,
        account: &str,
        created: CreateCase,
        now_ms: i64,
    ) -> Case {
        let mut draw = Draw::new(seed, Purpose::Case, number);
        let year = jiff::Timestamp::from_millisecond(now_ms).map_or(1970, |t| year(&t));
        let mut case = Case {
            number,
            id: format!("case-{account}-muen-{year}-{:016x}", draw.bits()),
            display_id: format!("{:010}", draw.bits() % 10_000_000_000),
            created,
            created_ms: now_ms,
            communications: Vec::new(),
            customer: format!("muster <arn:aws:iam::{account}:user/muster>"),
            status: Status::Unassigned,
            assigned_ms: None,
            answer: None,
        };
        let body = case.created.body.clone();
        case.said(settings, seed, body, now_ms);
        case
    }

    pub(super) fn status(&self, now_ms: i64) -> Status {
        let waits = matches!(self.status, Status::Unassigned | Status::Reopened);
        let assigned = self.assigned_ms.is_some_and(|at| at <= now_ms);
        if waits && assigned { Status::WorkInProgress } else { self.status }
    }

    /// The caller adds a word: a resolved case is open again, and somebody will look at it.
    pub(super) fn add(&mut self, settings: &SupportSettings, seed: u64, body: String, now_ms: i64) {
        self.status = match self.status(now_ms) {
            Status::Resolved | Status::Reopened => Status::Reopened,
            Status::PendingCustomerAction | Status::WorkInProgress => Status::WorkInProgress,
            Status::Unassigned => Status::Unassigned,
        };
        self.said(settings, seed, body, now_ms);
    }

    fn said(&mut self, settings: &SupportSettings, seed: u64, body: String, now_ms: i64) {
        let word = self.communications.len() as u64;
        self.note(self.customer.clone(), body, now_ms);
        let mut draw = Draw::new(seed, Purpose::CaseAnswer, self.number << 16 | word);
        let answered_ms = now_ms + i64::from(draw.range(settings.answered_after));
        match settings.person {
            Person::Never => {}
            Person::Agrees | Person::Refuses => {
                self.assigned_ms = Some(now_ms + i64::from(settings.assigned_after_ms));
                self.answer = Some((answered_ms, settings.person));
            }
        }
    }

    /// The caller resolves it: nobody answers any more.
    pub(super) fn resolve(&mut self) {
        self.status = Status::Resolved;
        self.assigned_ms = None;
        self.answer = None;
    }

    /// When the person answers next, if that is due.
    pub(super) fn due(&self, now_ms: i64) -> Option<i64> {
        self.answer.map(|(at, _)| at).filter(|at| *at <= now_ms)
    }

    /// The person answers.
    pub(super) fn answered(&mut self, settings: &SupportSettings) {
        let Some((at, person)) = self.answer.take() else { return };
        let body = match person {
            Person::Never => return,
            Person::Agrees => settings.agreement.clone(),
            Person::Refuses => settings.refusal.clone(),
        };
        self.note(AWS.into(), body, at);
        self.assigned_ms = None;
        self.status = if settings.person_resolves { Status::Resolved } else { Status::PendingCustomerAction };
    }

    fn note(&mut self, submitted_by: String, body: String, at_ms: i64) {
        self.communications.push(Communication { case_id: self.id.clone(), body, submitted_by, at_ms });
    }
}

fn year(at: &jiff::Timestamp) -> i16 {
    at.to_zoned(jiff::tz::TimeZone::UTC).year()
}
