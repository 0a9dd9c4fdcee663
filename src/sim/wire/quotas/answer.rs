//! From the answers of Service Quotas to AWS JSON 1.1.

use std::io;

use serde_json::{Value, json};

use super::super::super::model::quotas::call::{Answer, QuotaView, RequestView, ServiceView};
use super::super::json::document;

/// An answer's document.
pub(in super::super) fn answer(answer: &Answer) -> io::Result<Vec<u8>> {
    document(&match answer {
        Answer::Services { services, next_token } => {
            let each = |s: &ServiceView| json!({ "ServiceCode": s.code, "ServiceName": s.name });
            listed("Services", services, each, next_token.as_deref())
        }
        Answer::Quotas { quotas, next_token } => listed("Quotas", quotas, quota, next_token.as_deref()),
        Answer::Quota(view) => json!({ "Quota": quota(view) }),
        Answer::Requested(view) => json!({ "RequestedQuota": request(view) }),
        Answer::RequestedList { requests, next_token } => {
            listed("RequestedQuotas", requests, request, next_token.as_deref())
        }
    })
}

fn listed<'a, T>(
    name: &str,
    items: &'a [T],
    each: impl FnMut(&'a T) -> Value,
    next_token: Option<&str>,
) -> Value {
    let mut value = json!({ name: items.iter().map(each).collect::<Vec<_>>() });
    optional(&mut value, "NextToken", next_token);
    value
}

fn optional(value: &mut Value, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        value[name] = text.into();
    }
}

fn quota(q: &QuotaView) -> Value {
    let mut value = json!({
        "ServiceCode": q.service.code,
        "ServiceName": q.service.name,
        "QuotaArn": q.arn,
        "QuotaCode": q.code,
        "QuotaName": q.name,
        "Value": q.value,
        "Unit": q.unit,
        "Adjustable": q.adjustable,
        "GlobalQuota": false,
        "QuotaAppliedAtLevel": "ACCOUNT",
    });
    if let Some(class) = q.usage_class {
        value["UsageMetric"] = json!({
            "MetricNamespace": "AWS/Usage",
            "MetricName": "ResourceCount",
            "MetricDimensions": {
                "Class": class, "Resource": "vCPU", "Service": "EC2", "Type": "Resource",
            },
            "MetricStatisticRecommendation": "Maximum",
        });
    }
    value
}

fn request(r: &RequestView) -> Value {
    let mut value = json!({
        "Id": r.id,
        "ServiceCode": r.quota.service.code,
        "ServiceName": r.quota.service.name,
        "QuotaCode": r.quota.code,
        "QuotaName": r.quota.name,
        "DesiredValue": r.desired,
        "Status": r.status.as_str(),
        "Created": seconds(r.created_ms),
        "LastUpdated": seconds(r.updated_ms),
        "QuotaArn": r.quota.arn,
        "GlobalQuota": false,
        "Unit": r.quota.unit,
        "QuotaRequestedAtLevel": "ACCOUNT",
    });
    optional(&mut value, "CaseId", r.case_id.as_deref());
    value
}

/// Times are seconds since the epoch in this protocol.
fn seconds(ms: i64) -> f64 {
    #[allow(clippy::cast_precision_loss)] // exact for 285,000 years of milliseconds
    let ms = ms as f64;
    ms / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::super::super::super::model::ec2::testing::small_settings;
    use super::super::super::super::model::quotas::ALB_UNITS;
    use super::super::super::super::model::quotas::call::Call;
    use super::super::super::super::model::quotas::testing::{ask, of, request};
    use super::super::super::super::{Model, Settings};
    use super::*;

    fn model() -> Model {
        Model::new(Settings { vcpu_quota: Some(640), ..small_settings() }, 1).unwrap()
    }

    fn text(answered: &Answer) -> String {
        String::from_utf8(answer(answered).unwrap()).unwrap()
    }

    #[test]
    fn a_quota_is_written_as_the_sdks_read_it() {
        let answer = ask(&mut model(), Call::GetServiceQuota(of("ec2", "L-1216C47A")), 0).unwrap();
        assert_eq!(
            text(&answer),
            "{\"Quota\":{\"Adjustable\":true,\"GlobalQuota\":false,\
             \"QuotaAppliedAtLevel\":\"ACCOUNT\",\
             \"QuotaArn\":\"arn:aws:servicequotas:us-east-1:000000000000:ec2/L-1216C47A\",\
             \"QuotaCode\":\"L-1216C47A\",\
             \"QuotaName\":\"Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances\",\
             \"ServiceCode\":\"ec2\",\"ServiceName\":\"Amazon Elastic Compute Cloud (Amazon EC2)\",\
             \"Unit\":\"None\",\"UsageMetric\":{\"MetricDimensions\":{\"Class\":\"Standard/OnDemand\",\
             \"Resource\":\"vCPU\",\"Service\":\"EC2\",\"Type\":\"Resource\"},\
             \"MetricName\":\"ResourceCount\",\"MetricNamespace\":\"AWS/Usage\",\
             \"MetricStatisticRecommendation\":\"Maximum\"},\"Value\":640.0}}"
        );
    }

    #[test]
    fn a_request_has_its_times_and_its_case_once_there_is_one() {
        let mut model = model();
        let made = request(&mut model, "elasticloadbalancing", ALB_UNITS, 500.0, 1_700_000_000_500).unwrap();
        let first = text(&Answer::Requested(made.clone()));
        assert!(first.contains("\"Created\":1700000000.5") && !first.contains("CaseId"), "{first}");
        let again = Call::GetRequestedServiceQuotaChange { id: made.id };
        let later = text(&ask(&mut model, again, 1_700_000_090_000).unwrap());
        assert!(later.contains("\"Status\":\"CASE_OPENED\"") && later.contains("\"CaseId\":\""), "{later}");
    }
}
