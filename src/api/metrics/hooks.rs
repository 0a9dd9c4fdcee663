//! What came through the doors for lifecycle actions.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::api::hooks::Doors;

type Labelled<const N: usize> = Family<[(&'static str, &'static str); N], Counter>;

pub(super) fn register(to: &mut Registry, doors: &Doors) {
    let hooks = Labelled::<2>::default();
    for (door, outcome, count) in doors.inlet.tally() {
        hooks.get_or_create(&[("door", door.as_str()), ("outcome", outcome.as_str())]).inc_by(count);
    }
    to.register("hooks", "Notifications of lifecycle actions by door and what became of them", hooks);
    let Some(sns) = &doors.sns else { return };
    let tally = sns.tally();
    let (refused, fetches) = (Labelled::<1>::default(), Labelled::<1>::default());
    for (reason, count) in tally.refused {
        refused.get_or_create(&[("reason", reason.as_str())]).inc_by(count);
    }
    to.register("sns_refused", "Messages of SNS that were turned away, by reason", refused);
    let verified = Counter::<u64>::default();
    verified.inc_by(tally.verified);
    to.register("sns_verified", "Messages that SNS has signed, copies included", verified);
    for (what, count) in [("certificate", tally.certificates), ("confirmation", tally.confirmations)] {
        fetches.get_or_create(&[("what", what)]).inc_by(count);
    }
    to.register("sns_fetches", "Connections made to verify or confirm, by what was asked for", fetches);
}
