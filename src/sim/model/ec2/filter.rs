//! Filters of describe calls: a name per field, values with `*` and `?` as wildcards.

use super::call::Filter;
use super::error::ApiError;

/// Does the text match a pattern in which `*` is any run of characters, `?` any one, and `\` takes
/// the meaning from the next?
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    enum Part {
        Any,
        One,
        Just(char),
    }
    let mut parts = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        parts.push(match c {
            '*' => Part::Any,
            '?' => Part::One,
            '\\' => Part::Just(chars.next().unwrap_or('\\')),
            c => Part::Just(c),
        });
    }
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go on if the present try fails: after the last `*`, one character further on.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        let fits = match parts.get(p) {
            Some(Part::Any) => {
                retry = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some(Part::One) => true,
            Some(Part::Just(c)) => *c == text[t],
            None => false,
        };
        if fits {
            (p, t) = (p + 1, t + 1);
        } else if let Some((after, from)) = retry {
            retry = Some((after, from + 1));
            (p, t) = (after, from + 1);
        } else {
            return false;
        }
    }
    parts[p..].iter().all(|part| matches!(part, Part::Any))
}

/// One filter with its field looked up.
pub(super) struct Known<'a, F> {
    field: F,
    values: &'a [String],
}

/// Looks every filter's name up.
///
/// # Errors
/// `InvalidParameterValue` for a name that `field` does not know.
pub(super) fn known<'a, F>(
    filters: &'a [Filter],
    field: impl Fn(&'a str) -> Option<F>,
) -> Result<Vec<Known<'a, F>>, ApiError> {
    let lookup = |filter: &'a Filter| match field(&filter.name) {
        Some(field) => Ok(Known { field, values: &filter.values }),
        None => Err(ApiError::invalid(format!("The filter '{}' is invalid", filter.name))),
    };
    filters.iter().map(lookup).collect()
}

/// Does every filter match? `fits` says whether a field has a value for which the test holds.
pub(super) fn all_match<F>(
    filters: &[Known<'_, F>],
    fits: impl Fn(&F, &dyn Fn(&str) -> bool) -> bool,
) -> bool {
    filters.iter().all(|filter| {
        let test = |text: &str| filter.values.iter().any(|pattern| matches(pattern, text));
        fits(&filter.field, &test)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_at_ec2() {
        for (pattern, text, expected) in [
            ("web", "web", true),
            ("web", "web1", false),
            ("web*", "web1", true),
            ("*b*", "web1", true),
            ("*.large", "m5.xlarge", false),
            ("m?.large", "m5.large", true),
            ("?", "", false),
            ("", "", true),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b", false),
            (r"\*", "*", true),
            (r"\*", "x", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_do_not_explode() {
        assert!(!matches(&"a*".repeat(60), &format!("{}b", "a".repeat(50))));
        assert!(!matches(&format!("{}b", "*a".repeat(100)), &"a".repeat(2_000)));
    }
}
