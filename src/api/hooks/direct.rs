//! `POST /v1/hooks`: a lifecycle action told by whoever has the operator's token.

use axum::Json;
use axum::extract::{Request, State};

use super::answer;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{HookTaken, ProblemBody};
use crate::hooks::inlet::Door;

/// Tells of a lifecycle action.
///
/// The body has the keys that Auto Scaling sends to a queue, or is an event of EventBridge. The answer
/// is sent after what it says is stored; telling twice does no harm.
#[utoipa::path(
    post, path = "/v1/hooks", operation_id = "tellHook", tag = "hooks",
    request_body(content = Object, description = "The notification, as Auto Scaling sends it",
        content_type = "application/json"),
    responses(
        (status = 200, description = "Stored, or nothing had to be", body = HookTaken),
        (status = 400, description = "Not a notification", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 404, description = "No group has this Auto Scaling group", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 429, description = "The inbox is full; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Not ready; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn tell(State(state): State<ApiState>, request: Request) -> Result<Json<HookTaken>, Problem> {
    answer::hand_in_body(&state, Door::Direct, request).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::Fake;
    use crate::engine::Readiness;
    use crate::hooks::inlet::Outcome;
    use crate::hooks::inlet::testing::{TEST, notification};

    #[tokio::test]
    async fn an_action_is_taken_once() {
        let fake = Fake::start().await;
        let web = notification("web-asg", 7);
        for outcome in [Outcome::Taken, Outcome::Repeated] {
            let answer = fake.post("/v1/hooks", &web).await;
            let told: HookTaken = answer.json();
            assert_eq!((answer.status, told.outcome), (200, outcome));
            assert_eq!(told.token.as_deref(), Some("917070d0-a303-474b-a36c-000000000007"));
        }
        let told: HookTaken = fake.post("/v1/hooks", TEST).await.json();
        assert_eq!((told.outcome, told.token), (Outcome::Acknowledged, None));
        let metrics = fake.get("/metrics").await.text();
        assert!(metrics.contains(r#"muster_hooks_total{door="direct",outcome="repeated"} 1"#), "{metrics}");
    }

    #[tokio::test]
    async fn what_is_wrong_is_told_and_what_may_pass_is_to_be_sent_again() {
        let fake = Fake::start().await;
        assert_eq!(fake.post("/v1/hooks", "{}").await.problem("invalid_body").0, 400);
        let other = notification("other", 1);
        assert_eq!(fake.post("/v1/hooks", &other).await.problem("unknown_auto_scaling_group").0, 404);
        let large = " ".repeat(crate::hooks::body::MOST + 1);
        assert_eq!(fake.post("/v1/hooks", &large).await.problem("body_too_large").0, 413);
        let metrics = fake.get("/metrics").await.text();
        for outcome in ["unreadable", "unknown_group", "too_large"] {
            let line = format!("muster_hooks_total{{door=\"direct\",outcome=\"{outcome}\"}} 1");
            assert!(metrics.contains(&line), "{line} is not in {metrics}");
        }
        fake.set_ready(Readiness::Stopping);
        let answer = fake.post("/v1/hooks", &notification("web-asg", 1)).await;
        assert_eq!(answer.problem("not_ready").0, 503);
        assert!(answer.header("retry-after").is_some());
    }
}
