//! `[aws]`: the account's API and its published limits.

use std::time::Duration;

use super::section::{Read, Section};
use crate::decide::words::named;

named! {
    /// What CloudWatch is asked in.
    pub enum CloudWatchProtocol {
        Json = "json",
        Query = "query",
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Aws {
    pub region: String,
    /// Another EC2 than Amazon's: `LocalStack`, moto or the simulated one. Scheme, host and port.
    pub endpoint: Option<String>,
    /// What CloudWatch is asked in.
    pub cloudwatch_protocol: CloudWatchProtocol,
    /// Longest wait for the answer to one call.
    pub call_timeout: Duration,
    pub run_instances: ApiLimits,
    pub describe_instances: ApiLimits,
    pub terminate_instances: ApiLimits,
    /// The one bucket of all Auto Scaling calls: where learning starts.
    pub auto_scaling: ApiLimits,
    /// Whether a `RunInstances` that is sent again spends instance tokens again.
    pub repeats_spend_tokens: bool,
}

/// The buckets of one API in one account and region, and how many of its calls may be out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ApiLimits {
    /// Requests that may be sent at once after a pause.
    pub burst: u32,
    /// Requests a second after that.
    pub refill: f64,
    /// Where instances are metered too: the same two numbers for instances.
    pub resource: Option<(u32, f64)>,
    /// Most calls without an answer yet.
    pub in_flight: u32,
}

/// aws-facts 1.3: 5 + 2/s requests, 1,000 + 2/s instances. Five out at once, since that is what
/// the bucket holds.
const RUN_INSTANCES: ApiLimits =
    ApiLimits { burst: 5, refill: 2.0, resource: Some((1_000, 2.0)), in_flight: 5 };

/// aws-facts 1.2, unfiltered reads: muster describes by id, and whether that counts as filtered
/// (100 + 20/s) is not published. One describe answers for 1,000 ids, so the lower pair never binds:
/// 10,000 booting instances seen every 5 s are 2 calls a second.
const DESCRIBE_INSTANCES: ApiLimits = ApiLimits { burst: 50, refill: 10.0, resource: None, in_flight: 4 };

/// aws-facts 1.3: 100 + 5/s requests, 1,000 + 20/s instances.
const TERMINATE_INSTANCES: ApiLimits =
    ApiLimits { burst: 100, refill: 5.0, resource: Some((1_000, 20.0)), in_flight: 3 };

/// Unpublished: where learning starts, as DRILLS.md's simulated account has it. Sixteen at 300 ms are 53
/// calls a second, more than the bucket is likely to give.
const AUTO_SCALING: ApiLimits = ApiLimits { burst: 50, refill: 10.0, resource: None, in_flight: 16 };

pub(super) fn read(s: &mut Section<'_>) -> Read<Aws> {
    let region = s.text("region", "an AWS region such as \"us-east-1\"", None, region);
    let endpoint =
        s.maybe_text("endpoint", "a URL such as \"http://127.0.0.1:4566\", without a path", endpoint);
    let protocols = "\"json\" or \"query\"";
    let cloudwatch_protocol =
        s.text("cloudwatch_protocol", protocols, CloudWatchProtocol::Json, |text| text.parse().ok());
    let call_timeout =
        s.duration("call_timeout", Duration::from_secs(1)..=Duration::from_mins(5), Duration::from_secs(30));
    let run_instances = s.table("run_instances", |s| api(s, RUN_INSTANCES));
    let describe_instances = s.table("describe_instances", |s| api(s, DESCRIBE_INSTANCES));
    let terminate_instances = s.table("terminate_instances", |s| api(s, TERMINATE_INSTANCES));
    let auto_scaling = s.table("auto_scaling", |s| api(s, AUTO_SCALING));
    let repeats_spend_tokens = s.flag("repeats_spend_tokens", true);
    Ok(Aws {
        region: region?,
        endpoint: endpoint?,
        cloudwatch_protocol: cloudwatch_protocol?,
        call_timeout: call_timeout?,
        run_instances: run_instances?,
        describe_instances: describe_instances?,
        terminate_instances: terminate_instances?,
        auto_scaling: auto_scaling?,
        repeats_spend_tokens: repeats_spend_tokens?,
    })
}

fn api(s: &mut Section<'_>, default: ApiLimits) -> Read<ApiLimits> {
    let burst = s.number("burst", 1..=10_000, default.burst);
    let refill = s.real("refill", 0.01..=10_000.0, default.refill);
    let in_flight = s.number("in_flight", 1..=64, default.in_flight);
    let resource = match default.resource {
        None => Ok(None),
        Some((burst, refill)) => {
            let burst = s.number("instance_burst", 1..=1_000_000, burst);
            let refill = s.real("instance_refill", 0.01..=100_000.0, refill);
            burst.and_then(|burst| Ok(Some((burst, refill?))))
        }
    };
    Ok(ApiLimits { burst: burst?, refill: refill?, resource: resource?, in_flight: in_flight? })
}

fn region(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('-').collect();
    let number = parts.last()?.parse::<u8>().is_ok();
    let words = parts
        .iter()
        .all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    (parts.len() >= 3 && number && words).then(|| text.to_string())
}

fn endpoint(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    let bare = matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    (matches!(url.scheme(), "http" | "https") && url.has_host() && url.port() != Some(0) && bare)
        .then(|| text.trim_end_matches('/').to_string())
}

#[cfg(test)]
mod tests {
    use crate::config::ApiLimits;
    use crate::config::testing::{GROUP, parse, read, refused};

    #[test]
    fn the_buckets_default_to_what_aws_publishes() {
        let aws = read("").unwrap().aws;
        assert_eq!(
            aws.run_instances,
            ApiLimits { burst: 5, refill: 2.0, resource: Some((1_000, 2.0)), in_flight: 5 }
        );
        assert_eq!(
            (aws.terminate_instances.burst, aws.terminate_instances.resource),
            (100, Some((1_000, 20.0)))
        );
        assert_eq!(aws.describe_instances.resource, None);
        let unpublished = ApiLimits { burst: 50, refill: 10.0, resource: None, in_flight: 16 };
        assert_eq!(aws.auto_scaling, unpublished, "where learning starts");
        assert!(aws.repeats_spend_tokens, "the safe belief");
    }

    #[test]
    fn one_number_of_a_bucket_may_be_raised_alone() {
        let aws = parse(&format!("[aws]\nregion = \"us-east-1\"\nrun_instances = {{ refill = 5 }}\n{GROUP}"))
            .unwrap()
            .aws;
        assert_eq!((aws.run_instances.burst, aws.run_instances.refill), (5, 5.0));
    }

    #[test]
    fn the_region_has_no_default() {
        let problems = parse(GROUP).unwrap_err().to_string();
        assert_eq!(problems, "muster.toml: aws.region: missing: write an AWS region such as \"us-east-1\"");
    }

    #[test]
    fn buckets_and_addresses_that_cannot_be() {
        let text = r#"
[aws]
region = "Virginia"
endpoint = "ftp://127.0.0.1/ec2"
call_timeout = 30
repeats_spend_tokens = "no"
run_instances = { burst = 0, refill = -1, in_flight = 65 }
describe_instances = { instance_burst = 10 }
"#;
        assert_eq!(
            parse(&format!("{text}{GROUP}")).unwrap_err().to_string(),
            r#"muster.toml:3: aws.region: "Virginia" is not an AWS region such as "us-east-1"
muster.toml:4: aws.endpoint: "ftp://127.0.0.1/ec2" is not a URL such as "http://127.0.0.1:4566", without a path
muster.toml:5: aws.call_timeout: 30 is not a duration such as "90s", "5m", "1h30m" or "250ms" from 1s to 5m
muster.toml:6: aws.repeats_spend_tokens: "no" is not true or false
muster.toml:7: aws.run_instances.burst: 0 is not a whole number from 1 to 10000
muster.toml:7: aws.run_instances.in_flight: 65 is not a whole number from 1 to 64
muster.toml:7: aws.run_instances.refill: -1 is not a number from 0.01 to 10000
muster.toml:8: aws.describe_instances.instance_burst: unknown key. Allowed here: burst, in_flight, refill"#
        );
    }

    #[test]
    fn an_endpoint_keeps_only_what_names_the_host() {
        let aws = |endpoint: &str| {
            let text = format!("[aws]\nregion = \"us-east-1\"\nendpoint = \"{endpoint}\"\n{GROUP}");
            parse(&text).ok().and_then(|c| c.aws.endpoint)
        };
        assert_eq!(aws("http://127.0.0.1:4566/").as_deref(), Some("http://127.0.0.1:4566"));
        assert_eq!(aws("https://key:secret@127.0.0.1"), None);
        assert_eq!(aws("http://127.0.0.1:4566/x"), None);
    }

    #[test]
    fn every_aws_partition_has_regions_that_pass() {
        for region in
            ["us-east-1", "ap-southeast-7", "us-gov-west-1", "cn-north-1", "us-iso-east-1", "eusc-de-east-1"]
        {
            assert_eq!(super::region(region).as_deref(), Some(region));
        }
        assert!(refused("").is_empty());
    }
}
