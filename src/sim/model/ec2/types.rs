//! `DescribeInstanceTypes`.

use super::Ec2;
use super::call::{Answer, Read};
use super::error::{ApiError, Code};
use super::filter::{all_match, known};
use super::read::{cut, page_within};
use super::type_table::{TYPES, TypeInfo};

/// Most types in one call, and what `MaxResults` may be.
const NAMES_MAX: usize = 100;
const RESULTS: std::ops::RangeInclusive<i64> = 5..=100;

enum Field {
    Name,
    Vcpus,
    Memory,
    Architecture,
    BareMetal,
    Interfaces,
    Addresses,
}

impl Field {
    fn named(name: &str) -> Option<Field> {
        Some(match name {
            "instance-type" => Field::Name,
            "vcpu-info.default-vcpus" => Field::Vcpus,
            "memory-info.size-in-mib" => Field::Memory,
            "processor-info.supported-architecture" => Field::Architecture,
            "bare-metal" => Field::BareMetal,
            "network-info.maximum-network-interfaces" => Field::Interfaces,
            "network-info.ipv4-addresses-per-interface" => Field::Addresses,
            _ => return None,
        })
    }
}

impl Ec2 {
    /// Only types in the table are described, though any that is written like one can be launched.
    pub(super) fn describe_instance_types(read: &Read) -> Result<Answer, ApiError> {
        let page = page_within(read, NAMES_MAX, RESULTS)?;
        let filters = known(&read.filters, Field::named)?;
        let unknown: Vec<&str> =
            read.ids.iter().map(String::as_str).filter(|id| TYPES.iter().all(|t| t.name != *id)).collect();
        if !unknown.is_empty() {
            let message =
                format!("The following supplied instance types do not exist: [{}]", unknown.join(", "));
            return Err(ApiError::new(Code::InvalidInstanceType, message));
        }
        let fits = |info: &TypeInfo| {
            let wanted = read.ids.is_empty() || read.ids.iter().any(|id| id == info.name);
            wanted
                && all_match(&filters, |field, test| match field {
                    Field::Name => test(info.name),
                    Field::Vcpus => test(&info.vcpus.to_string()),
                    Field::Memory => test(&info.memory_mib.to_string()),
                    Field::Architecture => test(info.architecture()),
                    Field::BareMetal => test(if info.is_metal() { "true" } else { "false" }),
                    Field::Interfaces => test(&info.interfaces.to_string()),
                    Field::Addresses => test(&info.addresses.to_string()),
                })
        };
        let (types, next_token) = cut((0..).zip(TYPES).filter(|(_, t)| fits(t)), page);
        Ok(Answer::Types { types, next_token })
    }
}

#[cfg(test)]
mod tests {
    use super::super::call::{Call, Filter};
    use super::super::testing::*;
    use super::*;

    fn ask(read: Read) -> Vec<&'static str> {
        let reply = plain().ask(&Call::DescribeInstanceTypes(read), 0);
        let Outcome::Answer(AnyAnswer::Ec2(Answer::Types { types, .. })) = reply.outcome else {
            panic!("{reply:?}")
        };
        types.into_iter().map(|t| t.name).collect()
    }

    #[test]
    fn types_are_found_by_name_and_by_what_they_hold() {
        let ids = vec!["t3.micro".into(), "m5.large".into()];
        assert_eq!(ask(Read { ids, ..Read::default() }), ["m5.large", "t3.micro"]);
        let filter = |name: &str, value: &str| Filter { name: name.into(), values: vec![value.into()] };
        let filters = vec![filter("instance-type", "c?.*"), filter("vcpu-info.default-vcpus", "36")];
        assert_eq!(ask(Read { filters, ..Read::default() }), ["c5.9xlarge"]);
        let filters = vec![filter("bare-metal", "true"), filter("instance-type", "m5*")];
        assert_eq!(ask(Read { filters, ..Read::default() }), ["m5.metal"]);
        assert!(ask(Read::default()).len() > 200);
    }

    #[test]
    fn unknown_types_and_pages_too_large_are_refused() {
        let refused = |read| code(&plain().ask(&Call::DescribeInstanceTypes(read), 0));
        let ids = vec!["m5.large".into(), "m5.huge".into()];
        assert_eq!(refused(Read { ids, ..Read::default() }), "InvalidInstanceType");
        assert_eq!(refused(Read { max_results: Some(101), ..Read::default() }), "InvalidParameterValue");
        assert_eq!(refused(Read { max_results: Some(100), ..Read::default() }), "");
    }
}
