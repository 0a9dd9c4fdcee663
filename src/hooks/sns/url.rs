//! Where a certificate may come from, and what may be visited to confirm.
//!
//! URLs are compared as text, never taken apart: two parsers may disagree about where
//! `https://sns.us-east-1.amazonaws.com\@evil.example/` leads, but there is one text only that begins
//! with the host we expect and a slash. AWS's own validator wants `https`, a path that ends in `.pem`
//! and a host like `^sns\.[a-zA-Z0-9\-]{3,}\.amazonaws\.com(\.cn)?$`; whatever passes here passes there.

use ::url::form_urlencoded;

use super::topics::Topic;

/// Digits in a certificate's name. AWS has 32 of them; a longer one is some other file.
const DIGITS: std::ops::RangeInclusive<usize> = 8..=64;

/// The certificate's URL, in the one form by which certificates are kept, if it is one of SNS's in the
/// topic's region.
///
/// # Errors
/// What is wrong with it.
pub(super) fn certificate(text: &str, topic: &Topic) -> Result<String, &'static str> {
    let path = path(text, topic)?;
    let digits = path.strip_prefix("SimpleNotificationService-").and_then(|p| p.strip_suffix(".pem"));
    let digits = digits.ok_or("its path is not /SimpleNotificationService-DIGITS.pem")?;
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if !DIGITS.contains(&digits.len()) || !digits.bytes().all(hex) {
        return Err("its name is not 8 to 64 hexadecimal digits");
    }
    Ok(format!("https://{}/{path}", topic.host()))
}

/// What is to be visited to confirm a subscription, made from the topic and the token, if that is what
/// the message's URL asks for.
///
/// # Errors
/// What is wrong with it.
pub(super) fn confirmation(text: &str, topic: &Topic, token: &str) -> Result<String, &'static str> {
    let query =
        path(text, topic)?.strip_prefix('?').ok_or("its path is not /?Action=ConfirmSubscription...")?;
    if query.contains('#') {
        return Err("it has a fragment");
    }
    let mut pairs: Vec<(String, String)> =
        form_urlencoded::parse(query.as_bytes()).map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
    pairs.sort();
    let expected = [("Action", "ConfirmSubscription"), ("Token", token), ("TopicArn", topic.arn())];
    if !pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).eq(expected) {
        return Err("it does not ask for this topic and token, and for nothing else");
    }
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(expected).finish();
    Ok(format!("https://{}/?{query}", topic.host()))
}

/// What comes after SNS's host in the topic's region and the slash.
fn path<'a>(text: &'a str, topic: &Topic) -> Result<&'a str, &'static str> {
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("it has other characters than printable ASCII");
    }
    let rest = text.strip_prefix("https://").ok_or("its scheme is not https")?;
    let rest = rest.strip_prefix(&topic.host()).ok_or("its host is not SNS's in the topic's region")?;
    let rest = rest.strip_prefix(":443").unwrap_or(rest);
    rest.strip_prefix('/').ok_or("its host is not SNS's in the topic's region")
}

#[cfg(test)]
mod tests {
    use ::url::Url;
    use proptest::prelude::*;

    use super::*;
    use crate::hooks::sns::topics::Topics;

    const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:t";
    const CHINA: &str = "arn:aws-cn:sns:cn-north-1:123456789012:t";
    const PEM: &str = "SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8.pem";

    fn of(arn: &str) -> Topic {
        Topics::new([arn]).unwrap().get(arn).unwrap().clone()
    }

    /// AWS's own rule, from its validator for JavaScript, written anew: the weakest we may be.
    fn aws_takes(text: &str) -> bool {
        let Ok(url) = Url::parse(text) else { return false };
        let host = url.host_str().unwrap_or_default();
        let host = host.strip_suffix(".cn").unwrap_or(host);
        let region = host.strip_prefix("sns.").and_then(|h| h.strip_suffix(".amazonaws.com"));
        let region = region.unwrap_or_default();
        url.scheme() == "https"
            && url[url::Position::BeforePath..url::Position::AfterQuery]
                .chars()
                .rev()
                .take(4)
                .eq("mep.".chars())
            && region.len() >= 3
            && region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    }

    #[test]
    fn a_certificate_comes_from_sns_in_the_topics_region() {
        let expected = format!("https://sns.us-east-1.amazonaws.com/{PEM}");
        for text in [expected.clone(), format!("https://sns.us-east-1.amazonaws.com:443/{PEM}")] {
            assert_eq!(certificate(&text, &of(TOPIC)), Ok(expected.clone()), "{text}");
            assert!(aws_takes(&text));
        }
        let china = format!("https://sns.cn-north-1.amazonaws.com.cn/{PEM}");
        assert_eq!(certificate(&china, &of(CHINA)), Ok(china.clone()));
    }

    #[test]
    fn a_certificate_from_anywhere_else_is_refused() {
        let sns = "https://sns.us-east-1.amazonaws.com";
        for text in [
            // On S3, and in a bucket that is called sns.
            "https://s3.amazonaws.com/x.pem",
            &format!("https://sns.s3.amazonaws.com/{PEM}"),
            &format!("https://sns.s3-us-west-2.amazonaws.com/{PEM}"),
            &format!("https://sns.s3-accelerate.amazonaws.com/{PEM}"),
            &format!("https://s3.us-east-1.amazonaws.com/sns/{PEM}"),
            // Hosts that only begin or end like SNS's.
            &format!("{sns}.evil.example/{PEM}"),
            &format!("{sns}@evil.example/{PEM}"),
            &format!("{sns}:443@evil.example/{PEM}"),
            &format!("{sns}\\@evil.example/{PEM}"),
            &format!("https://user:secret@sns.us-east-1.amazonaws.com/{PEM}"),
            &format!("https://evil.example/{sns}/{PEM}"),
            &format!("https://evil-sns.us-east-1.amazonaws.com/{PEM}"),
            &format!("{sns}./{PEM}"),
            &format!("{sns}.cn/{PEM}"),
            &format!("{sns}:444/{PEM}"),
            &format!("{sns}:80/{PEM}"),
            &format!("{sns}:4430/{PEM}"),
            // Other regions, and none.
            &format!("https://sns.us-east-2.amazonaws.com/{PEM}"),
            &format!("https://sns.cn-north-1.amazonaws.com.cn/{PEM}"),
            &format!("https://sns.amazonaws.com/{PEM}"),
            &format!("https://SNS.US-EAST-1.AMAZONAWS.COM/{PEM}"),
            // This machine, its network, its credentials.
            &format!("http://169.254.169.254/{PEM}"),
            &format!("https://169.254.169.254/latest/meta-data/{PEM}"),
            &format!("https://[::ffff:169.254.169.254]/{PEM}"),
            &format!("https://2852039166/{PEM}"),
            &format!("https://localhost/{PEM}"),
            // Other schemes.
            &format!("http://sns.us-east-1.amazonaws.com/{PEM}"),
            &format!("HTTPS://sns.us-east-1.amazonaws.com/{PEM}"),
            &format!("ftp://sns.us-east-1.amazonaws.com/{PEM}"),
            "file:///etc/passwd",
            // SNS itself answers, but not with a certificate of its own.
            &format!("{sns}/?Action=GetTopicAttributes&x=/{PEM}"),
            &format!("{sns}/{PEM}?x=.pem"),
            &format!("{sns}/{PEM}#x.pem"),
            &format!("{sns}//{PEM}"),
            &format!("{sns}/x/{PEM}"),
            &format!("{sns}/x/../{PEM}"),
            &format!("{sns}/{PEM}/"),
            &format!("{sns}/x.pem"),
            &format!("{sns}/SimpleNotificationService-.pem"),
            &format!("{sns}/SimpleNotificationService-7506A1E35B36EF5A.pem"),
            &format!("{sns}/SimpleNotificationService-7506a1e35b36ef5a%2e.pem"),
            &format!("{sns}/SimpleNotificationService-{}.pem", "0".repeat(65)),
            // What a browser's parser would overlook.
            &format!(" {sns}/{PEM}"),
            &format!("{sns}/{PEM} "),
            &format!("https:/\t/sns.us-east-1.amazonaws.com/{PEM}"),
            &format!("{sns}/Simple\nNotificationService-7506a1e35b36ef5a.pem"),
            &format!("https:\\\\sns.us-east-1.amazonaws.com/{PEM}"),
            &format!("https://sns.us-east-1.amaz\u{6f}\u{300}naws.com/{PEM}"),
            &format!("https://sns.us-east-1\u{3002}amazonaws.com/{PEM}"),
            "",
        ] {
            assert!(certificate(text, &of(TOPIC)).is_err(), "{text}");
        }
    }

    /// The bypasses of AWS's own rule that have been used, so that nobody falls back to it.
    #[test]
    fn some_that_awss_own_rule_takes_are_refused() {
        for text in [
            format!("https://sns.s3-us-west-2.amazonaws.com/{PEM}"),
            format!("https://sns.us-east-1.amazonaws.com/?Action=GetTopicAttributes&x=/{PEM}"),
            "https://sns.us-east-1.amazonaws.com/x.pem".to_owned(),
            format!("https://sns.us-east-2.amazonaws.com/{PEM}"),
        ] {
            assert!(aws_takes(&text), "{text}");
            assert!(certificate(&text, &of(TOPIC)).is_err(), "{text}");
        }
    }

    proptest! {
        /// Pieces of URLs, put together at random: whatever is taken leads to SNS's host in the topic's
        /// region by a parser that is not ours, and AWS's own rule takes it too.
        #[test]
        fn what_is_taken_leads_to_sns(pieces in proptest::collection::vec(prop::sample::select(vec![
            "https://", "http://", "sns.us-east-1.amazonaws.com", "sns.", "us-east-1", ".amazonaws.com", ".cn", "/",
            "@", ":443", ":", "evil.example", "?", "#", "\\", "..", "SimpleNotificationService-", "0123456789abcdef",
            ".pem", "\t", "%2f",
        ]), 0..8)) {
            let text = pieces.concat();
            if let Ok(kept) = certificate(&text, &of(TOPIC)) {
                prop_assert!(aws_takes(&text));
                for text in [&text, &kept] {
                    let url = Url::parse(text).unwrap();
                    prop_assert_eq!(url.host_str(), Some("sns.us-east-1.amazonaws.com"));
                    prop_assert_eq!((url.port(), url.username(), url.query(), url.fragment()), (None, "", None, None));
                }
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,80}") {
            let _ = certificate(&text, &of(TOPIC));
            let _ = confirmation(&text, &of(TOPIC), "T");
        }
    }

    #[test]
    fn a_confirmation_asks_for_this_topic_and_token() {
        let asks = |query: &str| {
            let text = format!("https://sns.us-east-1.amazonaws.com/?{query}");
            confirmation(&text, &of(TOPIC), "abc123")
        };
        let expected = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=abc123\
                        &TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A123456789012%3At";
        for query in [
            format!("Action=ConfirmSubscription&TopicArn={TOPIC}&Token=abc123"),
            format!("Token=abc123&Action=ConfirmSubscription&TopicArn={}", TOPIC.replace(':', "%3A")),
        ] {
            assert_eq!(asks(&query).as_deref(), Ok(expected), "{query}");
        }
        for query in [
            "",
            "Action=ConfirmSubscription",
            &format!("Action=DeleteTopic&TopicArn={TOPIC}&Token=abc123"),
            &format!("Action=ConfirmSubscription&TopicArn={TOPIC}&Token=other"),
            &format!("Action=ConfirmSubscription&TopicArn={CHINA}&Token=abc123"),
            &format!("Action=ConfirmSubscription&TopicArn={TOPIC}&Token=abc123&Action=DeleteTopic"),
            &format!(
                "Action=ConfirmSubscription&TopicArn={TOPIC}&Token=abc123&AuthenticateOnUnsubscribe=true"
            ),
            &format!("Action=ConfirmSubscription&TopicArn={TOPIC}&Token=abc123#x"),
        ] {
            assert!(asks(query).is_err(), "{query}");
        }
        for text in [
            format!(
                "http://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=abc123"
            ),
            format!("https://evil.example/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=abc123"),
            format!(
                "https://sns.us-east-1.amazonaws.com/x?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=abc123"
            ),
        ] {
            assert!(confirmation(&text, &of(TOPIC), "abc123").is_err(), "{text}");
        }
    }
}
