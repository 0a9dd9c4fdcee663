//! EC2's words into ours: instances and their states.

use std::net::IpAddr;

use aws_sdk_ec2::types::{Instance, InstanceState, InstanceStateChange, StateReason};

use crate::decide::event::{Ec2State, Seen};
use crate::decide::words::Ec2Id;

/// Every instance of an answer. `Err` if one has no id that we can keep: an instance must not be
/// lost because its neighbours could be read.
pub(super) fn seen<'a>(instances: impl IntoIterator<Item = &'a Instance>) -> Result<Vec<Seen>, String> {
    instances.into_iter().map(one).collect()
}

fn one(instance: &Instance) -> Result<Seen, String> {
    Ok(Seen {
        id: id(instance.instance_id())?,
        state: state(instance.state()).unwrap_or(UNREADABLE),
        address: address(instance),
        state_reason: instance.state_reason().and_then(reason),
    })
}

/// A state we cannot read is taken as "exists and does not serve yet": nothing is freed or
/// contacted, and the boot watchdog judges it.
const UNREADABLE: Ec2State = Ec2State::Pending;

/// The states after a terminate. An instance whose state cannot be read is left out, as one that
/// EC2 said nothing of.
pub(super) fn changes(changes: &[InstanceStateChange]) -> Result<Vec<(Ec2Id, Ec2State)>, String> {
    changes
        .iter()
        .filter_map(|c| state(c.current_state()).map(|state| Ok((id(c.instance_id())?, state))))
        .collect()
}

fn id(id: Option<&str>) -> Result<Ec2Id, String> {
    id.ok_or("an instance in the answer has no id")?.parse()
}

fn state(state: Option<&InstanceState>) -> Option<Ec2State> {
    match state?.name()?.as_str() {
        "pending" => Some(Ec2State::Pending),
        "running" => Some(Ec2State::Running),
        "shutting-down" => Some(Ec2State::ShuttingDown),
        "terminated" => Some(Ec2State::Terminated),
        "stopping" => Some(Ec2State::Stopping),
        "stopped" => Some(Ec2State::Stopped),
        _ => None,
    }
}

/// The private address; in a subnet without IPv4 the IPv6 one.
fn address(instance: &Instance) -> Option<IpAddr> {
    let v4 = instance.private_ip_address().filter(|a| !a.is_empty());
    v4.or_else(|| instance.ipv6_address())?.parse().ok()
}

/// `Client.VolumeLimitExceeded: Volume limit exceeded`. EC2's message often begins with the code.
fn reason(reason: &StateReason) -> Option<String> {
    match (reason.code().unwrap_or_default(), reason.message().unwrap_or_default()) {
        ("", "") => None,
        (code, "") => Some(code.to_owned()),
        (code, message) if code.is_empty() || message.starts_with(code) => Some(message.to_owned()),
        (code, message) => Some(format!("{code}: {message}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::types::InstanceStateName;

    fn with(id: &str, state: &str) -> Instance {
        let state = InstanceState::builder().name(InstanceStateName::from(state)).build();
        Instance::builder().instance_id(id).state(state).build()
    }

    #[test]
    fn every_state_is_told_apart_and_a_new_one_is_not_taken_for_the_end() {
        for (text, state) in [
            ("pending", Ec2State::Pending),
            ("running", Ec2State::Running),
            ("shutting-down", Ec2State::ShuttingDown),
            ("terminated", Ec2State::Terminated),
            ("stopping", Ec2State::Stopping),
            ("stopped", Ec2State::Stopped),
            ("dreaming", Ec2State::Pending),
        ] {
            assert_eq!(seen(&[with("i-1", text)]).unwrap()[0].state, state, "{text}");
        }
    }

    #[test]
    fn an_instance_without_an_id_spoils_the_answer() {
        assert!(seen(&[with("i-1", "running"), Instance::builder().build()]).is_err());
        assert!(seen(&[with("", "running")]).is_err());
    }

    #[test]
    fn the_address_is_the_private_one_and_may_be_missing() {
        let of = |i: Instance| seen(&[i]).unwrap()[0].address.map(|a| a.to_string());
        let bare = || Instance::builder().instance_id("i-1");
        assert_eq!(of(bare().build()), None);
        assert_eq!(
            of(bare().private_ip_address("").ipv6_address("fd00::7").build()).as_deref(),
            Some("fd00::7")
        );
        let both = bare().private_ip_address("127.1.0.9").ipv6_address("fd00::7").build();
        assert_eq!(of(both).as_deref(), Some("127.1.0.9"));
    }

    #[test]
    fn a_reason_names_its_code_once() {
        let of =
            |code: &str, message: &str| reason(&StateReason::builder().code(code).message(message).build());
        assert_eq!(of("Client.X", "Client.X: no").as_deref(), Some("Client.X: no"));
        assert_eq!(of("Client.X", "no").as_deref(), Some("Client.X: no"));
        assert_eq!(of("Client.X", "").as_deref(), Some("Client.X"));
        assert_eq!(of("", ""), None);
    }

    #[test]
    fn a_termination_tells_the_state_after_it() {
        let change = InstanceStateChange::builder()
            .instance_id("i-1")
            .current_state(InstanceState::builder().name(InstanceStateName::ShuttingDown).build())
            .previous_state(InstanceState::builder().name(InstanceStateName::Running).build())
            .build();
        let silent = InstanceStateChange::builder().instance_id("i-2").build();
        assert_eq!(changes(&[change, silent]), Ok(vec![("i-1".parse().unwrap(), Ec2State::ShuttingDown)]));
    }
}
