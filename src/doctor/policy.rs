//! The permissions that a configuration needs, and the IAM policy that gives them and no others.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::config::Config;
use crate::decide::gateway::words::{Gateway, GatewayKind};
use crate::decide::group::Group;

/// What every configuration needs: watching instances, and the picture that requests are held against.
const ALWAYS: [&str; 7] = [
    "cloudwatch:GetMetricData",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeInstances",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "servicequotas:GetAWSDefaultServiceQuota",
    "servicequotas:GetServiceQuota",
];
/// Holds keep an instance from being ended, and give back what was before.
const HOLDS: [&str; 2] = ["ec2:DescribeInstanceAttribute", "ec2:ModifyInstanceAttribute"];
/// A fleet's launches carry tags, which is an action of its own.
const FLEET: [&str; 3] = ["ec2:CreateTags", "ec2:RunInstances", "ec2:TerminateInstances"];
/// Looks at groups, which IAM cannot narrow to one of them.
const GROUP_LOOKS: [&str; 2] =
    ["autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeLifecycleHooks"];
/// What is done to one group.
const GROUP: [&str; 11] = [
    "autoscaling:CompleteLifecycleAction",
    "autoscaling:DetachInstances",
    "autoscaling:EnterStandby",
    "autoscaling:ExitStandby",
    "autoscaling:LaunchInstances",
    "autoscaling:RecordLifecycleActionHeartbeat",
    "autoscaling:ResumeProcesses",
    "autoscaling:SetDesiredCapacity",
    "autoscaling:SetInstanceProtection",
    "autoscaling:SuspendProcesses",
    "autoscaling:TerminateInstanceInAutoScalingGroup",
];
/// What the door that polls a queue does; the batches need no permission of their own.
const QUEUE: [&str; 3] = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage"];

/// Actions by the resource that they are allowed for.
#[derive(Debug, Default)]
pub struct Policy(BTreeMap<String, BTreeSet<&'static str>>);

impl Policy {
    /// What this configuration needs.
    #[must_use]
    pub fn of(config: &Config) -> Policy {
        let mut policy = Policy::default();
        policy.allow("*", &ALWAYS);
        policy.allow("*", &HOLDS);
        for group in config.groups.values() {
            policy.group(group, &config.aws.region);
        }
        for gateway in config.gateways.values() {
            policy.gateway(gateway);
        }
        for queue in &config.hooks.sqs.queues {
            policy.allow(&queue_arn(queue, &config.aws.region), &QUEUE);
        }
        policy
    }

    fn allow(&mut self, resource: &str, actions: &[&'static str]) {
        self.0.entry(resource.to_string()).or_default().extend(actions);
    }

    fn group(&mut self, group: &Group, region: &str) {
        match group.asg_name() {
            None => self.allow("*", &FLEET),
            Some(asg) => {
                self.allow("*", &GROUP_LOOKS);
                let arn = format!(
                    "arn:{}:autoscaling:{region}:*:autoScalingGroup:*:autoScalingGroupName/{asg}",
                    partition(region)
                );
                self.allow(&arn, &GROUP);
            }
        }
        if group.quarantine.is_some() {
            // Members that were detached are ended by EC2.
            self.allow("*", &["ec2:CreateTags", "ec2:TerminateInstances"]);
        }
        if group.launch.template.is_some() {
            self.allow("*", &["ec2:DescribeLaunchTemplateVersions"]);
        }
        if group.launch.instance_profile.is_some() {
            self.allow("*", &["iam:PassRole"]);
        }
        if !group.bounds.target_groups.is_empty() {
            self.allow("*", &["elasticloadbalancing:DescribeTargetHealth"]);
        }
    }

    fn gateway(&mut self, gateway: &Gateway) {
        match gateway.kind {
            GatewayKind::TransitGateway => {
                if gateway.support.is_some() {
                    self.allow("*", &["support:CreateCase", "support:DescribeCases"]);
                }
            }
            GatewayKind::LoadBalancer => {
                self.allow("*", &["elasticloadbalancing:DescribeCapacityReservation"]);
                self.allow(&gateway.resource, &["elasticloadbalancing:ModifyCapacityReservation"]);
            }
            GatewayKind::Quota => self.allow(
                "*",
                &[
                    "servicequotas:GetRequestedServiceQuotaChange",
                    "servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota",
                    "servicequotas:RequestServiceQuotaIncrease",
                ],
            ),
            GatewayKind::Nat => self.allow(
                "*",
                &[
                    "ec2:AssociateNatGatewayAddress",
                    "ec2:DescribeNatGateways",
                    "ec2:DisassociateNatGatewayAddress",
                ],
            ),
        }
    }

    /// Every action once, in order.
    #[must_use]
    pub fn actions(&self) -> BTreeSet<&'static str> {
        self.0.values().flatten().copied().collect()
    }

    /// The policy document, as IAM takes it.
    #[must_use]
    pub fn document(&self) -> Value {
        let mut statements = Vec::new();
        for (resource, actions) in &self.0 {
            let (passing, others): (Vec<&str>, Vec<&str>) =
                actions.iter().partition(|a| **a == "iam:PassRole");
            if !others.is_empty() {
                statements.push(json!({ "Effect": "Allow", "Action": others, "Resource": resource }));
            }
            if !passing.is_empty() {
                // The configuration names the profile, not the role in it: narrow Resource to that role.
                statements.push(json!({
                    "Effect": "Allow",
                    "Action": passing,
                    "Resource": resource,
                    "Condition": { "StringLike": { "iam:PassedToService": "ec2.amazonaws.com*" } },
                }));
            }
        }
        json!({ "Version": "2012-10-17", "Statement": statements })
    }
}

/// How ARNs of this Region begin.
fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else if region.starts_with("us-iso-") {
        "aws-iso"
    } else if region.starts_with("us-isob-") {
        "aws-iso-b"
    } else if region.starts_with("eusc-") {
        "aws-eusc"
    } else {
        "aws"
    }
}

/// The ARN of the queue at this URL: its last two parts are the account and the name.
#[must_use]
pub fn queue_arn(url: &str, region: &str) -> String {
    let mut parts = url.trim_end_matches('/').rsplit('/');
    let (name, account) = (parts.next().unwrap_or("*"), parts.next().unwrap_or("*"));
    format!("arn:{}:sqs:{region}:{account}:{name}", partition(region))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(more: &str) -> Config {
        let fleet = "[aws]\nregion = \"us-east-1\"\n[groups.web]\nmax = 10\nprobes = [{ kind = \"tcp\", port = 80 }]\n[groups.web.launch]\nimage = \"ami-1\"\n\
                     instance_type = \"m5.large\"\nsubnets = [{ id = \"subnet-a\", zone = \"us-east-1a\" }]\n";
        Config::parse("muster.toml", &format!("{fleet}{more}"), &Vec::new())
            .map_err(|p| p.to_string())
            .unwrap()
    }

    /// Whether the document allows this action, and for what.
    fn allowed(document: &Value, action: &str) -> Vec<String> {
        let statements = document["Statement"].as_array().unwrap();
        let of = statements.iter().filter(|s| s["Action"].as_array().unwrap().iter().any(|a| a == action));
        of.map(|s| s["Resource"].as_str().unwrap().to_string()).collect()
    }

    #[test]
    fn a_fleet_needs_ec2_and_nothing_of_auto_scaling() {
        let document = Policy::of(&config("")).document();
        assert_eq!(allowed(&document, "ec2:RunInstances"), ["*"]);
        assert_eq!(allowed(&document, "servicequotas:GetServiceQuota"), ["*"]);
        assert!(!document.to_string().contains("autoscaling:"), "{document}");
        assert!(!document.to_string().contains("iam:"), "{document}");
        assert_eq!(document["Version"], "2012-10-17");
    }

    #[test]
    fn what_is_configured_besides_is_allowed_for_its_own_resource() {
        let queue = "[hooks.sqs]\nqueues = [\"https://sqs.us-east-1.amazonaws.com/123456789012/hooks\"]\n";
        let gateways = "[gateways.nat]\nkind = \"nat\"\nnat_gateway_id = \"nat-0123456789abcdef0\"\nunit = \"connections\"\nallocations = [\"eipalloc-0123456789abcdef0\"]\n\
                        declared = 55000\n[gateways.core]\nkind = \"transit-gateway\"\ntransit_gateway_id = \"tgw-0a1b\"\n\
                        support = { service_code = \"vpc\", category_code = \"other\", severity_code = \"high\" }\n";
        let document =
            Policy::of(&config(&format!("instance_profile = \"web\"\n{queue}{gateways}"))).document();
        assert_eq!(allowed(&document, "sqs:ReceiveMessage"), ["arn:aws:sqs:us-east-1:123456789012:hooks"]);
        assert_eq!(allowed(&document, "ec2:AssociateNatGatewayAddress"), ["*"]);
        assert_eq!(allowed(&document, "support:CreateCase"), ["*"]);
        assert_eq!(allowed(&document, "iam:PassRole"), ["*"]);
        let passing =
            document["Statement"].as_array().unwrap().iter().find(|s| s["Action"][0] == "iam:PassRole");
        assert!(passing.unwrap()["Condition"].is_object());
    }

    #[test]
    fn a_group_of_auto_scaling_is_named() {
        let text = "[aws]\nregion = \"cn-north-1\"\n[groups.web]\nmax = 10\nasg = { name = \"web-asg\" }\nprobes = [{ kind = \"tcp\", port = 80 }]\n\
                    [groups.web.launch]\nsubnets = [{ id = \"subnet-a\", zone = \"cn-north-1a\" }]\n";
        let config = Config::parse("muster.toml", text, &Vec::new()).map_err(|p| p.to_string()).unwrap();
        let policy = Policy::of(&config);
        assert_eq!(
            allowed(&policy.document(), "autoscaling:CompleteLifecycleAction"),
            ["arn:aws-cn:autoscaling:cn-north-1:*:autoScalingGroup:*:autoScalingGroupName/web-asg"]
        );
        assert_eq!(allowed(&policy.document(), "autoscaling:DescribeLifecycleHooks"), ["*"]);
        assert!(!policy.actions().contains("ec2:RunInstances"));
    }
}
