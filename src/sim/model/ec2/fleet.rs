//! `CreateFleet` of type `instant`: one attempt over several pools, with its errors beside what it
//! launched (aws-facts 2.4).

use std::collections::BTreeMap;

use super::super::counters::ApiCounters;
use super::Ec2;
use super::call::{Action, Answer, RunInstances, TemplateRef};
use super::error::{ApiError, Code};
use super::fleets::Fleet;
use super::places::{Places, vcpus};
use super::run::{Wanted, check};
use super::tags::check_tags;
use super::tokens::TokenBook;
use crate::decide::words::named;

/// Limits of one call (aws-facts 2.4).
const CONFIGS_MAX: usize = 50;
const CAPACITY_MAX: u32 = 10_000;
const MIN_TARGET_MAX: u32 = 1_000;
/// The tag that tells which fleet an instance belongs to.
const TAG_FLEET: &str = "aws:ec2:fleet-id";

/// `CreateFleet`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateFleet {
    pub token: Option<String>,
    /// `instant`, `request` or `maintain`, which is AWS's default.
    pub kind: Option<String>,
    pub configs: Vec<FleetConfig>,
    /// Instances, or units where overrides have weights.
    pub total: u32,
    pub on_demand: Option<u32>,
    pub spot: Option<u32>,
    /// What the rest of the total is made of: `on-demand` or `spot`.
    pub default_type: Option<String>,
    pub on_demand_options: FleetOptions,
    pub spot_options: FleetOptions,
    /// For the instances.
    pub tags: BTreeMap<String, String>,
}

/// A template and what differs from it in each pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FleetConfig {
    pub template: TemplateRef,
    /// None: one pool, as the template says.
    pub overrides: Vec<Override>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Override {
    pub instance_type: Option<String>,
    pub subnet: Option<String>,
    pub zone: Option<String>,
    pub image: Option<String>,
    /// Units that one instance counts; none: 1.
    pub weight: Option<f64>,
    /// The lowest first; those without come last.
    pub priority: Option<f64>,
}

/// `OnDemandOptions` or `SpotOptions`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FleetOptions {
    pub strategy: Option<String>,
    /// Fewer than this: none at all.
    pub min_target: Option<u32>,
    pub single_type: bool,
    pub single_zone: bool,
}

named! {
    /// What an instance is paid as.
    pub enum Lifecycle {
        OnDemand = "on-demand",
        Spot = "spot",
    }
}

/// What a fleet's call came to.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetView {
    pub id: String,
    pub launched: Vec<FleetLaunch>,
    pub errors: Vec<FleetError>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FleetLaunch {
    pub pool: Pool,
    pub lifecycle: Lifecycle,
    pub ids: Vec<String>,
    pub instance_type: String,
    pub zone: String,
    pub subnet: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FleetError {
    pub pool: Pool,
    pub lifecycle: Lifecycle,
    pub error: ApiError,
}

/// One way to launch: a template with one of its overrides.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    pub template: TemplateRef,
    pub change: Override,
}

/// What is to be launched from one pool.
struct Share {
    pool: Pool,
    call: RunInstances,
    subnet: String,
    zone: String,
    instance_type: String,
    count: u32,
}

/// What pools must have in common to be used together.
#[derive(PartialEq)]
struct Kin {
    instance_type: Option<String>,
    zone: Option<String>,
}

/// Counts of what is meant to be launched and is not yet.
struct Plan {
    places: Places,
    shares: Vec<Share>,
    errors: Vec<(Pool, ApiError)>,
    units: f64,
}

pub(super) type FleetTokens = TokenBook<CreateFleet, FleetView>;

impl Pool {
    pub(super) fn weight(&self) -> f64 {
        self.change.weight.filter(|w| *w > 0.0).unwrap_or(1.0)
    }

    /// The launch of so many instances of it.
    fn call(&self, call: &CreateFleet, count: u32) -> RunInstances {
        let change = &self.change;
        RunInstances {
            min_count: 1,
            max_count: count,
            subnet: change.subnet.clone(),
            zone: change.zone.clone(),
            image: change.image.clone(),
            instance_type: change.instance_type.clone(),
            template: Some(Box::new(self.template.clone())),
            tags: call.tags.clone(),
            ..RunInstances::default()
        }
    }
}

impl Ec2 {
    pub(super) fn create_fleet(
        &mut self,
        call: &CreateFleet,
        meter: &mut ApiCounters,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        check_fleet(call)?;
        if let Some(view) = self.fleets.earlier(call.token.as_deref(), call)? {
            return Ok(Answer::Fleet(Box::new(view)));
        }
        if self.settings.switches.fleets_spend_instance_tokens {
            self.pay_instances(Action::RunInstances, call.total, meter, now_ms)?;
        }
        let id = self.fleet_id();
        let mut view = FleetView { id, launched: Vec::new(), errors: Vec::new() };
        let (on_demand, spot) = targets(call);
        for (target, lifecycle, options) in [
            (on_demand, Lifecycle::OnDemand, &call.on_demand_options),
            (spot, Lifecycle::Spot, &call.spot_options),
        ] {
            if target > 0 {
                let plan = self.fleet_plan(call, target, lifecycle, options);
                self.carry_out(plan, lifecycle, options, &mut view, now_ms);
            }
        }
        self.fleets.remember(call.token.as_deref(), call, view.clone());
        self.fleets_made.push(Fleet { created_ms: now_ms, call: call.clone(), view: view.clone() });
        Ok(Answer::Fleet(Box::new(view)))
    }

    /// `fleet-` and a UUID, as EC2's are.
    fn fleet_id(&self) -> String {
        use super::super::super::draw::{Draw, Purpose};
        let mut draw = Draw::new(self.seed, Purpose::Fleet, self.fleets_made.len() as u64);
        let bits = u128::from(draw.bits()) << 64 | u128::from(draw.bits());
        format!("fleet-{}", uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid())
    }

    /// With one type or one zone only: the first of them that reaches the target, or else the one
    /// that comes closest.
    fn fleet_plan(
        &self,
        call: &CreateFleet,
        target: u32,
        lifecycle: Lifecycle,
        options: &FleetOptions,
    ) -> Plan {
        let pools = self.ordered(pools(call), lifecycle, options);
        // In the order of the first pool of each.
        let mut groups: Vec<(Kin, Vec<Pool>)> = Vec::new();
        for pool in pools {
            let kin = Kin {
                instance_type: options.single_type.then(|| self.type_of(&pool)).flatten(),
                zone: options.single_zone.then(|| self.zone_of_pool(&pool)).flatten(),
            };
            match groups.iter_mut().find(|(known, _)| *known == kin) {
                Some((_, pools)) => pools.push(pool),
                None => groups.push((kin, vec![pool])),
            }
        }
        let plans = groups.iter().map(|(_, pools)| self.fill(call, pools, target));
        let mut best: Option<Plan> = None;
        for plan in plans {
            let reached = plan.units >= f64::from(target);
            if best.as_ref().is_none_or(|b| plan.units > b.units) {
                best = Some(plan);
            }
            if reached {
                break;
            }
        }
        best.unwrap_or_else(|| self.nothing())
    }

    fn nothing(&self) -> Plan {
        Plan { places: self.places.clone(), shares: Vec::new(), errors: Vec::new(), units: 0.0 }
    }

    /// Pool after pool, as much as it holds, until the target is reached.
    fn fill(&self, call: &CreateFleet, pools: &[Pool], target: u32) -> Plan {
        let mut plan = self.nothing();
        for pool in pools {
            let missing = f64::from(target) - plan.units;
            if missing <= 0.0 {
                break;
            }
            // Within range: a target is at most 10,000.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let need = (missing / pool.weight()).ceil() as u32;
            if let Err(error) = self.share(call, pool, need, &mut plan) {
                plan.errors.push((pool.clone(), error));
            }
        }
        plan
    }

    /// Adds what this pool can give to the plan.
    ///
    /// # Errors
    /// Why it gives less than it should, or nothing.
    fn share(&self, call: &CreateFleet, pool: &Pool, need: u32, plan: &mut Plan) -> Result<(), ApiError> {
        let call = pool.call(call, need);
        let full = self.resolved(&call)?.into_owned();
        check(&full)?;
        let wanted = self.wanted(&full)?;
        let planned = plan.shares.iter().filter(|s| s.subnet == wanted.subnet).map(|s| s.count).sum();
        let in_zone = plan.shares.iter().filter(|s| s.zone == wanted.zone).map(|s| s.count).sum();
        let in_all = plan.shares.iter().map(|s| s.count).sum();
        let beside = super::room::Beside { places: &plan.places, planned, in_zone, in_all };
        let room =
            |min_count| self.room_beside(&RunInstances { min_count, ..full.clone() }, &wanted, &beside);
        let (count, shortfall) = match room(need) {
            Ok(count) => (count, Ok(())),
            Err(error) => (room(1).unwrap_or(0), Err(error)),
        };
        if count > 0 {
            let Wanted { subnet, zone, instance_type } = wanted;
            let instance_type = instance_type.to_string();
            for _ in 0..count {
                plan.places.take(&zone, &instance_type);
            }
            plan.units += f64::from(count) * pool.weight();
            let pool = pool.clone();
            plan.shares.push(Share { pool, subnet, zone, instance_type, count, call: full });
        }
        shortfall
    }

    fn carry_out(
        &mut self,
        plan: Plan,
        lifecycle: Lifecycle,
        options: &FleetOptions,
        view: &mut FleetView,
        now_ms: i64,
    ) {
        let error = |(pool, error)| FleetError { pool, lifecycle, error };
        view.errors.extend(plan.errors.into_iter().map(error));
        if options.min_target.is_some_and(|min| plan.units < f64::from(min)) {
            return;
        }
        for Share { pool, mut call, subnet, zone, instance_type, count } in plan.shares {
            call.tags.insert(TAG_FLEET.into(), view.id.clone());
            let wanted = Wanted { subnet: subnet.clone(), zone: zone.clone(), instance_type: &instance_type };
            let reservation = self.launch(&call, &wanted, count, now_ms);
            let ids = reservation.instances.into_iter().map(|i| i.id).collect();
            view.launched.push(FleetLaunch { pool, lifecycle, ids, instance_type, zone, subnet });
        }
    }

    /// The order in which pools are tried. Prices are not known here: a type costs as much as it has
    /// vCPUs, for each unit.
    fn ordered(&self, mut pools: Vec<Pool>, lifecycle: Lifecycle, options: &FleetOptions) -> Vec<Pool> {
        let price = |pool: &Pool| {
            f64::from(self.type_of(pool).and_then(|t| vcpus(&t)).unwrap_or(u32::MAX)) / pool.weight()
        };
        let priority = |pool: &Pool| pool.change.priority.unwrap_or(f64::INFINITY);
        let depth = |pool: &Pool| {
            let (kind, zone) = (self.type_of(pool), self.zone_of_pool(pool));
            let room = |t: &str, z: &str| self.places.room_in_pool(&self.settings.capacity, z, t);
            kind.zip(zone).map_or(0, |(t, z)| room(&t, &z))
        };
        let strategy = options.strategy.as_deref().unwrap_or("lowest-price");
        match (lifecycle, strategy) {
            (_, "prioritized" | "capacity-optimized-prioritized") => {
                pools.sort_by(|a, b| priority(a).total_cmp(&priority(b)));
            }
            (Lifecycle::Spot, "capacity-optimized" | "price-capacity-optimized") => {
                pools.sort_by_key(|pool| std::cmp::Reverse(depth(pool)));
            }
            (Lifecycle::OnDemand | Lifecycle::Spot, _) => {
                pools.sort_by(|a, b| price(a).total_cmp(&price(b)));
            }
        }
        pools
    }

    fn type_of(&self, pool: &Pool) -> Option<String> {
        let call = pool.call(&CreateFleet::default(), 1);
        let full = self.resolved(&call).ok()?;
        full.instance_type.clone()
    }

    fn zone_of_pool(&self, pool: &Pool) -> Option<String> {
        let call = pool.call(&CreateFleet::default(), 1);
        let full = self.resolved(&call).ok()?.into_owned();
        self.wanted(&full).ok().map(|wanted| wanted.zone)
    }
}

/// On-Demand and Spot. What the call does not divide is of its default type, Spot if it has none.
fn targets(call: &CreateFleet) -> (u32, u32) {
    match (call.on_demand, call.spot, call.default_type.as_deref()) {
        (Some(on_demand), Some(spot), _) => (on_demand, spot),
        (None, None, Some("on-demand")) => (call.total, 0),
        (None, None, _) => (0, call.total),
        (Some(on_demand), None, _) => (on_demand, call.total.saturating_sub(on_demand)),
        (None, Some(spot), _) => (call.total.saturating_sub(spot), spot),
    }
}

fn pools(call: &CreateFleet) -> Vec<Pool> {
    let mut pools = Vec::new();
    for config in &call.configs {
        let pool = |change: Override| Pool { template: config.template.clone(), change };
        match config.overrides.as_slice() {
            [] => pools.push(pool(Override::default())),
            overrides => pools.extend(overrides.iter().cloned().map(pool)),
        }
    }
    pools
}

fn check_fleet(call: &CreateFleet) -> Result<(), ApiError> {
    match call.kind.as_deref() {
        Some("instant") => {}
        kind => {
            let kind = kind.unwrap_or("maintain");
            let message = format!("The fleet type '{kind}' is not supported: only 'instant' is");
            return Err(ApiError::new(Code::UnsupportedOperation, message));
        }
    }
    check_tags(&call.tags)?;
    if !(1..=CONFIGS_MAX).contains(&call.configs.len()) {
        return Err(ApiError::invalid(format!("A fleet has 1 to {CONFIGS_MAX} LaunchTemplateConfigs")));
    }
    if !(1..=CAPACITY_MAX).contains(&call.total) {
        return Err(ApiError::invalid(format!("TotalTargetCapacity must be from 1 to {CAPACITY_MAX}")));
    }
    if let (Some(on_demand), Some(spot)) = (call.on_demand, call.spot)
        && on_demand.saturating_add(spot) != call.total
    {
        let message = "OnDemandTargetCapacity and SpotTargetCapacity must add up to TotalTargetCapacity";
        return Err(ApiError::new(Code::InvalidParameterCombination, message));
    }
    for options in [&call.on_demand_options, &call.spot_options] {
        let Some(min) = options.min_target else { continue };
        if min > MIN_TARGET_MAX {
            return Err(ApiError::invalid(format!("MinTargetCapacity must be at most {MIN_TARGET_MAX}")));
        }
        if !options.single_type && !options.single_zone {
            let message = "MinTargetCapacity needs SingleInstanceType or SingleAvailabilityZone";
            return Err(ApiError::new(Code::InvalidParameterCombination, message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::super::settings::{PoolCapacity, Settings, Switches};
    use super::super::call::Call;
    use super::super::templates::tests::created;
    use super::super::testing::*;
    use super::*;

    /// A model with a template `web` and so many places in zones a and b.
    fn model(a: u32, b: u32, spend: bool) -> Model {
        let pool = |zone: &str, instances| PoolCapacity { zone: zone.into(), instance_type: None, instances };
        let switches = Switches { fleets_spend_instance_tokens: spend, ..Switches::default() };
        let capacity = vec![pool("us-east-1a", a), pool("us-east-1b", b)];
        let settings =
            Settings { capacity, switches, subnets: Settings::default().subnets, ..small_settings() };
        let mut model = Model::new(settings, 1).unwrap();
        created(&mut model, "web", "ami-1");
        model
    }

    fn at(subnet: &str, kind: &str) -> Override {
        Override { subnet: Some(subnet.into()), instance_type: Some(kind.into()), ..Override::default() }
    }

    fn fleet(total: u32, overrides: Vec<Override>) -> CreateFleet {
        CreateFleet {
            kind: Some("instant".into()),
            configs: vec![FleetConfig { template: TemplateRef::of("web", "1"), overrides }],
            total,
            default_type: Some("on-demand".into()),
            ..CreateFleet::default()
        }
    }

    fn made(model: &mut Model, call: &CreateFleet) -> FleetView {
        let reply = model.ask(&Call::CreateFleet(Box::new(call.clone())), 0);
        let Outcome::Answer(AnyAnswer::Ec2(Answer::Fleet(view))) = reply.outcome else { panic!("{reply:?}") };
        *view
    }

    fn counts(view: &FleetView) -> Vec<(&str, &str, usize)> {
        view.launched.iter().map(|l| (l.zone.as_str(), l.instance_type.as_str(), l.ids.len())).collect()
    }

    #[test]
    fn it_goes_on_to_the_next_pool_and_says_what_was_wrong_with_the_last() {
        let mut model = model(3, 4, false);
        let view = made(&mut model, &fleet(10, vec![at(A, "m5.large"), at(B, "m5.large")]));
        assert_eq!(counts(&view), [("us-east-1a", "m5.large", 3), ("us-east-1b", "m5.large", 4)]);
        let errors: Vec<_> = view.errors.iter().map(|e| e.error.code.as_str()).collect();
        assert_eq!(errors, ["InsufficientInstanceCapacity"; 2]);
        let ledger = model.ledger(0);
        assert!(ledger.instances.iter().all(|i| i.tags[TAG_FLEET] == view.id));
        let nothing = made(&mut model, &fleet(1, vec![at(A, "m5.large")]));
        assert!(nothing.launched.is_empty() && nothing.errors.len() == 1, "an answer, not an error");
    }

    #[test]
    fn strategies_order_the_pools() {
        let priority = |o: Override, p| Override { priority: Some(p), ..o };
        let mut call = fleet(2, vec![priority(at(A, "m5.xlarge"), 1.0), priority(at(B, "m5.large"), 2.0)]);
        assert_eq!(counts(&made(&mut model(9, 9, false), &call)), [("us-east-1b", "m5.large", 2)]);
        call.on_demand_options.strategy = Some("prioritized".into());
        assert_eq!(counts(&made(&mut model(9, 9, false), &call)), [("us-east-1a", "m5.xlarge", 2)]);
        call.default_type = None;
        call.spot_options.strategy = Some("price-capacity-optimized".into());
        let view = made(&mut model(5, 9, false), &call);
        assert_eq!(counts(&view), [("us-east-1b", "m5.large", 2)]);
        assert_eq!(view.launched[0].lifecycle, Lifecycle::Spot);
    }

    #[test]
    fn below_the_minimum_there_is_none_and_one_zone_is_chosen_whole() {
        let mut model = model(3, 6, false);
        let mut call = fleet(6, vec![at(A, "m5.large"), at(B, "m5.large")]);
        call.on_demand_options =
            FleetOptions { min_target: Some(7), single_zone: true, ..FleetOptions::default() };
        call.total = 7;
        let view = made(&mut model, &call);
        assert!(view.launched.is_empty() && !view.errors.is_empty());
        call.total = 6;
        call.on_demand_options.min_target = Some(6);
        assert_eq!(counts(&made(&mut model, &call)), [("us-east-1b", "m5.large", 6)]);
    }

    #[test]
    fn weights_are_units() {
        let weighted = Override { weight: Some(4.0), ..at(A, "m5.2xlarge") };
        let view = made(&mut model(9, 9, false), &fleet(10, vec![weighted]));
        assert_eq!(counts(&view), [("us-east-1a", "m5.2xlarge", 3)]);
    }

    #[test]
    fn whether_it_spends_instance_tokens_is_a_switch() {
        for spend in [false, true] {
            let mut model = model(5_000, 5_000, spend);
            made(&mut model, &fleet(900, vec![at(A, "m5.large")]));
            let reply = model.ask(&run("t", 1, 200), 0);
            assert_eq!(code(&reply), if spend { "RequestLimitExceeded" } else { "" });
        }
    }

    #[test]
    fn a_token_repeats_the_answer() {
        let mut model = model(9, 9, false);
        let call = CreateFleet { token: Some("t".into()), ..fleet(2, vec![at(A, "m5.large")]) };
        assert_eq!(made(&mut model, &call), made(&mut model, &call));
        assert_eq!(model.ledger(0).instances.len(), 2);
        let other = CreateFleet { total: 3, ..call };
        let reply = model.ask(&Call::CreateFleet(Box::new(other)), 0);
        assert_eq!(code(&reply), "IdempotentParameterMismatch");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let good = || fleet(2, vec![at(A, "m5.large")]);
        let min = FleetOptions { min_target: Some(1), ..FleetOptions::default() };
        for (call, expected) in [
            (CreateFleet { kind: None, ..good() }, "UnsupportedOperation"),
            (CreateFleet { total: 0, ..good() }, "InvalidParameterValue"),
            (CreateFleet { total: 10_001, ..good() }, "InvalidParameterValue"),
            (CreateFleet { configs: Vec::new(), ..good() }, "InvalidParameterValue"),
            (CreateFleet { on_demand: Some(1), spot: Some(2), ..good() }, "InvalidParameterCombination"),
            (CreateFleet { on_demand_options: min, ..good() }, "InvalidParameterCombination"),
        ] {
            let reply = model(9, 9, false).ask(&Call::CreateFleet(Box::new(call)), 0);
            assert_eq!(code(&reply), expected);
        }
    }

    #[test]
    fn an_unknown_template_is_an_error_of_its_pool() {
        let mut call = fleet(2, vec![at(A, "m5.large")]);
        call.configs[0].template = TemplateRef::of("api", "1");
        let view = made(&mut model(9, 9, false), &call);
        assert_eq!(view.errors[0].error.code.as_str(), "InvalidLaunchTemplateName.NotFoundException");
    }
}
