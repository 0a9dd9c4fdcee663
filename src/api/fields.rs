//! Strict reading of a JSON body: every field that is wrong is named, nothing is guessed.
//!
//! serde's derive stops at the first error, takes `null` for "absent" and says neither which
//! fields exist nor what they may be. A scale-up is worth more care than that: a body with
//! `"cuont": 5` or `"by": null` is a mistake that its sender wants to hear of.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::by::By;
use super::problem::{Kind, Problem};
use super::types::FieldError;
use crate::decide::words::Time;

/// Longest time as people write it, in characters: RFC 3339 with nanoseconds and an offset has 35.
const MOST_TIME: usize = 64;

/// The members of a JSON object that nobody has taken yet, and what was wrong so far.
#[derive(Debug)]
pub struct Fields {
    members: Vec<(String, Value)>,
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Reads a body: UTF-8, JSON, one object. Depth is limited by `serde_json` (128 levels).
    pub fn read(body: &[u8]) -> Result<Fields, Problem> {
        let text = std::str::from_utf8(body).map_err(|e| {
            Problem::new(
                Kind::InvalidBody,
                format!("the body is not UTF-8: byte {} is wrong", e.valid_up_to()),
            )
        })?;
        if text.trim_ascii().is_empty() {
            return Err(Problem::new(Kind::InvalidBody, "the body is empty; a JSON object is expected"));
        }
        let object: Object = serde_json::from_str(text)
            .map_err(|e| Problem::new(Kind::InvalidBody, format!("the body is not a JSON object: {e}")))?;
        Ok(Fields { members: object.0, known: Vec::new(), errors: Vec::new() })
    }

    /// Text that must be there: not blank, at most `most` characters, no control characters.
    pub fn text(&mut self, name: &'static str, most: usize) -> Option<String> {
        let Some(value) = self.take(name) else {
            self.wrong(name, format!("is missing; must be text of 1 to {most} characters"));
            return None;
        };
        self.text_of(name, value, most)
    }

    /// The same, but it may be left out.
    pub fn optional_text(&mut self, name: &'static str, most: usize) -> Option<String> {
        let value = self.take(name)?;
        self.text_of(name, value, most)
    }

    /// A whole number that must be there, 0 to 4,294,967,295. What it may be beyond that is the
    /// core's to say.
    pub fn number(&mut self, name: &'static str) -> Option<u32> {
        const ALLOWED: &str = "must be a whole number, at least 1";
        let Some(value) = self.take(name) else {
            self.wrong(name, format!("is missing; {ALLOWED}"));
            return None;
        };
        let number = value.as_u64().and_then(|n| u32::try_from(n).ok());
        if number.is_none() {
            self.wrong(name, format!("is {}; {ALLOWED} and at most {}", shown(&value), u32::MAX));
        }
        number
    }

    /// An object of at least one number by name, which must be there.
    pub fn numbers(&mut self, name: &'static str) -> Option<Vec<(String, f64)>> {
        const ALLOWED: &str = "must be an object of numbers by name, at least one";
        let Some(value) = self.take(name) else {
            self.wrong(name, format!("is missing; {ALLOWED}"));
            return None;
        };
        let numbers: Option<Vec<(String, f64)>> = value
            .as_object()
            .filter(|o| !o.is_empty())
            .and_then(|o| o.iter().map(|(k, v)| Some((k.clone(), v.as_f64()?))).collect());
        if numbers.is_none() {
            self.wrong(name, format!("is {}; {ALLOWED}", shown(&value)));
        }
        numbers
    }

    /// A time, or a duration from now, that must be there. How far ahead it may lie is the core's to say.
    pub fn time(&mut self, name: &'static str, now: Time) -> Option<Time> {
        let text = self.text(name, MOST_TIME)?;
        self.time_of(name, &text, now)
    }

    /// The same, but it may be left out.
    pub fn optional_time(&mut self, name: &'static str, now: Time) -> Option<Time> {
        let text = self.optional_text(name, MOST_TIME)?;
        self.time_of(name, &text, now)
    }

    fn time_of(&mut self, name: &'static str, text: &str, now: Time) -> Option<Time> {
        By::parse(text).and_then(|by| by.at(now)).map_err(|e| self.wrong(name, e)).ok()
    }

    /// A list of at most `most` texts, each like [`Fields::text`] of at most `longest` characters. Empty if it is left
    /// out.
    pub fn optional_texts(&mut self, name: &'static str, most: usize, longest: usize) -> Vec<String> {
        let Some(value) = self.take(name) else { return Vec::new() };
        let Value::Array(values) = value else {
            self.wrong(name, format!("is {}; must be a list of at most {most} texts", shown(&value)));
            return Vec::new();
        };
        if values.len() > most {
            self.wrong(name, format!("has {} members; must be a list of at most {most} texts", values.len()));
            return Vec::new();
        }
        values.into_iter().filter_map(|value| self.text_of(name, value, longest)).collect()
    }

    /// `true` or `false`; false if it is left out.
    pub fn flag(&mut self, name: &'static str) -> bool {
        let Some(value) = self.take(name) else { return false };
        value.as_bool().unwrap_or_else(|| {
            self.wrong(name, format!("is {}; must be true or false", shown(&value)));
            false
        })
    }

    /// A whole number from 0 to 100 that must be there, or null.
    pub fn percent_or_null(&mut self, name: &'static str) -> Option<u8> {
        const ALLOWED: &str = "must be a whole number from 0 to 100, or null";
        let Some(value) = self.take(name) else {
            self.wrong(name, format!("is missing; {ALLOWED}"));
            return None;
        };
        let percent = value.as_u64().and_then(|n| u8::try_from(n).ok()).filter(|n| *n <= 100);
        if percent.is_none() && !value.is_null() {
            self.wrong(name, format!("is {}; {ALLOWED}", shown(&value)));
        }
        percent
    }

    /// Notes that a field, well-formed so far, is wrong.
    pub fn wrong(&mut self, name: &str, detail: String) {
        self.errors.push(FieldError::new(name, detail));
    }

    /// Ends the reading: what nobody took does not belong there.
    pub fn finish(mut self) -> Result<(), Problem> {
        let allowed = self.known.join(", ");
        for (name, _) in std::mem::take(&mut self.members) {
            let detail = if self.known.contains(&name.as_str()) {
                "is given more than once".to_string()
            } else {
                format!("is not a field of this request; allowed are {allowed}")
            };
            self.errors.push(FieldError::new(cut(&name, 64), detail));
            if self.errors.len() >= MOST_ERRORS {
                break;
            }
        }
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::fields(Kind::InvalidFields, self.errors)) }
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        let at = self.members.iter().position(|(n, _)| n == name)?;
        Some(self.members.remove(at).1)
    }

    fn text_of(&mut self, name: &str, value: Value, most: usize) -> Option<String> {
        let allowed = format!("must be text of 1 to {most} characters");
        let problem = match value {
            Value::String(s) if s.trim().is_empty() => format!("is blank; {allowed}"),
            Value::String(s) if s.chars().count() > most => {
                format!("has {} characters; {allowed}", s.chars().count())
            }
            Value::String(s) => match s.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
                None => return Some(s),
                Some(c) => {
                    format!("holds the control character U+{:04X}; {allowed}, printable", u32::from(c))
                }
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                format!("is {}; {allowed}", shown(&value))
            }
        };
        self.wrong(name, problem);
        None
    }
}

/// More errors than this in one answer help nobody.
const MOST_ERRORS: usize = 20;

/// A value in few words, for an error message.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_string(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => cut(&n.to_string(), 32),
        Value::String(s) => format!("the text '{}'", cut(s, 32)),
        Value::Array(_) => "a list".to_string(),
        Value::Object(_) => "an object".to_string(),
    }
}

/// The first characters of a text that its sender chose.
pub fn cut(s: &str, most: usize) -> String {
    match s.char_indices().nth(most) {
        None => s.to_string(),
        Some((end, _)) => format!("{}...", &s[..end]),
    }
}

/// A JSON object with its members as they came: repeated names are kept, not overwritten.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }
        d.deserialize_any(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> Vec<String> {
        let mut fields = Fields::read(body.as_bytes()).unwrap();
        fields.text("group", 5);
        fields.number("count");
        fields.optional_text("by", 40);
        let problem = fields.finish().unwrap_err();
        assert_eq!(problem.kind, Kind::InvalidFields);
        problem.errors.into_iter().map(|e| format!("{} {}", e.field, e.detail)).collect()
    }

    #[test]
    fn a_good_body_is_taken_whole() {
        let mut fields = Fields::read(br#" {"group": "w\tb", "count": 3} "#).unwrap();
        assert_eq!(fields.text("group", 5).as_deref(), Some("w\tb"));
        assert_eq!(fields.number("count"), Some(3));
        assert_eq!(fields.optional_text("by", 40), None);
        assert_eq!(fields.finish(), Ok(()));
    }

    #[test]
    fn each_wrong_field_is_named_and_told_what_is_allowed() {
        let text = "must be text of 1 to 5 characters";
        let number = "must be a whole number, at least 1 and at most 4294967295";
        let table = [
            (r#"{"group": "  ", "count": 1}"#, format!("group is blank; {text}")),
            (r#"{"group": null, "count": 1}"#, format!("group is null; {text}")),
            (r#"{"group": ["web"], "count": 1}"#, format!("group is a list; {text}")),
            (r#"{"group": {}, "count": 1}"#, format!("group is an object; {text}")),
            (r#"{"group": 7, "count": 1}"#, format!("group is 7; {text}")),
            (r#"{"group": "websites", "count": 1}"#, format!("group has 8 characters; {text}")),
            (
                r#"{"group": "w\u0000", "count": 1}"#,
                format!("group holds the control character U+0000; {text}, printable"),
            ),
            (r#"{"group": "web", "count": null}"#, format!("count is null; {number}")),
            (r#"{"group": "web", "count": "5"}"#, format!("count is the text '5'; {number}")),
            (r#"{"group": "web", "count": 1.5}"#, format!("count is 1.5; {number}")),
            (r#"{"group": "web", "count": 5.0}"#, format!("count is 5.0; {number}")),
            (r#"{"group": "web", "count": -1}"#, format!("count is -1; {number}")),
            (r#"{"group": "web", "count": true}"#, format!("count is true; {number}")),
            (r#"{"group": "web", "count": 4294967296}"#, format!("count is 4294967296; {number}")),
            (r#"{"group": "web", "count": 1e999999}"#, String::new()),
            (r#"{"group": "web"}"#, "count is missing; must be a whole number, at least 1".to_string()),
            (r#"{"count": 1}"#, format!("group is missing; {text}")),
            (
                r#"{"group": "web", "count": 1, "by": ""}"#,
                "by is blank; must be text of 1 to 40 characters".to_string(),
            ),
            (r#"{"group": "web", "count": 1, "count": 2}"#, "count is given more than once".to_string()),
            (
                r#"{"group": "web", "count": 1, "cuont": 2}"#,
                "cuont is not a field of this request; allowed are group, count, by".to_string(),
            ),
        ];
        for (body, expected) in table {
            if expected.is_empty() {
                assert_eq!(Fields::read(body.as_bytes()).unwrap_err().kind, Kind::InvalidBody, "{body}");
            } else {
                assert_eq!(said(body), [expected], "{body}");
            }
        }
    }

    #[test]
    fn a_list_is_of_texts_and_not_too_long() {
        for (list, part) in [
            (r#""2027-01-04""#, "is the text '2027-01-04'; must be a list of at most 2 texts"),
            ("[1]", "is 1; must be text of 1 to 10 characters"),
            (r#"["a", "b", "c"]"#, "has 3 members"),
        ] {
            let mut fields = Fields::read(format!(r#"{{"except": {list}}}"#).as_bytes()).unwrap();
            fields.optional_texts("except", 2, 10);
            let problem = fields.finish().unwrap_err();
            assert!(problem.detail.contains(part), "{} does not contain {part}", problem.detail);
        }
        let mut fields = Fields::read(br#"{"except": ["a", "b"]}"#).unwrap();
        assert_eq!(fields.optional_texts("except", 2, 10), ["a", "b"]);
        assert_eq!(fields.optional_texts("more", 2, 10), [""; 0]);
        assert_eq!(fields.finish(), Ok(()));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        assert_eq!(said(r#"{"group": "", "count": 0.5, "x": 1}"#).len(), 3);
        let many: Vec<String> = (0..1_000).map(|i| format!(r#""x{i}": 1"#)).collect();
        let body = format!(r#"{{"group": "web", "count": 1, {}}}"#, many.join(", "));
        assert_eq!(said(&body).len(), MOST_ERRORS);
    }

    #[test]
    fn what_is_not_a_json_object_is_refused_with_its_place() {
        let deep = "[".repeat(100_000);
        let deep_field = format!(r#"{{"group": {}"#, r#"{"a":"#.repeat(10_000));
        let table: [(&[u8], &str); 9] = [
            (b"", "is empty"),
            (b" \n", "is empty"),
            (b"{\"group\": \"\xff\"}", "byte 11"),
            (b"[1, 2]", "expected a JSON object"),
            (b"null", "expected a JSON object"),
            (b"{\"group\": \"web\"", "line 1 column"),
            (b"{\"group\": \"web\"} {}", "trailing characters"),
            (deep.as_bytes(), "expected a JSON object"),
            (deep_field.as_bytes(), "recursion limit"),
        ];
        for (body, part) in table {
            let problem = Fields::read(body).unwrap_err();
            assert_eq!(problem.kind, Kind::InvalidBody);
            assert!(problem.detail.contains(part), "{} does not contain {part}", problem.detail);
            assert!(problem.detail.len() < 300);
        }
    }

    #[test]
    fn what_the_sender_chose_is_cut_before_it_is_repeated() {
        assert_eq!(cut("\u{e9}\u{e9}\u{e9}", 3), "\u{e9}\u{e9}\u{e9}");
        assert_eq!(cut("\u{e9}\u{e9}\u{e9}", 2), "\u{e9}\u{e9}...");
    }
}
