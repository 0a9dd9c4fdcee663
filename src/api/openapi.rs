//! The `OpenAPI` text, made from the routes themselves.

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{OpenApi, SecurityRequirement};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::state::ApiState;
use super::{
    explain, freezes, gates, gateways, groups, health, holds, hooks, instances, keep_failing, metrics,
    preflights, quarantine, scale_ins, scale_ups, schedules, signals, zones,
};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "muster",
        description = "Brings servers into service on AWS by the thousand: launch, configure, verify.\n\n\
            Times are in muster's own time, which runs as fast as the wall's unless `time.scale` says otherwise. \
            Whatever is not a success is a problem document (RFC 9457).",
        license(name = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "scale-ups", description = "Ask for instances, follow, cancel, explain"),
        (name = "instances", description = "Single slots and the instances that fill them"),
        (name = "groups", description = "Groups and what stands in their way"),
        (name = "guards", description = "Holds on instances, freezes of groups, quarantine"),
        (name = "gateways", description = "What may be scaled ahead of time, and the requests that it be"),
        (name = "hooks", description = "Lifecycle actions of Auto Scaling groups, and the doors for them"),
        (name = "health", description = "Alive, ready, metrics"),
    ),
)]
struct Document;

fn collected() -> OpenApiRouter<ApiState> {
    OpenApiRouter::with_openapi(<Document as utoipa::OpenApi>::openapi())
        .routes(routes!(scale_ups::create::create, scale_ups::list::list))
        .routes(routes!(preflights::create::create))
        .routes(routes!(scale_ups::show::show))
        .routes(routes!(scale_ups::cancel::cancel))
        .routes(routes!(scale_ups::events::events))
        .routes(routes!(instances::list::list))
        .routes(routes!(instances::show::show))
        .routes(routes!(explain::explain))
        .routes(routes!(groups::groups))
        .routes(routes!(signals::push::push, signals::show::show))
        .routes(routes!(scale_ins::create::create))
        .routes(routes!(scale_ins::list::list))
        .routes(routes!(zones::list::list))
        .routes(routes!(zones::weigh::weigh))
        .routes(routes!(zones::weigh::weigh_in_group))
        .routes(routes!(keep_failing::keep_failing))
        .routes(routes!(holds::create::create, holds::list::list))
        .routes(routes!(holds::release::release))
        .routes(routes!(quarantine::list::list))
        .routes(routes!(quarantine::release::release))
        .routes(routes!(freezes::create::create, freezes::list::list))
        .routes(routes!(freezes::thaw::thaw))
        .routes(routes!(gateways::create::create, gateways::list::list))
        .routes(routes!(gateways::show::show, gateways::release::release))
        .routes(routes!(gateways::confirm::confirm, gateways::letter::letter))
        .routes(routes!(gates::create::create))
        .routes(routes!(gates::end::end))
        .routes(routes!(schedules::create::create, schedules::list::list))
        .routes(routes!(schedules::show::show, schedules::remove::remove))
        .routes(routes!(hooks::direct::tell, hooks::list::list))
        .routes(routes!(hooks::eventbridge::take))
        .routes(routes!(hooks::sns::take))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::metrics))
}

/// The document that `GET /openapi.json` answers with.
pub fn openapi() -> OpenApi {
    with_token(collected().into_openapi())
}

/// Every route, and the document about them.
pub fn routes() -> Router<ApiState> {
    let (router, document) = collected().split_for_parts();
    // Serialising the document cannot fail: it is made of strings, lists and maps with string keys.
    let text = with_token(document).to_pretty_json().unwrap_or_default();
    router.route("/openapi.json", get(async move || ([(CONTENT_TYPE, "application/json")], text.clone())))
}

fn with_token(mut document: OpenApi) -> OpenApi {
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", scheme);
    let key = ApiKeyValue::with_description("x-api-key", "Named by hooks.eventbridge.header");
    components.add_security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(key)));
    // The empty one: a service on loopback may run without a token.
    let either = [SecurityRequirement::new("token", [""; 0]), SecurityRequirement::default()];
    document.security = Some(Vec::from(either));
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

    #[test]
    fn the_committed_text_is_what_the_routes_say() {
        let text = openapi().to_pretty_json().unwrap() + "\n";
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(FILE, &text).unwrap();
        }
        let committed = std::fs::read_to_string(FILE).unwrap_or_default();
        if let Some((n, (old, new))) =
            committed.lines().zip(text.lines()).enumerate().find(|(_, (old, new))| old != new)
        {
            panic!("openapi.json is out of date at line {}: '{old}' is now '{new}'. {HOW}", n + 1);
        }
        assert_eq!(committed.len(), text.len(), "openapi.json is out of date. {HOW}");
    }

    const HOW: &str =
        "Look at the change; if it is wanted, run this test with UPDATE_OPENAPI=1 and commit the file";

    #[test]
    fn every_operation_has_its_own_name_and_says_what_it_answers() {
        let document = serde_json::to_value(openapi()).unwrap();
        let mut names = std::collections::BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_string()), "{method} {path}: {name} is used twice");
                assert!(operation["summary"].is_string(), "{method} {path} has no summary");
                assert!(!operation["responses"].as_object().unwrap().is_empty(), "{method} {path}");
            }
        }
        assert!(names.len() >= 17, "{names:?}");
    }
}
