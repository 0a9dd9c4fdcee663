//! Events: taking them in, matching them, sending them to targets.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::arn::ACCOUNT;
use super::super::outbox::{Body, NewDelivery, Policy, Post, Sender};
use super::Events;
use super::call::{Answer, NewEvent, NotTaken, Target};
use super::destinations::check_headers;
use super::error::ApiError;

/// Most events of one request.
const ENTRIES_MAX: usize = 10;
/// An API destination has so long to answer (aws-facts 4.2).
const TIMEOUT_MS: u32 = 5_000;

impl Events {
    pub(super) fn put_events(&mut self, entries: &[NewEvent], now_ms: i64) -> Result<Answer, ApiError> {
        if entries.is_empty() || entries.len() > ENTRIES_MAX {
            return Err(ApiError::invalid(format!(
                "1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must \
                 have length between 1 and {ENTRIES_MAX}"
            )));
        }
        Ok(Answer::Events(entries.iter().map(|entry| self.take_in(entry, now_ms)).collect()))
    }

    fn take_in(&mut self, entry: &NewEvent, now_ms: i64) -> Result<String, NotTaken> {
        let fault = |code, message: &str| NotTaken { code, message: message.into() };
        let given = |value: &Option<String>, name: &str| {
            let message = format!("Parameter {name} is not valid. Reason: {name} is a required argument.");
            value.clone().filter(|v| !v.is_empty()).ok_or_else(|| fault("InvalidArgument", &message))
        };
        let source = given(&entry.source, "Source")?;
        let detail_type = given(&entry.detail_type, "DetailType")?;
        let detail = given(&entry.detail, "Detail")?;
        if source.starts_with("aws.") {
            return Err(fault("NotAuthorizedForSource", "Not authorized for the source."));
        }
        if entry.bus.as_deref().is_some_and(|bus| !is_default_bus(bus)) {
            return Err(fault("InvalidArgument", "Event bus does not exist."));
        }
        let detail: Value = serde_json::from_str(&detail)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| fault("MalformedDetail", "Detail is malformed."))?;
        Ok(self.emit(&source, &detail_type, &entry.resources, &detail, now_ms))
    }

    /// An event on the default bus. Its id.
    pub(in super::super) fn emit(
        &mut self,
        source: &str,
        detail_type: &str,
        resources: &[String],
        detail: &Value,
        now_ms: i64,
    ) -> String {
        let id = self.draw().uuid();
        let at = jiff::Timestamp::from_millisecond(now_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let event = json!({
            "version": "0",
            "id": id,
            "detail-type": detail_type,
            "source": source,
            "account": ACCOUNT,
            "time": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "region": self.settings.region,
            "resources": resources,
            "detail": detail,
        });
        let matching = self.rules.values().filter(|r| r.view.enabled && r.pattern.matches(&event));
        let sends: Vec<(String, Vec<Target>)> =
            matching.map(|r| (r.view.name.clone(), r.targets.values().cloned().collect())).collect();
        for (rule, targets) in sends {
            self.counts.entry(rule.clone()).or_default().matched += 1;
            for target in targets {
                self.send(&rule, &target, &event, now_ms);
            }
        }
        id
    }

    fn send(&mut self, rule: &str, target: &Target, event: &Value, now_ms: i64) {
        let body = body(target, event);
        let settings = self.settings.clone();
        let mut draw = self.draw();
        let copies = 1 + draw.below(settings.events.copies_max);
        let queue = target.arn.starts_with("arn:aws:sqs:");
        for _ in 0..copies {
            if queue {
                self.posts.push(Post::Queue { arn: target.arn.clone(), body: body.clone() });
            } else {
                let due_ms = now_ms + i64::from(draw.range(settings.events.spread));
                let delivery = self.delivery(target, &body, due_ms);
                self.posts.extend(delivery.map(|d| Post::Web(Box::new(d))));
            }
        }
        let counts = self.counts.entry(rule.into()).or_default();
        counts.copies += u64::from(copies - 1);
        let sent = if queue { &mut counts.to_queues } else { &mut counts.to_destinations };
        *sent += u64::from(copies);
    }

    /// None if there is no such destination any more.
    fn delivery(&mut self, target: &Target, body: &str, due_ms: i64) -> Option<NewDelivery> {
        let settings = self.settings.clone();
        let destination = self.destinations.values_mut().find(|d| d.view.arn == target.arn)?;
        let due_ms = destination.next_ms(due_ms);
        let view = destination.view.clone();
        let fixed = [
            ("User-Agent", "Amazon/EventBridge/ApiDestinations"),
            ("Content-Type", "application/json; charset=utf-8"),
            ("Range", "bytes=0-1048575"),
            ("Connection", "close"),
        ];
        let mut headers: Vec<(String, String)> =
            fixed.iter().map(|(n, v)| ((*n).to_string(), (*v).to_string())).collect();
        headers.extend(self.headers_of(&view.connection_arn));
        // Those that HTTP cannot carry are left out.
        headers
            .extend(target.http.headers.iter().filter(|h| check_headers(&[(*h).clone()]).is_ok()).cloned());
        let retries = target.max_retries.and_then(|n| u32::try_from(n).ok()).unwrap_or(185);
        Some(NewDelivery {
            sender: Sender::ApiDestination,
            method: view.method,
            url: url(&view.endpoint, target),
            headers,
            body: Body::Text(body.into()),
            timeout_ms: TIMEOUT_MS,
            policy: Policy::ApiDestination {
                retries,
                max_age_ms: target.max_age_s.unwrap_or(86_400) * 1_000,
                first_pause_ms: i64::from(settings.events.pause.min_ms),
                longest_pause_ms: i64::from(settings.events.pause.max_ms),
            },
            dead_letter: target.dead_letter.clone().map(|arn| (arn, Arc::from(body))),
            due_ms,
        })
    }
}

/// The default bus by its name or its ARN.
pub(super) fn is_default_bus(name: &str) -> bool {
    name == "default" || name.ends_with(":event-bus/default")
}

/// What is sent: the event, a part of it, or a constant.
fn body(target: &Target, event: &Value) -> String {
    match (&target.input, &target.input_path) {
        (Some(input), _) => input.clone(),
        (None, Some(path)) => {
            let parts = path.trim_start_matches('$').split('.').filter(|part| !part.is_empty());
            parts.fold(event, |value, part| &value[part]).to_string()
        }
        (None, None) => event.to_string(),
    }
}

/// The endpoint with the target's values in place of each `*` and its query behind it.
fn url(endpoint: &str, target: &Target) -> String {
    let mut values = target.http.path_values.iter();
    let mut url: String = endpoint
        .split_inclusive('*')
        .flat_map(|part| match (part.strip_suffix('*'), values.len()) {
            (Some(before), 1..) => [before, values.next().map_or("", String::as_str)],
            _ => [part, ""],
        })
        .collect();
    if !target.http.query.is_empty() {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&target.http.query);
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(&query.finish());
    }
    url
}

#[cfg(test)]
mod tests {
    use super::super::call::HttpParameters;
    use super::super::testing::*;
    use super::*;

    fn lifecycle(events: &mut Events) -> String {
        let detail = json!({ "LifecycleActionToken": "t", "Origin": "EC2" });
        let launch = "EC2 Instance-launch Lifecycle Action";
        events.emit("aws.autoscaling", launch, &["arn:asg".into()], &detail, 1_500)
    }

    #[test]
    fn a_queue_gets_the_whole_event() {
        let mut events = events();
        put_rule(&mut events, "r", ALL).unwrap();
        put_target(&mut events, "r", "a", QUEUE);
        let id = lifecycle(&mut events);
        let [Post::Queue { arn, body }] = &events.take_posts()[..] else { panic!("not sent") };
        assert_eq!(arn, QUEUE);
        assert_eq!(
            serde_json::from_str::<Value>(body).unwrap(),
            json!({
                "version": "0", "id": id, "detail-type": "EC2 Instance-launch Lifecycle Action",
                "source": "aws.autoscaling", "account": "000000000000", "time": "1970-01-01T00:00:01Z",
                "region": "us-east-1", "resources": ["arn:asg"],
                "detail": { "LifecycleActionToken": "t", "Origin": "EC2" },
            })
        );
        assert_eq!((events.counts()["r"].matched, events.counts()["r"].to_queues), (1, 1));
    }

    #[test]
    fn a_destination_is_called_with_the_key() {
        let mut events = events();
        let arn = destination(&mut events, "d", 300);
        put_rule(&mut events, "r", ALL).unwrap();
        let target = Target {
            id: "a".into(),
            arn,
            input_path: Some("$.detail".into()),
            http: HttpParameters {
                path_values: vec!["7".into()],
                headers: vec![("x-mine".into(), "1".into())],
                query: vec![("q".into(), "a b".into())],
            },
            ..Target::default()
        };
        events.put_targets("r", &[target]).unwrap();
        lifecycle(&mut events);
        let [Post::Web(delivery)] = &events.take_posts()[..] else { panic!("not sent") };
        assert_eq!(delivery.url, "http://127.0.0.1:8080/hooks/7?q=a+b");
        assert_eq!((delivery.method.as_str(), delivery.timeout_ms, delivery.due_ms), ("POST", 5_000, 1_500));
        let header = |name: &str| delivery.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        assert_eq!(header("x-api-key"), Some("secret"));
        assert_eq!(header("User-Agent"), Some("Amazon/EventBridge/ApiDestinations"));
        assert_eq!((header("Connection"), header("x-mine")), (Some("close"), Some("1")));
        assert_eq!(delivery.body, Body::Text(r#"{"LifecycleActionToken":"t","Origin":"EC2"}"#.into()));
    }

    #[test]
    fn disabled_and_other_rules_send_nothing() {
        let mut events = events();
        put_rule(&mut events, "other", r#"{"source":["aws.ec2"]}"#).unwrap();
        put_rule(&mut events, "off", ALL).unwrap();
        events.rules.get_mut("off").unwrap().view.enabled = false;
        put_target(&mut events, "other", "a", QUEUE);
        put_target(&mut events, "off", "a", QUEUE);
        lifecycle(&mut events);
        assert!(events.take_posts().is_empty());
    }

    #[test]
    fn events_are_taken_or_refused_one_by_one() {
        let mut events = events();
        let fine = NewEvent {
            source: Some("me".into()),
            detail_type: Some("t".into()),
            detail: Some("{}".into()),
            ..NewEvent::default()
        };
        let entries = [
            fine.clone(),
            NewEvent { source: None, ..fine.clone() },
            NewEvent { detail: Some("[]".into()), ..fine.clone() },
            NewEvent { source: Some("aws.ec2".into()), ..fine.clone() },
            NewEvent { bus: Some("mine".into()), ..fine.clone() },
            NewEvent {
                bus: Some("arn:aws:events:us-east-1:000000000000:event-bus/default".into()),
                ..fine.clone()
            },
        ];
        let Ok(Answer::Events(answers)) = events.put_events(&entries, 0) else { panic!("refused") };
        let codes: Vec<&str> = answers.iter().map(|a| a.as_ref().map_or_else(|e| e.code, |_| "")).collect();
        assert_eq!(
            codes,
            ["", "InvalidArgument", "MalformedDetail", "NotAuthorizedForSource", "InvalidArgument", ""]
        );
        assert!(events.put_events(&[], 0).is_err());
        assert!(events.put_events(&vec![fine; 11], 0).is_err());
    }
}
