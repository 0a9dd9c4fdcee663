//! What the describe calls have in common: limits of a read, and pages.

use super::call::Read;
use super::error::{ApiError, Code};

/// Most ids in one call (aws-facts 2.5).
pub(super) const IDS_MAX: usize = 1_000;
/// Most filters in one call, and values in one filter.
const FILTERS_MAX: usize = 50;
const VALUES_MAX: usize = 200;
/// What `MaxResults` may be.
const PAGE: std::ops::RangeInclusive<i64> = 5..=1_000;

/// Where a page starts, and how many it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) start: u32,
    pub(super) most: usize,
}

/// The page that is asked for.
///
/// # Errors
/// Everything that is wrong with the read, whatever it reads.
pub(super) fn page(read: &Read) -> Result<Page, ApiError> {
    page_within(read, IDS_MAX, PAGE)
}

/// The same with other limits.
pub(super) fn page_within(
    read: &Read,
    ids_max: usize,
    results: std::ops::RangeInclusive<i64>,
) -> Result<Page, ApiError> {
    if read.ids.len() > ids_max {
        return Err(too_many_ids(read.ids.len()));
    }
    if read.filters.len() > FILTERS_MAX {
        return Err(ApiError::new(
            Code::FilterLimitExceeded,
            format!("The maximum number of filters is {FILTERS_MAX}"),
        ));
    }
    for filter in &read.filters {
        if filter.values.len() > VALUES_MAX {
            return Err(ApiError::new(
                Code::FilterLimitExceeded,
                format!("The maximum number of filter values specified on a single call is {VALUES_MAX}"),
            ));
        }
    }
    if !read.ids.is_empty() && read.max_results.is_some() {
        return Err(ApiError::new(
            Code::InvalidParameterCombination,
            "The parameter instancesSet cannot be used with the parameter maxResults",
        ));
    }
    let most = match read.max_results {
        None => usize::MAX,
        Some(n) if results.contains(&n) => usize::try_from(n).unwrap_or(usize::MAX),
        Some(n) => {
            let (least, most) = (results.start(), results.end());
            return Err(ApiError::invalid(format!(
                "Value ( {n} ) for parameter maxResults is invalid. Expecting a value from {least} to {most}."
            )));
        }
    };
    let start = match read.next_token.as_deref() {
        None => 0,
        Some(token) => start_of(token).ok_or_else(|| {
            ApiError::new(Code::InvalidNextToken, format!("The token '{token}' is invalid."))
        })?,
    };
    Ok(Page { start, most })
}

pub(super) fn too_many_ids(given: usize) -> ApiError {
    ApiError::new(
        Code::ResourceCountExceeded,
        format!("{given} instance IDs were given; a request may name at most {IDS_MAX}. Break it up."),
    )
}

/// The token for a page that starts at this number: opaque to the caller.
pub(super) fn token_for(start: u32) -> String {
    format!("page-{start:08x}")
}

fn start_of(token: &str) -> Option<u32> {
    let digits = token.strip_prefix("page-").filter(|d| d.len() == 8)?;
    u32::from_str_radix(digits, 16).ok()
}

/// Cuts what matched, in order and each with its number, to one page.
pub(super) fn cut<T>(matches: impl Iterator<Item = (u32, T)>, page: Page) -> (Vec<T>, Option<String>) {
    let mut matches = matches.filter(|(number, _)| *number >= page.start).peekable();
    let mut out = Vec::new();
    while out.len() < page.most
        && let Some((_, item)) = matches.next()
    {
        out.push(item);
    }
    (out, matches.peek().map(|(number, _)| token_for(*number)))
}

#[cfg(test)]
mod tests {
    use super::super::call::Filter;
    use super::*;

    fn refused(read: &Read) -> &'static str {
        page(read).unwrap_err().code.as_str()
    }

    #[test]
    fn limits_bind() {
        let ids = |n: usize| Read { ids: vec!["i-12345678".into(); n], ..Read::default() };
        assert!(page(&ids(1_000)).is_ok());
        assert_eq!(refused(&ids(1_001)), "ResourceCountExceeded");
        let filter = |n| Filter { name: "instance-id".into(), values: vec!["x".into(); n] };
        let filters = |n, v| Read { filters: vec![filter(v); n], ..Read::default() };
        assert!(page(&filters(50, 200)).is_ok());
        assert_eq!(refused(&filters(51, 1)), "FilterLimitExceeded");
        assert_eq!(refused(&filters(1, 201)), "FilterLimitExceeded");
        let max = |n| Read { max_results: Some(n), ..Read::default() };
        assert!(page(&max(5)).is_ok() && page(&max(1_000)).is_ok());
        for n in [-1, 0, 4, 1_001] {
            assert_eq!(refused(&max(n)), "InvalidParameterValue");
        }
        assert_eq!(refused(&Read { max_results: Some(5), ..ids(1) }), "InvalidParameterCombination");
    }

    #[test]
    fn only_tokens_we_gave_are_taken() {
        let with = |t: &str| Read { next_token: Some(t.into()), ..Read::default() };
        assert_eq!(page(&with(&token_for(300))).map(|p| p.start), Ok(300));
        for t in ["", "page-", "page-12", "page-xxxxxxxx", "300"] {
            assert_eq!(refused(&with(t)), "InvalidNextToken", "{t}");
        }
    }

    #[test]
    fn pages_hold_what_they_may_and_point_to_the_next_match() {
        let all = || (0..10).filter(|n| n % 3 == 0).map(|n| (n, n));
        assert_eq!(cut(all(), Page { start: 0, most: 3 }), (vec![0, 3, 6], Some(token_for(9))));
        assert_eq!(cut(all(), Page { start: 9, most: 3 }), (vec![9], None));
        assert_eq!(cut(all(), Page { start: 0, most: 4 }), (vec![0, 3, 6, 9], None));
        assert_eq!(cut(all(), Page { start: 0, most: usize::MAX }), (vec![0, 3, 6, 9], None));
    }
}
