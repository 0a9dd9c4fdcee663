//! What the kernel lets sockets have, and the address that the service is to listen on.

use std::net::{SocketAddr, TcpListener};

use super::files::Files;
use super::report::Check;
use super::report::Family::Host;
use crate::net::fds::FdLimits;

/// Connections that wait to be accepted, as tokio's listener asks for.
const BACKLOG: u64 = 1_024;

/// All of them.
#[must_use]
pub fn checks(files: &Files, limits: &FdLimits, listen: SocketAddr) -> Vec<Check> {
    // Each may be a connection of its own that leaves this machine.
    let outward = u64::from(limits.cloud) + u64::from(limits.contacts);
    vec![ports(files, outward), tracking(files, outward), backlog(files), address(listen)]
}

fn ports(files: &Files, outward: u64) -> Check {
    const NAME: &str = "ephemeral ports";
    const FILE: &str = "proc/sys/net/ipv4/ip_local_port_range";
    let range = files.numbers(FILE).and_then(|n| match n[..] {
        [low, high] if low <= high => Ok((low, high)),
        _ => Err(format!("/{FILE} is no range: {n:?}")),
    });
    match range {
        Err(why) => Check::unknown(Host, NAME, why),
        Ok((low, high)) => {
            let ports = high - low + 1;
            let seen = format!("{ports} ({low} to {high}); at most {outward} connections go out at once");
            if ports < outward {
                Check::fail(Host, NAME, seen, "sysctl net.ipv4.ip_local_port_range='32768 60999'")
            } else {
                Check::ok(Host, NAME, seen)
            }
        }
    }
}

fn tracking(files: &Files, outward: u64) -> Check {
    const NAME: &str = "conntrack";
    const FILES: [&str; 2] =
        ["proc/sys/net/netfilter/nf_conntrack_max", "proc/sys/net/netfilter/nf_conntrack_count"];
    if !files.exists(FILES[0]) {
        return Check::ok(Host, NAME, "connections are not tracked here");
    }
    match (files.numbers(FILES[0]).map(|n| n[0]), files.numbers(FILES[1]).map(|n| n[0])) {
        (Err(why), _) | (_, Err(why)) => Check::unknown(Host, NAME, why),
        (Ok(most), Ok(now)) => {
            let free = most.saturating_sub(now);
            let seen = format!("{now} of {most} are tracked; at most {outward} connections go out at once");
            if free < outward {
                let enough = now.saturating_add(outward);
                Check::fail(
                    Host,
                    NAME,
                    seen,
                    format!(
                        "sysctl net.netfilter.nf_conntrack_max={enough} or more: new connections are dropped"
                    ),
                )
            } else {
                Check::ok(Host, NAME, seen)
            }
        }
    }
}

fn backlog(files: &Files) -> Check {
    const NAME: &str = "somaxconn";
    match files.numbers("proc/sys/net/core/somaxconn").map(|n| n[0]) {
        Err(why) => Check::unknown(Host, NAME, why),
        Ok(most) if most < BACKLOG => Check::warn(
            Host,
            NAME,
            format!("{most}: of {BACKLOG} connections that may wait for the API, only so many do"),
            format!("sysctl net.core.somaxconn={BACKLOG}"),
        ),
        Ok(most) => Check::ok(Host, NAME, most.to_string()),
    }
}

/// Whether the service could listen there now. Nothing is sent.
fn address(listen: SocketAddr) -> Check {
    const NAME: &str = "server.listen";
    match TcpListener::bind(listen) {
        Ok(_) => Check::ok(Host, NAME, format!("{listen} is free")),
        Err(e) if e.kind() == std::io::ErrorKind::AddrInUse => Check::warn(
            Host,
            NAME,
            format!("{listen} is in use: fine if that is the muster of this configuration"),
            format!(
                "where it is not: find who listens (ss -ltnp 'sport = :{}') or set server.listen",
                listen.port()
            ),
        ),
        Err(e) => Check::fail(
            Host,
            NAME,
            format!("cannot listen on {listen}: {e}"),
            "set server.listen to an address of this machine, with a port that this user may open",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::files::testing::machine;
    use super::super::report::Outcome;
    use super::*;

    const PORTS: &str = "proc/sys/net/ipv4/ip_local_port_range";
    const MOST: &str = "proc/sys/net/netfilter/nf_conntrack_max";
    const COUNT: &str = "proc/sys/net/netfilter/nf_conntrack_count";
    const SOMAXCONN: &str = "proc/sys/net/core/somaxconn";

    fn of(files: &[(&str, &str)], name: &str) -> Check {
        let (_dir, files) = machine(files);
        let all = checks(&files, &FdLimits::default(), "127.0.0.1:0".parse().unwrap());
        all.iter().find(|c| c.name == name).unwrap().clone()
    }

    #[test]
    fn sixty_connections_need_sixty_ports_and_entries() {
        assert_eq!(of(&[(PORTS, "32768\t60999\n")], "ephemeral ports").outcome, Outcome::Ok);
        assert_eq!(of(&[(PORTS, "40000 40059")], "ephemeral ports").outcome, Outcome::Ok);
        assert_eq!(of(&[(PORTS, "40000 40058")], "ephemeral ports").outcome, Outcome::Fail);
        assert_eq!(of(&[(MOST, "100\n"), (COUNT, "40\n")], "conntrack").outcome, Outcome::Ok);
        let full = of(&[(MOST, "100\n"), (COUNT, "41\n")], "conntrack");
        assert_eq!(full.outcome, Outcome::Fail);
        assert!(full.fix.unwrap().starts_with("sysctl net.netfilter.nf_conntrack_max=101 "));
        assert_eq!(of(&[], "conntrack").outcome, Outcome::Ok);
    }

    #[test]
    fn a_short_backlog_is_told() {
        assert_eq!(of(&[(SOMAXCONN, "4096\n")], "somaxconn").outcome, Outcome::Ok);
        assert_eq!(of(&[(SOMAXCONN, "128\n")], "somaxconn").outcome, Outcome::Warn);
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        for (files, name) in [
            (vec![], "ephemeral ports"),
            (vec![(PORTS, "5")], "ephemeral ports"),
            (vec![(PORTS, "9 5")], "ephemeral ports"),
            (vec![(MOST, "")], "conntrack"),
            (vec![(SOMAXCONN, "-1")], "somaxconn"),
        ] {
            assert_eq!(of(&files, name).outcome, Outcome::Unknown, "{files:?}");
        }
    }

    #[test]
    fn an_address_in_use_is_told_and_one_of_others_fails() {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(address(held.local_addr().unwrap()).outcome, Outcome::Warn);
        // TEST-NET-1: nobody's.
        assert_eq!(address("192.0.2.1:7087".parse().unwrap()).outcome, Outcome::Fail);
        assert_eq!(address("127.0.0.1:0".parse().unwrap()).outcome, Outcome::Ok);
    }
}
