//! Event patterns: which events a rule is about.
//!
//! A pattern names fields and, for each, a list of what it may be. Values are compared exactly, or by
//! `prefix`, `suffix`, `equals-ignore-case`, `anything-but` and `exists`; the other operators, and
//! `$or`, are refused. A field that is a list matches if one of its elements does.

use serde_json::Value;

/// A pattern that was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern(Vec<(String, Field)>);

#[derive(Clone, Debug, PartialEq)]
enum Field {
    Within(Pattern),
    OneOf(Vec<Matcher>),
}

#[derive(Clone, Debug, PartialEq)]
enum Matcher {
    Equals(Value),
    Prefix(String),
    Suffix(String),
    IgnoringCase(String),
    AnythingBut(Vec<Matcher>),
    Exists(bool),
}

/// Deepest nesting; events have a handful of levels.
const DEPTH_MAX: usize = 32;

impl Pattern {
    /// # Errors
    /// Why it is no pattern, in a sentence.
    pub(super) fn read(text: &str) -> Result<Pattern, String> {
        let value =
            serde_json::from_str(text).map_err(|e| format!("Event pattern is not valid. Reason: {e}"))?;
        pattern(&value, 0).map_err(|why| format!("Event pattern is not valid. Reason: {why}"))
    }

    pub(super) fn matches(&self, event: &Value) -> bool {
        self.0.iter().all(|(name, field)| {
            let value = event.get(name);
            match field {
                Field::Within(pattern) => value.is_some_and(|v| pattern.matches(v)),
                Field::OneOf(matchers) => matchers.iter().any(|m| m.matches_field(value)),
            }
        })
    }
}

fn pattern(value: &Value, depth: usize) -> Result<Pattern, String> {
    let fields = value.as_object().ok_or("Filter is not an object")?;
    if fields.is_empty() || depth > DEPTH_MAX {
        return Err("Empty patterns are not allowed, and neither are too deep ones".into());
    }
    let each = |(name, value): (&String, &Value)| {
        let field = match value {
            _ if name.starts_with('$') => return Err(format!("\"{name}\" is not simulated")),
            Value::Object(_) => Field::Within(pattern(value, depth + 1)?),
            Value::Array(all) if !all.is_empty() => {
                Field::OneOf(all.iter().map(matcher).collect::<Result<_, String>>()?)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return Err(format!("\"{name}\" must be an object or an array"));
            }
        };
        Ok((name.clone(), field))
    };
    fields.iter().map(each).collect::<Result<_, String>>().map(Pattern)
}

fn matcher(value: &Value) -> Result<Matcher, String> {
    let fields = match value {
        Value::Object(fields) => fields,
        Value::Array(_) => return Err("A list may not hold a list".into()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Ok(Matcher::Equals(value.clone()));
        }
    };
    let mut all = fields.iter();
    let (Some((operator, operand)), None) = (all.next(), all.next()) else {
        return Err("An operator stands alone".into());
    };
    let text = || operand.as_str().map(str::to_string).ok_or(format!("{operator} needs a string"));
    Ok(match operator.as_str() {
        "prefix" => Matcher::Prefix(text()?),
        "suffix" => Matcher::Suffix(text()?),
        "equals-ignore-case" => Matcher::IgnoringCase(text()?),
        "exists" => Matcher::Exists(operand.as_bool().ok_or("exists needs true or false")?),
        "anything-but" => Matcher::AnythingBut(match operand {
            Value::Array(all) if !all.is_empty() => all.iter().map(matcher).collect::<Result<_, _>>()?,
            Value::Array(_) | Value::Null => return Err("anything-but needs a value".into()),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                vec![matcher(operand)?]
            }
        }),
        other => return Err(format!("The operator \"{other}\" is not simulated")),
    })
}

impl Matcher {
    fn matches_field(&self, field: Option<&Value>) -> bool {
        match (self, field) {
            (Matcher::Exists(expected), field) => field.is_some() == *expected,
            (_, None) => false,
            (_, Some(Value::Array(all))) => all.iter().any(|v| self.matches(v)),
            (_, Some(value)) => self.matches(value),
        }
    }

    fn matches(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Matcher::Equals(expected) => match (expected.as_f64(), value.as_f64()) {
                (Some(a), Some(b)) => a.total_cmp(&b).is_eq(),
                _ => expected == value,
            },
            Matcher::Prefix(prefix) => text.is_some_and(|t| t.starts_with(prefix)),
            Matcher::Suffix(suffix) => text.is_some_and(|t| t.ends_with(suffix)),
            Matcher::IgnoringCase(other) => text.is_some_and(|t| t.to_lowercase() == other.to_lowercase()),
            Matcher::AnythingBut(all) => !all.iter().any(|m| m.matches(value)),
            Matcher::Exists(expected) => *expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(pattern: &Value) -> bool {
        let event = json!({
            "source": "aws.autoscaling",
            "detail-type": "EC2 Instance-launch Lifecycle Action",
            "resources": ["arn:a", "arn:b"],
            "detail": { "AutoScalingGroupName": "web-1", "Origin": "EC2", "n": 1.0, "none": null },
        });
        Pattern::read(&pattern.to_string()).unwrap().matches(&event)
    }

    #[test]
    fn every_field_must_match_one_of_its_values() {
        for (pattern, expected) in [
            (json!({ "source": ["aws.autoscaling"] }), true),
            (json!({ "source": ["aws.ec2"] }), false),
            (json!({ "source": ["aws.ec2", "aws.autoscaling"] }), true),
            (json!({ "source": ["aws.autoscaling"], "detail-type": ["x"] }), false),
            (json!({ "source": [{ "prefix": "aws." }], "detail": { "Origin": ["EC2"] } }), true),
            (json!({ "detail": { "AutoScalingGroupName": [{ "prefix": "web-" }] } }), true),
            (json!({ "detail": { "AutoScalingGroupName": [{ "suffix": "-2" }] } }), false),
            (json!({ "detail": { "AutoScalingGroupName": [{ "equals-ignore-case": "WEB-1" }] } }), true),
            (json!({ "detail": { "AutoScalingGroupName": [{ "anything-but": "web-1" }] } }), false),
            (json!({ "detail": { "AutoScalingGroupName": [{ "anything-but": ["a", "b"] }] } }), true),
            (json!({ "detail": { "AutoScalingGroupName": [{ "anything-but": { "prefix": "db" } }] } }), true),
            (json!({ "resources": ["arn:b"] }), true),
            (json!({ "detail": { "n": [1], "none": [null] } }), true),
            (json!({ "detail": { "missing": ["x"] } }), false),
            (json!({ "detail": { "missing": [{ "exists": false }] } }), true),
            (json!({ "detail": { "Origin": [{ "exists": true }] } }), true),
            (json!({ "detail": { "Origin": [{ "exists": false }] } }), false),
            (json!({ "source": { "x": ["y"] } }), false),
        ] {
            assert_eq!(matches(&pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"source":"aws.ec2"}"#,
            r#"{"source":[]}"#,
            r#"{"source":[["a"]]}"#,
            r#"{"n":[{"numeric":[">",1]}]}"#,
            r#"{"$or":[{"source":["a"]}]}"#,
            r#"{"source":[{"prefix":1}]}"#,
            r#"{"source":[{"prefix":"a","suffix":"b"}]}"#,
        ] {
            assert!(Pattern::read(text).is_err(), "{text}");
        }
        let deep = format!("{}[1]{}", "{\"a\":".repeat(40), "}".repeat(40));
        assert!(Pattern::read(&deep).is_err());
    }
}
