//! `DescribeNetworkInterfaces`: one for each address that is given out, whoever has it. What hangs on it is not
//! modelled: callers count them.

use super::Ec2;
use super::call::{Answer, InterfaceView, Read};
use super::error::ApiError;
use super::filter::{all_match, known};
use super::read::{cut, page};
use super::surroundings::VPC;

enum Field {
    Id,
    Zone,
    Subnet,
    Vpc,
    Status,
}

impl Field {
    fn named(name: &str) -> Option<Field> {
        Some(match name {
            "network-interface-id" => Field::Id,
            "availability-zone" => Field::Zone,
            "subnet-id" => Field::Subnet,
            "vpc-id" => Field::Vpc,
            "status" => Field::Status,
            _ => return None,
        })
    }
}

impl Ec2 {
    pub(super) fn describe_interfaces(&self, read: &Read) -> Result<Answer, ApiError> {
        let page = page(read)?;
        let filters = known(&read.filters, Field::named)?;
        let views = (0u32..).zip(self.network.subnets()).flat_map(|(n, s)| {
            (0..s.used()).map(move |i| InterfaceView {
                id: format!("eni-{n:08x}{i:09x}"),
                subnet: s.settings.id.clone(),
                zone: s.settings.zone.clone(),
            })
        });
        let fits = |view: &InterfaceView| {
            let wanted = read.ids.is_empty() || read.ids.contains(&view.id);
            wanted
                && all_match(&filters, |field, test| match field {
                    Field::Id => test(&view.id),
                    Field::Zone => test(&view.zone),
                    Field::Subnet => test(&view.subnet),
                    Field::Vpc => test(VPC),
                    Field::Status => test("in-use"),
                })
        };
        let (interfaces, next_token) = cut((0..).zip(views).filter(|(_, v)| fits(v)), page);
        Ok(Answer::Interfaces { interfaces, next_token })
    }
}

#[cfg(test)]
mod tests {
    use super::super::call::{Call, Filter};
    use super::super::testing::*;
    use super::*;

    fn ask(model: &mut Model, read: Read) -> (usize, Option<String>) {
        let reply = model.ask(&Call::DescribeNetworkInterfaces(read), 0);
        let Outcome::Answer(AnyAnswer::Ec2(Answer::Interfaces { interfaces, next_token })) = reply.outcome
        else {
            panic!("{reply:?}")
        };
        (interfaces.len(), next_token)
    }

    #[test]
    fn every_instance_has_one_and_they_are_counted_by_zone_and_page() {
        let mut model = small();
        launched(&model.ask(&run("t1", 1, 7), 0));
        launched(&model.ask(&Call::RunInstances(run_in(B, "t2", 1, 3)), 0));
        assert_eq!(ask(&mut model, Read::default()), (10, None));
        let zone = |name: &str| vec![Filter { name: "availability-zone".into(), values: vec![name.into()] }];
        assert_eq!(ask(&mut model, Read { filters: zone("us-east-1b"), ..Read::default() }).0, 3);
        let read = |next_token| Read {
            filters: zone("us-east-1a"),
            max_results: Some(5),
            next_token,
            ..Read::default()
        };
        let (first, next) = ask(&mut model, read(None));
        assert_eq!((first, next.is_some()), (5, true));
        assert_eq!(ask(&mut model, read(next)), (2, None));
    }
}
