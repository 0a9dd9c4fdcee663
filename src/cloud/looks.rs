//! Looks for the picture that requests are held against, as read-only calls of the services that know.

use std::time::Duration;

use aws_sdk_ec2::types::Filter;
use aws_sdk_elasticloadbalancingv2::types::{TargetHealthDescription, TargetHealthStateEnum};

use super::Outcome;
use super::account::{Account, Calls};
use super::cloudwatch::{AwsCloudWatch, CloudWatch, MetricQuery, Series};
use super::failure;
use super::http::Answers;
use crate::decide::event::CallError;
use crate::decide::preflight::look::{Look, Looked, Sighting, Subject};
use crate::decide::preflight::quota::Quota;
use crate::decide::words::Time;

/// How far back the usage metric is read: it has a point a minute, and the newest is some minutes late.
const BACK: Duration = Duration::from_secs(600);
/// Its period. What is told as of a minute is true at the end of it.
const PERIOD: Duration = Duration::from_secs(60);
/// Most interfaces on one page (aws-facts 2.5).
const INTERFACES: i32 = 1_000;

/// Whoever looks. One look is one request.
pub trait Looks: Send + Sync + 'static {
    /// Makes this one call. `at` is the time by muster's clock.
    fn look<'a>(&'a self, look: &'a Look, at: Time) -> Outcome<'a, Looked>;
}

/// The services of one Region that are looked at.
#[derive(Clone, Debug)]
pub struct AwsLooks {
    ec2: aws_sdk_ec2::Client,
    quotas: aws_sdk_servicequotas::Client,
    balancing: aws_sdk_elasticloadbalancingv2::Client,
    cloudwatch: AwsCloudWatch,
    calls: Calls,
}

impl AwsLooks {
    /// Clients of this account.
    #[must_use]
    pub fn of(account: &Account) -> AwsLooks {
        let xml = account.config(Answers::WholeXml);
        AwsLooks {
            ec2: aws_sdk_ec2::Client::new(&xml),
            quotas: aws_sdk_servicequotas::Client::new(&account.config(Answers::WholeJson)),
            balancing: aws_sdk_elasticloadbalancingv2::Client::new(&xml),
            cloudwatch: AwsCloudWatch::of(account),
            calls: account.calls(),
        }
    }

    async fn quota(&self, quota: Quota) -> Result<Looked, CallError> {
        let request = self.quotas.get_service_quota().service_code(quota.service());
        let answer = self.calls.make(request.quota_code(quota.as_str()).send()).await?;
        value(quota, answer.quota.and_then(|q| q.value))
    }

    async fn default_quota(&self, quota: Quota) -> Result<Looked, CallError> {
        let request = self.quotas.get_aws_default_service_quota().service_code(quota.service());
        let answer = self.calls.make(request.quota_code(quota.as_str()).send()).await?;
        value(quota, answer.quota.and_then(|q| q.value))
    }

    async fn usage(&self, quota: Quota, at: Time) -> Result<Looked, CallError> {
        let dimension = |name: &str, value: &str| (name.to_string(), value.to_string());
        let query = MetricQuery {
            namespace: "AWS/Usage".into(),
            name: "ResourceCount".into(),
            dimensions: vec![
                dimension("Service", "EC2"),
                dimension("Type", "Resource"),
                dimension("Resource", "vCPU"),
                dimension("Class", quota.usage_class().unwrap_or_default()),
            ],
            period: PERIOD,
            statistic: "Maximum".into(),
        };
        let page = self.cloudwatch.metric_data(&[query], at.minus(BACK), at, None).await?;
        // Of what is not in use there is no metric.
        let newest = page.series.iter().find_map(Series::newest);
        let (begins, value) = newest.map_or((None, 0.0), |(begins, value)| (Some(begins), value));
        let as_of = begins.map(|begins| begins.plus(PERIOD));
        Ok(one(Sighting { subject: Subject::Usage(quota), value: whole(value), as_of }))
    }

    async fn types(&self, types: &[String]) -> Result<Looked, CallError> {
        let names = types.iter().map(|t| t.as_str().into()).collect();
        let request = self.ec2.describe_instance_types().set_instance_types(Some(names));
        let answer = self.calls.make(request.send()).await?;
        let seen = answer.instance_types().iter().filter_map(|t| {
            let vcpus = t.v_cpu_info()?.default_v_cpus()?;
            Some(now(Subject::Vcpus(t.instance_type()?.as_str().into()), vcpus.into()))
        });
        Ok(Looked { seen: seen.collect(), next: None })
    }

    async fn subnets(&self, ids: &[String]) -> Result<Looked, CallError> {
        let request = self.ec2.describe_subnets().set_subnet_ids(Some(ids.to_vec()));
        let answer = self.calls.make(request.send()).await?;
        let seen = answer.subnets().iter().filter_map(|s| {
            Some(now(Subject::Subnet(s.subnet_id()?.into()), s.available_ip_address_count()?.into()))
        });
        Ok(Looked { seen: seen.collect(), next: None })
    }

    async fn interfaces(&self, zone: &str, page: Option<&str>, before: u32) -> Result<Looked, CallError> {
        let in_zone = Filter::builder().name("availability-zone").values(zone).build();
        let request = self.ec2.describe_network_interfaces().filters(in_zone).max_results(INTERFACES);
        let answer = self.calls.make(request.set_next_token(page.map(Into::into)).send()).await?;
        let counted = before.saturating_add(count(answer.network_interfaces().len()));
        match answer.next_token.filter(|token| !token.is_empty()) {
            None => Ok(one(now(Subject::Interfaces(zone.into()), counted.into()))),
            next => {
                let next = Look::Interfaces { zone: zone.into(), page: next, counted };
                Ok(Looked { seen: Vec::new(), next: Some(next) })
            }
        }
    }

    async fn targets(&self, arn: &str) -> Result<Looked, CallError> {
        let answer = self.calls.make(self.balancing.describe_target_health().target_group_arn(arn).send());
        let answer = answer.await?;
        let stays = |t: &&TargetHealthDescription| {
            let state = t.target_health().and_then(|h| h.state());
            state != Some(&TargetHealthStateEnum::Draining)
        };
        let targets = answer.target_health_descriptions().iter().filter(stays).count();
        Ok(one(now(Subject::Targets(arn.into()), count(targets).into())))
    }

    async fn template(&self, id: &str, version: &str) -> Result<Looked, CallError> {
        let request = self.ec2.describe_launch_template_versions().versions(version);
        let request = if id.starts_with("lt-") {
            request.launch_template_id(id)
        } else {
            request.launch_template_name(id)
        };
        let answer = self.calls.make(request.send()).await?;
        let found = i64::from(!answer.launch_template_versions().is_empty());
        Ok(one(now(Subject::Template(format!("{id} {version}")), found)))
    }
}

impl Looks for AwsLooks {
    fn look<'a>(&'a self, look: &'a Look, at: Time) -> Outcome<'a, Looked> {
        Box::pin(async move {
            match look {
                Look::Quota(quota) => self.quota(*quota).await,
                Look::DefaultQuota(quota) => self.default_quota(*quota).await,
                Look::Usage(quota) => self.usage(*quota, at).await,
                Look::Types(types) => self.types(types).await,
                Look::Subnets(ids) => self.subnets(ids).await,
                Look::Interfaces { zone, page, counted } => {
                    self.interfaces(zone, page.as_deref(), *counted).await
                }
                Look::Targets(arn) => self.targets(arn).await,
                Look::Template { id, version } => self.template(id, version).await,
            }
        })
    }
}

fn one(sighting: Sighting) -> Looked {
    Looked { seen: vec![sighting], next: None }
}

/// True as of the time of asking.
fn now(subject: Subject, value: i64) -> Sighting {
    Sighting { subject, value, as_of: None }
}

fn value(quota: Quota, value: Option<f64>) -> Result<Looked, CallError> {
    let value = value.ok_or_else(|| failure::unreadable("the answer has no value".into()))?;
    Ok(one(now(Subject::Quota(quota), whole(value))))
}

/// Quotas and counts are whole; a part of one is none.
#[allow(clippy::cast_possible_truncation)] // saturates
fn whole(value: f64) -> i64 {
    value.floor() as i64
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
