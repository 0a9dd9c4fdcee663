//! Pages of what is described: a token names the key that comes next, so that nothing is told twice
//! or left out when other things come and go between two pages.

use super::call::PageRequest;
use super::error::{ApiError, Code};

/// A page begins at this key and holds so many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    from: String,
    most: usize,
}

impl Page {
    /// The page that is asked for, of at most `most` and by default `default`.
    ///
    /// # Errors
    /// `ValidationError` for a number out of range, `InvalidNextToken`.
    pub(super) fn asked(request: &PageRequest, default: u32, most: u32) -> Result<Page, ApiError> {
        let count = request.max_records.unwrap_or(default.into());
        if !(1..=i64::from(most)).contains(&count) {
            let bound = if count < 1 {
                "greater than or equal to 1".into()
            } else {
                format!("less than or equal to {most}")
            };
            return Err(ApiError::constraint(
                count,
                "MaxRecords",
                &format!("Member must have value {bound}"),
            ));
        }
        let from = match &request.next_token {
            None => String::new(),
            Some(token) => key_of(token).ok_or_else(|| {
                ApiError::new(Code::InvalidNextToken, format!("The token '{token}' is invalid."))
            })?,
        };
        Ok(Page { from, most: usize::try_from(count).unwrap_or(usize::MAX) })
    }

    /// Cuts what matched, in the order of its keys, to this page.
    pub(super) fn cut<T>(&self, all: impl Iterator<Item = (String, T)>) -> (Vec<T>, Option<String>) {
        let mut all = all.skip_while(|(key, _)| *key < self.from).peekable();
        let mut out = Vec::new();
        while out.len() < self.most
            && let Some((_, item)) = all.next()
        {
            out.push(item);
        }
        (out, all.peek().map(|(key, _)| token_for(key)))
    }
}

/// Opaque to the caller: the key in hexadecimal.
fn token_for(key: &str) -> String {
    let digits = key.bytes().flat_map(|b| [b >> 4, b & 15]);
    let digits: String = digits.filter_map(|d| char::from_digit(d.into(), 16)).collect();
    format!("next-{digits}")
}

fn key_of(token: &str) -> Option<String> {
    let digits = token.strip_prefix("next-").filter(|d| d.len() % 2 == 0 && d.is_ascii())?;
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    String::from_utf8((0..digits.len()).step_by(2).map(byte).collect::<Option<_>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(max_records: Option<i64>, next_token: Option<&str>) -> Result<Page, ApiError> {
        let request = PageRequest { max_records, next_token: next_token.map(str::to_string) };
        Page::asked(&request, 2, 3)
    }

    #[test]
    fn pages_go_on_where_the_last_one_ended() {
        let all = || ["a", "b", "é", "ü"].into_iter().map(|k| (k.to_string(), k));
        let (first, token) = page(None, None).unwrap().cut(all());
        assert_eq!(first, ["a", "b"]);
        let (second, token) = page(Some(3), token.as_deref()).unwrap().cut(all().filter(|(_, k)| *k != "é"));
        assert_eq!((second, token), (vec!["ü"], None));
    }

    #[test]
    fn limits_bind_and_only_tokens_we_gave_are_taken() {
        for (max, token) in [(Some(0), None), (Some(4), None), (Some(-1), None)] {
            assert_eq!(page(max, token).unwrap_err().code, Code::ValidationError);
        }
        for token in ["", "next-1", "next-zz", "next-ff", "page-61", "next-€"] {
            assert_eq!(page(None, Some(token)).unwrap_err().code, Code::InvalidNextToken, "{token}");
        }
    }
}
