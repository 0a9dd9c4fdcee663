//! Connections, which know how to authorise, and API destinations, which know where to call.

use super::super::arn::arn;
use super::call::{Answer, CreateApiDestination, CreateConnection, DestinationView};
use super::error::{ApiError, Code};
use super::{Events, check_name};

/// A connection.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) arn: String,
    /// Of every invocation, that with the API key among them.
    pub(super) headers: Vec<(String, String)>,
}

/// An API destination.
#[derive(Clone, Debug)]
pub(super) struct Destination {
    pub(super) view: DestinationView,
    /// When the next invocation may be made, microseconds: 300 a second are 3,333 apart.
    pub(super) free_us: i64,
}

const METHODS: [&str; 7] = ["POST", "GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"];

impl Events {
    pub(super) fn create_connection(
        &mut self,
        create: &CreateConnection,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        check_name(&create.name)?;
        if self.connections.contains_key(&create.name) {
            return Err(exists("Connection", &create.name));
        }
        if create.authorization != "API_KEY" {
            return Err(ApiError::invalid("Only the authorization type API_KEY is simulated."));
        }
        let key = create.api_key.clone();
        let key = key.ok_or_else(|| ApiError::missing("authParameters.apiKeyAuthParameters"))?;
        let headers: Vec<(String, String)> = std::iter::once(key).chain(create.headers.clone()).collect();
        check_headers(&headers)?;
        let id = self.draw().uuid();
        let arn = arn("events", &self.settings.region, &format!("connection/{}/{id}", create.name));
        self.connections.insert(create.name.clone(), Connection { arn: arn.clone(), headers });
        Ok(Answer::Connection { arn, created_ms: now_ms })
    }

    pub(super) fn delete_connection(&mut self, name: &str) -> Result<Answer, ApiError> {
        let gone = self.connections.remove(name);
        let gone = gone.ok_or_else(|| ApiError::not_found(format!("Connection '{name}'")))?;
        Ok(Answer::Connection { arn: gone.arn, created_ms: 0 })
    }

    pub(super) fn create_api_destination(
        &mut self,
        create: &CreateApiDestination,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        check_name(&create.name)?;
        if self.destinations.contains_key(&create.name) {
            return Err(exists("An api-destination", &create.name));
        }
        if !self.connections.values().any(|c| c.arn == create.connection_arn) {
            return Err(ApiError::not_found(format!("Connection '{}'", create.connection_arn)));
        }
        let secure = create.endpoint.starts_with("https://");
        if !secure && (self.settings.events.https_only || !create.endpoint.starts_with("http://")) {
            return Err(ApiError::invalid("Parameter InvocationEndpoint is not a valid HTTPS URL."));
        }
        if !METHODS.contains(&create.method.as_str()) {
            return Err(ApiError::invalid(format!("'{}' is no HttpMethod.", create.method)));
        }
        let most = self.settings.events.invocations_per_second;
        let asked = create.rate.unwrap_or(i64::from(most));
        let asked = u32::try_from(asked).ok().filter(|n| *n >= 1);
        let rate = asked.ok_or_else(|| ApiError::invalid("InvocationRateLimitPerSecond is at least 1."))?;
        let id = self.draw().uuid();
        let view = DestinationView {
            created: true,
            arn: arn("events", &self.settings.region, &format!("api-destination/{}/{id}", create.name)),
            name: create.name.clone(),
            description: create.description.clone(),
            connection_arn: create.connection_arn.clone(),
            endpoint: create.endpoint.clone(),
            method: create.method.clone(),
            rate: rate.min(most),
            created_ms: now_ms,
        };
        let destination = Destination { view: view.clone(), free_us: i64::MIN };
        self.destinations.insert(create.name.clone(), destination);
        Ok(Answer::Destination(Box::new(view)))
    }

    pub(super) fn describe_api_destination(&self, name: &str) -> Result<Answer, ApiError> {
        let destination = self.destinations.get(name).ok_or_else(|| no_destination(name))?;
        Ok(Answer::Destination(Box::new(DestinationView { created: false, ..destination.view.clone() })))
    }

    pub(super) fn delete_api_destination(&mut self, name: &str) -> Result<Answer, ApiError> {
        self.destinations.remove(name).map(|_| Answer::Done).ok_or_else(|| no_destination(name))
    }

    pub(super) fn headers_of(&self, connection_arn: &str) -> Vec<(String, String)> {
        let connection = self.connections.values().find(|c| c.arn == connection_arn);
        connection.map(|c| c.headers.clone()).unwrap_or_default()
    }
}

impl Destination {
    /// When the next invocation is made, milliseconds; the one after it comes later by the rate.
    pub(super) fn next_ms(&mut self, now_ms: i64) -> i64 {
        let at_us = self.free_us.max(now_ms.saturating_mul(1_000));
        self.free_us = at_us + 1_000_000 / i64::from(self.view.rate);
        // Up, so that none is made too early.
        at_us.div_euclid(1_000) + i64::from(at_us.rem_euclid(1_000) > 0)
    }
}

/// Header names and values that HTTP can carry.
pub(super) fn check_headers(headers: &[(String, String)]) -> Result<(), ApiError> {
    for (name, value) in headers {
        let fine = http::HeaderName::from_bytes(name.as_bytes()).is_ok()
            && http::HeaderValue::from_str(value).is_ok();
        if !fine {
            return Err(ApiError::invalid(format!("'{name}' is no header, or its value is none.")));
        }
    }
    Ok(())
}

fn exists(what: &str, name: &str) -> ApiError {
    ApiError::new(Code::ResourceAlreadyExistsException, format!("{what} '{name}' already exists."))
}

fn no_destination(name: &str) -> ApiError {
    ApiError::not_found(format!("An api-destination '{name}'"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn a_destination_needs_a_connection_and_an_address() {
        let mut events = events();
        let connection = connect(&mut events, "c");
        assert_eq!(
            events.create_connection(&connection_named("c"), 0).unwrap_err().code,
            Code::ResourceAlreadyExistsException
        );
        let create = |connection_arn: &str, endpoint: &str, rate| CreateApiDestination {
            name: "d".into(),
            connection_arn: connection_arn.into(),
            endpoint: endpoint.into(),
            method: "POST".into(),
            rate,
            description: None,
        };
        let mut code = |c: &CreateApiDestination| events.create_api_destination(c, 0).err().map(|e| e.code);
        assert_eq!(code(&create("arn:x", URL, None)), Some(Code::ResourceNotFoundException));
        assert_eq!(code(&create(&connection, "ftp://x", None)), Some(Code::ValidationException));
        assert_eq!(code(&create(&connection, URL, Some(0))), Some(Code::ValidationException));
        assert_eq!(code(&create(&connection, URL, Some(1_000))), None);
        assert_eq!(code(&create(&connection, URL, None)), Some(Code::ResourceAlreadyExistsException));
        let Ok(Answer::Destination(view)) = events.describe_api_destination("d") else { panic!("not there") };
        assert_eq!((view.rate, view.endpoint.as_str(), view.created), (300, URL, false));
        events.delete_api_destination("d").unwrap();
        assert!(events.delete_api_destination("d").is_err());
    }

    #[test]
    fn other_authorizations_and_headers_are_refused() {
        let mut events = events();
        let basic = CreateConnection { authorization: "BASIC".into(), ..connection_named("c") };
        assert_eq!(events.create_connection(&basic, 0).unwrap_err().code, Code::ValidationException);
        let bad =
            CreateConnection { api_key: Some(("x-key".into(), "a\nb".into())), ..connection_named("c") };
        assert_eq!(events.create_connection(&bad, 0).unwrap_err().code, Code::ValidationException);
    }

    #[test]
    fn invocations_keep_their_distance() {
        let mut events = events();
        destination(&mut events, "d", 300);
        let d = events.destinations.get_mut("d").unwrap();
        let at: Vec<i64> = (0..4).map(|_| d.next_ms(0)).collect();
        assert_eq!(at, [0, 4, 7, 10]);
        assert_eq!(d.next_ms(5_000), 5_000);
    }
}
