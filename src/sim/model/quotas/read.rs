//! The reads: services, quotas, and one quota.

use super::super::listing::cut;
use super::Quotas;
use super::call::{Answer, Of, Page};
use super::catalogue::{Entry, SERVICES};
use super::error::{ApiError, Code};

/// Most results on one page, and how many there are if the call does not say: the lists' own model
/// gives 1 to 100.
const PAGE_MAX: usize = 100;

/// Cuts a list to the page that is asked for.
///
/// # Errors
/// A size that is not from 1 to 100; a token that was not given out.
pub(super) fn paged<T>(
    all: impl IntoIterator<Item = T>,
    page: &Page,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let most = match page.max_results.map(usize::try_from) {
        None => PAGE_MAX,
        Some(Ok(n)) if (1..=PAGE_MAX).contains(&n) => n,
        Some(_) => {
            let message = "1 validation error detected: Value at 'maxResults' failed to satisfy constraint: \
                           Member must have value between 1 and 100";
            return Err(ApiError::new(Code::Validation, message));
        }
    };
    cut(all, page.next_token.as_deref(), most)
        .ok_or_else(|| ApiError::new(Code::InvalidPaginationToken, "The pagination token is invalid."))
}

pub(super) fn services(page: &Page) -> Result<Answer, ApiError> {
    let (services, next_token) = paged(SERVICES, page)?;
    Ok(Answer::Services { services, next_token })
}

impl Quotas {
    /// `GetServiceQuota`: the account's value.
    pub(super) fn applied(&self, of: &Of) -> Result<Answer, ApiError> {
        let entry = self.entry(of)?;
        if self.is_hidden(entry) {
            return Err(ApiError::no_such_quota());
        }
        Ok(Answer::Quota(self.view(entry, self.value_of(entry))))
    }

    /// `GetAWSDefaultServiceQuota`.
    pub(super) fn default(&self, of: &Of) -> Result<Answer, ApiError> {
        let entry = self.entry(of)?;
        Ok(Answer::Quota(self.view(entry, entry.default)))
    }

    /// The quotas of one service: the account's values, or AWS's defaults.
    pub(super) fn list(
        &self,
        service: &str,
        quota: Option<&str>,
        page: &Page,
        defaults: bool,
    ) -> Result<Answer, ApiError> {
        if !SERVICES.iter().any(|s| s.code == service) {
            let message = "The request failed because the specified service does not exist.";
            return Err(ApiError::new(Code::NoSuchResource, message));
        }
        let asked = |entry: &&Entry| {
            entry.service == service
                && quota.is_none_or(|code| entry.code == code)
                && (defaults || !self.is_hidden(entry))
        };
        let (entries, next_token) = paged(self.catalogue.iter().filter(asked), page)?;
        let value = |entry: &Entry| if defaults { entry.default } else { self.value_of(entry) };
        let quotas = entries.into_iter().map(|entry: &Entry| self.view(entry, value(entry))).collect();
        Ok(Answer::Quotas { quotas, next_token })
    }

    fn is_hidden(&self, entry: &Entry) -> bool {
        self.settings.quotas.not_retrieved.iter().any(|code| entry.code == code.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Model;
    use super::super::super::ec2::testing::{plain, small_settings};
    use super::super::STANDARD_VCPUS;
    use super::super::call::Call;
    use super::super::testing::*;
    use super::*;

    fn codes(model: &mut Model, call: Call) -> (Vec<String>, Option<String>) {
        match ask(model, call, 0) {
            Ok(Answer::Quotas { quotas, next_token }) => {
                (quotas.into_iter().map(|q| q.code).collect(), next_token)
            }
            other => panic!("{other:?}"),
        }
    }

    fn list(quota: Option<&str>, max_results: Option<i64>, next_token: Option<String>) -> Call {
        let page = Page { max_results, next_token };
        Call::ListServiceQuotas { service: "ec2".into(), quota: quota.map(Into::into), page }
    }

    #[test]
    fn the_quotas_of_a_service_come_in_pages() {
        let mut model = plain();
        let (all, more) = codes(&mut model, list(None, None, None));
        assert_eq!((all.len(), more.is_some()), (100, true));
        let (first, token) = codes(&mut model, list(None, Some(15), None));
        let (second, _) = codes(&mut model, list(None, Some(15), token));
        assert_eq!([first, second].concat(), all[..30]);
        assert_eq!(codes(&mut model, list(Some(STANDARD_VCPUS), None, None)).0, [STANDARD_VCPUS]);
    }

    #[test]
    fn one_that_is_not_retrieved_has_only_a_default() {
        let mut settings = small_settings();
        settings.quotas.not_retrieved = vec![STANDARD_VCPUS.into()];
        let mut model = Model::new(settings, 1).unwrap();
        let of = of("ec2", STANDARD_VCPUS);
        let got = ask(&mut model, Call::GetServiceQuota(of.clone()), 0);
        assert_eq!(got.err(), Some("NoSuchResourceException"));
        assert!(!codes(&mut model, list(None, None, None)).0.contains(&of.quota));
        let default = ask(&mut model, Call::GetAwsDefaultServiceQuota(of), 0);
        assert!(matches!(default, Ok(Answer::Quota(view)) if view.value < 6.0));
    }

    #[test]
    fn what_does_not_exist_and_what_is_out_of_range_is_refused() {
        let mut model = plain();
        let page = Page::default;
        for (call, code) in [
            (Call::GetServiceQuota(of("ec2", "L-00000000")), "NoSuchResourceException"),
            (Call::GetServiceQuota(of("vpc", STANDARD_VCPUS)), "NoSuchResourceException"),
            (
                Call::ListAwsDefaultServiceQuotas { service: "nothing".into(), page: page() },
                "NoSuchResourceException",
            ),
            (list(None, Some(0), None), "ValidationException"),
            (list(None, Some(101), None), "ValidationException"),
            (list(None, None, Some("x".into())), "InvalidPaginationTokenException"),
        ] {
            assert_eq!(ask(&mut model, call.clone(), 0).err(), Some(code), "{call:?}");
        }
    }
}
