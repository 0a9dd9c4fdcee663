//! The request headers that carry a value of ours.

use http::HeaderMap;

use super::problem::{Kind, Problem};

pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
pub const IDEMPOTENCY_REPLAYED: &str = "idempotency-replayed";
pub const LAST_EVENT_ID: &str = "last-event-id";
pub const REQUEST_ID: &str = "x-request-id";

/// Longest key and longest request id: room for a UUID with a prefix, or a hash.
pub const MOST_KEY: usize = 128;

/// `Idempotency-Key`: 1 to 128 visible ASCII characters, given once, or not at all.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let wrong = |what: &str| {
        let detail = format!("{what}; must be 1 to {MOST_KEY} visible ASCII characters, given once");
        Problem::field(Kind::InvalidHeader, "Idempotency-Key", detail)
    };
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(wrong("is given more than once"));
    }
    match visible(value.as_bytes()) {
        Some(key) => Ok(Some(key)),
        None if value.is_empty() => Err(wrong("is blank")),
        None if value.len() > MOST_KEY => Err(wrong(&format!("has {} bytes", value.len()))),
        None => Err(wrong("holds a character that is not visible ASCII")),
    }
}

/// `Last-Event-ID`: the number of the last journal line seen; 0, the start, if it is left out.
pub fn last_event_id(headers: &HeaderMap) -> Result<i64, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(0) };
    let number = value.to_str().ok().and_then(|s| s.parse().ok()).filter(|n| *n >= 0);
    number.ok_or_else(|| {
        Problem::field(
            Kind::InvalidHeader,
            "Last-Event-ID",
            "is not the id of an event; must be a whole number",
        )
    })
}

/// `X-Request-Id`, if it can be repeated safely in headers and logs.
pub fn request_id(headers: &HeaderMap) -> Option<String> {
    visible(headers.get(REQUEST_ID)?.as_bytes())
}

fn visible(bytes: &[u8]) -> Option<String> {
    let good = (1..=MOST_KEY).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    good.then(|| String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn with(name: &'static str, values: &[&[u8]]) -> HeaderMap {
        values.iter().map(|v| (name.parse().unwrap(), HeaderValue::from_bytes(v).unwrap())).collect()
    }

    #[test]
    fn a_key_is_taken_as_it_is_or_refused() {
        let key = |values: &[&[u8]]| idempotency_key(&with(IDEMPOTENCY_KEY, values)).map_err(|p| p.detail);
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(key(&[b"a/b:c"]), Ok(Some("a/b:c".into())));
        assert_eq!(key(&[&[b'x'; 128]]), Ok(Some("x".repeat(128))));
        let table: [(&[&[u8]], &str); 5] = [
            (&[b""], "is blank"),
            (&[&[b'x'; 129]], "has 129 bytes"),
            (&[b"two words"], "not visible ASCII"),
            (&[b"caf\xc3\xa9"], "not visible ASCII"),
            (&[b"a", b"a"], "more than once"),
        ];
        for (values, part) in table {
            let error = key(values).unwrap_err();
            assert!(error.contains(part) && error.contains("1 to 128 visible ASCII"), "{error}");
        }
    }

    #[test]
    fn an_event_id_is_a_number_that_is_not_negative() {
        let id = |v: &[u8]| last_event_id(&with(LAST_EVENT_ID, &[v])).map_err(|p| p.kind);
        assert_eq!(last_event_id(&HeaderMap::new()), Ok(0));
        assert_eq!(id(b"17"), Ok(17));
        for bad in [&b"-1"[..], b"x", b"", b"99999999999999999999", b"\xff"] {
            assert_eq!(id(bad), Err(Kind::InvalidHeader));
        }
    }

    #[test]
    fn a_request_id_that_would_spoil_a_log_is_not_repeated() {
        assert_eq!(request_id(&with(REQUEST_ID, &[b"r-1"])).as_deref(), Some("r-1"));
        assert_eq!(request_id(&with(REQUEST_ID, &[b"r 1\"x"])), None);
        assert_eq!(request_id(&with(REQUEST_ID, &[&[b'x'; 129]])), None);
    }
}
