//! What instances are launched into: the zones, the one network, its security groups.

use super::Ec2;
use super::call::{Answer, Read};
use super::error::{ApiError, Code};
use super::filter::{all_match, known};
use super::read::{cut, page};
use super::tags::TagMap;

/// The one network everything lies in, and its addresses.
pub const VPC: &str = "vpc-00000000000000001";
const VPC_CIDR: &str = "127.0.0.0/8";
/// The network's own security group.
const DEFAULT_GROUP: &str = "sg-00000000000000001";

/// One zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneView {
    pub name: String,
    /// The same for every account, unlike the name: `use1-az1`.
    pub id: String,
    pub region: String,
}

/// The network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VpcView {
    pub cidr: &'static str,
    pub tags: TagMap,
}

/// One security group. They have no rules here: everything may talk to everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroupView {
    pub id: String,
    pub name: String,
    pub tags: TagMap,
}

/// `us-east-1` and `us-east-1b` make `use1-az2`.
fn zone_id(region: &str, zone: &str) -> String {
    let short: String = region
        .split('-')
        .enumerate()
        .map(|(i, part)| if i == 1 { compass(part) } else { part.to_string() })
        .collect();
    let letter = zone.bytes().last().unwrap_or(b'a').saturating_sub(b'a');
    format!("{short}-az{}", u32::from(letter) + 1)
}

/// `southeast` makes `se`, `central` makes `c`.
fn compass(part: &str) -> String {
    let words = ["north", "south", "east", "west", "central"];
    let mut found: Vec<(usize, &str)> = words.iter().filter_map(|w| Some((part.find(w)?, &w[..1]))).collect();
    found.sort_unstable();
    found.into_iter().map(|(_, initial)| initial).collect()
}

enum ZoneField {
    Name,
    Id,
    Region,
    State,
}

enum VpcField<'a> {
    Id,
    Cidr,
    State,
    Default,
    Tag(&'a str),
}

enum GroupField<'a> {
    Id,
    Name,
    Vpc,
    Tag(&'a str),
}

impl Ec2 {
    /// `AllAvailabilityZones` makes no difference: no zone needs to be opted in to.
    pub(super) fn describe_availability_zones(&self, read: &Read) -> Result<Answer, ApiError> {
        page(read)?;
        let filters = known(&read.filters, |name| {
            Some(match name {
                "zone-name" => ZoneField::Name,
                "zone-id" => ZoneField::Id,
                "region-name" => ZoneField::Region,
                "state" => ZoneField::State,
                _ => return None,
            })
        })?;
        let mut zones = self.zones();
        if let Some(unknown) = read.ids.iter().find(|id| zones.iter().all(|z| z.name != **id)) {
            return Err(ApiError::invalid(format!("Invalid availability zone: [{unknown}]")));
        }
        zones.retain(|z| {
            let wanted = read.ids.is_empty() || read.ids.contains(&z.name);
            wanted
                && all_match(&filters, |field, test| match field {
                    ZoneField::Name => test(&z.name),
                    ZoneField::Id => test(&z.id),
                    ZoneField::Region => test(&z.region),
                    ZoneField::State => test("available"),
                })
        });
        Ok(Answer::Zones(zones))
    }

    /// Each zone that has a subnet, by name.
    fn zones(&self) -> Vec<ZoneView> {
        let region = &self.settings.region;
        let mut names: Vec<&String> = self.network.subnets().iter().map(|s| &s.settings.zone).collect();
        names.sort_unstable();
        names.dedup();
        let view = |name: &String| ZoneView {
            name: name.clone(),
            id: zone_id(region, name),
            region: region.clone(),
        };
        names.into_iter().map(view).collect()
    }

    pub(super) fn describe_vpcs(&self, read: &Read) -> Result<Answer, ApiError> {
        page(read)?;
        let filters = known(&read.filters, |name| {
            Some(match name {
                "vpc-id" => VpcField::Id,
                "cidr" => VpcField::Cidr,
                "state" => VpcField::State,
                "is-default" | "isDefault" => VpcField::Default,
                _ => VpcField::Tag(name.strip_prefix("tag:")?),
            })
        })?;
        if let Some(unknown) = read.ids.iter().find(|id| *id != VPC) {
            let message = format!("The vpc ID '{unknown}' does not exist");
            return Err(ApiError::new(Code::InvalidVpcIdNotFound, message));
        }
        let tags = self.tags.of(VPC);
        let fits = all_match(&filters, |field, test| match field {
            VpcField::Id => test(VPC),
            VpcField::Cidr => test(VPC_CIDR),
            VpcField::State => test("available"),
            VpcField::Default => test("true"),
            VpcField::Tag(key) => tags.get(*key).is_some_and(|v| test(v)),
        });
        Ok(Answer::Vpcs(fits.then_some(VpcView { cidr: VPC_CIDR, tags }).into_iter().collect()))
    }

    /// The default group and those that the settings name; any that looks like one if they name none.
    pub(super) fn is_security_group(&self, id: &str) -> bool {
        let groups = &self.settings.ec2.security_groups;
        let written = id.strip_prefix("sg-").is_some_and(|rest| !rest.is_empty());
        written && (groups.is_empty() || id == DEFAULT_GROUP || groups.iter().any(|g| g == id))
    }

    /// # Errors
    /// InvalidGroup.NotFound for the first that does not exist.
    pub(super) fn check_security_groups<'a>(
        &self,
        mut ids: impl Iterator<Item = &'a String>,
    ) -> Result<(), ApiError> {
        match ids.find(|id| !self.is_security_group(id)) {
            None => Ok(()),
            Some(id) => Err(ApiError::new(
                Code::InvalidGroupNotFound,
                format!("The security group '{id}' does not exist"),
            )),
        }
    }

    pub(super) fn describe_security_groups(&self, read: &Read) -> Result<Answer, ApiError> {
        let page = page(read)?;
        let filters = known(&read.filters, |name| {
            Some(match name {
                "group-id" => GroupField::Id,
                "group-name" => GroupField::Name,
                "vpc-id" => GroupField::Vpc,
                _ => GroupField::Tag(name.strip_prefix("tag:")?),
            })
        })?;
        self.check_security_groups(read.ids.iter())?;
        let mut ids = read.ids.clone();
        if ids.is_empty() {
            ids.push(DEFAULT_GROUP.into());
            ids.extend(self.settings.ec2.security_groups.iter().cloned());
        }
        ids.sort_unstable();
        ids.dedup();
        let views = ids.into_iter().map(|id| SecurityGroupView {
            name: if id == DEFAULT_GROUP { "default".into() } else { id.clone() },
            tags: self.tags.of(&id),
            id,
        });
        let fits = |view: &SecurityGroupView| {
            all_match(&filters, |field, test| match field {
                GroupField::Id => test(&view.id),
                GroupField::Name => test(&view.name),
                GroupField::Vpc => test(VPC),
                GroupField::Tag(key) => view.tags.get(*key).is_some_and(|v| test(v)),
            })
        };
        let (groups, next_token) = cut((0..).zip(views).filter(|(_, v)| fits(v)), page);
        Ok(Answer::SecurityGroups { groups, next_token })
    }
}

#[cfg(test)]
mod tests {
    use super::super::call::{Call, Filter, RunInstances};
    use super::super::testing::*;
    use super::*;

    fn by(name: &str, value: &str) -> Read {
        Read { filters: vec![Filter { name: name.into(), values: vec![value.into()] }], ..Read::default() }
    }

    #[test]
    fn zones_have_the_ids_that_aws_gives_them() {
        for (region, zone, id) in [
            ("us-east-1", "us-east-1a", "use1-az1"),
            ("ap-southeast-2", "ap-southeast-2c", "apse2-az3"),
            ("eu-central-1", "eu-central-1b", "euc1-az2"),
        ] {
            assert_eq!(zone_id(region, zone), id);
        }
    }

    #[test]
    fn zones_are_those_with_subnets() {
        let mut model = plain();
        let mut ask = |read| model.ask(&Call::DescribeAvailabilityZones(read), 0);
        let names = |reply: Reply| {
            let Outcome::Answer(AnyAnswer::Ec2(Answer::Zones(zones))) = reply.outcome else { panic!() };
            zones.into_iter().map(|z| z.name).collect::<Vec<_>>()
        };
        assert_eq!(names(ask(Read::default())), ["us-east-1a", "us-east-1b", "us-east-1c"]);
        assert_eq!(names(ask(by("zone-id", "use1-az2"))), ["us-east-1b"]);
        let unknown = Read { ids: vec!["mars-1a".into()], ..Read::default() };
        assert_eq!(code(&ask(unknown)), "InvalidParameterValue");
    }

    #[test]
    fn there_is_one_network() {
        let mut model = plain();
        let mut count = |read| match model.ask(&Call::DescribeVpcs(read), 0).outcome {
            Outcome::Answer(AnyAnswer::Ec2(Answer::Vpcs(vpcs))) => Ok(vpcs.len()),
            Outcome::Error(failure) => Err(failure.code),
            other @ (Outcome::Answer(_) | Outcome::Lost) => panic!("{other:?}"),
        };
        assert_eq!(count(Read::default()), Ok(1));
        assert_eq!(count(by("is-default", "false")), Ok(0));
        assert_eq!(
            count(Read { ids: vec!["vpc-9".into()], ..Read::default() }),
            Err("InvalidVpcID.NotFound")
        );
    }

    #[test]
    fn groups_must_exist_once_the_settings_name_some() {
        let run = |id: &str| {
            let other = [("SecurityGroupId.1".to_string(), id.to_string())].into();
            Call::RunInstances(RunInstances { other, token: None, ..run_in(A, "t", 1, 1) })
        };
        assert_eq!(code(&plain().ask(&run("sg-any"), 0)), "");
        let mut settings = small_settings();
        settings.ec2.security_groups = vec!["sg-web".into()];
        let mut model = Model::new(settings, 1).unwrap();
        for (id, expected) in [("sg-web", ""), (DEFAULT_GROUP, ""), ("sg-any", "InvalidGroup.NotFound")] {
            assert_eq!(code(&model.ask(&run(id), 0)), expected, "{id}");
        }
        let reply = model.ask(&Call::DescribeSecurityGroups(by("group-name", "*")), 0);
        let Outcome::Answer(AnyAnswer::Ec2(Answer::SecurityGroups { groups, .. })) = reply.outcome else {
            panic!()
        };
        let names: Vec<&str> = groups.iter().map(|g| g.name.as_str()).collect();
        assert_eq!(names, ["default", "sg-web"]);
    }
}
