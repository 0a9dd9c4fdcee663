//! Lists in pages, as the services with tokens of letters and digits cut them.

/// The page of `all` that a token asks for, and the token for the next one. None if it is no token
/// that was given out.
pub(super) fn cut<T>(
    all: impl IntoIterator<Item = T>,
    token: Option<&str>,
    most: usize,
) -> Option<(Vec<T>, Option<String>)> {
    let start = token.map_or(Some(0), start_of)?;
    let mut rest = all.into_iter().skip(start);
    let page: Vec<T> = rest.by_ref().take(most).collect();
    let next = rest.next().map(|_| token_for(start + page.len()));
    Some((page, next))
}

/// Opaque to the caller.
fn token_for(start: usize) -> String {
    format!("page{start:08x}")
}

fn start_of(token: &str) -> Option<usize> {
    let digits = token.strip_prefix("page").filter(|d| d.len() == 8)?;
    usize::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_on_one_page() {
        let (mut token, mut seen, mut pages) = (None, Vec::new(), 0);
        loop {
            let (page, next) = cut(0..10, token.as_deref(), 4).unwrap();
            seen.extend(page);
            pages += 1;
            token = next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!((seen, pages), ((0..10).collect::<Vec<_>>(), 3));
        assert_eq!(cut(0..4, None, 4), Some((vec![0, 1, 2, 3], None)));
    }

    #[test]
    fn only_tokens_we_gave_are_taken() {
        for token in ["", "page", "page1", "page0000000g", "00000001"] {
            assert_eq!(cut(0..4, Some(token), 4), None, "{token}");
        }
        assert_eq!(cut(0..4, Some("page00000009"), 4), Some((vec![], None)));
    }
}
