//! Who may ask: nobody but the bearer of the token, or everybody on this machine.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HOST};
use http::uri::Authority;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::problem::{Kind, Problem};

/// How requests prove that they may be made.
#[derive(Clone, PartialEq, Eq)]
pub enum Auth {
    /// No token is configured: loopback only (see [`check_bind`]).
    Open,
    /// SHA-256 of the token. The token itself is not kept.
    Token([u8; 32]),
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Auth::Open => "Open",
            Auth::Token(_) => "Token(..)",
        })
    }
}

/// Fewest characters of a token. 16 random letters and digits hold 95 bits; at the few thousand
/// guesses a second that the service can refuse, 10 digits would last a month.
const SHORTEST_TOKEN: usize = 16;

impl Auth {
    /// Keeps the hash of a token; surrounding white space, as a file's last newline, is not part of it.
    pub fn token(token: &str) -> Result<Auth, String> {
        let token = token.trim();
        if token.len() < SHORTEST_TOKEN || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(format!(
                "the bearer token is not usable: it must have at least {SHORTEST_TOKEN} characters, all visible ASCII"
            ));
        }
        Ok(Auth::Token(hash(token)))
    }

    /// Checks one request.
    fn check(&self, path: &str, headers: &HeaderMap) -> Result<(), Problem> {
        // Their callers cannot send a token: one proves itself by a key of its own, the other by signatures.
        if matches!(path, "/v1/hooks/eventbridge" | "/v1/hooks/sns") {
            return Ok(());
        }
        match self {
            Auth::Open => check_host(headers),
            Auth::Token(_) if matches!(path, "/healthz" | "/readyz") => Ok(()),
            Auth::Token(expected) => {
                let given = bearer(headers).ok_or_else(|| {
                    Problem::new(
                        Kind::Unauthorized,
                        "the request carries no token; send it as 'Authorization: Bearer TOKEN'",
                    )
                })?;
                // Hashes of one length are compared in constant time, so that the time an answer
                // takes says nothing about how much of a guess was right.
                if bool::from(hash(given).ct_eq(expected)) {
                    Ok(())
                } else {
                    Err(Problem::new(
                        Kind::Unauthorized,
                        "the token is not the one this service was started with",
                    ))
                }
            }
        }
    }
}

/// Refuses to listen beyond this machine without a token.
pub fn check_bind(listen: SocketAddr, auth: &Auth) -> Result<(), String> {
    match auth {
        Auth::Token(_) => Ok(()),
        Auth::Open if listen.ip().to_canonical().is_loopback() => Ok(()),
        Auth::Open => Err(format!(
            "server.listen is {listen}, which other machines can reach, and there is no token: set server.token_file \
             or MUSTER_TOKEN, or listen on a loopback address such as 127.0.0.1:{}",
            listen.port()
        )),
    }
}

/// Lets a request pass, or answers it with a problem.
pub async fn guard(State(auth): State<Arc<Auth>>, request: Request, next: Next) -> Result<Response, Problem> {
    auth.check(request.uri().path(), request.headers())?;
    Ok(next.run(request).await)
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Without a token, the browser of whoever sits at this machine is the way in: a page elsewhere
/// can have its own name resolve to 127.0.0.1 and then talk to us as if we were its server. It
/// cannot choose the `Host` that the browser sends. No `Host` at all is not a browser.
fn check_host(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(host) = headers.get(HOST) else { return Ok(()) };
    let authority = host.to_str().ok().and_then(|h| h.parse::<Authority>().ok());
    let name = authority.as_ref().map_or("", Authority::host);
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    if name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|a| a.to_canonical().is_loopback()) {
        Ok(())
    } else {
        Err(Problem::field(
            Kind::ForeignHost,
            "Host",
            "does not name this machine; without a token it must be localhost or a loopback address",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const TOKEN: &str = "correct-horse-battery";

    fn with(name: http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn only_the_bearer_of_the_token_passes() {
        let auth = Auth::token(&format!("{TOKEN}\n")).unwrap();
        let check = |h: &HeaderMap| auth.check("/v1/groups", h).map_err(|p| p.kind);
        assert_eq!(check(&with(AUTHORIZATION, &format!("Bearer {TOKEN}"))), Ok(()));
        assert_eq!(check(&with(AUTHORIZATION, &format!("bearer  {TOKEN}"))), Ok(()));
        for bad in ["", "Bearer", "Bearer ", "Bearer wrong-horse-battery", TOKEN, "Basic Y29ycmVjdA=="] {
            assert_eq!(check(&with(AUTHORIZATION, bad)), Err(Kind::Unauthorized), "{bad}");
        }
        assert_eq!(check(&HeaderMap::new()), Err(Kind::Unauthorized));
    }

    #[test]
    fn health_needs_no_token_and_everything_else_does() {
        let auth = Auth::token(TOKEN).unwrap();
        for open in ["/healthz", "/readyz"] {
            assert_eq!(auth.check(open, &HeaderMap::new()), Ok(()));
        }
        for closed in ["/metrics", "/openapi.json", "/v1/scale-ups", "/healthz/", "/nothing"] {
            assert!(auth.check(closed, &HeaderMap::new()).is_err(), "{closed}");
        }
    }

    #[test]
    fn without_a_token_a_foreign_host_is_refused() {
        let check = |host: &str| Auth::Open.check("/v1/groups", &with(HOST, host)).map_err(|p| p.kind);
        assert_eq!(Auth::Open.check("/v1/groups", &HeaderMap::new()), Ok(()));
        for good in ["localhost", "LOCALHOST:7087", "127.0.0.1:7087", "127.3.2.1", "[::1]:7087"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in
            ["example.com", "127.0.0.1.example.com", "10.0.0.1:7087", "", "localhost.example.com", "[::2]"]
        {
            assert_eq!(check(bad), Err(Kind::ForeignHost), "{bad}");
        }
    }

    #[test]
    fn without_a_token_only_loopback_is_listened_on() {
        let token = Auth::token(TOKEN).unwrap();
        let listen = |s: &str| s.parse::<SocketAddr>().unwrap();
        for loopback in ["127.0.0.1:7087", "127.8.0.1:0", "[::1]:7087", "[::ffff:127.0.0.1]:7087"] {
            assert_eq!(check_bind(listen(loopback), &Auth::Open), Ok(()));
        }
        for open in ["0.0.0.0:7087", "10.1.2.3:80", "[::]:7087", "[2001:db8::1]:7087"] {
            assert!(
                check_bind(listen(open), &Auth::Open).is_err_and(|e| e.contains("MUSTER_TOKEN")),
                "{open}"
            );
            assert_eq!(check_bind(listen(open), &token), Ok(()));
        }
    }

    #[test]
    fn a_token_that_is_easily_guessed_or_cannot_be_sent_is_refused_and_never_shown() {
        for bad in ["", "   ", "short", "a token with spaces in it", "passwort-mit-\u{fc}mlaut"] {
            assert!(
                Auth::token(bad).is_err_and(|e| !e.contains("short") && e.contains("16 characters")),
                "{bad}"
            );
        }
        assert_eq!(format!("{:?}", Auth::token(TOKEN).unwrap()), "Token(..)");
    }
}
