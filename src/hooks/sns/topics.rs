//! The topics whose messages are taken, and what follows from a topic's name.

use std::collections::BTreeMap;

use rustls::pki_types::ServerName;

/// The topics on the list, by ARN.
#[derive(Clone, Debug, Default)]
pub struct Topics(BTreeMap<String, Topic>);

/// A topic, as its ARN names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    arn: String,
    partition: Partition,
    region: String,
}

/// The partitions whose SNS has a host that AWS's own validator knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Partition {
    Aws,
    China,
    GovCloud,
}

/// A topic's name is none, or of a partition whose hosts are not known here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not an SNS topic: write arn:PARTITION:sns:REGION:ACCOUNT:NAME, with the partition aws, aws-cn or \
     aws-us-gov, for example arn:aws:sns:us-east-1:123456789012:hooks"
)]
pub struct BadTopic(String);

impl Topics {
    /// The list of these ARNs; an empty list takes nothing.
    ///
    /// # Errors
    /// With the first that is no topic's.
    pub fn new<'a>(arns: impl IntoIterator<Item = &'a str>) -> Result<Topics, BadTopic> {
        arns.into_iter()
            .map(|arn| Ok((arn.to_owned(), Topic::of(arn)?)))
            .collect::<Result<_, _>>()
            .map(Topics)
    }

    #[must_use]
    pub fn get(&self, arn: &str) -> Option<&Topic> {
        self.0.get(arn)
    }
}

impl Topic {
    fn of(arn: &str) -> Result<Topic, BadTopic> {
        let topic = || {
            let parts: Vec<&str> = arn.split(':').collect();
            let ["arn", partition, "sns", region, account, name] = parts[..] else { return None };
            let partition = match partition {
                "aws" => Partition::Aws,
                "aws-cn" => Partition::China,
                "aws-us-gov" => Partition::GovCloud,
                _ => return None,
            };
            let region_fits = (3..=32).contains(&region.len())
                && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            let account_fits = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
            let name_fits = (1..=256).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
            let fits = region_fits && account_fits && name_fits;
            fits.then(|| Topic { arn: arn.to_owned(), partition, region: region.to_owned() })
        };
        topic().ok_or_else(|| BadTopic(arn.chars().take(300).collect()))
    }

    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// SNS's host in the topic's region: the only one that its certificates and its confirmations
    /// come from.
    #[must_use]
    pub fn host(&self) -> String {
        format!("sns.{}.{}", self.region, self.suffix())
    }

    /// The names of which a certificate that signs for this topic has at least one.
    ///
    /// AWS's library for Java knows them: `sns.amazonaws.com` in most regions, `sns-signing.REGION` in
    /// those one must opt in to, others in other partitions. Which regions those are changes, so both
    /// are taken; AWS owns all of them.
    pub(super) fn names(&self) -> Vec<ServerName<'static>> {
        let suffix = self.suffix();
        let also = match self.partition {
            Partition::Aws => "sns.amazonaws.com".to_owned(),
            Partition::China => format!("sns-{}.{suffix}", self.region),
            // Both regions sign with the first one's.
            Partition::GovCloud => "sns-us-gov-west-1.amazonaws.com".to_owned(),
        };
        let names = [format!("sns-signing.{}.{suffix}", self.region), also];
        names.into_iter().filter_map(|name| ServerName::try_from(name).ok()).collect()
    }

    fn suffix(&self) -> &'static str {
        match self.partition {
            Partition::Aws | Partition::GovCloud => "amazonaws.com",
            Partition::China => "amazonaws.com.cn",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_follows_from_region_and_partition() {
        for (arn, host) in [
            ("arn:aws:sns:us-east-1:123456789012:t", "sns.us-east-1.amazonaws.com"),
            ("arn:aws-cn:sns:cn-north-1:123456789012:t", "sns.cn-north-1.amazonaws.com.cn"),
            ("arn:aws-us-gov:sns:us-gov-east-1:123456789012:T_-1", "sns.us-gov-east-1.amazonaws.com"),
        ] {
            let topic = Topic::of(arn).unwrap();
            assert_eq!((topic.host().as_str(), topic.arn()), (host, arn));
        }
    }

    #[test]
    fn certificates_are_named_as_in_the_region() {
        let names = |arn| {
            let names = Topic::of(arn).unwrap().names();
            names.iter().map(|n| n.to_str().into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(
            names("arn:aws:sns:af-south-1:123456789012:t"),
            ["sns-signing.af-south-1.amazonaws.com", "sns.amazonaws.com"]
        );
        assert_eq!(
            names("arn:aws-cn:sns:cn-northwest-1:123456789012:t"),
            ["sns-signing.cn-northwest-1.amazonaws.com.cn", "sns-cn-northwest-1.amazonaws.com.cn"]
        );
        assert!(
            names("arn:aws-us-gov:sns:us-gov-east-1:123456789012:t")
                .contains(&"sns-us-gov-west-1.amazonaws.com".to_owned())
        );
    }

    #[test]
    fn what_is_no_topic_is_refused_with_an_example() {
        for arn in [
            "",
            "t",
            "arn:aws:sqs:us-east-1:123456789012:q",
            "arn:aws-iso:sns:us-iso-east-1:123456789012:t",
            "arn:aws:sns:us-east-1.evil.example:123456789012:t",
            "arn:aws:sns:us-east-1@evil:123456789012:t",
            "arn:aws:sns:US-EAST-1:123456789012:t",
            "arn:aws:sns:us:123456789012:t",
            "arn:aws:sns:us-east-1:1234:t",
            "arn:aws:sns:us-east-1:123456789012:",
            "arn:aws:sns:us-east-1:123456789012:t:subscription",
            "arn:aws:sns:us-east-1:123456789012:t\n",
            "arn:aws:sns:us-east-1:123456789012:t.fifo",
        ] {
            let e = Topics::new([arn]).unwrap_err().to_string();
            assert!(e.contains("arn:aws:sns:us-east-1:123456789012:hooks"), "{e}");
        }
    }

    #[test]
    fn only_what_is_listed_is_found() {
        let listed = "arn:aws:sns:us-east-1:123456789012:hooks";
        let topics = Topics::new([listed]).unwrap();
        assert!(topics.get(listed).is_some());
        for other in ["arn:aws:sns:us-east-1:123456789012:hook", "arn:aws:sns:us-east-1:123456789012:Hooks"] {
            assert!(topics.get(other).is_none());
        }
        assert!(Topics::default().get(listed).is_none());
    }
}
