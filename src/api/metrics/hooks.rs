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
    let refused = Labelled::<1>::default();
    for (reason, count) in sns.tally().refused {
        refused.get_or_create(&[("reason", reason.as_str())]).inc_by(count);
    }
    to.register("sns_refused", "Messages of SNS that were turned away, by reason", refused);
}
