//! `[gateways.NAME.observed]`: the metric of CloudWatch's that tells what a gateway carries now.

use std::time::Duration;

use super::section::{Read, Section};
use crate::decide::gateway::nat::{CONNECTIONS, IN_CONNECTIONS};
use crate::decide::gateway::observed::{Observed, Together};
use crate::decide::gateway::words::GatewayKind;
use crate::decide::signal::Metric;

/// Most metrics of one gateway.
const METRICS_MOST: usize = 8;
/// Most dimensions of one metric (aws-facts 5.1).
const DIMENSIONS_MOST: usize = 30;
/// Longest name of CloudWatch's, in characters (aws-facts 5.1).
const TEXT_MOST: usize = 255;
/// One Gbit/s, in bytes a second.
const GIGABIT_BYTES: u64 = 1_000_000_000 / 8;
/// One LCU of a Network Load Balancer is 2.2 Mbit/s (aws-facts 6.2), in bytes a second.
const LCU_BYTES: u64 = 2_200_000 / 8;

/// What AWS itself has of a kind.
struct Usual {
    namespace: &'static str,
    metrics: &'static [&'static str],
    dimension: (&'static str, String),
    statistic: &'static str,
    /// So much of it is one unit, in a period of so many seconds.
    per: u64,
    refusals: Option<&'static str>,
}

/// The metrics of aws-facts 6.1 to 6.3, for periods of so many seconds. None: it has none.
fn usual(kind: GatewayKind, resource: &str, unit: &str, period_s: u64) -> Option<Usual> {
    match kind {
        // Each direction has a limit of its own: the higher one counts.
        GatewayKind::TransitGateway => Some(Usual {
            namespace: "AWS/TransitGateway",
            metrics: &["BytesIn", "BytesOut"],
            dimension: ("TransitGateway", resource.to_string()),
            statistic: "Sum",
            per: GIGABIT_BYTES * period_s,
            refusals: None,
        }),
        GatewayKind::LoadBalancer => {
            let (_, id) = resource.split_once(":loadbalancer/")?;
            let dimension = ("LoadBalancer", id.to_string());
            let network = id.starts_with("net/");
            Some(Usual {
                namespace: if network { "AWS/NetworkELB" } else { "AWS/ApplicationELB" },
                metrics: if network { &["ProcessedBytes"] } else { &["PeakLCUs"] },
                dimension,
                statistic: "Sum",
                per: if network { LCU_BYTES * period_s } else { period_s / 60 },
                refusals: None,
            })
        }
        // All of its connections as if they went to one destination: more than that never counts against it.
        GatewayKind::Nat => Some(Usual {
            namespace: "AWS/NATGateway",
            metrics: &["ActiveConnectionCount"],
            dimension: ("NatGatewayId", resource.to_string()),
            statistic: "Maximum",
            per: if unit == IN_CONNECTIONS { 1 } else { u64::from(CONNECTIONS) },
            refusals: Some("ErrorPortAllocation"),
        }),
        GatewayKind::Quota => None,
    }
}

/// Of a gateway that is read already.
pub(super) fn read(s: &mut Section<'_>, kind: GatewayKind, resource: &str, unit: &str) -> Read<Observed> {
    let allowed = "text of 1 to 255 characters";
    let period_s = s.number("period_s", 60..=900, 60u64)?;
    if !period_s.is_multiple_of(60) {
        return Err(s.refuse("period_s", format!("{period_s} is not a multiple of 60")));
    }
    let period = Duration::from_secs(period_s);
    let fresh_for = s.duration(
        "fresh_for",
        Duration::from_mins(2)..=Duration::from_hours(1),
        Duration::from_mins(5).max(period * 3),
    )?;
    if fresh_for < period * 2 {
        let what = format!("is less than two periods of {period_s} s: nothing would ever be fresh");
        return Err(s.refuse("fresh_for", what));
    }
    let usual = usual(kind, resource, unit, period_s);
    let (namespace, metrics, statistic, per) = match &usual {
        Some(u) => (
            Some(u.namespace.to_string()),
            Some(u.metrics.iter().map(ToString::to_string).collect()),
            u.statistic,
            u.per,
        ),
        None => (None, None, "Maximum", 1),
    };
    // One of the operator's own has all of it said.
    let own = s.is_written("namespace") || s.is_written("metrics");
    let per_default = if own { None } else { Some(per) };
    let namespace = s.text("namespace", allowed, if own { None } else { namespace }, text);
    let metrics = s.list("metrics", 1..=METRICS_MOST, allowed, if own { None } else { metrics }, |item| {
        item.text().and_then(text)
    });
    let statistic = s.text("statistic", allowed, if own { None } else { Some(statistic.to_string()) }, text);
    let per = s.number("per", 1..=1_000_000_000_000_000, per_default);
    let together: Vec<&str> = Together::ALL.iter().map(|t| t.as_str()).collect();
    let together =
        s.text("together", &format!("one of {}", together.join(", ")), Together::Highest, |t| t.parse().ok());
    let written = dimensions(s);
    let (namespace, metrics, statistic) = (namespace?, metrics?, statistic?);
    let whole = usual.as_ref().map(|u| vec![(u.dimension.0.to_string(), u.dimension.1.clone())]);
    let dimensions = match written? {
        Some(written) => written,
        None if own => Vec::new(),
        None => whole.clone().unwrap_or_default(),
    };
    let metric = |name: &str, statistic: &str, dimensions: &[(String, String)]| Metric {
        namespace: namespace.clone(),
        name: name.to_string(),
        dimensions: dimensions.to_vec(),
        statistic: statistic.to_string(),
        period,
    };
    // Which ports run out is AWS's own to say, wherever the load is read.
    let refusals = usual.as_ref().and_then(|u| {
        let refusals = metric(u.refusals?, "Sum", whole.as_deref().unwrap_or_default());
        Some(Metric { namespace: u.namespace.to_string(), ..refusals })
    });
    Ok(Observed {
        metrics: metrics.iter().map(|name| metric(name, &statistic, &dimensions)).collect(),
        together: together?,
        per: per?,
        fresh_for,
        refusals,
    })
}

fn dimensions(s: &mut Section<'_>) -> Read<Option<Vec<(String, String)>>> {
    let allowed = "text of 1 to 255 characters";
    if !s.is_written("dimensions") {
        // Asked for, so that it is known.
        let _ = s.list("dimensions", 0..=DIMENSIONS_MOST, "a table", Some(Vec::<()>::new()), |_| None);
        return Ok(None);
    }
    let read = s.tables("dimensions", 0..=DIMENSIONS_MOST, |s| {
        let (name, value) = (s.text("name", allowed, None, text), s.text("value", allowed, None, text));
        Ok((name?, value?))
    });
    read.map(Some)
}

fn text(t: &str) -> Option<String> {
    let fits = (1..=TEXT_MOST).contains(&t.chars().count()) && !t.chars().any(char::is_control);
    fits.then(|| t.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, refused};
    use super::*;

    const TGW: &str =
        "[gateways.core]\nkind = \"transit-gateway\"\ntransit_gateway_id = \"tgw-0a1b\"\ndeclared = 100\n";
    const ARN: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer";

    fn observed(text: &str) -> Observed {
        let config = read(text).unwrap();
        config.gateways["core"].observed.clone().unwrap()
    }

    #[test]
    fn every_kind_that_aws_measures_has_its_own_metric() {
        let core = observed(&format!("{TGW}[gateways.core.observed]\n"));
        let names: Vec<&str> = core.metrics.iter().map(|m| m.name.as_str()).collect();
        assert_eq!((names, core.per), (vec!["BytesIn", "BytesOut"], 7_500_000_000));
        assert_eq!(core.metrics[0].dimensions, [("TransitGateway".to_string(), "tgw-0a1b".to_string())]);
        assert_eq!((core.together, core.fresh_for), (Together::Highest, Duration::from_mins(5)));
        let five = observed(&format!("{TGW}[gateways.core.observed]\nperiod_s = 300\n"));
        assert_eq!((five.per, five.fresh_for), (37_500_000_000, Duration::from_mins(15)));
        for (lb, namespace, metric, per) in [
            ("app/web/50dc", "AWS/ApplicationELB", "PeakLCUs", 1),
            ("net/web/50dc", "AWS/NetworkELB", "ProcessedBytes", 16_500_000),
        ] {
            let text = format!(
                "[gateways.core]\nkind = \"load-balancer\"\nload_balancer_arn = \"{ARN}/{lb}\"\n[gateways.core.observed]\n"
            );
            let web = observed(&text);
            let of_it = &web.metrics[0];
            assert_eq!((of_it.namespace.as_str(), of_it.name.as_str(), web.per), (namespace, metric, per));
            assert_eq!(of_it.dimensions, [("LoadBalancer".to_string(), lb.to_string())]);
        }
        for (unit, per) in [("addresses", 55_000), ("connections", 1)] {
            let out = observed(&format!(
                "[gateways.core]\nkind = \"nat\"\nnat_gateway_id = \"nat-0a1b\"\nunit = \"{unit}\"\n\
                 allocations = [\"eipalloc-01\"]\n[gateways.core.observed]\n"
            ));
            assert_eq!((out.metrics[0].name.as_str(), out.per), ("ActiveConnectionCount", per));
            let refusals = out.refusals.unwrap();
            assert_eq!((refusals.name.as_str(), refusals.statistic.as_str()), ("ErrorPortAllocation", "Sum"));
        }
    }

    #[test]
    fn one_of_the_operators_own_is_read_and_has_all_of_it_said() {
        let own = observed(&format!(
            "{TGW}[gateways.core.observed]\nnamespace = \"net\"\nmetrics = [\"gbits\"]\nstatistic = \"Maximum\"\nper = 1\n\
             dimensions = [{{ name = \"site\", value = \"a\" }}]\ntogether = \"sum\"\n"
        ));
        assert_eq!((own.metrics[0].namespace.as_str(), own.per, own.together), ("net", 1, Together::Sum));
        assert_eq!(own.metrics[0].dimensions, [("site".to_string(), "a".to_string())]);
        let problems = refused(&format!("{TGW}[gateways.core.observed]\nnamespace = \"net\"\n"));
        for key in ["metrics", "statistic", "per"] {
            assert!(problems.contains(&format!("gateways.core.observed.{key}")), "{key} in\n{problems}");
        }
    }

    #[test]
    fn what_would_never_be_fresh_and_a_quota_are_refused() {
        let problems =
            refused(&format!("{TGW}[gateways.core.observed]\nperiod_s = 300\nfresh_for = \"5m\"\n"));
        assert!(
            problems.contains("gateways.core.observed.fresh_for: is less than two periods"),
            "{problems}"
        );
        let problems = refused(
            "[gateways.q]\nkind = \"quota\"\nservice_code = \"ec2\"\nquota_code = \"L-1\"\nunit = \"vCPU\"\n\
             [gateways.q.observed]\n",
        );
        assert!(problems.contains("gateways.q.observed"), "{problems}");
    }
}
