//! Signs and sends.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use aws_config::SdkConfig;
use aws_sdk_sqs::config::{Credentials, ProvideCredentials};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_types::body::SdkBody;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderValue, Request, Uri};

use super::super::account::{Account, Calls};
use super::super::http::{Answers, PaidHttp, causes};
use super::super::{Outcome, failure};
use super::{CloudWatch, MetricPage, MetricQuery, Protocol, document, query};
use crate::decide::event::CallError;
use crate::decide::words::Time;
use crate::time::wall_now;

const TARGET: &str = "GraniteServiceVersion20100801.GetMetricData";
const JSON_1_0: &str = "application/x-amz-json-1.0";
const FORM: &str = "application/x-www-form-urlencoded";
/// The name that its requests are signed with, also the first part of its host.
const SERVICE: &str = "monitoring";

/// Credentials are replaced so long before they expire. Shorter: a request may be on its way when they
/// do. Longer: roles may give credentials of no more than 15 minutes.
const BEFORE_EXPIRY: Duration = Duration::from_secs(5 * 60);

/// CloudWatch in one Region.
#[derive(Clone, Debug)]
pub struct AwsCloudWatch {
    config: SdkConfig,
    http: PaidHttp,
    calls: Calls,
    protocol: Protocol,
    /// The ones used last. The chain behind them may ask the instance or STS anew each time.
    credentials: Arc<Mutex<Option<Credentials>>>,
}

impl AwsCloudWatch {
    /// A client of this account.
    #[must_use]
    pub fn of(account: &Account) -> AwsCloudWatch {
        let protocol = account.metrics();
        let answers = match protocol {
            Protocol::Json => Answers::WholeJson,
            Protocol::Query => Answers::WholeXml,
        };
        AwsCloudWatch {
            config: account.config(answers),
            http: account.http(answers),
            calls: account.calls(),
            protocol,
            credentials: Arc::default(),
        }
    }

    async fn send(&self, body: Vec<u8>) -> Result<Vec<u8>, CallError> {
        let credentials = self.credentials().await?;
        let request = self.signed(body, credentials).map_err(failure::not_sent)?;
        let answer = self.http.exchange(request).await.map_err(|e| failure::of_http(&e))?;
        let (head, body) = answer.into_parts();
        let status = head.status.as_u16();
        if head.status.is_success() {
            return Ok(body.to_vec());
        }
        let refusal = match self.protocol {
            Protocol::Json => document::refusal(&body),
            Protocol::Query => query::refusal(&body),
        };
        Err(match refusal {
            Some((code, message)) => failure::in_words(&code, status, &message),
            None => failure::without_words(status, &body),
        })
    }

    async fn credentials(&self) -> Result<Credentials, CallError> {
        let kept = self.credentials.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(kept) = kept.filter(|c| c.expiry().is_none_or(|end| end > at(wall_now()) + BEFORE_EXPIRY))
        {
            return Ok(kept);
        }
        let provider = self.config.credentials_provider();
        let provider = provider.ok_or_else(|| failure::not_sent("there are no credentials".into()))?;
        let fresh = provider.provide_credentials().await.map_err(|e| failure::not_sent(causes(&e)))?;
        *self.credentials.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh.clone());
        Ok(fresh)
    }

    /// The request, with the signature that AWS asks for.
    fn signed(&self, body: Vec<u8>, credentials: Credentials) -> Result<Request<SdkBody>, String> {
        let region = self.config.region().map_or("", AsRef::as_ref);
        let uri = endpoint(self.config.endpoint_url(), region).parse::<Uri>().map_err(|e| e.to_string())?;
        let host = uri.authority().map(ToString::to_string).ok_or("the endpoint has no host")?;
        let (content, target) = match self.protocol {
            Protocol::Json => (JSON_1_0, Some(("x-amz-target", TARGET))),
            Protocol::Query => (FORM, None),
        };
        let headers = [("content-type", content), ("host", host.as_str())].into_iter().chain(target);
        let identity = credentials.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(SERVICE)
            .time(at(wall_now()))
            .settings(SigningSettings::default())
            .build()
            .map_err(|e| e.to_string())?
            .into();
        let uri_text = uri.to_string();
        let signable = SignableRequest::new("POST", &uri_text, headers, SignableBody::Bytes(&body))
            .map_err(|e| causes(&e))?;
        let (signature, _) = sign(signable, &params).map_err(|e| causes(&e))?.into_parts();
        let request = Request::post(uri)
            .header(CONTENT_TYPE, content)
            .header(HOST, HeaderValue::from_str(&host).map_err(|e| e.to_string())?);
        let mut request = target
            .into_iter()
            .fold(request, |request, (name, value)| request.header(name, value))
            .body(SdkBody::from(body))
            .map_err(|e| e.to_string())?;
        signature.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

impl CloudWatch for AwsCloudWatch {
    fn metric_data<'a>(
        &'a self,
        queries: &'a [MetricQuery],
        from: Time,
        until: Time,
        page: Option<&'a str>,
    ) -> Outcome<'a, MetricPage> {
        Box::pin(async move {
            if queries.is_empty() {
                return Ok(MetricPage { series: Vec::new(), next: None });
            }
            let body = match self.protocol {
                Protocol::Json => document::request(queries, from, until, page).map_err(|e| e.to_string()),
                Protocol::Query => query::request(queries, from, until, page),
            };
            let answer = self.calls.turn(Duration::ZERO, self.send(body.map_err(failure::not_sent)?)).await?;
            let read = match self.protocol {
                Protocol::Json => document::answer(&answer, queries.len()),
                Protocol::Query => query::answer(&answer, queries.len()),
            };
            read.map_err(failure::unreadable)
        })
    }
}

/// Where CloudWatch is: the endpoint of the settings, or AWS's own, with a path.
fn endpoint(given: Option<&str>, region: &str) -> String {
    let china = if region.starts_with("cn-") { ".cn" } else { "" };
    let own = || format!("https://{SERVICE}.{region}.amazonaws.com{china}");
    format!("{}/", given.map_or_else(own, |g| g.trim_end_matches('/').to_owned()))
}

/// On the wall, whatever the scale of muster's time: AWS checks that a signature is young.
fn at(t: Time) -> std::time::SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(t.0).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_the_given_one_or_the_regions() {
        assert_eq!(endpoint(None, "eu-west-1"), "https://monitoring.eu-west-1.amazonaws.com/");
        assert_eq!(endpoint(None, "cn-north-1"), "https://monitoring.cn-north-1.amazonaws.com.cn/");
        assert_eq!(endpoint(Some("http://127.0.0.1:4566"), "x"), "http://127.0.0.1:4566/");
        assert_eq!(endpoint(Some("http://127.0.0.1:4566/"), "x"), "http://127.0.0.1:4566/");
    }
}
