//! Taking in a request's body: JSON only, at most 64 KiB unless a door says otherwise, never for ever.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use http_body_util::BodyExt;

use super::fields::cut;
use super::problem::{Kind, Problem};

/// Largest body that is read. The largest sensible one, a 500-character reason with every character
/// escaped (`\u0000`, 6 bytes) beside a few short fields, is under 4 KiB; the rest is room to grow.
/// Too high: memory for each of the connections that may be open at once.
pub const MOST: usize = 64 * 1024;

/// How much of a body that is too large is taken in and thrown away, so that its sender gets to
/// read the answer: closing a socket with unread bytes resets it, and a reset may overtake the
/// answer. Who sends more than this sees a reset.
const DRAIN: usize = 16 * 1024 * 1024;

/// The bytes of a JSON body.
#[derive(Debug)]
pub struct JsonBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let wrong_type = check_type(&parts.headers).err();
        // A sender that waits for leave to send (curl does, above 1 MiB) is told at once.
        let waits = parts.headers.get(EXPECT).is_some();
        if waits && declared(&parts.headers).is_some_and(|n| n > MOST as u64) {
            return Err(too_large(MOST));
        }
        let read = read(body, MOST).await;
        match wrong_type {
            Some(problem) => Err(problem),
            None => Ok(JsonBody(read?)),
        }
    }
}

fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// `application/json`, in UTF-8 if it says so. Also what keeps a web page elsewhere from sending
/// requests here through an operator's browser: it may not set this type without being asked.
fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let problem = |said: &str| {
        Err(Problem::field(
            Kind::UnsupportedMediaType,
            "Content-Type",
            format!("is {said}; must be application/json"),
        ))
    };
    let Some(value) = headers.get(CONTENT_TYPE) else { return problem("missing") };
    let Ok(text) = value.to_str() else { return problem("not ASCII") };
    let (essence, parameter) = text.split_once(';').unwrap_or((text, ""));
    let charset = parameter.trim().to_ascii_lowercase();
    let utf8 = ["", "charset=utf-8", "charset=\"utf-8\""].contains(&charset.as_str());
    if essence.trim().eq_ignore_ascii_case("application/json") && utf8 {
        Ok(())
    } else {
        problem(&format!("'{}'", cut(text, 64)))
    }
}

/// The bytes of any body, if there are at most so many.
pub async fn read(mut body: Body, most: usize) -> Result<Bytes, Problem> {
    let mut kept = BytesMut::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|e| Problem::new(Kind::InvalidBody, "the body ended before it was complete").cause(e))?;
        let Ok(data) = frame.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen <= most {
            kept.extend_from_slice(&data);
        } else if seen > DRAIN {
            break;
        }
    }
    if seen > most { Err(too_large(most)) } else { Ok(kept.freeze()) }
}

fn too_large(most: usize) -> Problem {
    Problem::new(Kind::BodyTooLarge, format!("the body is larger than the {most} bytes allowed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn take(content_type: &str, body: Body) -> Result<usize, (u16, String)> {
        let request = Request::post("/").header(CONTENT_TYPE, content_type).body(body).unwrap();
        match JsonBody::from_request(request, &()).await {
            Ok(body) => Ok(body.0.len()),
            Err(problem) => Err((problem.kind.status().as_u16(), problem.detail)),
        }
    }

    #[tokio::test]
    async fn the_limit_binds_to_the_byte() {
        assert_eq!(take("application/json", Body::from(vec![b' '; MOST])).await, Ok(MOST));
        let over = take("application/json", Body::from(vec![b' '; MOST + 1])).await;
        assert_eq!(over, Err((413, "the body is larger than the 65536 bytes allowed".into())));
    }

    #[tokio::test]
    async fn only_json_in_utf_8_is_taken() {
        for good in ["application/json", "Application/JSON; charset=UTF-8", "application/json;"] {
            assert_eq!(take(good, Body::from("{}")).await, Ok(2), "{good}");
        }
        for bad in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"] {
            let (status, detail) = take(bad, Body::from("{}")).await.unwrap_err();
            assert_eq!(status, 415, "{bad}");
            assert!(detail.contains(bad) && detail.contains("must be application/json"), "{detail}");
        }
        let bare = Request::post("/").body(Body::from("{}")).unwrap();
        assert_eq!(JsonBody::from_request(bare, &()).await.unwrap_err().kind, Kind::UnsupportedMediaType);
    }

    #[tokio::test]
    async fn a_sender_that_asks_first_is_told_before_it_sends() {
        let never = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        let request = Request::post("/")
            .header(CONTENT_TYPE, "application/json")
            .header(CONTENT_LENGTH, 10 << 20)
            .header(EXPECT, "100-continue")
            .body(Body::from_stream(never))
            .unwrap();
        assert_eq!(JsonBody::from_request(request, &()).await.unwrap_err().kind, Kind::BodyTooLarge);
    }

    #[tokio::test]
    async fn an_endless_body_is_not_read_to_its_end() {
        let endless =
            futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![0; 1 << 20])));
        assert_eq!(take("application/json", Body::from_stream(endless)).await.unwrap_err().0, 413);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_the_senders_problem() {
        let broken = futures_util::stream::iter([Ok(Bytes::from("{")), Err(std::io::Error::other("reset"))]);
        assert_eq!(take("application/json", Body::from_stream(broken)).await.unwrap_err().0, 400);
    }
}
