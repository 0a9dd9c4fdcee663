//! A document in no protocol's form: what a service that speaks several reads and answers.

use std::io;

use super::form::Node;
use super::xml::{Xml, time};

/// One value. Numbers that came as text (the query protocol has nothing else) are read as numbers
/// where numbers are wanted.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// Milliseconds since the epoch.
    Time(i64),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

/// A value is not what is wanted there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The value of {name} is not {expected}")]
pub(super) struct ValueError {
    pub(super) name: String,
    pub(super) expected: &'static str,
}

impl Value {
    /// A map of these, without those that are not there.
    pub(super) fn map<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
        let there = fields.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?)));
        Value::Map(there.collect())
    }

    pub(super) fn text_of(text: &str) -> Value {
        Value::Text(text.into())
    }

    /// As it is in JSON: times are seconds since the epoch.
    pub(super) fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Null => serde_json::Value::Null,
            Value::Bool(b) => (*b).into(),
            Value::Int(n) => (*n).into(),
            Value::Float(n) => (*n).into(),
            Value::Text(text) => text.as_str().into(),
            Value::Time(ms) => seconds(*ms).into(),
            Value::List(items) => items.iter().map(Value::to_json).collect(),
            Value::Map(fields) => {
                fields.iter().map(|(name, value)| (name.clone(), value.to_json())).collect()
            }
        }
    }

    pub(super) fn of_json(json: &serde_json::Value) -> Value {
        match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(b) => Value::Bool(*b),
            serde_json::Value::Number(n) => {
                n.as_i64().map_or_else(|| Value::Float(n.as_f64().unwrap_or(f64::NAN)), Value::Int)
            }
            serde_json::Value::String(text) => Value::Text(text.clone()),
            serde_json::Value::Array(items) => Value::List(items.iter().map(Value::of_json).collect()),
            serde_json::Value::Object(fields) => {
                Value::Map(fields.iter().map(|(name, value)| (name.clone(), Value::of_json(value))).collect())
            }
        }
    }

    /// The parameters of a query request: lists are `name.member.N`.
    pub(super) fn of_form(node: &Node) -> Value {
        if node.has("member") {
            return Value::List(node.list("member").into_iter().map(Value::of_form).collect());
        }
        match node.value() {
            Some(text) => Value::Text(text.into()),
            None => Value::Map(node.children().map(|(name, n)| (name.into(), Value::of_form(n))).collect()),
        }
    }

    /// Into an element of this name: lists are of `member`s.
    pub(super) fn write(&self, x: &mut Xml, name: &str) -> io::Result<()> {
        match self {
            Value::Null => Ok(()),
            Value::Bool(b) => x.text(name, if *b { "true" } else { "false" }),
            Value::Int(n) => x.text(name, &n.to_string()),
            Value::Float(n) => x.text(name, &format!("{n:?}")),
            Value::Text(text) => x.text(name, text),
            Value::Time(ms) => x.text(name, &time(*ms)),
            Value::List(items) => {
                x.element(name, |x| items.iter().try_for_each(|item| item.write(x, "member")))
            }
            Value::Map(_) => x.element(name, |x| self.write_fields(x)),
        }
    }

    /// The elements of a map.
    pub(super) fn write_fields(&self, x: &mut Xml) -> io::Result<()> {
        let Value::Map(fields) = self else { return Ok(()) };
        fields.iter().try_for_each(|(name, value)| value.write(x, name))
    }

    fn get(&self, name: &str) -> Option<&Value> {
        let Value::Map(fields) = self else { return None };
        fields.iter().find(|(n, _)| n == name).map(|(_, value)| value).filter(|v| **v != Value::Null)
    }

    fn read<T>(
        &self,
        name: &str,
        expected: &'static str,
        as_expected: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, ValueError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        as_expected(value).map(Some).ok_or_else(|| ValueError { name: name.into(), expected })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A string.
    ///
    /// # Errors
    /// If it is given and is something else. So with all of these.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, ValueError> {
        self.read(name, "a string", |value| value.as_text().map(str::to_string))
    }

    /// A whole number.
    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, ValueError> {
        self.read(name, "a whole number", |value| match value {
            Value::Int(n) => Some(*n),
            Value::Text(text) => text.parse().ok(),
            Value::Null
            | Value::Bool(_)
            | Value::Float(_)
            | Value::Time(_)
            | Value::List(_)
            | Value::Map(_) => None,
        })
    }

    /// A number with or without a fraction.
    pub(super) fn float(&self, name: &str) -> Result<Option<f64>, ValueError> {
        self.read(name, "a number", Value::as_float)
    }

    fn as_float(&self) -> Option<f64> {
        match self {
            #[allow(clippy::cast_precision_loss)] // what a sender writes as a whole number is meant as one
            Value::Int(n) => Some(*n as f64),
            Value::Float(n) => Some(*n),
            // JSON has no other way to say NaN and infinity, the query protocol no other way at all.
            Value::Text(text) => text.parse().ok(),
            Value::Null | Value::Bool(_) | Value::Time(_) | Value::List(_) | Value::Map(_) => None,
        }
    }

    fn as_text(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    pub(super) fn floats(&self, name: &str) -> Result<Vec<f64>, ValueError> {
        let floats = |value: &Value| value.as_list()?.iter().map(Value::as_float).collect();
        Ok(self.read(name, "a list of numbers", floats)?.unwrap_or_default())
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, ValueError> {
        self.read(name, "true or false", |value| match value {
            Value::Bool(b) => Some(*b),
            Value::Text(text) => text.parse().ok(),
            Value::Null
            | Value::Int(_)
            | Value::Float(_)
            | Value::Time(_)
            | Value::List(_)
            | Value::Map(_) => None,
        })
    }

    /// A time: tagged, in seconds since the epoch, or as ISO 8601. Milliseconds.
    pub(super) fn time(&self, name: &str) -> Result<Option<i64>, ValueError> {
        self.read(name, "a time", |value| match value {
            Value::Time(ms) => Some(*ms),
            Value::Text(text) => Some(text.parse::<jiff::Timestamp>().ok()?.as_millisecond()),
            Value::Int(seconds) => seconds.checked_mul(1_000),
            Value::Float(seconds) => millis(*seconds),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => None,
        })
    }

    /// A list of anything; empty if it is not given.
    pub(super) fn list(&self, name: &str) -> Result<Vec<Value>, ValueError> {
        Ok(self.read(name, "a list", |value| value.as_list().map(<[Value]>::to_vec))?.unwrap_or_default())
    }

    /// A list of strings; empty if it is not given.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, ValueError> {
        let texts = |value: &Value| {
            let each = |item: &Value| item.as_text().map(str::to_string);
            value.as_list()?.iter().map(each).collect()
        };
        Ok(self.read(name, "a list of strings", texts)?.unwrap_or_default())
    }

    /// What is under this name; an empty map if it is not given.
    pub(super) fn under(&self, name: &str) -> Value {
        self.get(name).cloned().unwrap_or(Value::Map(Vec::new()))
    }

    fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(items) => Some(items),
            // An empty list of the query protocol has no members.
            Value::Text(text) if text.is_empty() => Some(&[]),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Time(_)
            | Value::Map(_) => None,
        }
    }
}

/// Milliseconds as seconds.
pub(super) fn seconds(ms: i64) -> f64 {
    #[allow(clippy::cast_precision_loss)] // exact for 285,000 years of milliseconds
    let ms = ms as f64;
    ms / 1_000.0
}

/// Seconds as milliseconds, if there are such.
pub(super) fn millis(seconds: f64) -> Option<i64> {
    let ms = (seconds * 1_000.0).round();
    #[allow(clippy::cast_possible_truncation)] // in range, as is checked
    (ms.abs() < 1e18).then_some(ms as i64)
}

#[cfg(test)]
mod tests {
    use super::super::form::Form;
    use super::*;

    #[test]
    fn a_query_and_json_say_the_same() {
        let form =
            Form::parse(b"L.member.1.N=1.5&L.member.2.N=x&T=2023-11-14T22:13:20Z&B=true&I=7&E=").unwrap();
        let json = r#"{"L":[{"N":1.5},{"N":"x"}],"T":1700000000,"B":true,"I":7,"E":[]}"#;
        for value in [Value::of_form(form.root()), Value::of_json(&serde_json::from_str(json).unwrap())] {
            let list = value.list("L").unwrap();
            assert_eq!((list.len(), list[0].float("N")), (2, Ok(Some(1.5))));
            assert_eq!(list[1].float("N").unwrap_err().to_string(), "The value of N is not a number");
            assert_eq!(value.time("T"), Ok(Some(1_700_000_000_000)));
            assert_eq!((value.flag("B"), value.number("I")), (Ok(Some(true)), Ok(Some(7))));
            assert_eq!((value.list("E"), value.number("Z")), (Ok(vec![]), Ok(None)));
        }
    }

    #[test]
    fn a_value_is_written_as_xml_and_as_json() {
        let value = Value::map([
            ("A", Some(Value::List(vec![Value::Float(2.0), Value::Int(1)]))),
            ("B", None),
            ("C", Some(Value::Time(1_700_000_000_500))),
        ]);
        let mut x = Xml::new().unwrap();
        value.write(&mut x, "R").unwrap();
        let text = String::from_utf8(x.done()).unwrap();
        let expected = "<R><A><member>2.0</member><member>1</member></A><C>2023-11-14T22:13:20.000Z</C></R>";
        assert!(text.ends_with(expected), "{text}");
        assert_eq!(value.to_json().to_string(), r#"{"A":[2.0,1],"C":1700000000.5}"#);
    }
}
