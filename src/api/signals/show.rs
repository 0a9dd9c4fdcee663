//! `GET /v1/groups/{group}/signals`: what a group's signals say.

use axum::Json;
use axum::extract::State;

use crate::api::lookup::Name;
use crate::api::params::Params;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{ProblemBody, Signals};
use crate::decide::action::Refusal;

/// Shows each signal with its value, its age and what it says, and what they say together.
#[utoipa::path(
    get, path = "/v1/groups/{group}/signals", operation_id = "showSignals", tag = "groups",
    params(("group" = String, Path, description = "A configured group")),
    responses(
        (status = 200, description = "The group's signals", body = Signals),
        (status = 404, description = "There is no such group", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<ApiState>,
    Name(group): Name,
    params: Params,
) -> Result<Json<Signals>, Problem> {
    params.finish()?;
    let (view, now) = (state.handle.view(), state.handle.clock().now());
    let found = view.groups.iter().find(|g| g.name == group).ok_or_else(|| {
        let known: Vec<&str> = view.groups.iter().map(|g| g.name.as_str()).collect();
        Problem::refused(&Refusal::UnknownGroup { group, known: known.join(", ") })
    })?;
    Ok(Json(Signals::of(found, now)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{self, Fake, NOW};
    use crate::decide::guard::valve::Shut;
    use crate::decide::signal::series::Says;
    use crate::decide::signal::{Agreement, Reading, Tells};

    #[tokio::test]
    async fn each_signal_is_told_with_what_they_say_together() {
        let fake = Fake::start().await;
        let mut view = testing::view();
        view.groups[0].agreement = Agreement::Disagree;
        view.groups[0].valve = Some(Shut { since: NOW, why: "7 of 30 members".into() });
        view.groups[0].signals = vec![Reading {
            name: "requests".into(),
            tells: Tells::Requests,
            says: Says::Sudden,
            value: Some(60.0),
            at: Some(NOW),
            idle: 300.0,
            busy: 900.0,
        }];
        fake.show(view);
        let shown: Signals = fake.get("/v1/groups/web/signals").await.json();
        assert_eq!(
            (shown.agreement, shown.valve_shut.as_deref()),
            (Agreement::Disagree, Some("7 of 30 members"))
        );
        assert_eq!((shown.signals[0].says, shown.signals[0].value), (Says::Sudden, Some(60.0)));
        assert_eq!(fake.get("/v1/groups/db/signals").await.problem("unknown_group").0, 404);
    }
}
