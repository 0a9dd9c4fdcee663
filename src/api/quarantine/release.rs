//! `DELETE /v1/quarantine/{instance}`: end a quarantine before its time, and the instance with it.

use axum::Json;
use axum::extract::State;
use http::StatusCode;

use crate::api::lookup::Name;
use crate::api::params::Params;
use crate::api::problem::{Kind, Problem};
use crate::api::state::ApiState;
use crate::api::types::{ProblemBody, ReleaseTaken};
use crate::decide::order::Order;
use crate::decide::quarantine::ReleaseAsk;
use crate::decide::words::Ec2Id;

/// Ends an instance that is kept in quarantine. Asking twice changes nothing.
#[utoipa::path(
    delete, path = "/v1/quarantine/{instance}", operation_id = "releaseQuarantine", tag = "guards",
    params(
        ("instance" = String, Path, description = "Its EC2 id"),
        ("by" = String, Query, description = "Who asks; kept with it"),
    ),
    responses(
        (status = 202, description = "Durable; it is being ended", body = ReleaseTaken),
        (status = 404, description = "It is not in quarantine", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "Somebody holds it", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = "4XX", description = "Refused; nothing was changed", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Not ready; see Retry-After", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
)]
pub async fn release(
    State(state): State<ApiState>,
    Name(id): Name,
    mut params: Params,
) -> Result<(StatusCode, Json<ReleaseTaken>), Problem> {
    let by: Option<String> = params.optional("by");
    params.finish()?;
    let by = by.ok_or_else(|| Problem::field(Kind::InvalidQuery, "by", "is missing; must say who asks"))?;
    let instance: Ec2Id = id.parse().map_err(|error: String| Problem::new(Kind::NotInQuarantine, error))?;
    let taken = state.order(Order::EndQuarantine(ReleaseAsk { instance, by })).await?;
    Ok((StatusCode::ACCEPTED, Json(ReleaseTaken { instance: taken.id, repeated: taken.repeated })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::Fake;

    #[tokio::test]
    async fn one_that_is_kept_is_let_go_by_somebody_with_a_name() {
        let fake = Fake::start().await;
        let answer = fake.send("DELETE", "/v1/quarantine/i-0bad?by=ann", &[], "").await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        assert_eq!(
            answer.json::<ReleaseTaken>(),
            ReleaseTaken { instance: "i-0bad".into(), repeated: false }
        );
        let nobody = fake.send("DELETE", "/v1/quarantine/i-0bad", &[], "").await;
        assert_eq!(nobody.problem("invalid_query").1, ["by"]);
        for stranger in ["i-1", "i-0123456789012345678901234"] {
            let path = format!("/v1/quarantine/{stranger}?by=ann");
            assert_eq!(fake.send("DELETE", &path, &[], "").await.problem("not_in_quarantine").0, 404);
        }
        assert_eq!(fake.asked(), 2);
    }
}
