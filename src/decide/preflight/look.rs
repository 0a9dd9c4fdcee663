//! What AWS is asked for the picture, and what it shows. Every look is one read-only call.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::quota::Quota;
use crate::decide::words::{Api, Time};

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// `GetServiceQuota`: the account's own value.
    Quota(Quota),
    /// `GetAWSDefaultServiceQuota`: AWS's, where the account has none of its own.
    DefaultQuota(Quota),
    /// `GetMetricData` of `AWS/Usage`: vCPUs that run.
    Usage(Quota),
    /// `DescribeInstanceTypes` of at most 100 types.
    Types(Arc<[String]>),
    /// `DescribeSubnets` of at most 200 ids.
    Subnets(Arc<[String]>),
    /// `DescribeNetworkInterfaces` of one zone, a page of a thousand; `counted` were on the pages before.
    Interfaces { zone: Arc<str>, page: Option<String>, counted: u32 },
    /// `DescribeTargetHealth` of one target group.
    Targets(Arc<str>),
    /// `DescribeLaunchTemplateVersions` of one version.
    Template { id: Arc<str>, version: Arc<str> },
}

impl Look {
    /// The call that it is.
    #[must_use]
    pub fn api(&self) -> Api {
        match self {
            Look::Quota(_) => Api::GetServiceQuota,
            Look::DefaultQuota(_) => Api::GetAwsDefaultServiceQuota,
            Look::Usage(_) => Api::GetMetricData,
            Look::Types(_) => Api::DescribeInstanceTypes,
            Look::Subnets(_) => Api::DescribeSubnets,
            Look::Interfaces { .. } => Api::DescribeNetworkInterfaces,
            Look::Targets(_) => Api::DescribeTargetHealth,
            Look::Template { .. } => Api::DescribeLaunchTemplateVersions,
        }
    }
}

/// What one number of the picture is about. Written as its text in the database.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The quota's value.
    Quota(Quota),
    /// vCPUs that run of what this quota counts.
    Usage(Quota),
    /// vCPUs of one instance of this type.
    Vcpus(String),
    /// Free addresses of a subnet.
    Subnet(String),
    /// Network interfaces in a zone.
    Interfaces(String),
    /// Targets of a target group that do not drain.
    Targets(String),
    /// 1 if the version exists, 0 if it does not.
    Template(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Quota(quota) => write!(f, "quota {quota}"),
            Subject::Usage(quota) => write!(f, "usage {quota}"),
            Subject::Vcpus(kind) => write!(f, "vcpus {kind}"),
            Subject::Subnet(id) => write!(f, "subnet {id}"),
            Subject::Interfaces(zone) => write!(f, "interfaces {zone}"),
            Subject::Targets(arn) => write!(f, "targets {arn}"),
            Subject::Template(version) => write!(f, "template {version}"),
        }
    }
}

impl FromStr for Subject {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let unknown = || format!("'{s}' is nothing that the picture has");
        let (kind, of) = s.split_once(' ').ok_or_else(unknown)?;
        Ok(match kind {
            "quota" => Subject::Quota(of.parse()?),
            "usage" => Subject::Usage(of.parse()?),
            "vcpus" => Subject::Vcpus(of.into()),
            "subnet" => Subject::Subnet(of.into()),
            "interfaces" => Subject::Interfaces(of.into()),
            "targets" => Subject::Targets(of.into()),
            "template" => Subject::Template(of.into()),
            _ => return Err(unknown()),
        })
    }
}

/// One number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    pub subject: Subject,
    pub value: i64,
    /// What it was true at; the time of asking if AWS does not say. CloudWatch's usage lags by a minute or two.
    pub as_of: Option<Time>,
}

/// What one call showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// What was asked for and is not here does not exist.
    pub seen: Vec<Sighting>,
    /// There is more to ask for.
    pub next: Option<Look>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_survives_the_database() {
        for subject in [
            Subject::Quota(Quota::Interfaces),
            Subject::Usage(Quota::StandardVcpus),
            Subject::Vcpus("m5.large".into()),
            Subject::Subnet("subnet-0a".into()),
            Subject::Interfaces("us-east-1a".into()),
            Subject::Targets("arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/1".into()),
            Subject::Template("lt-1 $Latest".into()),
        ] {
            assert_eq!(subject.to_string().parse(), Ok(subject));
        }
        assert!("weather today".parse::<Subject>().is_err());
    }
}
