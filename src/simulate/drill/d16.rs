//! D16, quota cliffs: vCPUs for 900 of 1,200, a subnet with 400 addresses, a target group at 1,000, the limit on
//! network interfaces, no capacity in one zone: each alone, and all together.
//!
//! There are strangers in the account, whose instances muster knows only by what AWS counts.

use std::sync::Arc;

use crate::decide::group::Bounds;
use crate::decide::preflight::quota::Quota;
use crate::decide::preflight::verdict::{Limit, Verdict};
use crate::decide::rows::LaunchRow;
use crate::decide::words::{ErrorClass, ScaleUpSeq, Time};
use crate::sim::Model;
use crate::sim::model::call::{Answer as AnyAnswer, Call as AnyCall, Outcome};
use crate::sim::model::ec2::call::{Call as Ec2, RunInstances};
use crate::sim::model::elbv2::call::{Answer, Call as Elbv2, Check, CreateTargetGroup, Protocol, TargetType};
use crate::sim::settings::{Faults, PoolCapacity, Settings};

use super::super::plan::{Asked, Deed, Plan, START};
use super::super::world::{STRANGER, World};
use super::{Drill, Figure, base, count, or_never, seconds};

pub(super) const D16: Drill = Drill {
    name: "D16",
    about: "1,200 where they do not fit: vCPUs for 900, 400 addresses, a target group at 1,000, network interfaces, no \
            capacity in one zone; each alone and all together, beside strangers, every fifth call throttled",
    plans,
    each,
    all: |_| Vec::new(),
    not_run: &[],
};

/// The picture is there by then, and the strangers run and are in CloudWatch: what is pending counts against the
/// quota, and not yet in what AWS says is used.
const ASKED_MS: u32 = 400_000;
/// Until then nothing is raised, and every fifth call is throttled: all that fits is there long before.
const HEALED_MS: u32 = 1_200_000;
/// Strangers' instances in the second subnet: a /23 block has 507 addresses, and 400 are left.
const STRANGERS: u32 = 107;
const SECOND: &str = "subnet-0000000000000000b";

/// What a run must come to.
struct Expected {
    fits: u32,
    binding: Option<Limit>,
    /// The quota to ask for, and the value.
    ask: Option<(Quota, i64)>,
    /// Every limit that is too low.
    short: &'static [Limit],
}

fn expected(run: &str) -> Expected {
    let of = |fits, binding, ask, short| Expected { fits, binding, ask, short };
    match run {
        // Two vCPUs each; the strangers have 214 and are not counted in.
        "vcpus" => of(900, Some(Limit::Vcpus), Some((Quota::StandardVcpus, 2_614)), &[Limit::Vcpus]),
        "subnet" => of(400, Some(Limit::Addresses), None, &[Limit::Addresses, Limit::Interfaces]),
        "targets" => of(1_000, Some(Limit::Targets), Some((Quota::Targets, 1_200)), &[Limit::Targets]),
        // 300 in two zones, 193 beside the strangers in the third: 407 more are 136 for each.
        "interfaces" => {
            of(793, Some(Limit::Interfaces), Some((Quota::Interfaces, 436)), &[Limit::Interfaces])
        }
        "together" => of(
            900,
            Some(Limit::Vcpus),
            Some((Quota::StandardVcpus, 2_614)),
            &[Limit::Vcpus, Limit::Addresses, Limit::Interfaces, Limit::Targets],
        ),
        _ => of(base::MANY, None, None, &[]),
    }
}

fn plans(seed: u64) -> Vec<(&'static str, Plan)> {
    ["vcpus", "subnet", "targets", "interfaces", "zone", "together"]
        .into_iter()
        .map(|run| (run, plan(seed, run)))
        .collect()
}

fn plan(seed: u64, run: &str) -> Plan {
    let all = run == "together";
    let faults = Faults { throttle: 20.0, ..Faults::default() };
    let mut aws = Settings { broken: 0.0, faults, ..Settings::default() };
    if all || run == "subnet" {
        shrink(&mut aws, 1, "127.81.0.0/23");
    }
    if all {
        shrink(&mut aws, 0, "127.80.0.0/23");
        shrink(&mut aws, 2, "127.82.0.0/28");
    }
    if all || run == "vcpus" {
        aws.vcpu_quota = Some(2 * (900 + STRANGERS));
    }
    if all || run == "interfaces" {
        let most = if all { 507 } else { 300 };
        aws.ec2.limits.interfaces_per_zone = Some(most);
        aws.quotas.applied.insert(Quota::Interfaces.as_str().into(), most.into());
    }
    if all || run == "zone" {
        let zone = aws.subnets[2].zone.clone();
        aws.capacity = vec![PoolCapacity { zone, instance_type: None, instances: 0 }];
    }
    let mut web = base::group("web", &aws, 5_000);
    if run == "subnet" {
        web.launch.pools.retain(|p| p.subnet == SECOND);
    }
    let mut deeds: Vec<(u32, Deed)> = vec![(0, strangers)];
    if all || run == "targets" {
        web.bounds = Bounds { target_groups: target_group(&aws, seed).into_iter().collect(), ..web.bounds };
        deeds.push((0, |world| {
            let create = AnyCall::Elbv2(Elbv2::CreateTargetGroup(created()));
            world.outsider(&create);
        }));
    }
    let mut core = base::plan(seed).core;
    core.look_every = Some(std::time::Duration::from_secs(60));
    Plan {
        groups: vec![web],
        aws,
        core,
        deeds,
        asks: vec![Asked { at_ms: ASKED_MS, group: 0, count: base::MANY, by_ms: None }],
        lasts_ms: ASKED_MS,
        heal_at_ms: HEALED_MS,
        ..base::plan(seed)
    }
}

fn shrink(aws: &mut Settings, subnet: usize, cidr: &str) {
    if let Ok(cidr) = cidr.parse() {
        aws.subnets[subnet].cidr = cidr;
    }
}

/// Somebody else's instances: no muster tags, and none of its books.
fn strangers(world: &mut World) {
    let run = RunInstances {
        token: Some("strangers".into()),
        min_count: STRANGERS,
        max_count: STRANGERS,
        subnet: Some(SECOND.into()),
        image: Some("ami-0123456789abcdef0".into()),
        instance_type: Some("m5.large".into()),
        tags: [(STRANGER.to_string(), String::new())].into(),
        ..RunInstances::default()
    };
    world.outsider(&AnyCall::Ec2(Ec2::RunInstances(run)));
}

fn created() -> CreateTargetGroup {
    CreateTargetGroup {
        name: "web".into(),
        protocol: Protocol::Http,
        port: 80,
        vpc: None,
        target_type: TargetType::Instance,
        check: Check::of(Protocol::Http),
    }
}

/// The ARN that the run's target group will have: ids are a function of the seed.
fn target_group(aws: &Settings, seed: u64) -> Option<Arc<str>> {
    let calm = Settings { faults: Faults::default(), ..aws.clone() };
    let mut model = Model::new(calm, seed).ok()?;
    let create = AnyCall::Elbv2(Elbv2::CreateTargetGroup(created()));
    match model.handle(&create, START.0).outcome {
        Outcome::Answer(AnyAnswer::Elbv2(Answer::TargetGroups { groups, .. })) => {
            groups.first().map(|g| Arc::from(g.arn.as_str()))
        }
        Outcome::Answer(_) | Outcome::Error(_) | Outcome::Lost => None,
    }
}

fn each(run: &str, world: &World) -> Vec<Figure> {
    let wanted = expected(run);
    let at = START.plus(std::time::Duration::from_millis(ASKED_MS.into()));
    let answered = world.asking[0].answered;
    let said = world.books.preflights.get(&ScaleUpSeq(1));
    let said: Option<Verdict> = said.and_then(|row| serde_json::from_str(&row.verdict).ok());
    let told = said.as_ref().map(|v| {
        let short: Vec<Limit> = v.short().map(|b| b.limit).collect();
        let binding = v.binding();
        let ask = binding.and_then(|b| b.ask.as_ref()).map(|a| (a.code.as_str(), a.value));
        v.fits == wanted.fits
            && binding.map(|b| b.limit) == wanted.binding
            && ask == wanted.ask.map(|(quota, value)| (quota.as_str(), value))
            && wanted.short.iter().all(|limit| short.contains(limit))
            && v.unknown.is_empty()
    });
    let first = world.oracle.launches_at.first().map(|(at, _)| *at);
    let early = answered.zip(first).is_none_or(|(answered, first)| first < answered);
    let served = count(world.served.len());
    let failures = |class, of: &dyn Fn(&LaunchRow) -> bool| {
        let failed = world.books.launches.values().filter(|l| l.error_class == Some(class));
        count(failed.filter(|l| of(l)).count())
    };
    // Who is given up counts at EC2 until it has ended: its replacement may have to wait.
    let first_loss = world.given_up.values().min().copied().unwrap_or(Time::NEVER);
    let at_first = |l: &LaunchRow| l.created_at < first_loss;
    // A zone that had nothing is tried again after three minutes.
    let at_once = |l: &LaunchRow| seconds(l.settled_at.unwrap_or(l.created_at), at) < 180.0;
    vec![
        Figure::at_most("answered after, s", or_never(answered.map(|t| seconds(t, at))), 2.0),
        Figure::at_most("launched before it was answered", f64::from(u8::from(early)), 0.0),
        Figure::at_most("not told as it is", f64::from(u8::from(told != Some(true))), 0.0),
        Figure::at_most("in service more or less than fit", (served - f64::from(wanted.fits)).abs(), 0.0),
        Figure::at_most(
            "at once more than fit",
            f64::from(world.oracle.most_live) - f64::from(wanted.fits),
            0.0,
        ),
        Figure::at_most("launches that ran into a quota", failures(ErrorClass::Quota, &at_first), 0.0),
        Figure::at_most(
            "launches into the zone without capacity",
            failures(ErrorClass::Capacity, &at_once),
            2.0,
        ),
    ]
}
