//! `DescribeSubnets`.

use super::Ec2;
use super::call::{Answer, Read, SubnetView};
use super::error::{ApiError, Code};
use super::filter::{all_match, known};
use super::read::{cut, page};
use super::surroundings::VPC;

enum Field<'a> {
    Id,
    Zone,
    Vpc,
    State,
    Cidr,
    Free,
    Tag(&'a str),
    TagKey,
}

impl<'a> Field<'a> {
    fn named(name: &'a str) -> Option<Field<'a>> {
        Some(match name {
            "subnet-id" => Field::Id,
            "availability-zone" | "availabilityZone" => Field::Zone,
            "vpc-id" => Field::Vpc,
            "state" => Field::State,
            "cidr-block" | "cidr" | "cidrBlock" => Field::Cidr,
            "available-ip-address-count" => Field::Free,
            "tag-key" => Field::TagKey,
            _ => Field::Tag(name.strip_prefix("tag:")?),
        })
    }
}

impl Ec2 {
    pub(super) fn describe_subnets(&self, read: &Read) -> Result<Answer, ApiError> {
        let page = page(read)?;
        let filters = known(&read.filters, Field::named)?;
        if let Some(id) = read.ids.iter().find(|id| self.network.subnet(id).is_none()) {
            let message = format!("The subnet ID '{id}' does not exist");
            return Err(ApiError::new(Code::InvalidSubnetIdNotFound, message));
        }
        let views = self.network.subnets().iter().map(|s| SubnetView {
            id: s.settings.id.clone(),
            zone: s.settings.zone.clone(),
            cidr: s.settings.cidr.to_string(),
            free: s.free(),
            tags: self.tags.of(&s.settings.id),
        });
        let fits = |view: &SubnetView| {
            let wanted = read.ids.is_empty() || read.ids.contains(&view.id);
            wanted
                && all_match(&filters, |field, test| match field {
                    Field::Id => test(&view.id),
                    Field::Zone => test(&view.zone),
                    Field::Vpc => test(VPC),
                    Field::State => test("available"),
                    Field::Cidr => test(&view.cidr),
                    Field::Free => test(&view.free.to_string()),
                    Field::Tag(key) => view.tags.get(*key).is_some_and(|v| test(v)),
                    Field::TagKey => view.tags.keys().any(|k| test(k)),
                })
        };
        let (subnets, next_token) = cut((0..).zip(views).filter(|(_, v)| fits(v)), page);
        Ok(Answer::Subnets { subnets, next_token })
    }
}

#[cfg(test)]
mod tests {
    use super::super::call::{Call, Filter};
    use super::super::testing::*;
    use super::*;

    fn ask(model: &mut Model, read: Read) -> Vec<(String, u32)> {
        let reply = model.ask(&Call::DescribeSubnets(read), 0);
        let Outcome::Answer(AnyAnswer::Ec2(Answer::Subnets { subnets, .. })) = reply.outcome else {
            panic!("{reply:?}")
        };
        subnets.into_iter().map(|s| (s.cidr, s.free)).collect()
    }

    #[test]
    fn they_show_their_block_and_what_is_free() {
        let mut model = small();
        launched(&model.ask(&run("t", 1, 3), 0));
        let all = ask(&mut model, Read::default());
        assert_eq!(all[0], ("127.80.0.0/28".to_string(), 8));
        assert_eq!(all[1], ("127.80.1.0/24".to_string(), 251));
        assert_eq!(ask(&mut model, Read { ids: vec![B.into()], ..Read::default() }), all[1..2]);
        let filters = vec![Filter { name: "availability-zone".into(), values: vec!["us-east-1c".into()] }];
        assert_eq!(ask(&mut model, Read { filters, ..Read::default() }), all[2..]);
    }

    #[test]
    fn an_unknown_subnet_is_an_error() {
        let mut model = small();
        let read = Read { ids: vec!["subnet-9".into()], ..Read::default() };
        assert_eq!(code(&model.ask(&Call::DescribeSubnets(read), 0)), "InvalidSubnetID.NotFound");
    }
}
