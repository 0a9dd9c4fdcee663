//! `DescribeInstances`: by ids (all or nothing), by filters, in pages.

use super::Ec2;
use super::call::{Answer, InstanceView, Read, Reservation};
use super::error::{ApiError, Code};
use super::filter::{Known, all_match, known};
use super::instance::{Instance, State};
use super::names::{Kind, is_instance_id};
use super::read::{cut, page};
use super::surroundings::VPC;

/// What instances can be filtered by.
enum Field<'a> {
    Id,
    State,
    StateCode,
    Token,
    Tag(&'a str),
    TagKey,
    Subnet,
    Vpc,
    Zone,
    Address,
    Image,
    Type,
    KeyName,
    Reservation,
}

impl<'a> Field<'a> {
    fn named(name: &'a str) -> Option<Field<'a>> {
        Some(match name {
            "instance-id" => Field::Id,
            "instance-state-name" => Field::State,
            "instance-state-code" => Field::StateCode,
            "client-token" => Field::Token,
            "tag-key" => Field::TagKey,
            "subnet-id" | "network-interface.subnet-id" => Field::Subnet,
            "vpc-id" | "network-interface.vpc-id" => Field::Vpc,
            "availability-zone" => Field::Zone,
            "private-ip-address" => Field::Address,
            "image-id" => Field::Image,
            "instance-type" => Field::Type,
            "key-name" => Field::KeyName,
            "reservation-id" => Field::Reservation,
            _ => Field::Tag(name.strip_prefix("tag:")?),
        })
    }
}

impl Ec2 {
    pub(super) fn describe_instances(&self, read: &Read, now_ms: i64) -> Result<Answer, ApiError> {
        let page = page(read)?;
        let filters = known(&read.filters, Field::named)?;
        let matching = |ordinal: u32| {
            let instance = self.instances.get(ordinal as usize)?;
            let shown = self.is_described(instance, now_ms) && self.fits(instance, &filters, now_ms);
            shown.then_some((ordinal, ordinal))
        };
        let (ordinals, next_token) = if read.ids.is_empty() {
            let last = u32::try_from(self.instances.len()).unwrap_or(u32::MAX);
            cut((page.start..last).filter_map(matching), page)
        } else {
            let ordinals = self.ordinals_of(&read.ids, now_ms)?;
            cut(ordinals.into_iter().filter_map(matching), page)
        };
        Ok(Answer::Instances { reservations: self.reservations(&ordinals, now_ms), next_token })
    }

    /// The ordinals of these ids, ascending and each once.
    ///
    /// # Errors
    /// InvalidInstanceID.Malformed, or InvalidInstanceID.NotFound naming all that are not known:
    /// never launched, not visible yet, or terminated long ago.
    pub(super) fn ordinals_of(&self, ids: &[String], now_ms: i64) -> Result<Vec<u32>, ApiError> {
        if let Some(bad) = ids.iter().find(|id| !is_instance_id(id)) {
            return Err(ApiError::new(Code::InvalidInstanceIdMalformed, format!("Invalid id: \"{bad}\"")));
        }
        let mut ordinals = Vec::with_capacity(ids.len());
        let mut unknown = Vec::new();
        for id in ids {
            let number = self.names.number(Kind::Instance, id).and_then(|n| u32::try_from(n).ok());
            let known =
                number.and_then(|n| self.instances.get(n as usize)).filter(|i| self.is_described(i, now_ms));
            match known {
                Some(instance) => ordinals.push(instance.ordinal),
                None => unknown.push(id.as_str()),
            }
        }
        if !unknown.is_empty() {
            return Err(ApiError::unknown_instances(&unknown));
        }
        ordinals.sort_unstable();
        ordinals.dedup();
        Ok(ordinals)
    }

    /// One instance as EC2 shows it now.
    pub(super) fn view(&self, ordinal: u32, now_ms: i64) -> Option<InstanceView> {
        let instance = self.instances.get(ordinal as usize)?;
        let state = instance.state(now_ms);
        Some(InstanceView {
            id: self.names.name(Kind::Instance, u64::from(ordinal)),
            state,
            index: ordinal - instance.launch.first,
            address: (state != State::Terminated && instance.shows_address(now_ms))
                .then_some(instance.address),
            state_reason: instance.state_reason(now_ms),
            tags: instance.tags.clone(),
            user_ended_ms: instance.ended_by_user_ms.or(instance.stopped_ms),
        })
    }

    /// Visible already, and not terminated too long ago.
    pub(super) fn is_described(&self, instance: &Instance, now_ms: i64) -> bool {
        let kept_ms = i64::from(self.settings.terminated_visible_ms);
        let forgotten = instance.terminated_ms().is_some_and(|at| at + kept_ms <= now_ms);
        instance.is_visible(now_ms) && !forgotten
    }

    fn fits(&self, instance: &Instance, filters: &[Known<'_, Field<'_>>], now_ms: i64) -> bool {
        let launch = &instance.launch;
        let state = instance.state(now_ms);
        all_match(filters, |field, test| match field {
            Field::Id => test(&self.names.name(Kind::Instance, u64::from(instance.ordinal))),
            Field::State => test(state.as_str()),
            Field::StateCode => test(&state.code().to_string()),
            Field::Token => launch.token.as_deref().is_some_and(test),
            Field::Tag(key) => instance.tags.get(*key).is_some_and(|v| test(v)),
            Field::TagKey => instance.tags.keys().any(|k| test(k)),
            Field::Subnet => state != State::Terminated && test(&launch.subnet),
            Field::Vpc => state != State::Terminated && test(VPC),
            Field::Zone => test(&launch.zone),
            Field::Address => state != State::Terminated && test(&instance.address.to_string()),
            Field::Image => test(&launch.image),
            Field::Type => test(&launch.instance_type),
            Field::KeyName => launch.key_name.as_deref().is_some_and(test),
            Field::Reservation => test(&launch.reservation),
        })
    }

    /// Groups ascending ordinals by launch. Those of one launch lie side by side.
    fn reservations(&self, ordinals: &[u32], now_ms: i64) -> Vec<Reservation> {
        let mut out: Vec<Reservation> = Vec::new();
        for ordinal in ordinals {
            let Some((instance, view)) =
                self.instances.get(*ordinal as usize).zip(self.view(*ordinal, now_ms))
            else {
                continue;
            };
            match out.last_mut() {
                Some(last) if last.launch.first == instance.launch.first => last.instances.push(view),
                Some(_) | None => {
                    out.push(Reservation { launch: instance.launch.clone(), instances: vec![view] });
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::settings::Range;
    use super::super::call::{Call, Filter};
    use super::super::testing::*;
    use super::*;

    fn by(name: &str, values: &[&str]) -> Call {
        let values = values.iter().map(ToString::to_string).collect();
        let filters = vec![Filter { name: name.into(), values }];
        Call::DescribeInstances(Read { filters, ..Read::default() })
    }

    fn found(model: &mut Model, call: &Call, now: i64) -> Vec<String> {
        described(&model.ask(call, now)).0.into_iter().map(|(id, _)| id).collect()
    }

    #[test]
    fn ids_are_all_or_nothing_and_the_unknown_ones_are_listed() {
        let mut model = plain();
        let ids = launched(&model.ask(&run("t", 1, 3), 0));
        assert_eq!(found(&mut model, &describe(&ids), 0), ids);
        let twice: Vec<String> = ids.iter().chain(&ids).cloned().collect();
        assert_eq!(found(&mut model, &describe(&twice), 0).len(), 3);
        let mut some = ids.clone();
        some.extend(["i-0123456789abcdef0".into(), "i-12345678".into()]);
        let reply = model.ask(&describe(&some), 0);
        assert_eq!(code(&reply), "InvalidInstanceID.NotFound");
        assert_eq!(message(&reply), "The instance IDs 'i-0123456789abcdef0, i-12345678' do not exist");
        let reply = model.ask(&describe(&["i-1234".into()]), 0);
        assert_eq!(code(&reply), "InvalidInstanceID.Malformed");
    }

    #[test]
    fn a_new_id_is_not_found_until_it_is_visible() {
        let mut settings = small_settings();
        settings.visible_after = Range { min_ms: 500, max_ms: 2_000 };
        let mut model = Model::new(settings, 1).unwrap();
        let ids = launched(&model.ask(&run("t", 1, 5), 0));
        assert_eq!(code(&model.ask(&describe(&ids), 499)), "InvalidInstanceID.NotFound");
        assert_eq!(found(&mut model, &describe_all(10), 499).len(), 0);
        assert_eq!(code(&model.ask(&terminate(&ids), 499)), "InvalidInstanceID.NotFound");
        assert_eq!(found(&mut model, &describe(&ids), 2_000).len(), 5);
        assert_eq!(launched(&model.ask(&run("t", 1, 5), 10)), ids, "the token sees at once");
    }

    #[test]
    fn an_address_may_be_missing_at_first() {
        let mut settings = small_settings();
        settings.ec2.address_after = Range { min_ms: 1_000, max_ms: 1_000 };
        let mut model = Model::new(settings, 1).unwrap();
        let ids = launched(&model.ask(&run("t", 1, 1), 0));
        let shown = |reply: Reply| format!("{reply:?}").contains("address: Some");
        assert!(!shown(model.ask(&describe(&ids), 999)));
        assert!(shown(model.ask(&describe(&ids), 1_000)));
    }

    #[test]
    fn states_pass_from_pending_to_running() {
        let mut model = plain();
        let ids = launched(&model.ask(&run("t", 1, 50), 0));
        let states = |reply: &Reply| described(reply).0.into_iter().map(|(_, s)| s).collect::<Vec<_>>();
        assert!(states(&model.ask(&describe(&ids), 0)).iter().all(|s| *s == "pending"));
        let middle = states(&model.ask(&describe(&ids), 13_000));
        assert!(middle.contains(&"pending") && middle.contains(&"running"));
        assert!(states(&model.ask(&describe(&ids), 300_000)).iter().all(|s| *s == "running"));
    }

    #[test]
    fn pages_count_instances_and_walk_through_all_of_them_once() {
        let mut model = plain();
        for i in 0..4 {
            launched(&model.ask(&run(&format!("t{i}"), 1, 7), 0));
        }
        let (mut seen, mut token) = (Vec::new(), None);
        for _ in 0..6 {
            let read = Read { max_results: Some(5), next_token: token, ..Read::default() };
            let (page, next) = described(&model.ask(&Call::DescribeInstances(read), 0));
            assert!(page.len() == 5 || next.is_none());
            seen.extend(page.into_iter().map(|(id, _)| id));
            token = next;
            if token.is_none() {
                break;
            }
        }
        let all: Vec<String> = model.ledger(0).instances.into_iter().map(|i| i.id).collect();
        assert_eq!(seen, all);
        assert_eq!(token, None);
    }

    #[test]
    fn filters_find_what_they_name() {
        let mut model = plain();
        let a = launched(&model.ask(&run("t-a", 1, 2), 0));
        let b = launched(&model.ask(&Call::RunInstances(run_in(B, "t-b", 1, 1)), 0));
        let all = [a.clone(), b.clone()].concat();
        let cases: Vec<(&str, Vec<&str>, Vec<String>)> = vec![
            ("instance-id", vec![&a[1], "i-0123456789abcdef0"], vec![a[1].clone()]),
            ("client-token", vec!["t-b"], b.clone()),
            ("client-token", vec!["t-?"], all.clone()),
            ("tag:team", vec!["api", "web"], all.clone()),
            ("tag:owner", vec!["*"], vec![]),
            ("tag-key", vec!["te*"], all.clone()),
            ("subnet-id", vec![B], b.clone()),
            ("vpc-id", vec![VPC], all.clone()),
            ("vpc-id", vec!["vpc-0123456789abcdef0"], vec![]),
            ("availability-zone", vec!["us-east-1a"], a.clone()),
            ("instance-state-name", vec!["pending"], all.clone()),
            ("instance-state-code", vec!["16"], vec![]),
            ("private-ip-address", vec!["127.64.0.5"], vec![a[1].clone()]),
            ("image-id", vec!["ami-*"], all.clone()),
            ("instance-type", vec!["m5.large"], all.clone()),
            ("key-name", vec!["*"], vec![]),
        ];
        for (name, values, expected) in cases {
            assert_eq!(found(&mut model, &by(name, &values), 0), expected, "{name}");
        }
        let reply = model.ask(&by("colour", &["red"]), 0);
        assert_eq!(
            (code(&reply), message(&reply)),
            ("InvalidParameterValue", "The filter 'colour' is invalid")
        );
    }

    #[test]
    fn several_filters_must_all_match() {
        let mut model = plain();
        let ids = launched(&model.ask(&run("t", 1, 2), 0));
        let filter = |name: &str, value: &str| Filter { name: name.into(), values: vec![value.into()] };
        let filters = vec![filter("client-token", "t"), filter("instance-id", &ids[0])];
        let read = Read { filters, max_results: Some(5), ..Read::default() };
        assert_eq!(found(&mut model, &Call::DescribeInstances(read), 0), ids[..1]);
    }

    #[test]
    fn a_terminated_one_is_shown_without_address_for_an_hour() {
        let mut model = plain();
        let ids = launched(&model.ask(&run("t", 1, 1), 0));
        model.ask(&terminate(&ids), 1_000);
        let reply = model.ask(&describe(&ids), 4_000);
        assert_eq!(described(&reply).0[0].1, "terminated");
        assert!(format!("{reply:?}").contains("address: None"));
        assert_eq!(code(&model.ask(&describe(&ids), 3_603_999)), "");
        assert_eq!(code(&model.ask(&describe(&ids), 3_604_000)), "InvalidInstanceID.NotFound");
    }
}
