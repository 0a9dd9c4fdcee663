//! One AWS account in one Region: who we are there, and the sockets and turns that its clients share.

use std::error::Error;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::config::Credentials;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use super::cloudwatch::Protocol;
use super::failure;
use super::http::{Answers, PaidHttp};
use crate::decide::event::CallError;
use crate::net::fds::{FdClass, Fds};
use crate::time::Clock;

/// Where AWS is and who we are there.
#[derive(Clone, PartialEq, Eq)]
pub struct AwsSettings {
    pub region: String,
    /// Another endpoint than AWS's own, for all services: `LocalStack`, moto, the simulated AWS.
    pub endpoint: Option<String>,
    /// The longest a call may take, in muster's time; what took longer may have happened or not.
    pub call_timeout: Duration,
    /// What CloudWatch is asked in.
    pub metrics: Protocol,
    /// Fixed keys; without them the SDK's usual chain (environment, profile, container, instance).
    pub keys: Option<AwsKeys>,
}

/// A pair of access keys. Has no `Debug`, so that it cannot get into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct AwsKeys {
    pub id: String,
    pub secret: String,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    #[error("the endpoint '{endpoint}' is not a URL with a host, such as http://127.0.0.1:4566")]
    Endpoint { endpoint: String },
    #[error("no trusted TLS roots: install the system's CA certificates (Debian: ca-certificates)")]
    Roots(#[source] io::Error),
    #[error("the SDK refuses our name: {0}")]
    Name(String),
}

/// What the clients of one account share. Clones share it too.
#[derive(Clone, Debug)]
pub struct Account {
    shared: SdkConfig,
    http: PaidHttp,
    calls: Calls,
    metrics: Protocol,
}

impl Account {
    /// Asks nobody anything: credentials are looked for when the first call needs them.
    ///
    /// # Errors
    /// The settings cannot be used, or the machine has no trusted TLS roots.
    pub async fn new(settings: &AwsSettings, fds: Arc<Fds>, clock: Clock) -> Result<Account, AwsError> {
        if let Some(endpoint) = &settings.endpoint {
            let uri =
                endpoint.parse::<http::Uri>().ok().filter(|u| u.scheme().is_some() && u.host().is_some());
            uri.ok_or_else(|| AwsError::Endpoint { endpoint: endpoint.clone() })?;
        }
        let turns = Arc::new(Semaphore::new(fds.share(FdClass::Cloud) as usize));
        let plain = settings.endpoint.as_ref().is_some_and(|e| e.starts_with("http://"));
        let http = PaidHttp::new(fds, clock, plain).map_err(AwsError::Roots)?;

        let mut shared = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(settings.region.clone()))
            .app_name(AppName::new("muster").map_err(|e| AwsError::Name(e.to_string()))?)
            .http_client(http.clone());
        if let Some(endpoint) = &settings.endpoint {
            shared = shared.endpoint_url(endpoint);
        }
        if let Some(AwsKeys { id, secret }) = &settings.keys {
            shared =
                shared.credentials_provider(Credentials::new(id, secret, None, None, "muster's settings"));
        }
        let calls = Calls { turns, clock, call_timeout: settings.call_timeout };
        Ok(Account { shared: shared.load().await, http, calls, metrics: settings.metrics })
    }

    /// What one service's client is made from.
    pub(super) fn config(&self, answers: Answers) -> SdkConfig {
        self.shared
            .to_builder()
            .http_client(self.http.accepting(answers))
            // The SDK would retry what must be metered and settled by us (aws-facts 1.4), and its
            // clocks run on the wall's time.
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build()
    }

    /// The connections, for what is sent without the SDK.
    pub(super) fn http(&self, answers: Answers) -> PaidHttp {
        self.http.accepting(answers)
    }

    pub(super) fn metrics(&self) -> Protocol {
        self.metrics
    }

    pub(super) fn calls(&self) -> Calls {
        self.calls.clone()
    }
}

/// The calls of all clients of an account: as many at once as there are sockets for them, each within
/// its time.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    /// The wait for a socket is before the call, not in it, so that it is not taken for the cloud's
    /// slowness. All clients take from the same sockets, so all wait here.
    turns: Arc<Semaphore>,
    clock: Clock,
    call_timeout: Duration,
}

impl Calls {
    /// One request, within the time for a call.
    pub(super) fn make<'a, T: 'a, E>(
        &'a self,
        send: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, CallError>>
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        self.make_patiently(Duration::ZERO, send)
    }

    /// One request that AWS may keep waiting for so long, in muster's time, before it begins to answer.
    pub(super) fn make_patiently<'a, T: 'a, E>(
        &'a self,
        kept: Duration,
        send: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, CallError>>
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        // The SDK's futures are 13 kB and more.
        let send = Box::pin(async { send.await.map_err(|e| failure::of(&e)) });
        Box::pin(self.turn(kept, send))
    }

    /// Waits for a socket, then for the answer.
    pub(super) async fn turn<T>(
        &self,
        kept: Duration,
        send: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        let _turn = self.turns.acquire().await;
        let answer = self.clock.timeout(self.call_timeout.saturating_add(kept), send).await;
        answer.unwrap_or_else(|elapsed| Err(failure::timed_out(elapsed)))
    }
}
