//! Looks for the picture, in the model's words.

use std::time::Duration;

use crate::decide::event::CallError;
use crate::decide::preflight::look::{Look, Looked, Sighting, Subject};
use crate::decide::preflight::quota::Quota;
use crate::decide::words::Time;
use crate::sim::model::call::{Answer as AnyAnswer, Call as AnyCall, Outcome};
use crate::sim::model::cloudwatch::call as cloudwatch;
use crate::sim::model::ec2::call::{
    Answer as Ec2Answer, Call as Ec2, Filter, Read, ReadVersions, TemplateRef,
};
use crate::sim::model::elbv2::call as elbv2;
use crate::sim::model::quotas::call as quotas;

/// As muster's adapter asks: a few periods back, since the newest may not be there yet.
const BACK: Duration = Duration::from_secs(600);
const MINUTE: Duration = Duration::from_secs(60);

pub fn call(look: &Look, now: Time) -> AnyCall {
    let of = |quota: &Quota| quotas::Of { service: quota.service().into(), quota: quota.as_str().into() };
    let ids = |ids: &[String]| Read { ids: ids.to_vec(), ..Read::default() };
    match look {
        Look::Quota(quota) => AnyCall::Quotas(quotas::Call::GetServiceQuota(of(quota))),
        Look::DefaultQuota(quota) => AnyCall::Quotas(quotas::Call::GetAwsDefaultServiceQuota(of(quota))),
        Look::Usage(quota) => usage(*quota, now),
        Look::Types(types) => AnyCall::Ec2(Ec2::DescribeInstanceTypes(ids(types))),
        Look::Subnets(subnets) => AnyCall::Ec2(Ec2::DescribeSubnets(ids(subnets))),
        Look::Interfaces { zone, page, .. } => AnyCall::Ec2(Ec2::DescribeNetworkInterfaces(Read {
            filters: vec![Filter { name: "availability-zone".into(), values: vec![zone.to_string()] }],
            max_results: Some(1_000),
            next_token: page.clone(),
            ..Read::default()
        })),
        Look::Targets(arn) => AnyCall::Elbv2(elbv2::Call::DescribeTargetHealth(elbv2::Targets {
            group: arn.to_string(),
            targets: Vec::new(),
        })),
        Look::Template { id, version } => AnyCall::Ec2(Ec2::DescribeLaunchTemplateVersions(ReadVersions {
            read: Read { ids: vec![version.to_string()], ..Read::default() },
            template: Some(TemplateRef::of(id, version)),
            from: None,
            to: None,
        })),
    }
}

fn usage(quota: Quota, now: Time) -> AnyCall {
    let dimensions = [
        ("Service", "EC2"),
        ("Type", "Resource"),
        ("Resource", "vCPU"),
        ("Class", quota.usage_class().unwrap_or_default()),
    ];
    let query = cloudwatch::Query {
        id: "q0".into(),
        label: None,
        returned: true,
        what: cloudwatch::What::Stat {
            metric: cloudwatch::Metric {
                namespace: "AWS/Usage".into(),
                name: "ResourceCount".into(),
                dimensions: dimensions.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect(),
            },
            period_s: 60,
            stat: "Maximum".into(),
        },
    };
    AnyCall::CloudWatch(cloudwatch::Call::GetMetricData(cloudwatch::GetMetricData {
        queries: vec![query],
        span: cloudwatch::Span { start_ms: now.minus(BACK).0, end_ms: now.0 },
        ..cloudwatch::GetMetricData::default()
    }))
}

pub fn answer(look: &Look, outcome: Outcome) -> Result<Looked, CallError> {
    let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let one =
        |subject, value, as_of| Ok(Looked { seen: vec![Sighting { subject, value, as_of }], next: None });
    match (look, outcome) {
        (
            Look::Quota(quota) | Look::DefaultQuota(quota),
            Outcome::Answer(AnyAnswer::Quotas(quotas::Answer::Quota(view))),
        ) => one(Subject::Quota(*quota), whole(view.value), None),
        (
            Look::Usage(quota),
            Outcome::Answer(AnyAnswer::CloudWatch(cloudwatch::Answer::MetricData { results, .. })),
        ) => {
            let newest = results.iter().flat_map(|r| &r.points).max_by_key(|(at, _)| *at);
            let (at, value) = newest.map_or((None, 0.0), |(at, value)| (Some(Time(*at)), *value));
            one(Subject::Usage(*quota), whole(value), at.map(|at| at.plus(MINUTE)))
        }
        (Look::Types(_), Outcome::Answer(AnyAnswer::Ec2(Ec2Answer::Types { types, .. }))) => {
            let seen = types.iter().map(|t| Sighting {
                subject: Subject::Vcpus(t.name.into()),
                value: t.vcpus.into(),
                as_of: None,
            });
            Ok(Looked { seen: seen.collect(), next: None })
        }
        (Look::Subnets(_), Outcome::Answer(AnyAnswer::Ec2(Ec2Answer::Subnets { subnets, .. }))) => {
            let seen = subnets.into_iter().map(|s| Sighting {
                subject: Subject::Subnet(s.id),
                value: s.free.into(),
                as_of: None,
            });
            Ok(Looked { seen: seen.collect(), next: None })
        }
        (
            Look::Interfaces { zone, counted, .. },
            Outcome::Answer(AnyAnswer::Ec2(Ec2Answer::Interfaces { interfaces, next_token })),
        ) => {
            let counted = counted + u32::try_from(interfaces.len()).unwrap_or(u32::MAX);
            if next_token.is_some() {
                let next = Look::Interfaces { zone: zone.clone(), page: next_token, counted };
                return Ok(Looked { seen: Vec::new(), next: Some(next) });
            }
            one(Subject::Interfaces(zone.to_string()), counted.into(), None)
        }
        (Look::Targets(arn), Outcome::Answer(AnyAnswer::Elbv2(elbv2::Answer::TargetHealth(views)))) => {
            let stay = views.iter().filter(|v| v.health != elbv2::Health::Draining).count();
            one(Subject::Targets(arn.to_string()), number(stay), None)
        }
        (
            Look::Template { id, version },
            Outcome::Answer(AnyAnswer::Ec2(Ec2Answer::Versions { versions, .. })),
        ) => one(Subject::Template(format!("{id} {version}")), number(versions.len().min(1)), None),
        (_, outcome) => Err(super::failed(outcome)),
    }
}

/// Quotas and counts are whole; whatever is not is not there in full.
#[allow(clippy::cast_possible_truncation)] // saturates
fn whole(value: f64) -> i64 {
    value.floor() as i64
}
