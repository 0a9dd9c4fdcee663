//! From the model's answers to the XML of the EC2 query protocol, as the SDKs parse it.

use std::io;

use super::super::super::model::arn::ACCOUNT;
use super::super::super::model::call::Failure;
use super::super::super::model::ec2::call::{
    Action, Answer, InstanceView, Reservation, StateChange, SubnetView,
};
use super::super::super::model::ec2::{Launch, State, VPC};
use super::super::xml::{Xml, gmt, time};

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// An error's document.
pub(in super::super) fn error(failure: &Failure, request_id: &str) -> io::Result<Vec<u8>> {
    let mut x = Xml::new()?;
    x.element("Response", |x| {
        x.element("Errors", |x| {
            x.element("Error", |x| {
                x.text("Code", failure.code)?;
                x.text("Message", &failure.message)
            })
        })?;
        x.text("RequestID", request_id)
    })?;
    Ok(x.done())
}

/// An answer's document.
pub(in super::super) fn answer(answer: &Answer, request_id: &str) -> io::Result<Vec<u8>> {
    let mut x = Xml::new()?;
    let action = match answer {
        Answer::Launched(_) => Action::RunInstances,
        Answer::Instances { .. } => Action::DescribeInstances,
        Answer::Terminating(_) => Action::TerminateInstances,
        Answer::Subnets { .. } => Action::DescribeSubnets,
    };
    x.root(&format!("{action}Response"), NAMESPACE, |x| {
        x.text("requestId", request_id)?;
        match answer {
            Answer::Launched(r) => reservation(x, r),
            Answer::Instances { reservations, next_token } => {
                x.list("reservationSet", reservations, reservation)?;
                x.optional("nextToken", next_token.as_deref())
            }
            Answer::Terminating(changes) => x.list("instancesSet", changes, change),
            Answer::Subnets { subnets, next_token } => {
                x.list("subnetSet", subnets, subnet)?;
                x.optional("nextToken", next_token.as_deref())
            }
        }
    })?;
    Ok(x.done())
}

fn reservation(x: &mut Xml, r: &Reservation) -> io::Result<()> {
    x.text("reservationId", &r.launch.reservation)?;
    x.text("ownerId", ACCOUNT)?;
    x.element("groupSet", |_| Ok(()))?;
    x.list("instancesSet", &r.instances, |x, i| instance(x, &r.launch, i))
}

fn instance(x: &mut Xml, launch: &Launch, i: &InstanceView) -> io::Result<()> {
    let dns = i.address.map(|a| format!("ip-{}.ec2.internal", a.to_string().replace('.', "-")));
    x.text("instanceId", &i.id)?;
    x.text("imageId", &launch.image)?;
    x.element("instanceState", |x| state(x, i.state))?;
    x.text("privateDnsName", dns.as_deref().unwrap_or_default())?;
    x.text("dnsName", "")?;
    x.text(
        "reason",
        &i.user_ended_ms.map_or_else(String::new, |at| format!("User initiated ({})", gmt(at))),
    )?;
    x.optional("keyName", launch.key_name.as_deref())?;
    x.text("amiLaunchIndex", &i.index.to_string())?;
    x.text("instanceType", &launch.instance_type)?;
    x.text("launchTime", &time(launch.launched_ms))?;
    x.element("placement", |x| {
        x.text("availabilityZone", &launch.zone)?;
        x.text("groupName", "")?;
        x.text("tenancy", "default")
    })?;
    x.element("monitoring", |x| x.text("state", "disabled"))?;
    if let Some(address) = i.address {
        x.text("subnetId", &launch.subnet)?;
        x.text("vpcId", VPC)?;
        x.text("privateIpAddress", &address.to_string())?;
    }
    if let Some(reason) = i.state_reason {
        x.element("stateReason", |x| {
            x.text("code", reason.code())?;
            x.text("message", reason.message())
        })?;
    }
    x.text("architecture", "x86_64")?;
    x.text("rootDeviceType", "ebs")?;
    x.text("virtualizationType", "hvm")?;
    x.text("hypervisor", "xen")?;
    x.optional("clientToken", launch.token.as_deref())?;
    x.element("groupSet", |_| Ok(()))?;
    x.list("tagSet", i.tags.iter(), |x, (key, value)| {
        x.text("key", key)?;
        x.text("value", value)
    })
}

fn change(x: &mut Xml, change: &StateChange) -> io::Result<()> {
    x.text("instanceId", &change.id)?;
    x.element("currentState", |x| state(x, change.current))?;
    x.element("previousState", |x| state(x, change.previous))
}

fn state(x: &mut Xml, state: State) -> io::Result<()> {
    x.text("code", &state.code().to_string())?;
    x.text("name", state.as_str())
}

fn subnet(x: &mut Xml, s: &SubnetView) -> io::Result<()> {
    x.text("subnetId", &s.id)?;
    x.text("state", "available")?;
    x.text("ownerId", ACCOUNT)?;
    x.text("vpcId", VPC)?;
    x.text("cidrBlock", &s.cidr)?;
    x.text("availableIpAddressCount", &s.free.to_string())?;
    x.text("availabilityZone", &s.zone)?;
    x.text("defaultForAz", "false")?;
    x.text("mapPublicIpOnLaunch", "false")
}

#[cfg(test)]
mod tests {
    use super::super::super::super::model::call::{Answer as AnyAnswer, Outcome, Reply};
    use super::super::super::super::model::ec2::call::Call;
    use super::super::super::super::model::ec2::testing::{
        A, Ask, describe, launched, plain, run_in, terminate,
    };
    use super::*;

    fn text(reply: &Reply) -> String {
        let bytes = match &reply.outcome {
            Outcome::Answer(AnyAnswer::Ec2(a)) => answer(a, &reply.request_id),
            Outcome::Error(e) => error(e, &reply.request_id),
            Outcome::Answer(other) => panic!("{other:?}"),
            Outcome::Lost => panic!("lost"),
        };
        String::from_utf8(bytes.unwrap()).unwrap().replace(&reply.request_id, "ID")
    }

    #[test]
    fn an_instance_is_written_as_ec2_writes_it() {
        let mut model = plain();
        let mut run = run_in(A, "t", 1, 1);
        run.tags.insert("Name".into(), "a <b> & \"c\"".into());
        let reply = model.ask(&Call::RunInstances(run), 1_700_000_000_123);
        let id = &launched(&reply)[0];
        let out = text(&reply);
        assert!(out.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?><RunInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>ID</requestId><reservationId>r-0"), "{out}");
        assert!(out.ends_with("</item></tagSet></item></instancesSet></RunInstancesResponse>"));
        for part in [
            &format!("<instancesSet><item><instanceId>{id}</instanceId>"),
            "<instanceState><code>0</code><name>pending</name></instanceState>",
            "<launchTime>2023-11-14T22:13:20.000Z</launchTime>",
            "<placement><availabilityZone>us-east-1a</availabilityZone>",
            "<subnetId>subnet-0000000000000000a</subnetId>",
            "<privateIpAddress>127.64.0.4</privateIpAddress>",
            "<clientToken>t</clientToken>",
            "<item><key>Name</key><value>a &lt;b&gt; &amp; &quot;c&quot;</value></item>",
        ] {
            assert!(out.contains(part), "{part} in {out}");
        }
    }

    #[test]
    fn terminated_ones_have_a_reason_and_no_address() {
        let mut model = plain();
        let ids = launched(&model.ask(&Call::RunInstances(run_in(A, "t", 1, 1)), 0));
        let out = text(&model.ask(&terminate(&ids), 0));
        assert!(out.contains("<currentState><code>32</code><name>shutting-down</name></currentState><previousState><code>0</code>"));
        let out = text(&model.ask(&describe(&ids), 10_000));
        assert!(out.contains("<stateReason><code>Client.UserInitiatedShutdown</code><message>Client.UserInitiatedShutdown: User"));
        assert!(out.contains("<reason>User initiated (1970-01-01 00:00:00 GMT)</reason>"));
        assert!(!out.contains("privateIpAddress"));
    }

    #[test]
    fn an_error_is_the_document_the_sdk_expects() {
        let mut model = plain();
        let out = text(&model.ask(&describe(&["i-<x>".into()]), 0));
        assert_eq!(
            out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Errors><Error><Code>InvalidInstanceID.Malformed</Code>\
             <Message>Invalid id: &quot;i-&lt;x&gt;&quot;</Message></Error></Errors><RequestID>ID</RequestID></Response>"
        );
    }
}
