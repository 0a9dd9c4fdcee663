//! Strict reading of a query: unknown, repeated and blank parameters are errors that name them.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::fields::cut;
use super::problem::{Kind, Problem};
use super::types::FieldError;

/// Rows in one answer if the query does not say: a screenful or two.
pub const LIMIT: u32 = 100;

/// Most rows in one answer: keeps one read short, and one answer under about 300 KiB.
pub const MOST_ROWS: u32 = 1_000;

/// The parameters that nobody has taken yet, and what was wrong so far.
#[derive(Debug)]
pub struct Params {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl Params {
    fn read(query: &str) -> Params {
        let pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Params { pairs, known: Vec::new(), errors: Vec::new() }
    }

    /// A parameter that may be left out; what it may be is said by the type's own error.
    pub fn optional<T>(&mut self, name: &'static str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.known.push(name);
        let at = self.pairs.iter().position(|(n, _)| n == name)?;
        let (_, value) = self.pairs.remove(at);
        if value.trim().is_empty() {
            self.errors.push(FieldError::new(name, "is blank; leave it out if it is not wanted"));
            return None;
        }
        // No value of any parameter is longer; what is repeated in the error stays short.
        if value.chars().count() > 128 {
            self.errors
                .push(FieldError::new(name, format!("'{}' is longer than 128 characters", cut(&value, 32))));
            return None;
        }
        match value.parse() {
            Ok(v) => Some(v),
            Err(e) => {
                self.errors.push(FieldError::new(name, e.to_string()));
                None
            }
        }
    }

    /// `limit`: 1 to 1,000 rows, 100 if it is left out.
    pub fn limit(&mut self) -> u32 {
        let limit: Option<Limit> = self.optional("limit");
        limit.map_or(LIMIT, |l| l.0)
    }

    /// Ends the reading: what nobody took does not belong there.
    pub fn finish(mut self) -> Result<(), Problem> {
        let allowed = if self.known.is_empty() { "none".to_string() } else { self.known.join(", ") };
        for (name, _) in self.pairs.iter().take(20) {
            let detail = if self.known.contains(&name.as_str()) {
                "is given more than once".to_string()
            } else {
                format!("is not a parameter of this request; allowed are {allowed}")
            };
            self.errors.push(FieldError::new(cut(name, 64), detail));
        }
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::fields(Kind::InvalidQuery, self.errors)) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Params::read(parts.uri.query().unwrap_or_default()))
    }
}

struct Limit(u32);

impl FromStr for Limit {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        match s.parse() {
            Ok(n @ 1..=MOST_ROWS) => Ok(Limit(n)),
            Ok(_) | Err(_) => Err(format!("'{}' is not a whole number from 1 to {MOST_ROWS}", cut(s, 32))),
        }
    }
}

/// A whole number in a query, with an error that says so.
#[derive(Debug)]
pub struct Number(pub u32);

impl FromStr for Number {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        s.parse()
            .map(Number)
            .map_err(|_| format!("'{}' is not a whole number from 0 to {}", cut(s, 32), u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::words::Phase;

    fn said(query: &str) -> Result<(Option<Phase>, u32), String> {
        let mut params = Params::read(query);
        let (phase, limit) = (params.optional("phase"), params.limit());
        params.finish().map_err(|p| p.detail)?;
        Ok((phase, limit))
    }

    #[test]
    fn a_good_query_is_taken_with_its_defaults() {
        assert_eq!(said(""), Ok((None, 100)));
        assert_eq!(said("phase=in_service&limit=1000"), Ok((Some(Phase::InService), 1_000)));
        assert_eq!(said("limit=1&phase=in%5Fservice"), Ok((Some(Phase::InService), 1)));
    }

    #[test]
    fn each_wrong_parameter_is_named_and_told_what_is_allowed() {
        let table = [
            ("limit=0", "limit '0' is not a whole number from 1 to 1000"),
            ("limit=1001", "limit '1001' is not a whole number from 1 to 1000"),
            ("limit=1e2", "limit '1e2' is not a whole number from 1 to 1000"),
            ("limit=-1", "limit '-1' is not a whole number from 1 to 1000"),
            ("limit=", "limit is blank; leave it out if it is not wanted"),
            ("limit=1&limit=2", "limit is given more than once"),
            ("state=x", "state is not a parameter of this request; allowed are phase, limit"),
        ];
        for (query, expected) in table {
            assert_eq!(said(query), Err(expected.to_string()), "{query}");
        }
        let several = said("phase=dead&limit=0").unwrap_err();
        assert!(several.contains("'dead' is not one of queued, ") && several.contains("limit"), "{several}");
    }

    #[test]
    fn an_overlong_value_is_not_repeated_whole() {
        let error = said(&format!("phase={}", "x".repeat(60_000))).unwrap_err();
        assert!(error.len() < 200, "{error}");
    }
}
