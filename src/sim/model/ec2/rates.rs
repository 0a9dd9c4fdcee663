//! What EC2 publishes about its throttling: the buckets of each action (aws-facts 1.2 and 1.3).

use super::super::super::settings::{BucketSettings, Part};
use super::call::Action;

/// Every mutating action that has no row of its own (aws-facts 1.2).
const MUTATING: BucketSettings = BucketSettings::full(50.0, 5.0);
/// Every read that has no row of its own.
const READ: BucketSettings = BucketSettings::full(100.0, 20.0);
/// A read with neither a filter nor `MaxResults`, of the actions for which that matters.
const UNFILTERED: BucketSettings = BucketSettings::full(50.0, 10.0);

/// One bucket of an action, full; none if it has no such bucket.
#[must_use]
pub fn published(action: Action, part: Part) -> Option<BucketSettings> {
    match part {
        Part::Requests => Some(requests(action)),
        Part::Unfiltered => unfiltered(action),
        Part::Resource => resource(action),
    }
}

fn requests(action: Action) -> BucketSettings {
    match action {
        Action::RunInstances | Action::StartInstances => BucketSettings::full(5.0, 2.0),
        Action::TerminateInstances => BucketSettings::full(100.0, 5.0),
        Action::CreateLaunchTemplateVersion | Action::ModifyLaunchTemplate => {
            BucketSettings::full(100.0, 5.0)
        }
        Action::AssignPrivateNatGatewayAddress
        | Action::AssociateNatGatewayAddress
        | Action::CreateNatGateway
        | Action::DeleteNatGateway
        | Action::DisassociateNatGatewayAddress => BucketSettings::full(10.0, 1.0),
        Action::AllocateAddress
        | Action::ReleaseAddress
        | Action::CreateFleet
        | Action::CreateLaunchTemplate
        | Action::DeleteLaunchTemplate
        | Action::ModifyInstanceAttribute
        | Action::RebootInstances
        | Action::StopInstances => MUTATING,
        Action::CreateTags | Action::DeleteTags => BucketSettings::full(100.0, 10.0),
        Action::DescribeAddresses
        | Action::DescribeNatGateways
        | Action::DescribeTransitGateways
        | Action::DescribeTransitGatewayAttachments
        | Action::DescribeAvailabilityZones
        | Action::DescribeImages
        | Action::DescribeInstanceAttribute
        | Action::DescribeInstances
        | Action::DescribeInstanceStatus
        | Action::DescribeInstanceTypes
        | Action::DescribeLaunchTemplates
        | Action::DescribeLaunchTemplateVersions
        | Action::DescribeSecurityGroups
        | Action::DescribeNetworkInterfaces
        | Action::DescribeSubnets
        | Action::DescribeTags
        | Action::DescribeFleets
        | Action::DescribeVpcs => READ,
    }
}

fn unfiltered(action: Action) -> Option<BucketSettings> {
    let has = matches!(
        action,
        Action::DescribeInstances
            | Action::DescribeInstanceStatus
            | Action::DescribeNetworkInterfaces
            | Action::DescribeSecurityGroups
    );
    has.then_some(UNFILTERED)
}

fn resource(action: Action) -> Option<BucketSettings> {
    const REFILLS: [(Action, f64); 4] = [
        (Action::RunInstances, 2.0),
        (Action::StartInstances, 2.0),
        (Action::StopInstances, 20.0),
        (Action::TerminateInstances, 20.0),
    ];
    let (_, refill) = REFILLS.iter().find(|(a, _)| *a == action)?;
    Some(BucketSettings::full(1000.0, *refill))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_published_tables() {
        let of = |action, part| published(action, part).map(|b| (b.burst, b.refill));
        assert_eq!(of(Action::RunInstances, Part::Requests), Some((5.0, 2.0)));
        assert_eq!(of(Action::RunInstances, Part::Resource), Some((1000.0, 2.0)));
        assert_eq!(of(Action::TerminateInstances, Part::Resource), Some((1000.0, 20.0)));
        assert_eq!(of(Action::CreateTags, Part::Requests), Some((100.0, 10.0)));
        assert_eq!(of(Action::DescribeInstances, Part::Unfiltered), Some((50.0, 10.0)));
        assert_eq!(of(Action::DescribeSubnets, Part::Unfiltered), None);
        assert_eq!(of(Action::CreateTags, Part::Resource), None);
    }
}
