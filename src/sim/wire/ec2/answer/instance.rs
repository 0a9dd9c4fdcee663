//! Instances, and what becomes of them.

use std::io;

use super::super::super::xml::{Xml, gmt, time};
use super::tag_set;
use crate::sim::model::arn::ACCOUNT;
use crate::sim::model::ec2::call::{InstanceView, Reservation, StateChange};
use crate::sim::model::ec2::{Launch, State, VPC};

pub(super) fn reservation(x: &mut Xml, r: &Reservation) -> io::Result<()> {
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
    tag_set(x, &i.tags)
}

pub(super) fn change(x: &mut Xml, change: &StateChange) -> io::Result<()> {
    x.text("instanceId", &change.id)?;
    x.element("currentState", |x| state(x, change.current))?;
    x.element("previousState", |x| state(x, change.previous))
}

pub(super) fn state(x: &mut Xml, state: State) -> io::Result<()> {
    x.text("code", &state.code().to_string())?;
    x.text("name", state.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::tests::text;
    use crate::sim::model::ec2::call::Call;
    use crate::sim::model::ec2::testing::{A, Ask, describe, launched, plain, run_in, terminate};

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
}
