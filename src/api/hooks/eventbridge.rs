//! `POST /v1/hooks/eventbridge`: events that an API destination of EventBridge sends.

use axum::Json;
use axum::extract::{Request, State};

use super::answer;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{HookTaken, ProblemBody};
use crate::hooks::inlet::{Door, Outcome};

/// Takes an event from an API destination.
///
/// The connection's API key goes in the header that `hooks.eventbridge.header` names. EventBridge gives
/// us 5 s, and tries again after 401, 429 and 5xx for a day.
#[utoipa::path(
    post, path = "/v1/hooks/eventbridge", operation_id = "takeEvent", tag = "hooks",
    request_body(content = Object, description = "The event", content_type = "application/json"),
    security(("api_key" = [])),
    responses(
        (status = 200, description = "Stored, or nothing had to be", body = HookTaken),
        (status = 401, description = "Not the key", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = "4XX", description = "Another try changes nothing", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 429, description = "The inbox is full; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Not ready; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn take(State(state): State<ApiState>, request: Request) -> Result<Json<HookTaken>, Problem> {
    // Before anything of the body is read.
    if let Err(problem) = state.doors.check_key(request.headers()) {
        state.doors.inlet.count(Door::EventBridge, Outcome::Untrusted);
        return Err(problem);
    }
    answer::hand_in_body(&state, Door::EventBridge, request).await
}

#[cfg(test)]
mod tests {
    use crate::api::testing::{Fake, HOOK_KEY, TOKEN};
    use crate::api::types::HookTaken;
    use crate::hooks::inlet::Outcome;
    use crate::hooks::inlet::testing::notification;

    const PATH: &str = "/v1/hooks/eventbridge";

    #[tokio::test]
    async fn the_key_opens_the_door_and_nothing_else_does() {
        let fake = Fake::start_with_token().await;
        let event = notification("web-asg", 1);
        let answer = fake.send("POST", PATH, &[("x-api-key", HOOK_KEY)], event.clone()).await;
        assert_eq!(answer.json::<HookTaken>().outcome, Outcome::Taken);
        let token = format!("Bearer {TOKEN}");
        let wrong: [&[(&str, &str)]; 3] =
            [&[], &[("x-api-key", "0123456789abcdeX")], &[("authorization", token.as_str())]];
        for headers in wrong {
            // 401 is tried again: a key that is being changed loses nothing.
            assert_eq!(fake.send("POST", PATH, headers, event.clone()).await.problem("unauthorized").0, 401);
        }
        assert_eq!(fake.asked(), 1, "nobody else reached the engine");
        let metrics = fake.send("GET", "/metrics", &[("authorization", token.as_str())], "").await.text();
        assert!(metrics.contains(r#"muster_hooks_total{door="eventbridge",outcome="untrusted"} 3"#));
        let elsewhere = fake.send("POST", "/v1/hooks", &[("x-api-key", HOOK_KEY)], event).await;
        assert_eq!(elsewhere.problem("unauthorized").0, 401, "the key opens no other door");
    }
}
