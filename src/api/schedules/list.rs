//! `GET /v1/gateway-schedules`: what the calendar asks for, and when next.

use axum::Json;
use axum::extract::State;

use crate::api::params::Params;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{ScheduleItem, Schedules};

/// Lists the schedules, each with its next three peaks and when they are asked for.
#[utoipa::path(
    get, path = "/v1/gateway-schedules", operation_id = "listGatewaySchedules", tag = "gateways",
    responses((status = 200, description = "All of them", body = Schedules)),
)]
pub async fn list(State(state): State<ApiState>, params: Params) -> Result<Json<Schedules>, Problem> {
    params.finish()?;
    Ok(Json(Schedules { schedules: state.handle.view().schedules.iter().map(ScheduleItem::of).collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{self, Fake};
    use crate::decide::gateway::calendar::shown::{PeakView, ScheduleView};
    use crate::decide::gateway::calendar::testing::schedule;
    use crate::decide::view::View;
    use crate::decide::words::Time;

    #[tokio::test]
    async fn a_schedule_is_told_with_what_comes_next() {
        let fake = Fake::start().await;
        let peak = PeakView {
            at: Time(1_609_729_200_000),
            local: "2021-01-04 04:00 Europe/Berlin".into(),
            ask_at: Time(1_609_124_400_000),
            until: Time(1_609_815_600_000),
        };
        let (row, waits) = (schedule("january"), "2021-01-04 04:00 Europe/Berlin, in 9 s".to_string());
        let seen = ScheduleView { row, upcoming: vec![peak], missed: true, waits };
        fake.show(View { schedules: vec![seen], ..testing::view() });
        let all: Schedules = fake.get("/v1/gateway-schedules").await.json();
        let [january] = &all.schedules[..] else { panic!("{all:?}") };
        assert_eq!((january.name.as_str(), january.lead_s, january.missed), ("january", 7 * 86_400, true));
        assert_eq!(january.next[0].ask_at.to_string(), "2020-12-28T03:00:00.000Z");
        assert_eq!(fake.get("/v1/gateway-schedules?zone=UTC").await.problem("invalid_query").0, 400);
    }
}
