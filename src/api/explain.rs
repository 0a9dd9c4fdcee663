//! `GET /v1/explain/{name}`: why a scale-up or a slot is not further than it is.
//!
//! Nothing is worked out here: the decision recorded its reasons as it passed by, and they are
//! read. For a slot they are those of its scale-up that can hold a slot in its phase.

use axum::Json;
use axum::extract::State;

use super::lookup::{self, Name, Slot};
use super::params::Params;
use super::problem::{Kind, Problem};
use super::state::ApiState;
use super::types::{Explanation, ProblemBody, WaitLine};
use crate::decide::gateway::shown::GatewayRequestView;
use crate::decide::hook::notice::HookState;
use crate::decide::quarantine::words::{QuarantineRow, QuarantineState};
use crate::decide::rows::{HookRow, ScaleUpRow};
use crate::decide::view::{Progress, View};
use crate::decide::wait::Wait;
use crate::decide::words::{Phase, SlotId, Time};
use crate::store::{HookFilter, Store};

/// Explains what a scale-up or a slot waits for.
#[utoipa::path(
    get, path = "/v1/explain/{name}", operation_id = "explain", tag = "scale-ups",
    params(("name" = String, Path,
        description = "A scale-up (public id or number), a slot (12-34), an EC2 instance id (i-...) or a gateway request")),
    responses(
        (status = 200, description = "What waits and why", body = Explanation),
        (status = 404, description = "There is nothing of this name", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn explain(
    State(state): State<ApiState>,
    Name(name): Name,
    params: Params,
) -> Result<Json<Explanation>, Problem> {
    params.finish()?;
    let (view, now) = (state.handle.view(), state.handle.clock().now());
    if let Some(row) = view.quarantine.iter().find(|row| row.id.as_str() == name) {
        return Ok(Json(of_kept(row, now)));
    }
    if let Some(request) = view.gateway_requests.iter().find(|r| r.row.id == name) {
        return Ok(Json(of_gateway(request)));
    }
    if name.parse::<SlotId>().is_ok() || name.starts_with("i-") {
        let slot = lookup::slot(&state.store, &name).await?;
        let hooks = open_hooks(&state.store, &slot).await?;
        return Ok(Json(of_slot(&slot, &hooks, &view, now)));
    }
    match lookup::scale_up(&state.store, &name).await {
        Ok(row) => Ok(Json(of_scale_up(&row, view.scale_up(&row.id), now))),
        Err(problem) if problem.kind == Kind::UnknownScaleUp => {
            let detail = format!(
                "{}, and '{name}' is neither a slot (12-34) nor an instance id (i-...)",
                problem.detail
            );
            Err(problem.detail(detail))
        }
        Err(problem) => Err(problem),
    }
}

/// A gateway request, and the reason that planning passed it by for.
fn of_gateway(request: &GatewayRequestView) -> Explanation {
    let row = &request.row;
    let waits = request.waits.iter().map(|text| WaitLine { count: 1, text: text.clone() });
    Explanation {
        subject: format!(
            "gateway request {} ({}): {}, {} of {} {} in effect",
            row.id, row.gateway, row.state, row.in_effect, row.wanted, row.unit
        ),
        waits: waits.collect(),
    }
}

fn of_scale_up(row: &ScaleUpRow, progress: Option<&Progress>, now: Time) -> Explanation {
    let (state, in_service) =
        progress.map_or((row.state, row.in_service), |p| (p.state, p.phases.get(Phase::InService)));
    Explanation {
        subject: format!(
            "scale-up {} (number {}, group {}): {state}, {in_service} of {} in service",
            row.id, row.seq.0, row.group, row.wanted
        ),
        waits: progress.map(|p| lines(p, now, |_| true)).unwrap_or_default(),
    }
}

/// The lifecycle actions that hold the newest instance of a slot.
async fn open_hooks(store: &Store, slot: &Slot) -> Result<Vec<HookRow>, Problem> {
    let Some(id) = slot.attempts.last().and_then(|row| row.id) else { return Ok(Vec::new()) };
    let filter = HookFilter { state: Some(HookState::Open), id: Some(id), ..HookFilter::default() };
    // An Auto Scaling group has at most 50 hooks (aws-facts 3.1).
    Ok(store.hooks(&filter, None, 50).await?)
}

fn of_slot(slot: &Slot, hooks: &[HookRow], view: &View, now: Time) -> Explanation {
    let newest = slot.attempts.last();
    let phase = newest.map_or(Phase::Queued, |row| row.phase);
    let stands = newest.map(|row| {
        let s = now.since(row.since).as_secs();
        let id = row.id.map(|id| format!(", instance {id}")).unwrap_or_default();
        let reason = row.reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default();
        let held: String = hooks.iter().map(|h| held_by(h, now)).collect();
        format!(" for {s} s, attempt {}{id}{reason}{held}", row.instance.attempt)
    });
    let subject =
        format!("slot {} (group {}): {phase}{}", slot.id, slot.scale_up.group, stands.unwrap_or_default());
    let progress = view.scale_up(&slot.scale_up.id);
    let waits = progress.map(|p| lines(p, now, |w| w.phases().contains(&phase))).unwrap_or_default();
    Explanation { subject, waits }
}

/// One that is kept is no slot's any more.
fn of_kept(row: &QuarantineRow, now: Time) -> Explanation {
    let age = now.since(row.since).as_secs();
    let stands = match row.state {
        QuarantineState::Asked => format!("for {age} s its group has been asked to let it go ({})", row.how),
        QuarantineState::Kept => {
            let left = row.until.since(now).as_secs();
            format!("kept in quarantine ({}) for {age} s, and for {left} s more", row.how)
        }
        QuarantineState::Joining | QuarantineState::Leaving | QuarantineState::Done => {
            let end = row.end.map(|e| format!(" ({e})")).unwrap_or_default();
            format!("its quarantine is over{end}, and it is being ended")
        }
    };
    let error = row.error.as_ref().map(|e| format!("; the last call failed: {e}")).unwrap_or_default();
    let subject = format!(
        "instance {} (group {}): broken in {}: {}; {stands}{error}",
        row.id, row.group, row.broke_in, row.reason
    );
    Explanation { subject, waits: Vec::new() }
}

fn held_by(hook: &HookRow, now: Time) -> String {
    let answer = hook.result.map_or_else(|| "no answer yet".to_string(), |r| format!("to be told {r}"));
    let left = hook.expires_at.since(now).as_secs();
    format!("; held by hook {} of {}, {answer}, expires in {left} s", hook.hook, hook.asg)
}

fn lines(progress: &Progress, now: Time, keep: impl Fn(&Wait) -> bool) -> Vec<WaitLine> {
    progress.waits.iter().filter(|w| keep(&w.wait)).map(|w| WaitLine::of(w, now)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{self, Fake};
    use crate::decide::rows::Changes;
    use crate::decide::view::Waiting;
    use crate::decide::words::{Api, ScaleUpSeq};

    #[tokio::test]
    async fn a_scale_up_is_explained_by_the_decisions_own_words() {
        let fake = Fake::start().await;
        fake.write(vec![testing::scale_up(1, 1_200)], vec![], vec![]).await;
        fake.show(testing::view());
        let told: Explanation = fake.get("/v1/explain/1").await.json();
        assert!(
            told.subject.ends_with("(number 1, group web): open, 930 of 1200 in service"),
            "{}",
            told.subject
        );
        let counts: Vec<_> = told.waits.iter().map(|w| w.count).collect();
        assert_eq!(counts, [120, 150]);
    }

    #[tokio::test]
    async fn a_slot_is_explained_by_what_can_hold_it_where_it_is() {
        let fake = Fake::start().await;
        let mut booting = testing::instance(1, 0, 2, Phase::Booting);
        booting.id = Some("i-0123456789abcdef0".parse().unwrap());
        fake.write(vec![testing::scale_up(1, 1_200)], vec![booting], vec![]).await;
        fake.show(testing::view());
        for name in ["1-0", "i-0123456789abcdef0"] {
            let told: Explanation = fake.get(&format!("/v1/explain/{name}")).await.json();
            assert!(told.subject.starts_with("slot 1-0 (group web): booting for "), "{}", told.subject);
            assert!(told.subject.ends_with("attempt 2, instance i-0123456789abcdef0"), "{}", told.subject);
            assert_eq!(told.waits.len(), 1);
            assert!(told.waits[0].text.starts_with("booting, given up in"));
        }
        let queued: Explanation = fake.get("/v1/explain/1-1199").await.json();
        assert_eq!(queued.subject, "slot 1-1199 (group web): queued");
        assert!(queued.waits[0].text.starts_with("instance tokens"));
    }

    #[tokio::test]
    async fn an_instance_in_quarantine_is_explained_though_no_slot_has_it() {
        let fake = Fake::start().await;
        fake.show(View { quarantine: vec![testing::kept()], ..testing::view() });
        let told: Explanation = fake.get("/v1/explain/i-0bad").await.json();
        let stands =
            "instance i-0bad (group web): broken in verifying: status 503; kept in quarantine (standby)";
        assert!(told.subject.starts_with(stands), "{}", told.subject);
    }

    #[tokio::test]
    async fn an_instance_that_its_group_holds_is_explained_by_the_action() {
        let fake = Fake::start().await;
        let mut admitting = testing::instance(1, 0, 1, Phase::Admitting);
        let open = testing::hook(1);
        admitting.id = Some(open.id);
        fake.write(vec![testing::scale_up(1, 1)], vec![admitting], vec![]).await;
        fake.commit(Changes { hooks: vec![open.clone()], ..Changes::default() }).await;
        let told: Explanation = fake.get(&format!("/v1/explain/{}", open.id)).await.json();
        let held = "; held by hook muster of web-asg, no answer yet, expires in 0 s";
        assert!(told.subject.ends_with(held), "{}", told.subject);
    }

    /// One of each, and what it says with ten seconds to go. A new reason does not compile until it is here.
    fn all() -> Vec<(Wait, &'static str)> {
        let until = testing::NOW.plus(std::time::Duration::from_secs(10));
        let code = || "Code".to_string();
        let api = Api::AutoScaling;
        let all = vec![
            Wait::InstanceTokens { have: 1, want: 20, ready_at: until },
            Wait::RequestTokens { api, ready_at: until },
            Wait::CallsInFlight { api, limit: 5 },
            Wait::ApiBackoff { api, failures: 3, until },
            Wait::Resend { code: code(), sends: 2, until },
            Wait::KeepFailing { code: code(), sends: 9, until },
            Wait::Behind { throttles: 4, count: 100 },
            Wait::Refused { refusals: 2, until },
            Wait::Canary { tried: 10, size: 10 },
            Wait::BreakerOpen { failures: 10, outcomes: 12, until },
            Wait::BreakerTrial { tried: 3, trial: 3 },
            Wait::GroupMax { max: 100, live: 100 },
            Wait::Capacity { pools: 3, until },
            Wait::ZoneWeights { closed: 2, until },
            Wait::Quota { code: code(), until },
            Wait::Booting { until },
            Wait::Configuring { until },
            Wait::Verifying { until },
            Wait::Admitting { ready_at: until },
            Wait::Unseen { since: Some(testing::NOW) },
            Wait::Raising { to: 8, taken: true },
            Wait::NoLaunchHook,
            Wait::Contacts { limit: 48 },
            Wait::Terminating,
            Wait::Held { until },
            Wait::Frozen { until },
        ];
        let says = |wait: &Wait| match wait {
            Wait::InstanceTokens { .. } => "1 of the 20 for the next batch, there in 10 s",
            Wait::RequestTokens { .. } => "AutoScaling request tokens: next in 10 s",
            Wait::CallsInFlight { .. } => {
                "AutoScaling calls in flight: all 5 are out; next when one is answered"
            }
            Wait::ApiBackoff { .. } => "AutoScaling failed 3 times in a row: next probe in 10 s",
            Wait::Resend { .. } => "goes out again in 10 s (sent 2 times)",
            Wait::KeepFailing { .. } => "keeps failing with Code after 9 tries: next try in 10 s",
            Wait::Behind { .. } => {
                "launch order: a launch of 100 that was throttled 4 times in a row goes first"
            }
            Wait::Refused { .. } => {
                "launches refused 2 times for what the group's configuration says: next try in 10 s"
            }
            Wait::Canary { .. } => {
                "canary: 10 of 10 instances of an unproven launch version are out; the rest follow when one is in service"
            }
            Wait::BreakerOpen { .. } => {
                "launch breaker open: 10 of the last 12 instances broke; tries again in 10 s"
            }
            Wait::BreakerTrial { .. } => {
                "half open: 3 of 3 trial instances are out; decided when they are verified or broken"
            }
            Wait::GroupMax { .. } => "group maximum: 100 of 100 places are taken; next when one is free",
            Wait::Capacity { .. } => "no capacity in any of 3 zones: next try in 10 s",
            Wait::ZoneWeights { .. } => {
                "2 zones are at 0 % by order, and the others have no capacity: next try in 10 s"
            }
            Wait::Quota { .. } => "account limit Code: next try in 10 s",
            Wait::Booting { .. } => "booting, given up in 10 s",
            Wait::Configuring { .. } => "configuring, given up in 10 s",
            Wait::Verifying { .. } => "verifying, given up in 10 s",
            Wait::Admitting { .. } => "told to let it in: next call in 10 s",
            Wait::Unseen { .. } => "last seen 0 s ago",
            Wait::Raising { .. } => "its desired capacity is 8",
            Wait::NoLaunchHook => "no launch lifecycle hook",
            Wait::Contacts { .. } => "contact permits: all 48",
            Wait::Terminating => "being removed",
            Wait::Held { .. } => "held: not removed for another 10 s",
            Wait::Frozen { .. } => "frozen: no scale-in for another 10 s",
        };
        all.into_iter()
            .map(|wait| {
                let says = says(&wait);
                (wait, says)
            })
            .collect()
    }

    #[test]
    fn every_reason_is_told_where_it_holds_a_slot_and_until_when() {
        for (wait, says) in all() {
            let waits = vec![Waiting { count: 1, wait: wait.clone() }];
            let mut view = testing::view();
            view.scale_ups[0].waits = waits;
            let phases = wait.phases();
            assert!(!phases.is_empty(), "{wait:?} is told of no slot");
            for phase in Phase::ALL {
                let slot = Slot {
                    id: SlotId { scale_up: ScaleUpSeq(1), ordinal: 0 },
                    scale_up: testing::scale_up(1, 1),
                    attempts: vec![testing::instance(1, 0, 1, *phase)],
                };
                let told = of_slot(&slot, &[], &view, testing::NOW).waits;
                assert_eq!(told.len(), usize::from(phases.contains(phase)), "{wait:?} while {phase}");
                assert!(told.iter().all(|line| line.text.contains(says)), "{told:?} does not say: {says}");
            }
        }
    }

    #[tokio::test]
    async fn what_has_ended_waits_for_nothing_and_says_why_it_ended() {
        let fake = Fake::start().await;
        let mut row = testing::instance(1, 0, 1, Phase::Withdrawn);
        row.reason = Some("cancelled: wrong image".into());
        fake.write(vec![testing::scale_up(1, 1)], vec![row], vec![]).await;
        fake.show(testing::view());
        let told: Explanation = fake.get("/v1/explain/1-0").await.json();
        assert!(told.subject.ends_with("cancelled: wrong image"), "{}", told.subject);
        assert_eq!(told.waits, []);
    }

    #[tokio::test]
    async fn what_does_not_exist_is_a_404_that_says_what_can_be_asked_about() {
        let fake = Fake::start().await;
        let answer = fake.get("/v1/explain/web").await;
        assert_eq!(answer.problem("unknown_scale_up").0, 404);
        assert!(answer.text().contains("12-34"));
        assert_eq!(fake.get("/v1/explain/1-0").await.problem("unknown_slot").0, 404);
    }
}
