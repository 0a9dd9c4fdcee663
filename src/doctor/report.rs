//! What was checked and what came of it, as text for people and as JSON.

use serde_json::{Value, json};

use crate::decide::words::named;

named! {
    /// What a check came to.
    pub enum Outcome {
        Ok = "ok",
        /// It works, and not as well as it could.
        Warn = "warn",
        /// It does not work as configured.
        Fail = "fail",
        /// It could not be asked, or cannot be asked without doing it.
        Unknown = "unknown",
    }
}

named! {
    /// What a check is about: the groups of the output, in this order.
    pub enum Family {
        Host = "host",
        Clock = "clock",
        Account = "account",
        Groups = "groups",
        Gateways = "gateways",
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub family: Family,
    pub name: String,
    pub outcome: Outcome,
    /// What was seen, with its number; why not, where nothing could be seen.
    pub seen: String,
    /// The exact setting or command. None where there is nothing to do.
    pub fix: Option<String>,
}

impl Check {
    fn new(family: Family, name: &str, outcome: Outcome, seen: String, fix: Option<String>) -> Check {
        Check { family, name: name.into(), outcome, seen, fix }
    }

    #[must_use]
    pub fn ok(family: Family, name: &str, seen: impl Into<String>) -> Check {
        Check::new(family, name, Outcome::Ok, seen.into(), None)
    }

    #[must_use]
    pub fn warn(family: Family, name: &str, seen: impl Into<String>, fix: impl Into<String>) -> Check {
        Check::new(family, name, Outcome::Warn, seen.into(), Some(fix.into()))
    }

    #[must_use]
    pub fn fail(family: Family, name: &str, seen: impl Into<String>, fix: impl Into<String>) -> Check {
        Check::new(family, name, Outcome::Fail, seen.into(), Some(fix.into()))
    }

    #[must_use]
    pub fn unknown(family: Family, name: &str, why: impl Into<String>) -> Check {
        Check::new(family, name, Outcome::Unknown, why.into(), None)
    }
}

/// All checks of one run, those of a family together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub checks: Vec<Check>,
}

impl Report {
    /// So many came to this.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.checks.iter().filter(|c| c.outcome == outcome).count()
    }

    /// One object: whether nothing failed, how many came to what, and every check.
    #[must_use]
    pub fn json(&self) -> Value {
        let check = |c: &Check| {
            json!({
                "family": c.family.as_str(), "name": c.name, "outcome": c.outcome.as_str(), "seen": c.seen, "fix": c.fix,
            })
        };
        let checks: Vec<Value> = self.checks.iter().map(check).collect();
        let count = |outcome| self.count(outcome);
        json!({
            "ok": count(Outcome::Fail) == 0,
            "counts": {
                "ok": count(Outcome::Ok),
                "warn": count(Outcome::Warn),
                "fail": count(Outcome::Fail),
                "unknown": count(Outcome::Unknown),
            },
            "checks": checks,
        })
    }

    /// A line a check, aligned, under its family; what to fix comes last, failures first. Ends with a line
    /// break.
    #[must_use]
    pub fn text(&self) -> String {
        let wide = self.checks.iter().map(|c| c.name.chars().count()).max().unwrap_or(0);
        let mut lines: Vec<String> = Vec::new();
        for family in Family::ALL {
            let of_it: Vec<&Check> = self.checks.iter().filter(|c| c.family == *family).collect();
            if of_it.is_empty() {
                continue;
            }
            lines.push(family.to_string());
            for c in of_it {
                lines.push(format!("  {:<7}  {:<wide$}  {}", c.outcome.as_str(), c.name, c.seen));
            }
        }
        let fixes: Vec<&Check> = [Outcome::Fail, Outcome::Warn]
            .into_iter()
            .flat_map(|o| self.checks.iter().filter(move |c| c.outcome == o && c.fix.is_some()))
            .collect();
        if !fixes.is_empty() {
            lines.push("\nwhat to fix".into());
        }
        for c in fixes {
            lines.push(format!("  {}: {}", c.name, c.fix.as_deref().unwrap_or_default()));
        }
        let counts: Vec<String> =
            Outcome::ALL.iter().map(|o| format!("{} {}", self.count(*o), o.as_str())).collect();
        lines.push(format!("\n{}\n", counts.join(", ")));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_fix_comes_last_and_failures_first() {
        let report = Report {
            checks: vec![
                Check::warn(Family::Host, "backlog", "128", "sysctl net.core.somaxconn=1024"),
                Check::ok(Family::Host, "descriptors", "20000"),
                Check::fail(Family::Account, "RunInstances", "denied", "allow ec2:RunInstances"),
                Check::unknown(Family::Account, "CreateTags", "no answer"),
            ],
        };
        assert_eq!(
            report.text(),
            "host\n  \
               warn     backlog       128\n  \
               ok       descriptors   20000\n\
             account\n  \
               fail     RunInstances  denied\n  \
               unknown  CreateTags    no answer\n\
             \n\
             what to fix\n  \
               RunInstances: allow ec2:RunInstances\n  \
               backlog: sysctl net.core.somaxconn=1024\n\
             \n\
             1 ok, 1 warn, 1 fail, 1 unknown\n"
        );
        let json = report.json();
        assert_eq!((&json["ok"], &json["counts"]["fail"]), (&json!(false), &json!(1)));
        assert_eq!(json["checks"][2]["fix"], "allow ec2:RunInstances");
        assert_eq!(Report::default().json()["ok"], true);
    }
}
