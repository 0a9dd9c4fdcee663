//! By an API destination of EventBridge.

use std::path::Path;

use serde_json::json;

use super::group::{all_in_service, answered_once, hook, json_call, muster, raise, simulated, through};

pub const KEY: &str = "0123456789abcdef0123";

/// The door that takes this key, kept in a file in the folder.
pub fn door(dir: &Path) -> String {
    let file = dir.join("key");
    std::fs::write(&file, KEY).unwrap();
    format!("[hooks.eventbridge]\nkey_file = \"{}\"", file.display())
}

#[tokio::test]
async fn an_api_destination_tells_of_every_action() {
    let (sim, client) = simulated().await;
    let dir = tempfile::tempdir().unwrap();
    let mut muster = muster(&sim, &door(dir.path()), dir);
    muster.start().await;

    let auth = json!({ "ApiKeyAuthParameters": { "ApiKeyName": "X-Api-Key", "ApiKeyValue": KEY } });
    let connection = json!({ "Name": "muster", "AuthorizationType": "API_KEY", "AuthParameters": auth });
    let connection = json_call(&sim, "AWSEvents.CreateConnection", &connection).await;
    let destination = json!({
        "Name": "muster", "ConnectionArn": connection["ConnectionArn"], "HttpMethod": "POST",
        "InvocationEndpoint": format!("{}/v1/hooks/eventbridge", muster.url),
    });
    let destination = json_call(&sim, "AWSEvents.CreateApiDestination", &destination).await;
    let pattern = json!({ "source": ["aws.autoscaling"] });
    let rule = json!({ "Name": "hooks", "EventPattern": pattern.to_string() });
    json_call(&sim, "AWSEvents.PutRule", &rule).await;
    let target = json!({
        "Id": "muster", "Arn": destination["ApiDestinationArn"],
        "RoleArn": "arn:aws:iam::000000000000:role/invoke",
    });
    json_call(&sim, "AWSEvents.PutTargets", &json!({ "Rule": "hooks", "Targets": [target] })).await;

    hook(&client, None).await;
    raise(&client, 60).await;
    all_in_service(&sim, &muster, 60).await;
    answered_once(&sim, 60, 60).await;
    assert!(through(&muster, "eventbridge", "taken").await > 0);
    assert_eq!(through(&muster, "eventbridge", "unreadable").await, 0);
}
