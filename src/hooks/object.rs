//! JSON objects read so that nobody can read them in two ways.
//!
//! A key that is there twice is an error: two programs that read such a text may each take another
//! value, and what was verified would not be what is acted upon.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// An object: text and objects by key, anything else only by its kind.
#[derive(Debug, Default)]
pub(super) struct Object(BTreeMap<String, Value>);

#[derive(Debug)]
enum Value {
    Text(String),
    Object(Object),
    Null,
    /// What it is instead.
    Other(&'static str),
}

/// A key has another kind of value than it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} is {said}; must be {allowed}")]
pub(super) struct WrongKind {
    pub(super) key: &'static str,
    pub(super) said: &'static str,
    pub(super) allowed: &'static str,
}

impl Object {
    /// Reads one object and nothing behind it.
    pub(super) fn read(json: &[u8]) -> Result<Object, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// Adds a text.
    ///
    /// # Errors
    /// With the key if it is there already.
    pub(super) fn add(&mut self, key: &str, text: &str) -> Result<(), String> {
        match self.0.insert(key.to_owned(), Value::Text(text.to_owned())) {
            None => Ok(()),
            Some(_) => Err(key.to_owned()),
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Takes a text out; `None` if it is missing or null.
    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<String>, WrongKind> {
        let wrong = |said| Err(WrongKind { key, said, allowed: "text" });
        match self.0.remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Object(_)) => wrong("an object"),
            Some(Value::Other(said)) => wrong(said),
        }
    }

    /// Takes an object out; `None` if it is missing or null.
    pub(super) fn object(&mut self, key: &'static str) -> Result<Option<Object>, WrongKind> {
        let wrong = |said| Err(WrongKind { key, said, allowed: "an object" });
        match self.0.remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(Value::Text(_)) => wrong("text"),
            Some(Value::Other(said)) => wrong(said),
        }
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object, D::Error> {
        match deserializer.deserialize_map(AnyValue)? {
            Value::Object(object) => Ok(object),
            Value::Text(_) | Value::Null | Value::Other(_) => Err(de::Error::custom("not an object")),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Other("true or false"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Other("a number"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(Value::Other("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other("a number"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value()?;
            if object.insert(key, value).is_some() {
                return Err(de::Error::custom("a key is there twice"));
            }
        }
        Ok(Value::Object(Object(object)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_that_is_there_twice_is_refused_at_any_depth() {
        for text in [r#"{"a":"1","a":"2"}"#, r#"{"a":"1","\u0061":"2"}"#, r#"{"o":{"a":1,"a":1}}"#] {
            let e = Object::read(text.as_bytes()).unwrap_err().to_string();
            assert!(e.starts_with("a key is there twice"), "{text}: {e}");
        }
        assert!(Object::read(br#"{"a":"1","o":{"a":"2"}}"#).is_ok());
    }

    #[test]
    fn values_are_taken_by_their_kind() {
        let mut object =
            Object::read(br#"{"t":"x","n":null,"o":{"t":"y"},"l":[[{}]],"i":-1,"f":1.5,"b":true}"#).unwrap();
        assert_eq!(object.text("t"), Ok(Some("x".into())));
        assert_eq!(object.text("n"), Ok(None));
        assert_eq!(object.text("missing"), Ok(None));
        assert_eq!(object.object("o").unwrap().unwrap().text("t"), Ok(Some("y".into())));
        for (key, said) in [("l", "a list"), ("i", "a number"), ("f", "a number"), ("b", "true or false")] {
            let e = object.text(key).unwrap_err();
            assert_eq!(e.to_string(), format!("{key} is {said}; must be text"));
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["", "[]", "\"a\"", "null", "{} {}", "{\"a\":}", "{", "\u{feff}{}"] {
            assert!(Object::read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Object::read(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn depth_is_limited() {
        let deep =
            |open: &str, close: &str| format!("{{\"a\":{}1{}}}", open.repeat(1_000), close.repeat(1_000));
        assert!(Object::read(deep("{\"a\":", "}").as_bytes()).is_err());
        // Ignored without recursion, so it may be as deep as the body is long.
        let _ = Object::read(deep("[", "]").as_bytes());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Object::read(&bytes);
        }
    }
}
