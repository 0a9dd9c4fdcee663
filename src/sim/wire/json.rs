//! The JSON protocols, AWS JSON 1.0 and 1.1: what is common to every service that speaks them.
//!
//! The action is in the header `X-Amz-Target: Prefix.Action`, its parameters are one JSON object, and
//! an error is `{"__type": code, "message": ...}` with the code in a header again. The two versions
//! differ in the media type only.

use std::io;

use http::request::Parts;
use serde_json::{Map, Value, json};

use super::super::model::call::Failure;

/// The media types of the two versions.
pub(super) const JSON_1_0: &str = "application/x-amz-json-1.0";
pub(super) const JSON_1_1: &str = "application/x-amz-json-1.1";

/// The header with an error's code, which the SDKs prefer to the body's.
pub(super) const ERROR_TYPE: &str = "x-amzn-errortype";

/// Why a body, or a value in it, cannot be read. Each service answers
/// `SerializationException` to it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum JsonError {
    #[error("The request body is not a JSON object: {0}")]
    Malformed(String),
    #[error("The value of {name} is not {expected}")]
    Value { name: String, expected: &'static str },
}

/// The service's prefix and the action: `AmazonSQS.SendMessage` is `("AmazonSQS", "SendMessage")`.
/// None without the header, or if it has no such form.
pub(super) fn target(head: &Parts) -> Option<(&str, &str)> {
    head.headers.get("x-amz-target")?.to_str().ok()?.rsplit_once('.')
}

/// The parameters of one request, or of one object within it. A null counts as not given.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a body. An empty one is an empty object: some clients send none where nothing is needed.
    ///
    /// # Errors
    /// Anything but one JSON object; more than 128 levels.
    pub(super) fn parse(body: &[u8]) -> Result<Fields, JsonError> {
        if body.is_empty() {
            return Ok(Fields::default());
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Fields(fields)),
            Ok(_) => Err(JsonError::Malformed("it is another kind of value".into())),
            Err(e) => Err(JsonError::Malformed(e.to_string())),
        }
    }

    /// Those of an object that was put together here.
    pub(super) fn of(fields: Map<String, Value>) -> Fields {
        Fields(fields)
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A string.
    ///
    /// # Errors
    /// If it is given and is something else. So with all of these.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, JsonError> {
        self.read(name, "a string", |value| value.as_str().map(str::to_string))
    }

    /// A whole number that fits.
    pub(super) fn number<T: TryFrom<i64>>(&self, name: &str) -> Result<Option<T>, JsonError> {
        self.read(name, "a whole number in range", |value| T::try_from(value.as_i64()?).ok())
    }

    /// A number with or without a fraction.
    pub(super) fn float(&self, name: &str) -> Result<Option<f64>, JsonError> {
        self.read(name, "a number", Value::as_f64)
    }

    /// True or false; false if it is not given.
    pub(super) fn flag(&self, name: &str) -> Result<bool, JsonError> {
        Ok(self.read(name, "true or false", Value::as_bool)?.unwrap_or(false))
    }

    /// The object of this name; an empty one if it is not given.
    pub(super) fn under(&self, name: &str) -> Result<Fields, JsonError> {
        Ok(self.read(name, "an object", object)?.unwrap_or_default())
    }

    /// A list of strings; empty if it is not given.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, JsonError> {
        let texts = |value: &Value| {
            let each = |element: &Value| element.as_str().map(str::to_string);
            value.as_array()?.iter().map(each).collect::<Option<Vec<String>>>()
        };
        Ok(self.read(name, "a list of strings", texts)?.unwrap_or_default())
    }

    /// A list of objects; empty if it is not given.
    pub(super) fn list(&self, name: &str) -> Result<Vec<Fields>, JsonError> {
        let objects = |value: &Value| value.as_array()?.iter().map(object).collect::<Option<Vec<Fields>>>();
        Ok(self.read(name, "a list of objects", objects)?.unwrap_or_default())
    }

    /// A map of strings to strings, in the order of its keys; empty if it is not given.
    pub(super) fn map(&self, name: &str) -> Result<Vec<(String, String)>, JsonError> {
        let pairs = |value: &Value| {
            let each = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_string()));
            value.as_object()?.iter().map(each).collect::<Option<Vec<_>>>()
        };
        Ok(self.read(name, "a map of strings", pairs)?.unwrap_or_default())
    }

    /// The names and objects of a map of objects; empty if it is not given.
    pub(super) fn objects(&self, name: &str) -> Result<Vec<(String, Fields)>, JsonError> {
        let pairs = |value: &Value| {
            let each = |(key, value): (&String, &Value)| Some((key.clone(), object(value)?));
            value.as_object()?.iter().map(each).collect::<Option<Vec<_>>>()
        };
        Ok(self.read(name, "a map of objects", pairs)?.unwrap_or_default())
    }

    fn read<T>(
        &self,
        name: &str,
        expected: &'static str,
        as_expected: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, JsonError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        as_expected(value).map(Some).ok_or_else(|| JsonError::Value { name: name.into(), expected })
    }
}

fn object(value: &Value) -> Option<Fields> {
    value.as_object().cloned().map(Fields)
}

/// A document.
pub(super) fn document(value: &Value) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec(value)?)
}

/// An error's document. A service whose shapes have a namespace puts it before the code, as in
/// `com.amazonaws.sqs#QueueDoesNotExist`; clients cut it off again.
pub(super) fn error(failure: &Failure, namespace: Option<&str>) -> io::Result<Vec<u8>> {
    let code = namespace.map_or_else(|| failure.code.to_string(), |n| format!("{n}#{}", failure.code));
    document(&json!({ "__type": code, "message": failure.message }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Fields {
        Fields::parse(text.as_bytes()).unwrap()
    }

    fn head(target: &str) -> Parts {
        http::Request::builder().header("X-Amz-Target", target).body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_target_names_the_service_and_the_action() {
        assert_eq!(target(&head("AmazonSQS.SendMessage")), Some(("AmazonSQS", "SendMessage")));
        let support = "AWSSupport_20130415.CreateCase";
        assert_eq!(target(&head(support)), Some(("AWSSupport_20130415", "CreateCase")));
        assert_eq!(target(&head("SendMessage")), None);
        assert_eq!(target(&http::Request::new(()).into_parts().0), None);
    }

    #[test]
    fn values_are_read_by_their_kind() {
        let f = fields(
            r#"{"T":"x","N":7,"F":1.5,"B":true,"O":{"I":1},"Ts":["a","b"],"L":[{"I":1},{"I":2}],
                "M":{"b":"2","a":"1"},"Os":{"k":{"I":3}},"Null":null}"#,
        );
        assert_eq!(f.text("T"), Ok(Some("x".into())));
        assert_eq!((f.number::<u8>("N"), f.float("F"), f.flag("B")), (Ok(Some(7)), Ok(Some(1.5)), Ok(true)));
        assert_eq!(f.under("O").unwrap().number::<u8>("I"), Ok(Some(1)));
        assert_eq!(f.texts("Ts").unwrap(), ["a", "b"]);
        assert_eq!(f.list("L").unwrap()[1].number::<u8>("I"), Ok(Some(2)));
        assert_eq!(f.map("M").unwrap(), [("a".into(), "1".into()), ("b".into(), "2".into())]);
        assert_eq!(f.objects("Os").unwrap()[0].1.number::<u8>("I"), Ok(Some(3)));
        assert!(f.has("T") && !f.has("Null") && !f.has("Missing"));
    }

    #[test]
    fn what_is_not_given_or_null_is_nothing() {
        for f in [fields(r#"{"X":null}"#), fields("{}"), fields("")] {
            assert_eq!((f.text("X"), f.number::<u8>("X"), f.flag("X")), (Ok(None), Ok(None), Ok(false)));
            assert_eq!((f.texts("X"), f.list("X"), f.map("X")), (Ok(vec![]), Ok(vec![]), Ok(vec![])));
            assert_eq!(f.under("X"), Ok(Fields::default()));
        }
    }

    #[test]
    fn another_kind_is_an_error_that_names_it() {
        let f = fields(r#"{"N":300,"S":"x","L":["a",1],"M":{"a":1}}"#);
        let of = |name: &str| JsonError::Value { name: name.into(), expected: "a whole number in range" };
        assert_eq!((f.number::<u8>("N"), f.number::<u8>("S")), (Err(of("N")), Err(of("S"))));
        assert!(f.text("N").is_err() && f.flag("S").is_err() && f.texts("L").is_err());
        assert!(f.list("L").is_err() && f.map("M").is_err() && f.under("S").is_err());
        assert_eq!(of("N").to_string(), "The value of N is not a whole number in range");
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let deep = format!("{}1{}", "{\"a\":".repeat(1_000), "}".repeat(1_000));
        for text in ["[]", "1", "{", "{} {}", "\u{0}", &deep] {
            assert!(matches!(Fields::parse(text.as_bytes()), Err(JsonError::Malformed(_))), "{text:.20}");
        }
    }

    #[test]
    fn an_error_has_its_namespace_if_there_is_one() {
        let failure =
            Failure { code: "QueueDoesNotExist", http_status: 400, message: "no".into(), throttle: false };
        let text = |namespace| String::from_utf8(error(&failure, namespace).unwrap()).unwrap();
        assert_eq!(text(None), r#"{"__type":"QueueDoesNotExist","message":"no"}"#);
        assert_eq!(
            text(Some("com.amazonaws.sqs")),
            r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}"#
        );
    }
}
