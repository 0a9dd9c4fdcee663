//! AWS Support: the cases that were made, and one more.

use aws_config::Region;
use aws_sdk_support::Client;
use aws_sdk_support::config::Builder;
use aws_sdk_support::types::CaseDetails;

use crate::cloud::account::{Account, Calls};
use crate::cloud::failure;
use crate::cloud::http::Answers;
use crate::decide::event::CallError;
use crate::decide::gateway::call::GatewaySeen;
use crate::decide::gateway::case::{Case, CaseCall};

/// Most cases on one page.
const PAGE: i32 = 100;
/// Where AWS Support has endpoints (aws-facts 6.4). Cases are the same from each.
const ENDPOINTS: [&str; 3] = ["us-east-1", "us-west-2", "eu-west-1"];

/// AWS Support of one account.
#[derive(Clone, Debug)]
pub(super) struct Support {
    support: Client,
    calls: Calls,
}

impl Support {
    pub(super) fn of(account: &Account) -> Support {
        let shared = account.config(Answers::WholeJson);
        let region = endpoint_for(shared.region().map_or("", Region::as_ref));
        let config = Builder::from(&shared).region(Region::new(region.to_string())).build();
        Support { support: Client::from_conf(config), calls: account.calls() }
    }

    /// Makes this one call.
    pub(super) async fn call(&self, call: &CaseCall) -> Result<GatewaySeen, CallError> {
        let describe =
            || self.support.describe_cases().include_resolved_cases(true).include_communications(false);
        match call {
            CaseCall::Cases { since, page } => {
                let after = jiff::Timestamp::from_millisecond(since.0.max(0)).unwrap_or_default();
                let request = describe().after_time(after.to_string()).max_results(PAGE);
                let request = request.set_next_token(page.as_ref().map(ToString::to_string));
                let answer = self.calls.make(request.send()).await?;
                seen(answer.cases(), answer.next_token())
            }
            CaseCall::Case { id } => {
                let answer = self.calls.make(describe().case_id_list(id.as_ref()).send()).await?;
                seen(answer.cases(), None)
            }
            CaseCall::Create(new) => {
                let spec = &new.spec;
                let copies = (!spec.cc.is_empty()).then(|| spec.cc.clone());
                let request = self.support.create_case().subject(&new.subject).communication_body(&new.body);
                let request = request.service_code(&spec.service).category_code(&spec.category);
                let request = request.severity_code(&spec.severity).language(&spec.language);
                let request = request.issue_type("technical").set_cc_email_addresses(copies);
                let answer = self.calls.make(request.send()).await?;
                let id =
                    answer.case_id.ok_or_else(|| failure::unreadable("there is no case in it".into()))?;
                Ok(GatewaySeen::CaseMade { id })
            }
        }
    }
}

/// The Region whose endpoint is asked: one's own, or one near it.
fn endpoint_for(region: &str) -> &str {
    if ENDPOINTS.contains(&region) {
        return region;
    }
    match region.split('-').next() {
        Some("eu" | "af" | "me" | "il") => "eu-west-1",
        Some("ap") => "us-west-2",
        Some("us") if region.starts_with("us-west") => "us-west-2",
        Some("us" | "ca" | "sa" | "mx") if !region.starts_with("us-gov") => "us-east-1",
        // Of another partition, of which nothing is published here: its own.
        _ => region,
    }
}

fn seen(cases: &[CaseDetails], page: Option<&str>) -> Result<GatewaySeen, CallError> {
    let cases = cases.iter().map(case).collect::<Result<_, _>>()?;
    Ok(GatewaySeen::Cases { cases, page: page.filter(|page| !page.is_empty()).map(Into::into) })
}

fn case(details: &CaseDetails) -> Result<Case, CallError> {
    let lacks = |what: &str| failure::unreadable(format!("a case has no {what}"));
    let id = details.case_id().ok_or_else(|| lacks("id"))?;
    Ok(Case {
        id: id.to_string(),
        display_id: details.display_id().unwrap_or(id).to_string(),
        subject: details.subject().unwrap_or_default().to_string(),
        status: details.status().ok_or_else(|| lacks("status"))?.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_asks_an_endpoint_that_there_is() {
        for (region, asked) in [
            ("us-east-1", "us-east-1"),
            ("us-east-2", "us-east-1"),
            ("us-west-1", "us-west-2"),
            ("eu-central-1", "eu-west-1"),
            ("ap-southeast-2", "us-west-2"),
            ("sa-east-1", "us-east-1"),
            ("us-gov-west-1", "us-gov-west-1"),
            ("cn-north-1", "cn-north-1"),
        ] {
            assert_eq!(endpoint_for(region), asked, "{region}");
        }
    }
}
