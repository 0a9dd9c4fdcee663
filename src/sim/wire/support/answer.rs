//! From the answers of AWS Support to AWS JSON 1.1.

use std::io;

use serde_json::{Value, json};

use super::super::super::model::support::call::{
    Answer, CaseView, Communication, Named, Recent, ServiceView,
};
use super::super::json::document;
use super::super::xml::time;

/// An answer's document.
pub(in super::super) fn answer(answer: &Answer) -> io::Result<Vec<u8>> {
    document(&match answer {
        Answer::Created { case_id } => json!({ "caseId": case_id }),
        Answer::Cases { cases, next_token } => {
            next(json!({ "cases": list(cases, case) }), next_token.as_deref())
        }
        Answer::Added => json!({ "result": true }),
        Answer::Communications { communications, next_token } => {
            let value = json!({ "communications": list(communications, communication) });
            next(value, next_token.as_deref())
        }
        Answer::Resolved { initial, last } => {
            json!({ "initialCaseStatus": initial.as_str(), "finalCaseStatus": last.as_str() })
        }
        Answer::Services(services) => json!({ "services": list(services, service) }),
        Answer::SeverityLevels(levels) => json!({ "severityLevels": list(levels, named) }),
    })
}

fn list<T>(items: &[T], each: fn(&T) -> Value) -> Vec<Value> {
    items.iter().map(each).collect()
}

fn next(mut value: Value, token: Option<&str>) -> Value {
    if let Some(token) = token {
        value["nextToken"] = token.into();
    }
    value
}

fn case(c: &CaseView) -> Value {
    let mut value = json!({
        "caseId": c.id,
        "displayId": c.display_id,
        "subject": c.created.subject,
        "status": c.status.as_str(),
        "serviceCode": c.created.service.as_deref().unwrap_or("general-info"),
        "categoryCode": c.created.category.as_deref().unwrap_or("other"),
        "severityCode": c.created.severity.as_deref().unwrap_or("low"),
        "timeCreated": time(c.created_ms),
        "ccEmailAddresses": c.created.cc,
        "language": c.created.language.as_deref().unwrap_or("en"),
    });
    if let Some(Recent { communications, next_token }) = &c.communications {
        let recent = json!({ "communications": list(communications, communication) });
        value["recentCommunications"] = next(recent, next_token.as_deref());
    }
    value
}

fn communication(c: &Communication) -> Value {
    json!({
        "caseId": c.case_id,
        "body": c.body,
        "submittedBy": c.submitted_by,
        "timeCreated": time(c.at_ms),
        "attachmentSet": [],
    })
}

fn service(s: &ServiceView) -> Value {
    json!({ "code": s.service.code, "name": s.service.name, "categories": list(&s.categories, named) })
}

fn named(n: &Named) -> Value {
    json!({ "code": n.code, "name": n.name })
}

#[cfg(test)]
mod tests {
    use super::super::super::super::model::support::call::{DescribeCases, Verb};
    use super::super::super::super::model::support::testing::{ask, create, model};
    use super::*;

    fn text(answered: &Answer) -> String {
        String::from_utf8(answer(answered).unwrap()).unwrap()
    }

    #[test]
    fn a_case_is_written_as_the_sdks_read_it() {
        let mut model = model(|_| {});
        let id = create(&mut model, 1_700_000_000_000);
        let cases =
            ask(&mut model, Verb::DescribeCases(DescribeCases::default()), 1_700_000_000_000).unwrap();
        let Answer::Cases { cases: views, .. } = &cases else { panic!("{cases:?}") };
        let out = text(&cases).replace(&id, "ID").replace(&views[0].display_id, "DISPLAY");
        assert_eq!(
            out,
            "{\"cases\":[{\"caseId\":\"ID\",\"categoryCode\":\"performance\",\"ccEmailAddresses\":[],\
             \"displayId\":\"DISPLAY\",\"language\":\"en\",\"recentCommunications\":{\"communications\":[{\
             \"attachmentSet\":[],\"body\":\"Please prepare for 80 Gbit/s.\",\"caseId\":\"ID\",\
             \"submittedBy\":\"muster <arn:aws:iam::000000000000:user/muster>\",\
             \"timeCreated\":\"2023-11-14T22:13:20.000Z\"}]},\"serviceCode\":\"transit-gateway\",\
             \"severityCode\":\"high\",\"status\":\"unassigned\",\"subject\":\"More for tgw-1\",\
             \"timeCreated\":\"2023-11-14T22:13:20.000Z\"}]}"
        );
    }

    #[test]
    fn severities_and_services_are_codes_and_names() {
        let mut model = model(|_| {});
        let levels = text(&ask(&mut model, Verb::DescribeSeverityLevels, 0).unwrap());
        assert!(levels.starts_with(r#"{"severityLevels":[{"code":"low","name":"Low"}"#), "{levels}");
        let codes = vec!["auto-scaling".into()];
        let services = text(&ask(&mut model, Verb::DescribeServices { codes }, 0).unwrap());
        assert!(services.contains(r#""code":"auto-scaling","name":"Auto Scaling""#), "{services}");
    }
}
