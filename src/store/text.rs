//! Text on its way into the database.

use std::borrow::Cow;

/// The text as both engines can hold it: NUL becomes U+FFFD.
///
/// `PostgreSQL`'s text cannot hold NUL and `SQLite`'s can; error messages from instances may contain
/// anything. Replacing it for both keeps a database movable from one engine to the other, and a
/// stray byte from failing a commit.
pub(super) fn storable(text: &str) -> Cow<'_, str> {
    if text.as_bytes().contains(&0) {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::storable;

    #[test]
    fn only_nul_is_replaced() {
        assert_eq!(storable("agent\0said \u{1F980}\n"), "agent\u{fffd}said \u{1F980}\n");
        assert_eq!(storable(""), "");
    }
}
