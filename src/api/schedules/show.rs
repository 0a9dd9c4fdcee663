//! `GET /v1/gateway-schedules/{name}`: one schedule, and what became of its peaks.

use axum::Json;
use axum::extract::State;

use crate::api::lookup::Name;
use crate::api::params::{MOST_ROWS, Params};
use crate::api::problem::{Kind, Problem};
use crate::api::state::ApiState;
use crate::api::types::{JournalLine, ProblemBody, ScheduleHistory, ScheduleItem};
use crate::store::JournalFilter;

/// Shows one schedule with its history.
#[utoipa::path(
    get, path = "/v1/gateway-schedules/{name}", operation_id = "showGatewaySchedule", tag = "gateways",
    params(("name" = String, Path, description = "The schedule's name")),
    responses(
        (status = 200, description = "The schedule and its history", body = ScheduleHistory),
        (status = 404, description = "There is no such schedule", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<ApiState>,
    Name(name): Name,
    params: Params,
) -> Result<Json<ScheduleHistory>, Problem> {
    params.finish()?;
    let view = state.handle.view();
    let seen = view
        .schedules
        .iter()
        .find(|seen| seen.row.name == name)
        .ok_or_else(|| Problem::new(Kind::UnknownSchedule, format!("there is no schedule '{name}'")))?;
    let filter = JournalFilter { gateway: Some(seen.row.id.clone()), ..JournalFilter::default() };
    let journal = state.store.journal(&filter, 0, MOST_ROWS).await?;
    let journal = journal.into_iter().map(|(number, row)| JournalLine::of(number, row)).collect();
    Ok(Json(ScheduleHistory { schedule: ScheduleItem::of(seen), journal }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{self, Fake};
    use crate::decide::gateway::calendar::shown::ScheduleView;
    use crate::decide::gateway::calendar::testing::schedule;
    use crate::decide::rows::{Changes, JournalRow};
    use crate::decide::view::View;

    #[tokio::test]
    async fn a_schedule_is_shown_with_its_own_history() {
        let fake = Fake::start().await;
        let row = schedule("january");
        let about = |id: &str| JournalRow {
            scale_up: None,
            gateway: Some(id.into()),
            ..testing::line(1, None, "schedule_asked")
        };
        let journal = vec![about("0192"), about(&row.id)];
        fake.commit(Changes { schedules: vec![row.clone()], journal, ..Changes::default() }).await;
        let seen = ScheduleView { row, upcoming: Vec::new(), missed: false, waits: String::new() };
        fake.show(View { schedules: vec![seen], ..testing::view() });
        let shown: ScheduleHistory = fake.get("/v1/gateway-schedules/january").await.json();
        assert_eq!((shown.schedule.name.as_str(), shown.journal.len()), ("january", 1));
        assert_eq!(fake.get("/v1/gateway-schedules/july").await.problem("unknown_schedule").0, 404);
    }
}
