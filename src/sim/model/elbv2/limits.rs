//! `DescribeAccountLimits`.

use super::super::quotas::{Quotas, TARGETS_PER_ALB, TARGETS_PER_TARGET_GROUP, TARGETS_PER_ZONE_OF_NLB};
use super::call::{Answer, Page};
use super::error::ApiError;
use super::paging::paged;
use super::target::TARGETS_PER_NLB;

/// The limits that the model holds anyone to. AWS lists more.
pub(super) fn describe(page: &Page, quotas: &Quotas) -> Result<Answer, ApiError> {
    let value = |code| quotas.value(code).to_string();
    let all = [
        ("targets-per-application-load-balancer", value(TARGETS_PER_ALB)),
        ("targets-per-availability-zone-per-network-load-balancer", value(TARGETS_PER_ZONE_OF_NLB)),
        ("targets-per-network-load-balancer", TARGETS_PER_NLB.to_string()),
        ("targets-per-target-group", value(TARGETS_PER_TARGET_GROUP)),
    ];
    let (limits, next_marker) = paged(all, page)?;
    Ok(Answer::AccountLimits { limits, next_marker })
}

#[cfg(test)]
mod tests {
    use super::super::call::Call;
    use super::super::testing::*;
    use super::*;

    #[test]
    fn limits_are_the_quotas_in_pages() {
        let mut model = model(|s| s.quotas.applied = [(TARGETS_PER_ALB.to_string(), 1_500.0)].into());
        let page = |size, marker| Call::DescribeAccountLimits(Page { size, marker });
        let answer = ask(&mut model, page(Some(3), None), 0).unwrap();
        let Answer::AccountLimits { limits, next_marker } = answer else { panic!("{answer:?}") };
        assert_eq!(limits[0], ("targets-per-application-load-balancer", "1500".into()));
        let answer = ask(&mut model, page(Some(3), next_marker), 0).unwrap();
        let Answer::AccountLimits { limits, next_marker } = answer else { panic!("{answer:?}") };
        assert_eq!((limits.len(), next_marker), (1, None));
        assert_eq!(ask(&mut model, page(Some(0), None), 0), Err("ValidationError"));
        assert_eq!(ask(&mut model, page(None, Some("x".into())), 0), Err("ValidationError"));
    }
}
