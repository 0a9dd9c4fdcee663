//! Every way in which a message is turned away: a name, a status, and words for people.
//!
//! SNS tries again after 429 and 5xx and after nothing else (aws-facts 4.1). So a refusal that
//! another try could not change is a 4xx, and everything that may lie with us or with the network
//! in between is a 503: nothing legitimate is dropped for good because we could not look.

use std::time::Duration;

use crate::decide::words::named;

named! {
    /// Why a message was turned away: the label of its counter.
    pub enum Reason {
        /// The body is larger than any lifecycle notification.
        TooLarge = "too_large",
        /// The body ended before it was complete.
        BrokenOff = "broken_off",
        /// The subscription has raw delivery, which has no signature.
        RawDelivery = "raw_delivery",
        /// The body is no JSON object, or one that two could read differently.
        NotJson = "not_json",
        UnknownType = "unknown_type",
        /// A key is missing or has a value that SNS never sends.
        Malformed = "malformed",
        /// The request's headers and its body are not about the same message.
        HeaderMismatch = "header_mismatch",
        TopicNotAllowed = "topic_not_allowed",
        /// Older than SNS tries: it was sent before, or it is a replay.
        TooOld = "too_old",
        /// Our clock or theirs is wrong.
        FromTheFuture = "from_the_future",
        /// The certificate is not where SNS has them.
        CertificateUrl = "certificate_url",
        /// A confirmation asks to visit something else than SNS's confirmation.
        SubscribeUrl = "subscribe_url",
        /// Signed by SHA-1, and that is not allowed.
        SignatureVersion = "signature_version",
        /// It could not be fetched.
        CertificateUnavailable = "certificate_unavailable",
        /// It is not SNS's, or nobody we trust says so, or it is not valid now.
        CertificateUntrusted = "certificate_untrusted",
        BadSignature = "bad_signature",
        /// Too many certificates are being fetched.
        Overloaded = "overloaded",
    }
}

impl Reason {
    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Reason::TooLarge => 413,
            Reason::BrokenOff
            | Reason::RawDelivery
            | Reason::NotJson
            | Reason::UnknownType
            | Reason::Malformed
            | Reason::HeaderMismatch => 400,
            Reason::TopicNotAllowed
            | Reason::TooOld
            | Reason::CertificateUrl
            | Reason::SubscribeUrl
            | Reason::SignatureVersion
            | Reason::CertificateUntrusted
            | Reason::BadSignature => 403,
            Reason::FromTheFuture | Reason::CertificateUnavailable | Reason::Overloaded => 503,
        }
    }

    /// SNS will send it again.
    #[must_use]
    pub fn is_tried_again(self) -> bool {
        matches!(self.status(), 429 | 500..)
    }
}

/// A message that was turned away.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Refusal {
    pub reason: Reason,
    /// What is wrong and what would be right, for a log; at most [`Refusal::DETAIL`] characters.
    pub detail: String,
    /// When it may be worth another try.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// Longest detail, characters: what strangers send must not fill logs.
    pub const DETAIL: usize = 300;

    pub(super) fn new(reason: Reason, detail: impl Into<String>) -> Refusal {
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let detail = detail.into().chars().take(Refusal::DETAIL).map(plain).collect();
        let retry_after = reason.is_tried_again().then_some(Duration::from_secs(5));
        Refusal { reason, detail, retry_after }
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.reason.status()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_lie_with_us_is_tried_again() {
        for reason in Reason::ALL {
            let ours =
                matches!(reason, Reason::FromTheFuture | Reason::CertificateUnavailable | Reason::Overloaded);
            assert_eq!(reason.is_tried_again(), ours, "{reason}");
            assert_eq!(Refusal::new(*reason, "x").retry_after.is_some(), ours, "{reason}");
        }
    }

    #[test]
    fn a_detail_fits_on_a_line() {
        let refusal = Refusal::new(Reason::TopicNotAllowed, format!("a\nb\u{1b}[31m{}", "x".repeat(1_000)));
        assert_eq!(refusal.detail.chars().count(), Refusal::DETAIL);
        assert!(refusal.to_string().starts_with("topic_not_allowed: a b [31mxxx"), "{refusal}");
        assert_eq!(refusal.status(), 403);
    }
}
