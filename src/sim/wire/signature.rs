//! Signature Version 4, checked: in the header `authorization`, or presigned in the query.
//!
//! The request is put into its canonical form again, as it came over the wire, and signed with the
//! key that it names; whoever signed it must have come to the same.

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use http::request::Parts;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::form_urlencoded;

use super::super::settings::Keys;
use super::refused::Refused;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// How far a signature's time may be from the service's: five minutes either way.
const SKEW_MAX_MS: i64 = 5 * 60 * 1_000;
/// Longest life of a presigned request: a week.
const EXPIRES_MAX_S: i64 = 7 * 24 * 3_600;

/// Whom the signature is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Audience<'a> {
    pub(super) region: &'a str,
    /// The service's name in signatures.
    pub(super) service: &'a str,
    /// The service's own time, milliseconds since the epoch.
    pub(super) now_ms: i64,
}

/// What a request says about its signature.
struct Claim {
    key_id: String,
    /// `20260102/us-east-1/ec2/aws4_request`
    scope: String,
    signed_headers: String,
    signature: String,
    /// `20260102T030405Z`
    date: String,
    /// Seconds, of a presigned request.
    expires_s: Option<i64>,
}

/// Is the request signed with one of these keys, for this service, now?
pub(super) fn check(head: &Parts, body: &[u8], keys: &Keys, to: Audience<'_>) -> Result<(), Refused> {
    let claim = Claim::of(head)?;
    let secret = keys.get(&claim.key_id).ok_or(Refused::UnknownKey)?;
    claim.check_time(to.now_ms)?;
    let parts: Vec<&str> = claim.scope.split('/').collect();
    let [day, region, service, "aws4_request"] = parts[..] else {
        return Err(Refused::Incomplete(
            "Credential must have a date, a region, a service and 'aws4_request'",
        ));
    };
    if !claim.date.starts_with(day) {
        let message =
            format!("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: {day}");
        return Err(Refused::Scope(message));
    }
    if region != to.region {
        let message = format!("Credential should be scoped to a valid region, not '{region}'.");
        return Err(Refused::Scope(message));
    }
    if service != to.service {
        let message = format!("Credential should be scoped to correct service: '{}'.", to.service);
        return Err(Refused::Scope(message));
    }
    let expected = claim.signature_with(secret, &canonical(head, body, &claim)?)?;
    if bool::from(expected.as_bytes().ct_eq(claim.signature.as_bytes())) {
        Ok(())
    } else {
        Err(Refused::Wrong)
    }
}

impl Claim {
    fn of(head: &Parts) -> Result<Claim, Refused> {
        if let Some(value) = head.headers.get(http::header::AUTHORIZATION) {
            return Claim::in_header(value.to_str().unwrap_or_default(), &head.headers);
        }
        let query = head.uri.query().unwrap_or_default();
        let field = |name: &str| {
            let found = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned())
        };
        if field("X-Amz-Algorithm").is_none_or(|algorithm| algorithm != ALGORITHM) {
            return Err(Refused::Missing);
        }
        let needed = |name, why| field(name).ok_or(Refused::Incomplete(why));
        let credential = needed("X-Amz-Credential", "X-Amz-Credential is missing")?;
        let (key_id, scope) =
            credential.split_once('/').ok_or(Refused::Incomplete("X-Amz-Credential has no scope"))?;
        let expires_s = needed("X-Amz-Expires", "X-Amz-Expires is missing")?.parse().ok();
        let expires_s = expires_s.filter(|s| (1..=EXPIRES_MAX_S).contains(s));
        Ok(Claim {
            key_id: key_id.into(),
            scope: scope.into(),
            signed_headers: needed("X-Amz-SignedHeaders", "X-Amz-SignedHeaders is missing")?,
            signature: needed("X-Amz-Signature", "X-Amz-Signature is missing")?,
            date: needed("X-Amz-Date", "X-Amz-Date is missing")?,
            expires_s: Some(
                expires_s.ok_or(Refused::Incomplete("X-Amz-Expires must be 1 to 604800 seconds"))?,
            ),
        })
    }

    /// `AWS4-HMAC-SHA256 Credential=ID/SCOPE, SignedHeaders=a;b, Signature=HEX`
    fn in_header(value: &str, headers: &HeaderMap) -> Result<Claim, Refused> {
        let fields = value.strip_prefix(ALGORITHM).ok_or(Refused::Missing)?;
        let field = |name: &str| {
            let parts = fields.split([',', ' ']).filter_map(|part| part.split_once('='));
            parts.clone().find(|(key, _)| *key == name).map(|(_, value)| value.to_string())
        };
        let needed = |name, why| field(name).ok_or(Refused::Incomplete(why));
        let credential = needed("Credential", "Authorization header requires 'Credential' parameter.")?;
        let (key_id, scope) =
            credential.split_once('/').ok_or(Refused::Incomplete("Credential has no scope"))?;
        let date = headers.get("x-amz-date").and_then(|date| date.to_str().ok());
        Ok(Claim {
            key_id: key_id.into(),
            scope: scope.into(),
            signed_headers: needed(
                "SignedHeaders",
                "Authorization header requires 'SignedHeaders' parameter.",
            )?,
            signature: needed("Signature", "Authorization header requires 'Signature' parameter.")?,
            date: date.ok_or(Refused::Incomplete("The header X-Amz-Date is missing"))?.into(),
            expires_s: None,
        })
    }

    fn check_time(&self, now_ms: i64) -> Result<(), Refused> {
        let signed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", &self.date)
            .and_then(|at| at.to_zoned(jiff::tz::TimeZone::UTC));
        let signed_ms = match signed {
            Ok(at) => at.timestamp().as_millisecond(),
            Err(_) => return Err(Refused::Incomplete("The date must be in ISO 8601 basic format")),
        };
        let last_ms = signed_ms + self.expires_s.map_or(SKEW_MAX_MS, |s| s * 1_000);
        if now_ms > last_ms {
            return Err(Refused::Expired { signed: self.date.clone(), early: false });
        }
        if now_ms < signed_ms - SKEW_MAX_MS {
            return Err(Refused::Expired { signed: self.date.clone(), early: true });
        }
        Ok(())
    }

    /// The signature of this canonical request under the claimed scope, in hexadecimal.
    fn signature_with(&self, secret: &str, canonical: &str) -> Result<String, Refused> {
        let to_sign =
            format!("{ALGORITHM}\n{}\n{}\n{}", self.date, self.scope, hex(&Sha256::digest(canonical)));
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in self.scope.split('/') {
            key = hmac(&key, part)?;
        }
        Ok(hex(&hmac(&key, &to_sign)?))
    }
}

/// The request as it was signed.
fn canonical(head: &Parts, body: &[u8], claim: &Claim) -> Result<String, Refused> {
    let mut headers = String::new();
    for name in claim.signed_headers.split(';') {
        let mut values = Vec::new();
        for value in head.headers.get_all(name) {
            let text = std::str::from_utf8(value.as_bytes()).map_err(|_| Refused::Wrong)?;
            values.push(text.split_ascii_whitespace().collect::<Vec<_>>().join(" "));
        }
        headers.extend([name, ":", &values.join(","), "\n"]);
    }
    Ok(format!(
        "{}\n{}\n{}\n{headers}\n{}\n{}",
        head.method,
        // Paths are encoded once for the wire and once more for the signature.
        encoded(head.uri.path(), |byte| byte == b'/'),
        canonical_query(head.uri.query().unwrap_or_default()),
        claim.signed_headers,
        hex(&Sha256::digest(body)),
    ))
}

/// All parameters but the signature itself, encoded and in order.
fn canonical_query(query: &str) -> String {
    let pairs = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "X-Amz-Signature");
    let mut pairs: Vec<(String, String)> =
        pairs.map(|(name, value)| (encoded(&name, |_| false), encoded(&value, |_| false))).collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Percent-encoded, but for RFC 3986's unreserved characters and what is `kept`.
fn encoded(text: &str, kept: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') || kept(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend(digits(byte).map(|digit| digit.to_ascii_uppercase()));
        }
    }
    out
}

fn hmac(key: &[u8], data: &str) -> Result<Vec<u8>, Refused> {
    // HMAC takes keys of any length; the type of the interface does not say so.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| Refused::Wrong)?;
    mac.update(data.as_bytes());
    Ok(mac.finalize().into_bytes().to_vec())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().copied().flat_map(digits).collect()
}

/// The byte in hexadecimal.
fn digits(byte: u8) -> [char; 2] {
    [byte >> 4, byte & 0xf].map(|half| char::from_digit(u32::from(half), 16).unwrap_or('0'))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    /// The key of AWS's published test vectors, which botocore's were made with too.
    const KEY_ID: &str = "AKIDEXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    /// 2015-08-30T12:36:00Z, of AWS's vectors.
    const AWS_MS: i64 = 1_440_938_160_000;
    /// 2026-11-22T03:04:05Z, of botocore's.
    const BOTOCORE_MS: i64 = 1_795_316_645_000;

    struct Vector {
        request: Request<()>,
        body: &'static [u8],
        service: &'static str,
        signed_ms: i64,
    }

    impl Vector {
        fn check_at(&self, now_ms: i64) -> Result<(), Refused> {
            let keys = Keys::from([(KEY_ID.to_string(), SECRET.to_string())]);
            self.check_with(&keys, Audience { region: "us-east-1", service: self.service, now_ms })
        }

        fn check_with(&self, keys: &Keys, to: Audience<'_>) -> Result<(), Refused> {
            let (head, ()) = self.request.clone().into_parts();
            check(&head, self.body, keys, to)
        }
    }

    fn authorization(scope: &str, headers: &str, signature: &str) -> String {
        format!(
            "{ALGORITHM} Credential={KEY_ID}/{scope}/aws4_request, SignedHeaders={headers}, Signature={signature}"
        )
    }

    /// One of AWS's test suite (`aws-signing-test-suite/v4` of the crate aws-sigv4).
    fn published(uri: &str, headers: &[(&str, &str)], signed: &str, signature: &str) -> Vector {
        let mut request = Request::get(uri)
            .header("host", "example.amazonaws.com")
            .header("x-amz-date", "20150830T123600Z")
            .header("authorization", authorization("20150830/us-east-1/service", signed, signature));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Vector { request: request.body(()).unwrap(), body: b"", service: "service", signed_ms: AWS_MS }
    }

    fn vectors() -> Vec<Vector> {
        let plain = "host;x-amz-date";
        vec![
            // get-vanilla
            published("/", &[], plain, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            // get-vanilla-query-order-encoded
            published(
                "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
                &[],
                plain,
                "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
            ),
            // get-header-value-trim
            published(
                "/",
                &[("my-header1", "value1"), ("my-header2", "\"a   b   c\"")],
                "host;my-header1;my-header2;x-amz-date",
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
            ),
            ec2(),
            // botocore 1.44.5, SigV4Auth, with a session token, over a path that is encoded twice.
            Vector {
                request: Request::post("/service/GraniteServiceVersion20100801/operation/Get%20Metric")
                    .header("host", "127.0.0.1:4566")
                    .header("content-type", "application/cbor")
                    .header("x-amz-thing", "two   spaces")
                    .header("x-amz-date", "20261122T030405Z")
                    .header("x-amz-security-token", "a/session+token==")
                    .header(
                        "authorization",
                        authorization(
                            "20261122/us-east-1/monitoring",
                            "content-type;host;x-amz-date;x-amz-security-token;x-amz-thing",
                            "d0792aad39325e8be33e70363b6ed564f7f72860a53ed20ed975e2af670168ac",
                        ),
                    )
                    .body(())
                    .unwrap(),
                body: b"\xa0",
                service: "monitoring",
                signed_ms: BOTOCORE_MS,
            },
            presigned(),
        ]
    }

    /// botocore 1.44.5, `SigV4Auth`.
    fn ec2() -> Vector {
        let signature = "b325a5546b1580492c156b1e7f34d088a95a984384fafae22261d52e2a9c941f";
        Vector {
            request: Request::post("/")
                .header("host", "127.0.0.1:4566")
                .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
                .header("x-amz-date", "20261122T030405Z")
                .header(
                    "authorization",
                    authorization("20261122/us-east-1/ec2", "content-type;host;x-amz-date", signature),
                )
                .body(())
                .unwrap(),
            body: b"Action=DescribeInstances&Version=2016-11-15&MaxResults=5",
            service: "ec2",
            signed_ms: BOTOCORE_MS,
        }
    }

    /// botocore 1.44.5, `SigV4QueryAuth`, for 60 seconds.
    fn presigned() -> Vector {
        let uri = "/?Version=2016-11-15&Action=DescribeInstances&Filter.1.Name=tag%3AName&Filter.1.Value.1=a%20b%2Fc~d\
             &X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261122%2Fus-east-1%2Fec2%2Faws4_request\
             &X-Amz-Date=20261122T030405Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host\
             &X-Amz-Signature=2f4e27f7c0c3e3d2029f7c47d6b2403941fcbebde19b3c55a3e6c60855c301d2";
        let request = Request::get(uri).header("host", "127.0.0.1:4566").body(()).unwrap();
        Vector { request, body: b"", service: "ec2", signed_ms: BOTOCORE_MS }
    }

    #[test]
    fn what_others_signed_is_accepted() {
        for (i, vector) in vectors().iter().enumerate() {
            assert_eq!(vector.check_at(vector.signed_ms), Ok(()), "vector {i}");
        }
    }

    #[test]
    fn anything_changed_is_refused() {
        for (i, vector) in vectors().into_iter().enumerate() {
            let now_ms = vector.signed_ms;
            let body = Vector { body: b"Action=TerminateInstances", ..vector };
            assert_eq!(body.check_at(now_ms), Err(Refused::Wrong), "body of vector {i}");
            let mut host = Vector { body: b"", ..body };
            host.request.headers_mut().insert("host", http::HeaderValue::from_static("elsewhere"));
            assert_eq!(host.check_at(now_ms), Err(Refused::Wrong), "host of vector {i}");
        }
        let mut more = presigned();
        *more.request.uri_mut() = format!("{}&DryRun=true", more.request.uri()).parse().unwrap();
        assert_eq!(more.check_at(BOTOCORE_MS), Err(Refused::Wrong));
        let wrong = Keys::from([(KEY_ID.to_string(), "another".to_string())]);
        let to = Audience { region: "us-east-1", service: "ec2", now_ms: BOTOCORE_MS };
        assert_eq!(ec2().check_with(&wrong, to), Err(Refused::Wrong));
        assert_eq!(ec2().check_with(&Keys::new(), to), Err(Refused::UnknownKey));
    }

    #[test]
    fn a_signature_is_good_for_five_minutes_and_a_presigned_one_as_long_as_it_says() {
        let expired = |early| Err(Refused::Expired { signed: "20261122T030405Z".into(), early });
        for (vector, last_s) in [(ec2(), 300), (presigned(), 60)] {
            let at = |s: i64| vector.check_at(BOTOCORE_MS + s * 1_000);
            assert_eq!((at(-300), at(last_s)), (Ok(()), Ok(())));
            assert_eq!((at(-301), at(last_s + 1)), (expired(true), expired(false)));
        }
    }

    #[test]
    fn it_must_be_for_this_service_and_region() {
        let keys = Keys::from([(KEY_ID.to_string(), SECRET.to_string())]);
        let at = |region, service| {
            let refused = ec2().check_with(&keys, Audience { region, service, now_ms: BOTOCORE_MS });
            matches!(refused, Err(Refused::Scope(_)))
        };
        assert_eq!(
            (at("us-east-1", "ec2"), at("us-east-1", "sqs"), at("eu-west-1", "ec2")),
            (false, true, true)
        );
    }

    #[test]
    fn half_a_signature_says_what_is_missing() {
        let with = |value: &str| {
            let mut vector = ec2();
            let value = http::HeaderValue::try_from(value).unwrap();
            vector.request.headers_mut().insert("authorization", value);
            vector.check_at(BOTOCORE_MS)
        };
        assert_eq!(with("Bearer x"), Err(Refused::Missing));
        for value in ["AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 unchecked", "AWS4-HMAC-SHA256 Credential=a/b/c"] {
            assert!(matches!(with(value), Err(Refused::Incomplete(_))), "{value}");
        }
        let mut none = ec2();
        none.request.headers_mut().remove("authorization");
        assert_eq!(none.check_at(BOTOCORE_MS), Err(Refused::Missing));
        let mut no_date = ec2();
        no_date.request.headers_mut().remove("x-amz-date");
        assert!(matches!(no_date.check_at(BOTOCORE_MS), Err(Refused::Incomplete(_))));
    }
}
