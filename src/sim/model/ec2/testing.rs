//! Short words for the model's tests.

use std::collections::BTreeMap;

use super::super::super::settings::{Latency, Range, Settings};

pub(crate) use super::super::Model;
pub(crate) use super::super::call::{Answer as AnyAnswer, Call as AnyCall, Outcome, Reply};
use super::call::{Answer, Call, Read, RunInstances};

/// Asks EC2.
pub(crate) trait Ask {
    fn ask(&mut self, call: &Call, now_ms: i64) -> Reply;
}

impl Ask for Model {
    fn ask(&mut self, call: &Call, now_ms: i64) -> Reply {
        self.handle(&AnyCall::Ec2(call.clone()), now_ms)
    }
}

/// One subnet is full after 11 instances; ids are visible at once; shutting down takes 3 s.
pub(crate) fn small_settings() -> Settings {
    let mut settings = Settings {
        visible_after: Range { min_ms: 0, max_ms: 0 },
        shutdown: Range { min_ms: 3_000, max_ms: 3_000 },
        latency: Latency::NONE,
        ..Settings::default()
    };
    for (subnet, cidr) in settings.subnets.iter_mut().zip(["127.80.0.0/28", "127.80.1.0/24", "127.81.0.0/16"])
    {
        subnet.cidr = cidr.parse().unwrap();
    }
    settings
}

pub(crate) fn small() -> Model {
    Model::new(small_settings(), 1).unwrap()
}

/// The default subnets, but no lag.
pub(crate) fn plain() -> Model {
    let subnets = Settings::default().subnets;
    Model::new(Settings { subnets, ..small_settings() }, 1).unwrap()
}

pub(crate) const A: &str = "subnet-0000000000000000a";
pub(crate) const B: &str = "subnet-0000000000000000b";

pub(crate) fn run_in(subnet: &str, token: &str, min_count: u32, max_count: u32) -> RunInstances {
    RunInstances {
        token: Some(token.into()),
        min_count,
        max_count,
        subnet: Some(subnet.into()),
        image: Some("ami-12345678".into()),
        instance_type: Some("m5.large".into()),
        tags: BTreeMap::from([("team".into(), "web".into())]),
        ..RunInstances::default()
    }
}

pub(crate) fn run(token: &str, min_count: u32, max_count: u32) -> Call {
    Call::RunInstances(run_in(A, token, min_count, max_count))
}

pub(crate) fn describe(ids: &[String]) -> Call {
    Call::DescribeInstances(Read { ids: ids.to_vec(), ..Read::default() })
}

pub(crate) fn describe_all(max_results: i64) -> Call {
    Call::DescribeInstances(Read { max_results: Some(max_results), ..Read::default() })
}

pub(crate) fn terminate(ids: &[String]) -> Call {
    Call::TerminateInstances { ids: ids.to_vec() }
}

/// The error's code, or nothing.
pub(crate) fn code(reply: &Reply) -> &'static str {
    match &reply.outcome {
        Outcome::Answer(_) => "",
        Outcome::Error(e) => e.code,
        Outcome::Lost => "lost",
    }
}

pub(crate) fn message(reply: &Reply) -> &str {
    let Outcome::Error(error) = &reply.outcome else { panic!("{reply:?}") };
    &error.message
}

/// The ids that were launched.
pub(crate) fn launched(reply: &Reply) -> Vec<String> {
    let Outcome::Answer(AnyAnswer::Ec2(Answer::Launched(r))) = &reply.outcome else { panic!("{reply:?}") };
    r.instances.iter().map(|i| i.id.clone()).collect()
}

/// Ids and states, and the token for the next page.
pub(crate) fn described(reply: &Reply) -> (Vec<(String, &'static str)>, Option<String>) {
    let Outcome::Answer(AnyAnswer::Ec2(Answer::Instances { reservations, next_token })) = &reply.outcome
    else {
        panic!("{reply:?}")
    };
    let all = reservations.iter().flat_map(|r| &r.instances);
    (all.map(|i| (i.id.clone(), i.state.as_str())).collect(), next_token.clone())
}
