//! Tags: `CreateTags`, `DeleteTags`, `DescribeTags`, and what a tag may be.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Ec2;
use super::call::{Action, Answer, Read};
use super::error::{ApiError, Code};
use super::filter::{all_match, known};
use super::names::Kind;
use super::read::{IDS_MAX, cut, page};
use super::surroundings::VPC;
use crate::decide::words::named;

/// Most tags of one resource, without those that AWS gives itself (aws-facts 2.5).
const TAGS_MAX: usize = 50;
/// Longest key and value, in characters.
const KEY_MAX: usize = 128;
const VALUE_MAX: usize = 256;

/// The tags of one resource, shared until they are changed.
pub(super) type TagMap = Arc<BTreeMap<String, String>>;

/// `CreateTags`. Tags that are there already get the new value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateTags {
    pub resources: Vec<String>,
    pub tags: BTreeMap<String, String>,
}

/// `DeleteTags`. With a value, only a tag that has it is deleted; without any tags, all are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteTags {
    pub resources: Vec<String>,
    pub tags: Vec<(String, Option<String>)>,
}

/// One tag, as `DescribeTags` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagView {
    pub resource: String,
    pub kind: ResourceKind,
    pub key: String,
    pub value: String,
}

named! {
    /// What can have tags, by AWS's words for it.
    pub enum ResourceKind {
        Image = "image",
        Instance = "instance",
        ElasticIp = "elastic-ip",
        LaunchTemplate = "launch-template",
        NatGateway = "natgateway",
        NetworkInterface = "network-interface",
        SecurityGroup = "security-group",
        Subnet = "subnet",
        Volume = "volume",
        Vpc = "vpc",
    }
}

impl ResourceKind {
    /// By the beginning of an id.
    fn of(id: &str) -> Option<ResourceKind> {
        let starts = |kind: &ResourceKind| id.starts_with(kind.prefix());
        ResourceKind::ALL.iter().copied().find(starts)
    }

    fn prefix(self) -> &'static str {
        match self {
            ResourceKind::Image => "ami-",
            ResourceKind::Instance => "i-",
            ResourceKind::ElasticIp => "eipalloc-",
            ResourceKind::LaunchTemplate => "lt-",
            ResourceKind::NatGateway => "nat-",
            ResourceKind::NetworkInterface => "eni-",
            ResourceKind::SecurityGroup => "sg-",
            ResourceKind::Subnet => "subnet-",
            ResourceKind::Volume => "vol-",
            ResourceKind::Vpc => "vpc-",
        }
    }
}

/// The tags of everything but instances, which have their own with them.
#[derive(Clone, Debug, Default)]
pub(super) struct Tags(BTreeMap<String, TagMap>);

impl Tags {
    pub(super) fn of(&self, id: &str) -> TagMap {
        self.0.get(id).cloned().unwrap_or_default()
    }
}

/// Are these tags that a customer may give?
pub(super) fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), ApiError> {
    check_count(tags)?;
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > KEY_MAX || value.chars().count() > VALUE_MAX {
            return Err(ApiError::invalid(format!(
                "A tag's key has 1 to {KEY_MAX} characters and its value at most {VALUE_MAX}"
            )));
        }
        if is_reserved(key) {
            return Err(reserved(key));
        }
    }
    Ok(())
}

fn check_count(tags: &BTreeMap<String, String>) -> Result<(), ApiError> {
    if tags.keys().filter(|key| !is_reserved(key)).count() > TAGS_MAX {
        let message = format!("The maximum number of tags for a resource ({TAGS_MAX}) is exceeded");
        return Err(ApiError::new(Code::TagLimitExceeded, message));
    }
    Ok(())
}

fn is_reserved(key: &str) -> bool {
    key.starts_with("aws:")
}

fn reserved(key: &str) -> ApiError {
    ApiError::invalid(format!("Tag keys starting with 'aws:' are reserved for internal use: {key}"))
}

enum Field<'a> {
    Resource,
    Kind,
    Key,
    Value,
    Tag(&'a str),
}

impl<'a> Field<'a> {
    fn named(name: &'a str) -> Option<Field<'a>> {
        Some(match name {
            "resource-id" => Field::Resource,
            "resource-type" => Field::Kind,
            "key" => Field::Key,
            "value" => Field::Value,
            _ => Field::Tag(name.strip_prefix("tag:")?),
        })
    }
}

impl Ec2 {
    pub(super) fn create_tags(&mut self, call: &CreateTags, now_ms: i64) -> Result<Answer, ApiError> {
        if call.tags.is_empty() {
            return Err(ApiError::missing("Tag"));
        }
        check_tags(&call.tags)?;
        self.check_resources(&call.resources, now_ms)?;
        for id in &call.resources {
            let mut after = BTreeMap::clone(&self.tags_of(id));
            after.extend(call.tags.clone());
            check_count(&after)?;
        }
        for id in &call.resources {
            if let Some(tags) = self.tags_mut(id) {
                tags.extend(call.tags.clone());
            }
        }
        Ok(Answer::Done(Action::CreateTags))
    }

    pub(super) fn delete_tags(&mut self, call: &DeleteTags, now_ms: i64) -> Result<Answer, ApiError> {
        if let Some((key, _)) = call.tags.iter().find(|(key, _)| is_reserved(key)) {
            return Err(reserved(key));
        }
        self.check_resources(&call.resources, now_ms)?;
        let named = |key: &str, value: &str| {
            call.tags.iter().any(|(k, v)| k == key && v.as_ref().is_none_or(|v| v == value))
        };
        for id in &call.resources {
            if let Some(tags) = self.tags_mut(id) {
                tags.retain(|key, value| is_reserved(key) || !(call.tags.is_empty() || named(key, value)));
            }
        }
        Ok(Answer::Done(Action::DeleteTags))
    }

    pub(super) fn describe_tags(&self, read: &Read, now_ms: i64) -> Result<Answer, ApiError> {
        let page = page(read)?;
        let filters = known(&read.filters, Field::named)?;
        let instances = self.instances.iter().filter(|i| self.is_described(i, now_ms)).map(|i| {
            let id = self.names.name(Kind::Instance, u64::from(i.ordinal));
            (id, i.tags.clone())
        });
        let others = self.tags.0.iter().map(|(id, tags)| (id.clone(), tags.clone()));
        let each = instances.chain(others).filter_map(|(id, tags)| Some((ResourceKind::of(&id)?, id, tags)));
        let views = each.flat_map(|(kind, resource, tags)| {
            let view = |(key, value): (&String, &String)| TagView {
                resource: resource.clone(),
                kind,
                key: key.clone(),
                value: value.clone(),
            };
            tags.iter().map(view).collect::<Vec<_>>()
        });
        let fits = |view: &TagView| {
            all_match(&filters, |field, test| match field {
                Field::Resource => test(&view.resource),
                Field::Kind => test(view.kind.as_str()),
                Field::Key => test(&view.key),
                Field::Value => test(&view.value),
                Field::Tag(key) => view.key == *key && test(&view.value),
            })
        };
        let (tags, next_token) = cut((0..).zip(views).filter(|(_, v)| fits(v)), page);
        Ok(Answer::Tags { tags, next_token })
    }

    /// The tags of any resource.
    pub(super) fn tags_of(&self, id: &str) -> TagMap {
        match self.ordinal_of(id).and_then(|o| self.instances.get(o as usize)) {
            Some(instance) => instance.tags.clone(),
            None => self.tags.of(id),
        }
    }

    /// Gives a resource that is not an instance its first tags.
    pub(super) fn tag(&mut self, id: &str, tags: &BTreeMap<String, String>) {
        if !tags.is_empty() {
            self.tags.0.insert(id.into(), Arc::new(tags.clone()));
        }
    }

    fn tags_mut(&mut self, id: &str) -> Option<&mut BTreeMap<String, String>> {
        let tags = match self.ordinal_of(id) {
            Some(ordinal) => &mut self.instances.get_mut(ordinal as usize)?.tags,
            None => self.tags.0.entry(id.into()).or_default(),
        };
        Some(Arc::make_mut(tags))
    }

    /// # Errors
    /// No resources or too many; the first kind of id of which one is not known.
    fn check_resources(&self, ids: &[String], now_ms: i64) -> Result<(), ApiError> {
        if ids.is_empty() {
            return Err(ApiError::missing("ResourceId"));
        }
        if ids.len() > IDS_MAX {
            let message =
                format!("{} resources were given; a request may name at most {IDS_MAX}.", ids.len());
            return Err(ApiError::new(Code::ResourceCountExceeded, message));
        }
        let (instances, others): (Vec<_>, Vec<_>) =
            ids.iter().cloned().partition(|id| ResourceKind::of(id) == Some(ResourceKind::Instance));
        self.ordinals_of(&instances, now_ms)?;
        others.iter().try_for_each(|id| self.check_resource(id))
    }

    fn check_resource(&self, id: &str) -> Result<(), ApiError> {
        let not_found =
            |code, what: &str| Err(ApiError::new(code, format!("The {what} ID '{id}' does not exist")));
        // One for each instance, with the same digits.
        let part = |kind| self.names.number(kind, id).is_some_and(|n| n < self.instances.len() as u64);
        let invalid = || ApiError::new(Code::InvalidId, format!("The ID '{id}' is not valid"));
        match ResourceKind::of(id).ok_or_else(invalid)? {
            ResourceKind::Image if !self.is_image(id) => not_found(Code::InvalidAmiIdNotFound, "image"),
            ResourceKind::LaunchTemplate if !self.is_template(id) => {
                not_found(Code::InvalidLaunchTemplateIdNotFound, "launch template")
            }
            ResourceKind::ElasticIp if !self.is_allocation(id) => {
                not_found(Code::InvalidAllocationIdNotFound, "allocation")
            }
            ResourceKind::NatGateway if !self.is_nat(id) => {
                not_found(Code::NatGatewayNotFound, "NAT gateway")
            }
            ResourceKind::SecurityGroup if !self.is_security_group(id) => {
                not_found(Code::InvalidGroupNotFound, "security group")
            }
            ResourceKind::Subnet if self.network.subnet(id).is_none() => {
                not_found(Code::InvalidSubnetIdNotFound, "subnet")
            }
            ResourceKind::Vpc if id != VPC => not_found(Code::InvalidVpcIdNotFound, "vpc"),
            ResourceKind::NetworkInterface if !part(Kind::Interface) => {
                not_found(Code::InvalidNetworkInterfaceIdNotFound, "networkInterface")
            }
            ResourceKind::Volume if !part(Kind::Volume) => not_found(Code::InvalidVolumeNotFound, "volume"),
            ResourceKind::Image
            | ResourceKind::Instance
            | ResourceKind::ElasticIp
            | ResourceKind::LaunchTemplate
            | ResourceKind::NatGateway
            | ResourceKind::NetworkInterface
            | ResourceKind::SecurityGroup
            | ResourceKind::Subnet
            | ResourceKind::Volume
            | ResourceKind::Vpc => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::call::{Call, Filter};
    use super::super::testing::*;
    use super::*;

    fn create(ids: &[String], tags: &[(&str, &str)]) -> Call {
        let tags = tags.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        Call::CreateTags(CreateTags { resources: ids.to_vec(), tags })
    }

    fn delete(ids: &[String], tags: &[(&str, Option<&str>)]) -> Call {
        let tags = tags.iter().map(|(k, v)| (k.to_string(), v.map(ToString::to_string))).collect();
        Call::DeleteTags(DeleteTags { resources: ids.to_vec(), tags })
    }

    fn tags(model: &mut Model, read: Read) -> Vec<(String, &'static str, String)> {
        let reply = model.ask(&Call::DescribeTags(read), 0);
        let Outcome::Answer(AnyAnswer::Ec2(Answer::Tags { tags, .. })) = reply.outcome else {
            panic!("{reply:?}")
        };
        tags.into_iter().map(|t| (format!("{}={}", t.key, t.value), t.kind.as_str(), t.resource)).collect()
    }

    #[test]
    fn tags_are_made_changed_and_deleted_one_instance_at_a_time() {
        let mut model = plain();
        let ids = launched(&model.ask(&run("t", 1, 2), 0));
        assert_eq!(code(&model.ask(&create(&ids[..1], &[("team", "api"), ("slot", "1-0")]), 0)), "");
        let of = |model: &mut Model, i: usize| model.ledger(0).instances[i].tags.clone();
        assert_eq!(of(&mut model, 0), [("slot".into(), "1-0".into()), ("team".into(), "api".into())].into());
        assert_eq!(of(&mut model, 1), [("team".into(), "web".into())].into(), "the other keeps its own");
        model.ask(&delete(&ids[..1], &[("team", Some("web")), ("slot", None)]), 0);
        assert_eq!(of(&mut model, 0), [("team".into(), "api".into())].into(), "only with that value");
        model.ask(&delete(&ids, &[]), 0);
        assert!(of(&mut model, 0).is_empty() && of(&mut model, 1).is_empty());
    }

    #[test]
    fn one_unknown_resource_stops_all() {
        let mut model = plain();
        let ids = launched(&model.ask(&run("t", 1, 1), 0));
        for (id, expected) in [
            ("i-0123456789abcdef0", "InvalidInstanceID.NotFound"),
            ("i-x", "InvalidInstanceID.Malformed"),
            ("subnet-9", "InvalidSubnetID.NotFound"),
            ("vpc-9", "InvalidVpcID.NotFound"),
            ("ami-", "InvalidAMIID.NotFound"),
            ("sg-", "InvalidGroup.NotFound"),
            ("vol-0123456789abcdef0", "InvalidVolume.NotFound"),
            ("eni-0123456789abcdef0", "InvalidNetworkInterfaceID.NotFound"),
            ("planet-1", "InvalidID"),
        ] {
            let call = create(&[ids[0].clone(), id.into()], &[("a", "b")]);
            assert_eq!(code(&model.ask(&call, 0)), expected, "{id}");
        }
        assert!(!model.ledger(0).instances[0].tags.contains_key("a"));
        assert_eq!(code(&model.ask(&create(&[ids[0].replace("i-", "vol-")], &[("a", "b")]), 0)), "");
    }

    #[test]
    fn what_a_tag_may_be_is_checked() {
        let mut model = plain();
        let ids = launched(&model.ask(&run("t", 1, 1), 0));
        let many: Vec<(String, &str)> = (0..50).map(|i| (format!("k{i}"), "v")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|(k, v)| (k.as_str(), *v)).collect();
        for (call, expected) in [
            (create(&[], &[("a", "b")]), "MissingParameter"),
            (create(&ids, &[]), "MissingParameter"),
            (create(&ids, &[("aws:x", "b")]), "InvalidParameterValue"),
            (create(&ids, &[("", "b")]), "InvalidParameterValue"),
            (create(&ids, &many), "TagLimitExceeded"),
            (create(&ids, &many[..49]), ""),
            (create(&vec![ids[0].clone(); 1_001], &[("a", "b")]), "ResourceCountExceeded"),
            (delete(&ids, &[("aws:x", None)]), "InvalidParameterValue"),
        ] {
            assert_eq!(code(&model.ask(&call, 0)), expected, "{call:?}");
        }
    }

    #[test]
    fn every_tag_is_described_with_what_it_is_on() {
        let mut model = plain();
        let id = launched(&model.ask(&run("t", 1, 1), 0)).remove(0);
        model.ask(&create(&[A.into()], &[("team", "net")]), 0);
        let all = tags(&mut model, Read::default());
        let of = |tag: &str, kind: &'static str, id: &str| (tag.to_string(), kind, id.to_string());
        assert_eq!(all, [of("team=web", "instance", &id), of("team=net", "subnet", A)]);
        let by = |name: &str, value: &str| Read {
            filters: vec![Filter { name: name.into(), values: vec![value.into()] }],
            ..Read::default()
        };
        for (name, value, expected) in [
            ("resource-id", id.as_str(), &all[..1]),
            ("resource-type", "subnet", &all[1..]),
            ("key", "team", &all[..]),
            ("value", "n*", &all[1..]),
            ("tag:team", "web", &all[..1]),
            ("tag:owner", "*", &[]),
        ] {
            assert_eq!(tags(&mut model, by(name, value)), expected, "{name}");
        }
    }

    #[test]
    fn a_new_tag_is_found_by_a_filter() {
        let mut model = plain();
        let ids = launched(&model.ask(&run("t", 1, 2), 0));
        model.ask(&create(&ids[1..], &[("slot", "1-1")]), 0);
        let filters = vec![Filter { name: "tag:slot".into(), values: vec!["1-*".into()] }];
        let reply = model.ask(&Call::DescribeInstances(Read { filters, ..Read::default() }), 0);
        assert_eq!(described(&reply).0, [(ids[1].clone(), "pending")]);
    }
}
