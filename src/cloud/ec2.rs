//! EC2 over AWS's SDK.

use std::sync::Arc;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::operation::describe_instances::builders::DescribeInstancesFluentBuilder;
use aws_sdk_ec2::types::{AttributeBooleanValue, Filter, Instance, InstanceAttributeName, Reservation, Tag};
use futures_util::future::BoxFuture;

use super::account::{Account, Calls};
pub use super::account::{AwsError, AwsKeys, AwsSettings};
use super::http::Answers;
use super::{Ec2, answer, failure, request};
use crate::decide::event::{CallError, Ec2State, Seen};
use crate::decide::group::LaunchBody;
use crate::decide::words::Ec2Id;
use crate::net::fds::Fds;
use crate::time::Clock;

/// Most pages of one describe. 1,000 ids fit on one; a token that leads nowhere must not lead us
/// round for ever.
const PAGES: usize = 100;

/// EC2 in one Region. One call of a method is one request, but for a describe with several pages.
#[derive(Debug)]
pub struct AwsEc2 {
    client: Client,
    calls: Calls,
}

impl AwsEc2 {
    /// A client of an account of its own.
    ///
    /// # Errors
    /// As for [`Account::new`].
    pub async fn new(settings: &AwsSettings, fds: Arc<Fds>, clock: Clock) -> Result<AwsEc2, AwsError> {
        Ok(AwsEc2::of(&Account::new(settings, fds, clock).await?))
    }

    /// A client of this account.
    #[must_use]
    pub fn of(account: &Account) -> AwsEc2 {
        AwsEc2 { client: Client::new(&account.config(Answers::WholeXml)), calls: account.calls() }
    }
}

impl AwsEc2 {
    /// Every instance on every page that passes.
    async fn read_all(
        &self,
        request: DescribeInstancesFluentBuilder,
        passes: impl Fn(&Instance) -> bool,
    ) -> Result<Vec<Seen>, CallError> {
        let mut seen = Vec::new();
        let mut next = None;
        for _ in 0..PAGES {
            let page = self.calls.make(request.clone().set_next_token(next).send()).await?;
            let instances = page.reservations().iter().flat_map(Reservation::instances);
            seen.extend(answer::seen(instances.filter(|i| passes(i))).map_err(failure::unreadable)?);
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(seen);
            }
        }
        Err(failure::unreadable(format!("{PAGES} pages and no end")))
    }
}

impl Ec2 for AwsEc2 {
    fn run_instances<'a>(&'a self, body: &'a LaunchBody) -> BoxFuture<'a, Result<Vec<Seen>, CallError>> {
        Box::pin(async move {
            let request = request::run_instances(body);
            let answer = self.calls.make(request.send_with(&self.client)).await?;
            let seen = answer::seen(answer.instances()).map_err(failure::unreadable)?;
            // EC2 launches at least the least count or says why not (aws-facts 2.1).
            if seen.is_empty() {
                return Err(failure::unreadable("answered with success and no instance".into()));
            }
            Ok(seen)
        })
    }

    fn describe_instances<'a>(&'a self, ids: &'a [Ec2Id]) -> BoxFuture<'a, Result<Vec<Seen>, CallError>> {
        Box::pin(async move {
            // To EC2 no ids mean all instances there are.
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            let request = self.client.describe_instances().set_instance_ids(Some(texts(ids)));
            self.read_all(request, |_| true).await
        })
    }

    fn find_instances<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Vec<Seen>, CallError>> {
        Box::pin(async move {
            let launched_so = Filter::builder().name("client-token").values(token).build();
            let request = self.client.describe_instances().filters(launched_so);
            // Whatever a server makes of the filter, somebody else's instance is not taken for ours.
            self.read_all(request, |instance| instance.client_token() == Some(token)).await
        })
    }

    fn terminate_instances<'a>(
        &'a self,
        ids: &'a [Ec2Id],
    ) -> BoxFuture<'a, Result<Vec<(Ec2Id, Ec2State)>, CallError>> {
        Box::pin(async move {
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            let request = self.client.terminate_instances().set_instance_ids(Some(texts(ids)));
            let answer = self.calls.make(request.send()).await?;
            answer::changes(answer.terminating_instances()).map_err(failure::unreadable)
        })
    }

    fn protect_from_termination<'a>(
        &'a self,
        id: &'a Ec2Id,
        protected: bool,
    ) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async move {
            let value = AttributeBooleanValue::builder().value(protected).build();
            let request = self.client.modify_instance_attribute().instance_id(id.as_str());
            self.calls.make(request.disable_api_termination(value).send()).await.map(drop)
        })
    }

    fn create_tags<'a>(
        &'a self,
        id: &'a Ec2Id,
        tags: &'a [(String, String)],
    ) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async move {
            let tag = |(key, value): &(String, String)| Tag::builder().key(key).value(value).build();
            let request = self.client.create_tags().resources(id.as_str());
            self.calls.make(request.set_tags(Some(tags.iter().map(tag).collect())).send()).await.map(drop)
        })
    }

    fn is_protected_from_termination<'a>(&'a self, id: &'a Ec2Id) -> BoxFuture<'a, Result<bool, CallError>> {
        Box::pin(async move {
            let attribute = InstanceAttributeName::DisableApiTermination;
            let request = self.client.describe_instance_attribute().instance_id(id.as_str());
            let answer = self.calls.make(request.attribute(attribute).send()).await?;
            let value = answer.disable_api_termination().and_then(AttributeBooleanValue::value);
            value.ok_or_else(|| failure::unreadable("the answer does not say whether it is protected".into()))
        })
    }
}

fn texts(ids: &[Ec2Id]) -> Vec<String> {
    ids.iter().map(Ec2Id::to_string).collect()
}

#[cfg(test)]
pub(super) mod testing {
    //! A client, and a launch, for the tests of this room.

    use std::collections::BTreeMap;
    use std::net::SocketAddr;
    use std::time::Duration;

    use super::*;
    use crate::net::fds::FdLimits;
    use crate::net::testing::fds_with;

    pub fn settings(at: SocketAddr, call_timeout: Duration) -> AwsSettings {
        AwsSettings {
            region: "us-east-1".into(),
            endpoint: Some(format!("http://{at}")),
            call_timeout,
            metrics: crate::cloud::cloudwatch::Protocol::Json,
            keys: Some(AwsKeys { id: "AKIDTEST".into(), secret: "secret".into() }),
        }
    }

    pub async fn client(at: SocketAddr, call_timeout: Duration, fds: &Arc<Fds>) -> AwsEc2 {
        AwsEc2::new(&settings(at, call_timeout), Arc::clone(fds), Clock::real()).await.unwrap()
    }

    pub async fn patient(at: SocketAddr) -> AwsEc2 {
        client(at, Duration::from_secs(20), &fds_with(FdLimits::default())).await
    }

    pub fn body() -> LaunchBody {
        LaunchBody {
            token: "m-1-1".into(),
            asg: None,
            raised: None,
            min_count: 1,
            max_count: 2,
            subnet: "subnet-a".into(),
            zone: "us-east-1a".into(),
            image: Some("ami-1".into()),
            instance_type: "c99.nano".into(),
            template: None,
            security_groups: vec!["sg-1".into(), "sg-2".into()],
            key_name: None,
            instance_profile: Some("arn:aws:iam::1:instance-profile/web".into()),
            user_data: Some("#!/bin/sh\n".into()),
            tags: BTreeMap::from([("muster:slot".into(), "a b&c".into())]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::testing::*;
    use super::*;
    use crate::decide::words::ErrorClass;
    use crate::net::fds::{FdClass, FdLimits};
    use crate::net::testing::{Peer, Reply, fds_with, nothing_listens_at};
    use tokio::sync::Barrier;

    fn ids(ids: &[&str]) -> Vec<Ec2Id> {
        ids.iter().map(|id| id.parse().unwrap()).collect()
    }

    const TWO: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <RunInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><reservationId>r-1</reservationId>\
        <instancesSet>\
        <item><instanceId>i-01</instanceId><instanceState><code>0</code><name>pending</name></instanceState>\
        <privateIpAddress>127.1.0.4</privateIpAddress></item>\
        <item><instanceId>i-02</instanceId><instanceState><code>48</code><name>terminated</name></instanceState>\
        <stateReason><code>Client.VolumeLimitExceeded</code><message>Volume limit exceeded</message></stateReason>\
        </item></instancesSet></RunInstancesResponse>";

    fn error(code: &str, message: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?><Response><Errors><Error><Code>{code}</Code><Message>{message}</Message>\
             </Error></Errors><RequestID>7f</RequestID></Response>"
        )
    }

    /// What a launch comes to when EC2 sends this, and that it was sent once.
    async fn launched(status: &'static str, text: &str) -> Result<Vec<Seen>, CallError> {
        let text = text.to_owned();
        let peer = Peer::answering(move |_| Reply::http(status, &text)).await;
        let outcome = patient(peer.address).await.run_instances(&body()).await;
        assert_eq!(peer.requests().len(), 1, "one call is one request");
        outcome
    }

    async fn refused(status: &'static str, text: &str) -> (ErrorClass, String, String) {
        let e = launched(status, text).await.unwrap_err();
        (e.class, e.code, e.message)
    }

    #[tokio::test]
    async fn a_launch_sends_the_body_and_nothing_of_its_own() {
        let peer = Peer::answering(|_| Reply::http("200 OK", TWO)).await;
        let ec2 = patient(peer.address).await;
        let seen = ec2.run_instances(&body()).await.unwrap();
        assert_eq!(seen[0].id.as_str(), "i-01");
        assert_eq!((seen[0].state, seen[0].address), (Ec2State::Pending, "127.1.0.4".parse().ok()));
        assert_eq!((seen[1].state, seen[1].address), (Ec2State::Terminated, None));
        assert_eq!(
            seen[1].state_reason.as_deref(),
            Some("Client.VolumeLimitExceeded: Volume limit exceeded")
        );

        ec2.run_instances(&body()).await.unwrap();
        let requests = peer.requests();
        let (head, form) = requests[0].split_once("\r\n\r\n").unwrap();
        assert!(head.contains("app/muster"), "{head}");
        let mut fields = form.split('&').collect::<Vec<_>>();
        fields.sort_unstable();
        insta::assert_snapshot!(fields.join("\n"), @r"
        Action=RunInstances
        ClientToken=m-1-1
        IamInstanceProfile.Arn=arn%3Aaws%3Aiam%3A%3A1%3Ainstance-profile%2Fweb
        ImageId=ami-1
        InstanceType=c99.nano
        MaxCount=2
        MinCount=1
        SecurityGroupId.1=sg-1
        SecurityGroupId.2=sg-2
        SubnetId=subnet-a
        TagSpecification.1.ResourceType=instance
        TagSpecification.1.Tag.1.Key=muster%3Aslot
        TagSpecification.1.Tag.1.Value=a%20b%26c
        TagSpecification.2.ResourceType=volume
        TagSpecification.2.Tag.1.Key=muster%3Aslot
        TagSpecification.2.Tag.1.Value=a%20b%26c
        UserData=IyEvYmluL3NoCg%3D%3D
        Version=2016-11-15
        ");
        assert_eq!(requests[1].split_once("\r\n\r\n").unwrap().1, form, "sent again, it is the same");
    }

    #[tokio::test]
    async fn a_template_is_named_or_numbered() {
        let form = |t: &str| {
            let template = crate::decide::group::LaunchTemplate { id: t.into(), version: "$Latest".into() };
            let body =
                LaunchBody { template: Some(template), instance_profile: Some("web".into()), ..body() };
            async move {
                let peer = Peer::answering(|_| Reply::http("200 OK", TWO)).await;
                patient(peer.address).await.run_instances(&body).await.unwrap();
                peer.requests().remove(0)
            }
        };
        assert!(form("lt-0abc").await.contains("LaunchTemplate.LaunchTemplateId=lt-0abc"));
        let by_name = form("web").await;
        assert!(
            by_name.contains("LaunchTemplate.LaunchTemplateName=web")
                && by_name.contains("IamInstanceProfile.Name=web")
        );
    }

    #[tokio::test]
    async fn an_error_in_ec2s_words_is_classified() {
        let throttled = refused("503 X", &error("RequestLimitExceeded", "Request limit exceeded.")).await;
        assert_eq!(
            throttled,
            (ErrorClass::Throttle, "RequestLimitExceeded".into(), "Request limit exceeded.".into())
        );
        // A 500 that the SDK, left to itself, would have sent again twice.
        let full =
            refused("500 X", &error("InsufficientInstanceCapacity", "no capacity in us-east-1a")).await;
        assert_eq!(full.0, ErrorClass::Capacity);
    }

    #[tokio::test]
    async fn an_answer_that_cannot_be_read_is_unknown() {
        let cut = &TWO[..TWO.find("<item><instanceId>i-02").unwrap()];
        let none = "<RunInstancesResponse><instancesSet/></RunInstancesResponse>";
        let nameless = TWO.replace("<instanceId>i-02</instanceId>", "");
        for (status, text) in [
            ("500 X", "<html><body><h1>Internal <br> Error</h1></body></html>"),
            ("502 X", ""),
            ("403 X", "<html>who are you</html>"),
            ("200 OK", "<html><body>It works!</body></html>"),
            ("200 OK", ""),
            ("200 OK", cut),
            ("200 OK", none),
            ("200 OK", &nameless),
            // Cut in the middle of a code, an error is not that error.
            ("400 X", "<Response><Errors><Error><Code>Invalid"),
        ] {
            let (class, code, message) = refused(status, text).await;
            assert_eq!(
                (class, code.as_str()),
                (ErrorClass::Unknown, "unreadable"),
                "{status} {text}: {message}"
            );
        }
        let (_, _, message) = refused("500 X", "<html>\n<h1>Oops</h1></html>").await;
        assert_eq!(message, "answered 500 with what is not AWS's: <html> <h1>Oops</h1></html>");
        let (_, _, message) = refused("502 X", "Bad\ngateway").await;
        assert_eq!(message, "answered 502 with what cannot be read (it has no element): Bad gateway");
        assert_eq!(refused("429 X", "slow down").await.0, ErrorClass::Throttle);
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_or_never_comes_is_unknown() {
        let half = |_: &str| Reply::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n<RunInst".into());
        let broken = Peer::answering(half).await;
        let rude = Peer::answering(|_| Reply::Close).await;
        let silent = Peer::answering(|_| Reply::SendAndHold(vec![])).await;
        let fds = fds_with(FdLimits::default());
        for (at, within, code) in [
            (broken.address, Duration::from_secs(20), "unreadable"),
            (rude.address, Duration::from_secs(20), "connection"),
            (silent.address, Duration::from_millis(300), "timeout"),
            (nothing_listens_at(), Duration::from_secs(20), "connect"),
        ] {
            let e = client(at, within, &fds).await.run_instances(&body()).await.unwrap_err();
            assert_eq!((e.class, e.code.as_str()), (ErrorClass::Unknown, code), "{e}");
        }
        assert_eq!(rude.requests().len(), 1, "a lost answer is ours to settle, not the client's to repeat");
        // A connection that was given up is closed by hyper's task, not by our return.
        let closed = crate::time::timeout_on_the_wall(Duration::from_secs(20), async {
            while fds.usage().in_use > 0 {
                tokio::task::yield_now().await;
            }
        });
        assert!(closed.await.is_some(), "{:?}", fds.usage());
    }

    #[tokio::test]
    async fn a_describe_reads_all_pages_and_asks_for_nothing_when_there_is_nothing() {
        let page = |id: &str, next: &str| {
            format!(
                "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>{id}</instanceId>\
                 <instanceState><code>16</code><name>running</name></instanceState></item></instancesSet></item>\
                 </reservationSet>{next}</DescribeInstancesResponse>"
            )
        };
        let peer = Peer::answering(move |request| {
            let second = request.contains("NextToken=more");
            let text = if second { page("i-02", "") } else { page("i-01", "<nextToken>more</nextToken>") };
            Reply::http("200 OK", &text)
        })
        .await;
        let ec2 = patient(peer.address).await;
        let seen = ec2.describe_instances(&ids(&["i-01", "i-02"])).await.unwrap();
        assert_eq!(seen.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["i-01", "i-02"]);
        assert_eq!(seen[1].state, Ec2State::Running);
        assert!(peer.requests()[0].contains("InstanceId.1=i-01&InstanceId.2=i-02"), "{:?}", peer.requests());

        assert_eq!(ec2.describe_instances(&[]).await, Ok(vec![]));
        assert_eq!(ec2.terminate_instances(&[]).await, Ok(vec![]));
        assert_eq!(peer.requests().len(), 2);
    }

    #[tokio::test]
    async fn a_launch_is_found_by_its_token_and_nobody_elses_is_taken_for_it() {
        let one = |id: &str, token: &str| {
            format!(
                "<item><instanceId>{id}</instanceId><instanceState><code>0</code><name>pending</name></instanceState>\
                 {token}</item>"
            )
        };
        let set =
            [one("i-01", "<clientToken>t-1</clientToken>"), one("i-02", "<clientToken>t-2</clientToken>")];
        let text = format!(
            "<DescribeInstancesResponse><reservationSet><item><instancesSet>{}{}</instancesSet></item>\
             </reservationSet></DescribeInstancesResponse>",
            set.concat(),
            one("i-03", "")
        );
        let peer = Peer::answering(move |_| Reply::http("200 OK", &text)).await;
        let seen = patient(peer.address).await.find_instances("t-1").await.unwrap();
        assert_eq!(seen.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["i-01"]);
        let asked = &peer.requests()[0];
        assert!(asked.contains("Filter.1.Name=client-token&Filter.1.Value.1=t-1"), "{asked}");
    }

    #[tokio::test]
    async fn a_describe_that_never_ends_is_given_up() {
        let round = "<DescribeInstancesResponse><reservationSet/><nextToken>x</nextToken></DescribeInstancesResponse>";
        let peer = Peer::answering(|_| Reply::http("200 OK", round)).await;
        let e = patient(peer.address).await.describe_instances(&ids(&["i-01"])).await.unwrap_err();
        assert_eq!((e.code.as_str(), peer.requests().len()), ("unreadable", PAGES));
    }

    #[tokio::test]
    async fn a_terminate_tells_the_states_after_it() {
        let text = "<TerminateInstancesResponse><instancesSet><item><instanceId>i-01</instanceId>\
            <currentState><code>32</code><name>shutting-down</name></currentState>\
            <previousState><code>16</code><name>running</name></previousState></item></instancesSet>\
            </TerminateInstancesResponse>";
        let peer = Peer::answering(move |_| Reply::http("200 OK", text)).await;
        let states = patient(peer.address).await.terminate_instances(&ids(&["i-01"])).await;
        assert_eq!(states, Ok(vec![("i-01".parse().unwrap(), Ec2State::ShuttingDown)]));

        let missing = error("InvalidInstanceID.NotFound", "The instance ID 'i-01' does not exist");
        let peer = Peer::answering(move |_| Reply::http("400 Bad Request", &missing)).await;
        let e = patient(peer.address).await.terminate_instances(&ids(&["i-01"])).await.unwrap_err();
        assert_eq!(e.class, ErrorClass::NotFound);
    }

    /// The peer answers nobody before it holds three requests, so a fourth socket would be seen.
    #[tokio::test]
    async fn thirty_calls_at_once_use_three_sockets() {
        let three = Arc::new(Barrier::new(3));
        let peer = Peer::scripted(move |_| {
            let three = Arc::clone(&three);
            Box::pin(async move {
                three.wait().await;
                Reply::http("200 OK", TWO)
            })
        })
        .await;
        let fds = fds_with(FdLimits { cloud: 3, ..FdLimits::default() });
        let ec2 = client(peer.address, Duration::from_secs(20), &fds).await;
        let launch = body();
        let all = (0..30).map(|_| ec2.run_instances(&launch));
        for outcome in futures_util::future::join_all(all).await {
            assert_eq!(outcome.map(|seen| seen.len()), Ok(2));
        }
        assert_eq!((peer.requests().len(), peer.most_at_once()), (30, 3));
        assert!(fds.usage().classes[FdClass::Cloud as usize].peak <= 3);
    }

    #[tokio::test]
    async fn a_host_that_does_not_speak_tls_is_not_connected() {
        let peer = Peer::answering(|_| Reply::Close).await;
        let fds = fds_with(FdLimits::default());
        let settings = AwsSettings {
            endpoint: Some(format!("https://localhost:{}", peer.address.port())),
            ..settings(peer.address, Duration::from_millis(300))
        };
        let ec2 = AwsEc2::new(&settings, Arc::clone(&fds), Clock::real()).await.unwrap();
        // The peer takes the handshake for a request without an end, and says nothing.
        let e = ec2.run_instances(&body()).await.unwrap_err();
        assert_eq!(
            (e.class, e.code.as_str(), peer.requests().len()),
            (ErrorClass::Unknown, "timeout", 0),
            "{e}"
        );

        let rude = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Some(format!("https://{}", rude.local_addr().unwrap()));
        let settings = AwsSettings { endpoint, call_timeout: Duration::from_secs(20), ..settings };
        let ec2 = AwsEc2::new(&settings, fds, Clock::real()).await.unwrap();
        tokio::spawn(async move { while rude.accept().await.is_ok() {} });
        let e = ec2.run_instances(&body()).await.unwrap_err();
        assert_eq!((e.class, e.code.as_str()), (ErrorClass::Unknown, "connect"), "{e}");
        assert!(e.message.contains("TLS"), "{e}");
    }

    #[tokio::test]
    async fn an_endpoint_must_be_a_url_with_a_host() {
        let fds = fds_with(FdLimits::default());
        let at = nothing_listens_at();
        let settings =
            AwsSettings { endpoint: Some("localhost:4566".into()), ..settings(at, Duration::ZERO) };
        let e = AwsEc2::new(&settings, fds, Clock::real()).await.unwrap_err();
        assert!(e.to_string().contains("'localhost:4566' is not a URL"), "{e}");
    }
}
