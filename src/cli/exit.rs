//! How a command ends: exit codes that scripts can use, and the message that goes with each.

use super::text::clean;
use crate::api::types::ProblemBody;

/// What `--help` says about exit codes.
pub const HELP: &str = "\
Exit codes:
    0  done
    1  failed
    2  wrong usage or configuration
    3  the service cannot be reached, or is not ready
    4  the service refused the request
    5  the scale-up ended with a shortfall
  130  interrupted

Data goes to standard output, everything else to standard error.";

/// How a command ended that did what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// All of it.
    Well,
    /// The scale-up is over and some instances are missing.
    Short,
}

/// Why a command did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Failed(String),
    /// Wrong usage or configuration.
    #[error("{0}")]
    Usage(String),
    /// No answer, or one that says "not now".
    #[error("{0}")]
    Unreachable(String),
    /// The service answered, and will answer the same again.
    #[error("{}", describe(.0))]
    Refused(ProblemBody),
    #[error("interrupted")]
    Interrupted,
    /// Nobody reads standard output any more (`muster status | head -1`).
    #[error("standard output is closed")]
    OutputClosed,
}

impl Done {
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Done::Well => 0,
            Done::Short => 5,
        }
    }
}

impl Failure {
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Failure::Failed(_) | Failure::OutputClosed => 1,
            Failure::Usage(_) => 2,
            Failure::Unreachable(_) => 3,
            Failure::Refused(_) => 4,
            // 128 + SIGINT, as shells have it.
            Failure::Interrupted => 130,
        }
    }

    /// What to tell; nothing to one who has gone.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        match self {
            Failure::Failed(_) | Failure::Usage(_) | Failure::Unreachable(_) | Failure::Refused(_) => {
                Some(format!("error: {self}"))
            }
            Failure::Interrupted | Failure::OutputClosed => None,
        }
    }
}

/// A problem document in a few lines: title, detail, and each field with what is wrong with it. A
/// detail that only repeats the fields is left out.
#[must_use]
pub fn describe(problem: &ProblemBody) -> String {
    let mut text = clean(&problem.title);
    let alone: Vec<&str> = problem.errors.iter().map(|e| e.detail.as_str()).collect();
    let named: Vec<String> = problem.errors.iter().map(|e| format!("{} {}", e.field, e.detail)).collect();
    let repeats = [alone.join("; "), named.join("; ")].contains(&problem.detail);
    if !repeats && !problem.detail.is_empty() && problem.detail != problem.title {
        text = format!("{text}: {}", clean(&problem.detail));
    }
    for error in &problem.errors {
        text = format!("{text}\n  {}: {}", clean(&error.field), clean(&error.detail));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::types::FieldError;

    #[test]
    fn every_code_is_in_the_help() {
        let problem = ProblemBody {
            kind: String::new(),
            title: "The count is out of range".into(),
            status: 422,
            detail: "count 0 is outside 1 to 10000".into(),
            errors: vec![FieldError { field: "count".into(), detail: "write 1 to\x1b[2J 10000".into() }],
        };
        assert_eq!(
            describe(&problem),
            "The count is out of range: count 0 is outside 1 to 10000\n  count: write 1 to\u{fffd}[2J 10000"
        );
        let repeated = ProblemBody { detail: problem.errors[0].detail.clone(), ..problem.clone() };
        assert_eq!(describe(&repeated), "The count is out of range\n  count: write 1 to\u{fffd}[2J 10000");
        let bare = ProblemBody { detail: String::new(), errors: Vec::new(), ..problem.clone() };
        assert_eq!(describe(&bare), "The count is out of range");
        let text = || String::new();
        let failures = [
            Failure::Failed(text()),
            Failure::Usage(text()),
            Failure::Unreachable(text()),
            Failure::Refused(problem),
            Failure::Interrupted,
            Failure::OutputClosed,
        ];
        let codes = failures.iter().map(Failure::code).chain([Done::Well.code(), Done::Short.code()]);
        for code in codes {
            let line = format!("{code:5}  ");
            assert!(HELP.lines().any(|l| l.starts_with(&line)), "{code} is not in the help");
        }
    }
}
