//! `DescribeInstanceStatus`.

use std::io;

use super::super::super::xml::Xml;
use super::instance::state;
use crate::sim::model::ec2::call::{Checks, StatusView};

pub(super) fn status(x: &mut Xml, s: &StatusView) -> io::Result<()> {
    x.text("instanceId", &s.id)?;
    x.text("availabilityZone", &s.zone)?;
    x.element("instanceState", |x| state(x, s.state))?;
    checks(x, "systemStatus", s.system)?;
    checks(x, "instanceStatus", s.instance)?;
    checks(x, "attachedEbsStatus", s.system)
}

fn checks(x: &mut Xml, name: &str, checks: Checks) -> io::Result<()> {
    x.element(name, |x| {
        x.text("status", checks.as_str())?;
        let Some(reachability) = checks.reachability() else { return Ok(()) };
        x.list("details", [reachability], |x, reachability| {
            x.text("name", "reachability")?;
            x.text("status", reachability)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::text;
    use crate::sim::model::ec2::call::{Call, Read};
    use crate::sim::model::ec2::testing::{Ask, launched, plain, run};

    #[test]
    fn a_status_is_written_as_ec2_writes_it() {
        let mut model = plain();
        let id = launched(&model.ask(&run("t", 1, 1), 0)).remove(0);
        let read = Read { ids: vec![id.clone()], ..Read::default() };
        let reply = model.ask(&Call::DescribeInstanceStatus { read, include_all: false }, 900_000);
        let checks = "<status>ok</status><details><item><name>reachability</name><status>passed</status></item></details>";
        assert_eq!(
            text(&reply),
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><DescribeInstanceStatusResponse \
                 xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>ID</requestId><instanceStatusSet>\
                 <item><instanceId>{id}</instanceId><availabilityZone>us-east-1a</availabilityZone>\
                 <instanceState><code>16</code><name>running</name></instanceState>\
                 <systemStatus>{checks}</systemStatus><instanceStatus>{checks}</instanceStatus>\
                 <attachedEbsStatus>{checks}</attachedEbsStatus></item>\
                 </instanceStatusSet></DescribeInstanceStatusResponse>"
            )
        );
    }
}
