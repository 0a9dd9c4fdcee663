//! `bounds` of a group: what a request for more is held against.

use std::sync::Arc;
use std::time::Duration;

use super::is_name;
use crate::config::node::Node;
use crate::config::section::{Read, Section};
use crate::decide::gateway::gate::{Gate, GateMode};
use crate::decide::group::{Bounds, Ceiling};

/// Most target groups, most ceilings, and most gates of one group.
const MOST: usize = 16;
/// Longest name of a ceiling.
const NAME_MOST: usize = 100;

pub(super) fn read(s: &mut Section<'_>) -> Read<Bounds> {
    let instance_type = s.maybe_text("instance_type", "an instance type such as \"m7g.large\"", |t| {
        let parts = t.split_once('.')?;
        (!parts.0.is_empty() && !parts.1.is_empty()).then(|| t.to_string())
    });
    let target_groups = s.list("target_groups", 0..=MOST, "the ARN of a target group", Some(Vec::new()), arn);
    let ceilings = if s.is_written("ceilings") {
        s.tables("ceilings", 0..=MOST, ceiling)
    } else {
        // Asked for, so that it is known.
        let _ = s.list("ceilings", 0..=MOST, "a table", Some(Vec::<()>::new()), |_| None);
        Ok(Vec::new())
    };
    let gates = if s.is_written("gates") {
        s.tables("gates", 0..=MOST, gate)
    } else {
        let _ = s.list("gates", 0..=MOST, "a table", Some(Vec::<()>::new()), |_| None);
        Ok(Vec::new())
    };
    Ok(Bounds {
        instance_type: instance_type?,
        target_groups: target_groups?,
        ceilings: ceilings?,
        gates: gates?,
    })
}

fn arn(node: &Node) -> Option<Arc<str>> {
    let text = node.text()?;
    (text.starts_with("arn:") && text.contains(":targetgroup/")).then(|| Arc::from(text))
}

fn gate(s: &mut Section<'_>) -> Read<Gate> {
    let name = |t: &str| is_name(t).then(|| Arc::from(t));
    let gateway = s.text("gateway", "the name of one of gateways", None, name);
    let load = s.value("load", "a number from 0.001 to 1000000, in thousandths", None, thousandths);
    let modes: Vec<&str> = GateMode::ALL.iter().map(|m| m.as_str()).collect();
    let mode = s.text("mode", &format!("one of {}", modes.join(", ")), GateMode::Pace, |t| t.parse().ok());
    let range = Duration::from_mins(1)..=Duration::from_hours(24);
    let at_most = s.duration("at_most", range, Duration::from_mins(30));
    let files = s.flag("files", false);
    Ok(Gate { gateway: gateway?, load: load?, mode: mode?, at_most: at_most?, files: files? })
}

/// Whole thousandths; a tenth of one would be lost without a word.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within a u32
fn thousandths(node: &Node) -> Option<u32> {
    let milli = node.real()? * 1_000.0;
    let whole = milli.round();
    ((1.0..=1e9).contains(&whole) && (milli - whole).abs() < 1e-6).then_some(whole as u32)
}

fn ceiling(s: &mut Section<'_>) -> Read<Ceiling> {
    let allowed = format!("text of 1 to {NAME_MOST} characters");
    let name = s.text("name", &allowed, None, |t| {
        let fits = !t.trim().is_empty() && t.chars().count() <= NAME_MOST && !t.chars().any(char::is_control);
        fits.then(|| t.to_string())
    });
    let most = s.number("most", 1..=1_000_000, None);
    Ok(Ceiling { name: name?, most: most? })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::config::testing::{GROUP, group, parse, refused_group};
    use crate::decide::gateway::gate::{Gate, GateMode};
    use crate::decide::group::{Bounds, Ceiling};

    #[test]
    fn all_of_them_can_be_set_and_none_is_there_by_itself() {
        assert_eq!(group("").unwrap().bounds, Bounds::default());
        let web = group(
            "bounds = { target_groups = [\"arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/0\"], \
             ceilings = [{ name = \"slots\", most = 2400 }] }",
        )
        .unwrap();
        assert_eq!(web.bounds.target_groups.len(), 1);
        assert_eq!(web.bounds.ceilings, [Ceiling { name: "slots".into(), most: 2_400 }]);
    }

    #[test]
    fn a_gate_is_read_and_paces_by_itself() {
        let core = "[gateways.core]\nkind = \"transit-gateway\"\ntransit_gateway_id = \"tgw-1\"\n";
        let gates = |gates: &str| {
            let text =
                format!("[aws]\nregion = \"us-east-1\"\n{core}{GROUP}bounds = {{ gates = [{gates}] }}\n");
            parse(&text).map(|c| c.groups["web"].bounds.gates.clone()).map_err(|p| p.to_string())
        };
        let short = gates("{ gateway = \"core\", load = 0.05 }").unwrap();
        let half_an_hour = Duration::from_mins(30);
        let gate = Gate {
            gateway: "core".into(),
            load: 50,
            mode: GateMode::Pace,
            at_most: half_an_hour,
            files: false,
        };
        assert_eq!(short, std::slice::from_ref(&gate));
        let full = "{ gateway = \"core\", load = 2, mode = \"wait\", at_most = \"5m\", files = true }";
        let at_most = Duration::from_mins(5);
        let expected = Gate { load: 2_000, mode: GateMode::Wait, at_most, files: true, ..gate };
        assert_eq!(gates(full).unwrap(), [expected]);
        let told = gates("{ gateway = \"edge\", load = 1 }").unwrap_err();
        assert!(told.contains("groups.web.bounds.gates[0].gateway: there is no gateways.edge"), "{told}");
        let twice = gates("{ gateway = \"core\", load = 1 }, { gateway = \"core\", load = 2 }").unwrap_err();
        assert!(twice.contains("groups.web.bounds.gates[1].gateway: core is named twice"), "{twice}");
        for load in ["0", "0.0005", "1.00005", "\"much\""] {
            let told = gates(&format!("{{ gateway = \"core\", load = {load} }}")).unwrap_err();
            assert!(told.contains("groups.web.bounds.gates[0].load: "), "{told}");
        }
    }

    #[test]
    fn what_cannot_be_is_told() {
        let problems = refused_group(
            "bounds = { instance_type = \"large\", target_groups = [\"web\"], ceilings = [{ name = \" \", most = 0 }] }",
        );
        for key in ["instance_type", "target_groups[0]", "ceilings[0].name", "ceilings[0].most"] {
            assert!(problems.contains(&format!("groups.web.bounds.{key}: ")), "{key} in {problems}");
        }
    }
}
