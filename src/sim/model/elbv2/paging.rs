//! What the describe calls have in common: some by name, or a page of all.

use super::super::listing::cut;
use super::call::{Describe, Page};
use super::error::ApiError;

/// Most results on one page, and how many there are if the call does not say.
const PAGE_MAX: usize = 400;

/// Cuts a list to the page that is asked for.
///
/// # Errors
/// A size that is not from 1 to 400; a marker that was not given out.
pub(super) fn paged<T>(
    all: impl IntoIterator<Item = T>,
    page: &Page,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let most = match page.size.map(usize::try_from) {
        None => PAGE_MAX,
        Some(Ok(n)) if (1..=PAGE_MAX).contains(&n) => n,
        Some(_) => return Err(ApiError::invalid("The page size must be from 1 to 400")),
    };
    let marker = page.marker.as_deref();
    cut(all, marker, most).ok_or_else(|| ApiError::invalid("The marker is not valid"))
}

/// Those that are named by ARN or by name, or a page of all.
///
/// # Errors
/// `unknown` if one of those that are named does not exist.
pub(super) fn found<'a, T>(
    all: impl Iterator<Item = &'a T>,
    describe: &Describe,
    names: impl Fn(&T) -> (&str, &str),
    unknown: fn() -> ApiError,
) -> Result<(Vec<&'a T>, Option<String>), ApiError> {
    if describe.arns.is_empty() && describe.names.is_empty() {
        return paged(all, &describe.page);
    }
    let asked = |item: &&T| {
        let (arn, name) = names(item);
        describe.arns.iter().any(|a| a == arn) || describe.names.iter().any(|n| n == name)
    };
    let found: Vec<&T> = all.filter(asked).collect();
    let is_there = |wanted: &String| found.iter().map(|i| names(i)).any(|(a, n)| a == wanted || n == wanted);
    if describe.arns.iter().chain(&describe.names).all(is_there) { Ok((found, None)) } else { Err(unknown()) }
}

/// Up to 32 letters, digits and hyphens, not at either end.
pub(super) fn check_name(name: &str) -> Result<(), ApiError> {
    let letters = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if (1..=32).contains(&name.len()) && letters && !name.starts_with('-') && !name.ends_with('-') {
        return Ok(());
    }
    Err(ApiError::invalid(format!(
        "The name '{name}' must have up to 32 letters, digits and hyphens, and no hyphen at either end"
    )))
}
