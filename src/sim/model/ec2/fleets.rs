//! `DescribeFleets`: what became of the fleets that were made. All of them are `instant`.

use super::Ec2;
use super::call::{Answer, Read};
use super::error::{ApiError, Code};
use super::filter::{all_match, known};
use super::fleet::{CreateFleet, FleetView, Lifecycle, Pool};
use super::names::Kind;
use super::read::{cut, page_within};

/// Ids of one call, and items of one page: AWS documents neither. As for launch templates.
const IDS_MAX: usize = 200;
const PAGE_MAX: i64 = 1_000;
/// An instant fleet is `active` until it is deleted, and `fulfilled` whatever it got (BM(ec2)).
const STATE: &str = "active";
const ACTIVITY: &str = "fulfilled";

/// One fleet that was made.
#[derive(Clone, Debug)]
pub(super) struct Fleet {
    pub(super) created_ms: i64,
    pub(super) call: CreateFleet,
    pub(super) view: FleetView,
}

/// One fleet as it is described.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetDescription {
    pub created_ms: i64,
    pub call: CreateFleet,
    pub view: FleetView,
    pub state: &'static str,
    pub activity: &'static str,
    /// Units of the instances that live: all of them, and those of On-Demand.
    pub fulfilled: f64,
    pub fulfilled_on_demand: f64,
}

enum Field {
    Type,
    State,
    Activity,
}

impl Ec2 {
    /// Instant fleets are described to those who name them, and to nobody else (BM(ec2)).
    pub(super) fn describe_fleets(&self, read: &Read, now_ms: i64) -> Result<Answer, ApiError> {
        let page = page_within(read, IDS_MAX, 1..=PAGE_MAX)?;
        let filters = known(&read.filters, |name| {
            Some(match name {
                "type" => Field::Type,
                "fleet-state" => Field::State,
                "activity-status" => Field::Activity,
                _ => return None,
            })
        })?;
        let named = |id: &String| {
            let fleet = self.fleets_made.iter().find(|f| f.view.id == *id && self.is_kept(f, now_ms));
            fleet.ok_or_else(|| {
                let message = format!("The fleet ID '{id}' does not exist");
                ApiError::new(Code::InvalidFleetIdNotFound, message)
            })
        };
        let fleets = read.ids.iter().map(named).collect::<Result<Vec<_>, _>>()?;
        let fits = all_match(&filters, |field, test| match field {
            Field::Type => test("instant"),
            Field::State => test(STATE),
            Field::Activity => test(ACTIVITY),
        });
        let described = fleets.into_iter().filter(|_| fits).map(|fleet| self.description(fleet, now_ms));
        let (fleets, next_token) = cut((0..).zip(described), page);
        Ok(Answer::Fleets { fleets, next_token })
    }

    /// The record goes some time after the last of its instances.
    fn is_kept(&self, fleet: &Fleet, now_ms: i64) -> bool {
        let young = now_ms < fleet.created_ms + i64::from(self.settings.terminated_visible_ms);
        let shown = |id: &String| self.instance_named(id).is_some_and(|i| self.is_described(i, now_ms));
        young || fleet.view.launched.iter().flat_map(|part| &part.ids).any(shown)
    }

    fn description(&self, fleet: &Fleet, now_ms: i64) -> FleetDescription {
        let (mut fulfilled, mut fulfilled_on_demand) = (0.0, 0.0);
        for part in &fleet.view.launched {
            let live = |id: &&String| self.instance_named(id).is_some_and(|i| i.state(now_ms).is_live());
            let count = u32::try_from(part.ids.iter().filter(live).count()).unwrap_or(u32::MAX);
            let units = f64::from(count) * Pool::weight(&part.pool);
            fulfilled += units;
            match part.lifecycle {
                Lifecycle::OnDemand => fulfilled_on_demand += units,
                Lifecycle::Spot => {}
            }
        }
        FleetDescription {
            created_ms: fleet.created_ms,
            call: fleet.call.clone(),
            view: fleet.view.clone(),
            state: STATE,
            activity: ACTIVITY,
            fulfilled,
            fulfilled_on_demand,
        }
    }

    fn instance_named(&self, id: &str) -> Option<&super::instance::Instance> {
        let number = self.names.number(Kind::Instance, id)?;
        self.instances.get(usize::try_from(number).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::call::{Call, Filter, FleetConfig, Override, TemplateRef};
    use super::super::templates::tests::created;
    use super::super::testing::*;
    use super::*;

    const HOUR: i64 = 3_600_000;

    /// The fleet's id, and its instances.
    fn made(model: &mut Model, total: u32, weight: Option<f64>) -> (String, Vec<String>) {
        let kind = Some("m5.large".into());
        let change = Override { subnet: Some(A.into()), instance_type: kind, weight, ..Override::default() };
        let call = CreateFleet {
            kind: Some("instant".into()),
            configs: vec![FleetConfig { template: TemplateRef::of("web", "1"), overrides: vec![change] }],
            total,
            default_type: Some("on-demand".into()),
            ..CreateFleet::default()
        };
        let reply = model.ask(&Call::CreateFleet(Box::new(call)), 0);
        let Outcome::Answer(AnyAnswer::Ec2(Answer::Fleet(view))) = reply.outcome else { panic!("{reply:?}") };
        (view.id.clone(), view.launched.iter().flat_map(|part| part.ids.clone()).collect())
    }

    fn read(ids: &[&str], filter: Option<(&str, &str)>) -> Call {
        let filters = filter.map(|(name, value)| Filter { name: name.into(), values: vec![value.into()] });
        let ids = ids.iter().map(ToString::to_string).collect();
        Call::DescribeFleets(Read { ids, filters: filters.into_iter().collect(), ..Read::default() })
    }

    fn described(model: &mut Model, call: &Call, now: i64) -> Vec<FleetDescription> {
        let reply = model.ask(call, now);
        let Outcome::Answer(AnyAnswer::Ec2(Answer::Fleets { fleets, .. })) = reply.outcome else {
            panic!("{reply:?}")
        };
        fleets
    }

    #[test]
    fn a_fleet_is_described_to_those_who_name_it() {
        let mut model = plain();
        created(&mut model, "web", "ami-1");
        let (id, ids) = made(&mut model, 5, Some(2.0));
        assert_eq!(ids.len(), 3);
        assert!(described(&mut model, &read(&[], None), 0).is_empty(), "instant fleets must be named");
        let [fleet] = &described(&mut model, &read(&[&id], None), 1_000)[..] else { panic!("not one") };
        assert_eq!((fleet.created_ms, fleet.state, fleet.activity), (0, "active", "fulfilled"));
        assert_eq!((fleet.fulfilled, fleet.fulfilled_on_demand), (6.0, 6.0));
        model.ask(&terminate(&ids[..1]), 60_000);
        let fleet = &described(&mut model, &read(&[&id], None), 600_000)[0];
        assert_eq!((fleet.fulfilled, fleet.view.launched[0].ids.len()), (4.0, 3));
    }

    #[test]
    fn filters_select_and_unknown_ids_are_refused() {
        let mut model = plain();
        created(&mut model, "web", "ami-1");
        let (id, _) = made(&mut model, 1, None);
        for (filter, found) in
            [(("type", "instant"), 1), (("type", "maintain"), 0), (("fleet-state", "act*"), 1)]
        {
            assert_eq!(described(&mut model, &read(&[&id], Some(filter)), 0).len(), found, "{filter:?}");
        }
        assert_eq!(code(&model.ask(&read(&[&id], Some(("mood", "x"))), 0)), "InvalidParameterValue");
        assert_eq!(code(&model.ask(&read(&[&id, "fleet-0"], None), 0)), "InvalidFleetId.NotFound");
    }

    #[test]
    fn the_record_goes_after_its_last_instance() {
        let mut model = plain();
        created(&mut model, "web", "ami-1");
        let (id, ids) = made(&mut model, 2, None);
        assert_eq!(described(&mut model, &read(&[&id], None), 30 * HOUR).len(), 1, "while they live");
        model.ask(&terminate(&ids), 30 * HOUR);
        assert_eq!(described(&mut model, &read(&[&id], None), 30 * HOUR + 60_000).len(), 1);
        assert_eq!(code(&model.ask(&read(&[&id], None), 40 * HOUR)), "InvalidFleetId.NotFound");
    }
}
