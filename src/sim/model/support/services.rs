//! What a case can be about, and how urgent it can be. AWS's list is long and changes; the model has
//! those that muster's requests are about.

use super::call::{Answer, Named, ServiceView};

pub(super) const SEVERITIES: [Named; 5] = [
    Named { code: "low", name: "Low" },
    Named { code: "normal", name: "Normal" },
    Named { code: "high", name: "High" },
    Named { code: "urgent", name: "Urgent" },
    Named { code: "critical", name: "Critical" },
];

const SERVICES: [(&str, &str); 6] = [
    ("amazon-elastic-compute-cloud-linux", "Elastic Compute Cloud (EC2 - Linux)"),
    ("amazon-virtual-private-cloud", "Virtual Private Cloud (VPC)"),
    ("auto-scaling", "Auto Scaling"),
    ("elastic-load-balancing", "Elastic Load Balancing (ELB)"),
    ("general-info", "General Info and Getting Started"),
    ("transit-gateway", "Transit Gateway"),
];

const CATEGORIES: [Named; 3] = [
    Named { code: "general-guidance", name: "General Guidance" },
    Named { code: "other", name: "Other" },
    Named { code: "performance", name: "Performance" },
];

/// `DescribeServices`: those with these codes, or all.
pub(super) fn describe(codes: &[String]) -> Answer {
    let asked = SERVICES.iter().filter(|(code, _)| codes.is_empty() || codes.iter().any(|c| c == code));
    let view = |(code, name): &(&'static str, &'static str)| ServiceView {
        service: Named { code, name },
        categories: CATEGORIES.to_vec(),
    };
    Answer::Services(asked.map(view).collect())
}

pub(super) fn has_service(code: &str) -> bool {
    SERVICES.iter().any(|(known, _)| *known == code)
}

pub(super) fn has_category(code: &str) -> bool {
    CATEGORIES.iter().any(|known| known.code == code)
}

pub(super) fn has_severity(code: &str) -> bool {
    SEVERITIES.iter().any(|known| known.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_listed_by_code() {
        let codes = |asked: &[&str]| {
            let asked: Vec<String> = asked.iter().map(ToString::to_string).collect();
            let Answer::Services(all) = describe(&asked) else { panic!() };
            all.into_iter().map(|s| s.service.code).collect::<Vec<_>>()
        };
        assert_eq!(codes(&[]).len(), SERVICES.len());
        assert_eq!(codes(&["transit-gateway", "nothing"]), ["transit-gateway"]);
    }
}
