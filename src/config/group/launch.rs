//! `[groups.NAME.launch]`: what goes into `RunInstances`, or where an Auto Scaling group launches.

use std::collections::BTreeSet;

use crate::config::section::{Read, Section};
use crate::decide::group::{LaunchSpec, LaunchTemplate, Pool};

/// EC2's limit on user data, before base64 (aws-facts 7).
const USER_DATA_MOST: usize = 16 * 1024;

/// EC2 takes 50 tags on a resource; five are muster's own.
const TAGS_MOST: usize = 45;
const TAG_KEY_MOST: usize = 128;
const TAG_VALUE_MOST: usize = 256;

const IMAGE: &str = "an AMI id such as \"ami-0123456789abcdef0\"";

/// What an Auto Scaling group's own launch template says.
const IN_TEMPLATE: [&str; 8] = [
    "image",
    "instance_type",
    "template",
    "security_groups",
    "key_name",
    "instance_profile",
    "user_data",
    "tags",
];

/// Most instances in one `LaunchInstances` (aws-facts 3.1), and in one `RunInstances`.
const BATCH_MOST: (u32, u32) = (100, 1_000);

/// `in_asg`: an Auto Scaling group launches, by its own launch template.
pub(super) fn read(s: &mut Section<'_>, in_asg: bool) -> Read<LaunchSpec> {
    let image = s.maybe_text("image", IMAGE, |t| {
        let rest = t.strip_prefix("ami-").or_else(|| t.strip_prefix("resolve:ssm:"))?;
        is_word(rest, "/._-:").then(|| t.to_string())
    });
    let template = s.maybe_table("template", template);
    if !in_asg && image == Ok(None) && template == Ok(None) {
        s.refuse("image", format!("missing: write {IMAGE}, or a launch template that names one"));
    }
    let no_type = in_asg.then(String::new);
    let instance_type = s.text("instance_type", "an EC2 instance type such as \"m7g.large\"", no_type, |t| {
        let (family, size) = t.split_once('.')?;
        (is_word(family, "-") && is_word(size, "-")).then(|| t.to_string())
    });
    let pools = s.tables("subnets", 1..=64, pool);
    let batch_most = if in_asg { BATCH_MOST.0 } else { BATCH_MOST.1 };
    let batch = s.number("batch", 1..=batch_most, 100);
    let security_groups = s.list(
        "security_groups",
        // EC2's most on one network interface.
        0..=16,
        "a security group id such as \"sg-0123456789abcdef0\"",
        Vec::new(),
        |item| item.text().filter(|t| is_id(t, "sg-")).map(str::to_string),
    );
    let key_name = s.maybe_text("key_name", "the name of a key pair, 1 to 255 characters", |t| {
        (1..=255).contains(&t.chars().count()).then(|| t.to_string())
    });
    let instance_profile = s.maybe_text("instance_profile", "the name or ARN of an instance profile", |t| {
        (t.len() <= 2_048 && is_word(t, "+=,.@-_:/")).then(|| t.to_string())
    });
    let user_data = s.maybe_text("user_data", "text", |t| Some(t.to_string()));
    let tags = s.texts("tags", wrong_tag);

    for key in IN_TEMPLATE {
        if in_asg && s.is_written(key) {
            s.refuse(key, "the Auto Scaling group launches by its own launch template: leave it out");
        }
    }
    if let Ok(Some(data)) = &user_data
        && data.len() > USER_DATA_MOST
    {
        s.refuse(
            "user_data",
            format!("{} bytes are more than the {USER_DATA_MOST} that EC2 takes before base64", data.len()),
        );
    }
    if let Ok(pools) = &pools {
        check_pools(s, pools);
    }
    if let Ok(tags) = &tags
        && tags.len() > TAGS_MOST
    {
        let what = format!("{} tags are more than {TAGS_MOST} (EC2's 50 less muster's own)", tags.len());
        s.refuse("tags", what);
    }
    Ok(LaunchSpec {
        image: image?,
        instance_type: instance_type?,
        template: template?,
        pools: pools?,
        security_groups: security_groups?,
        key_name: key_name?,
        instance_profile: instance_profile?,
        user_data: user_data?,
        tags: tags?,
        batch: batch?,
    })
}

fn template(s: &mut Section<'_>) -> Read<LaunchTemplate> {
    let id = s.text("id", "the id (lt-...) or name of a launch template", None, |t| {
        // 3 to 128 characters, as EC2 has it for names.
        ((3..=128).contains(&t.len()) && is_word(t, "()./_-")).then(|| t.to_string())
    });
    let version = s.text(
        "version",
        "a version number in quotes, \"$Default\" or \"$Latest\"",
        "$Default".to_string(),
        |t| {
            let number = t.parse::<u64>().is_ok_and(|n| n > 0);
            (number || t == "$Default" || t == "$Latest").then(|| t.to_string())
        },
    );
    Ok(LaunchTemplate { id: id?, version: version? })
}

fn pool(s: &mut Section<'_>) -> Read<Pool> {
    let subnet = s.text("id", "a subnet id such as \"subnet-0123456789abcdef0\"", None, |t| {
        is_id(t, "subnet-").then(|| t.to_string())
    });
    let zone = s.text("zone", "an availability zone such as \"us-east-1a\"", None, |t| {
        (t.len() <= 64 && is_word(t, "-")).then(|| t.to_string())
    });
    let weight = s.number("weight", 0..=100, 100);
    Ok(Pool { subnet: subnet?, zone: zone?, weight: weight? })
}

fn check_pools(s: &mut Section<'_>, pools: &[Pool]) {
    let mut seen = BTreeSet::new();
    for (i, pool) in pools.iter().enumerate() {
        if !seen.insert(&pool.subnet) {
            s.refuse(
                &format!("subnets[{i}].id"),
                format!("{} is listed twice: name each subnet once", pool.subnet),
            );
        }
    }
    if pools.iter().all(|p| p.weight == 0) {
        s.refuse("subnets", "every weight is 0, so nothing could be launched: give one subnet 1 to 100");
    }
}

fn wrong_tag(key: &str, value: &str) -> Option<String> {
    let lower = key.to_ascii_lowercase();
    if let Some(prefix) = ["aws:", "muster:"].into_iter().find(|p| lower.starts_with(p)) {
        return Some(format!("keys that start with '{prefix}' are reserved"));
    }
    if !(1..=TAG_KEY_MOST).contains(&key.chars().count()) {
        return Some(format!("a tag's key has 1 to {TAG_KEY_MOST} characters"));
    }
    (value.chars().count() > TAG_VALUE_MOST)
        .then(|| format!("a tag's value has at most {TAG_VALUE_MOST} characters"))
}

/// ASCII letters, digits and `also`, at least one.
fn is_word(text: &str, also: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
}

/// An AWS id: the prefix, then letters and digits.
fn is_id(text: &str, prefix: &str) -> bool {
    text.len() <= 64 && text.strip_prefix(prefix).is_some_and(|rest| is_word(rest, ""))
}

#[cfg(test)]
mod tests {
    use crate::config::testing::{launch, refused_launch};

    #[test]
    fn everything_ec2_can_be_told() {
        let spec = launch(
            r#"
image = "ami-1"
instance_type = "m7g.large"
template = { id = "lt-0123", version = "7" }
subnets = [{ id = "subnet-1", zone = "us-east-1a" }, { id = "subnet-2", zone = "us-east-1b", weight = 0 }]
batch = 1000
security_groups = ["sg-1"]
key_name = "ops"
instance_profile = "arn:aws:iam::123456789012:instance-profile/web"
user_data = "echo hello"
tags = { team = "web", "cost:centre" = "" }
"#,
        )
        .unwrap();
        assert_eq!((spec.pools[0].weight, spec.pools[1].weight, spec.batch), (100, 0, 1000));
        assert_eq!(spec.tags["team"], "web");
        assert_eq!(spec.template.unwrap().version, "7");
    }

    #[test]
    fn a_template_alone_is_enough_and_nothing_is_not() {
        let pool = "instance_type = \"m7g.large\"\nsubnets = [{ id = \"subnet-1\", zone = \"us-east-1a\" }]";
        let spec = launch(&format!("template = {{ id = \"web\" }}\n{pool}")).unwrap();
        assert_eq!((spec.image, spec.template.unwrap().version), (None, "$Default".to_string()));
        assert_eq!(
            refused_launch(pool),
            "muster.toml:8: groups.web.launch.image: missing: write an AMI id such as \"ami-0123456789abcdef0\", \
             or a launch template that names one"
        );
    }

    #[test]
    fn what_ec2_would_refuse_is_refused_here() {
        let text = r#"image = "debian"
instance_type = "large"
template = { id = "lt", version = "latest" }
batch = 1001
security_groups = ["sg-1", "web", 5]
key_name = ""
instance_profile = "my profile"
subnets = []
"#;
        assert_eq!(
            refused_launch(text),
            r#"muster.toml:9: groups.web.launch.image: "debian" is not an AMI id such as "ami-0123456789abcdef0"
muster.toml:10: groups.web.launch.instance_type: "large" is not an EC2 instance type such as "m7g.large"
muster.toml:11: groups.web.launch.template.id: "lt" is not the id (lt-...) or name of a launch template
muster.toml:11: groups.web.launch.template.version: "latest" is not a version number in quotes, "$Default" or "$Latest"
muster.toml:12: groups.web.launch.batch: 1001 is not a whole number from 1 to 1000
muster.toml:13: groups.web.launch.security_groups[1]: "web" is not a security group id such as "sg-0123456789abcdef0"
muster.toml:13: groups.web.launch.security_groups[2]: 5 is not a security group id such as "sg-0123456789abcdef0"
muster.toml:14: groups.web.launch.key_name: "" is not the name of a key pair, 1 to 255 characters
muster.toml:15: groups.web.launch.instance_profile: "my profile" is not the name or ARN of an instance profile
muster.toml:16: groups.web.launch.subnets: a list of 0 is not a list of 1 to 64 tables"#
        );
    }

    const GOOD: &str = "image = \"ami-1\"\ninstance_type = \"m7g.large\"\n";

    #[test]
    fn subnets_differ_and_one_of_them_is_used() {
        let text = r#"
subnets = [
  { id = "subnet-1", zone = "us-east-1a", weight = 0 },
  { id = "subnet-1", zone = "us-east-1b", weight = 0 },
]"#;
        assert_eq!(
            refused_launch(&format!("{GOOD}{text}")),
            "muster.toml:12: groups.web.launch.subnets: every weight is 0, so nothing could be launched: give one subnet 1 to 100\n\
             muster.toml:14: groups.web.launch.subnets[1].id: subnet-1 is listed twice: name each subnet once"
        );
        let text = "subnets = [{ id = \"vpc-1\", zone = \"a b\", weight = 101 }]";
        assert_eq!(
            refused_launch(&format!("{GOOD}{text}")),
            r#"muster.toml:11: groups.web.launch.subnets[0].id: "vpc-1" is not a subnet id such as "subnet-0123456789abcdef0"
muster.toml:11: groups.web.launch.subnets[0].weight: 101 is not a whole number from 0 to 100
muster.toml:11: groups.web.launch.subnets[0].zone: "a b" is not an availability zone such as "us-east-1a""#
        );
    }

    const POOL: &str = "subnets = [{ id = \"subnet-1\", zone = \"us-east-1a\" }]\n";

    #[test]
    fn user_data_fits_ec2() {
        let fits = format!("{GOOD}{POOL}user_data = \"{}\"", "x".repeat(16_384));
        assert!(launch(&fits).is_ok());
        let long = format!("{GOOD}{POOL}user_data = \"{}\"", "x".repeat(16_385));
        assert_eq!(
            refused_launch(&long),
            "muster.toml:12: groups.web.launch.user_data: 16385 bytes are more than the 16384 that EC2 takes before base64"
        );
    }

    #[test]
    fn tags_fit_ec2_and_leave_room_for_ours() {
        let tag = |key: &str, value: &str| {
            refused_launch(&format!("{GOOD}{POOL}[groups.web.launch.tags]\n'{key}' = {value}"))
        };
        assert_eq!(
            tag("AWS:x", "''"),
            "muster.toml:13: groups.web.launch.tags.AWS:x: keys that start with 'aws:' are reserved"
        );
        assert_eq!(
            tag("muster:slot", "''"),
            "muster.toml:13: groups.web.launch.tags.muster:slot: keys that start with 'muster:' are reserved"
        );
        assert_eq!(
            tag("", "''"),
            "muster.toml:13: groups.web.launch.tags.: a tag's key has 1 to 128 characters"
        );
        assert!(tag(&"k".repeat(129), "''").ends_with("a tag's key has 1 to 128 characters"));
        assert!(
            tag("k", &format!("'{}'", "v".repeat(257))).ends_with("a tag's value has at most 256 characters")
        );
        assert_eq!(tag("k", "1"), "muster.toml:13: groups.web.launch.tags.k: 1 is not text in quotes");

        let many: Vec<String> = (0..46).map(|i| format!("k{i} = ''")).collect();
        assert_eq!(
            refused_launch(&format!("{GOOD}{POOL}[groups.web.launch.tags]\n{}", many.join("\n"))),
            "muster.toml:12: groups.web.launch.tags: 46 tags are more than 45 (EC2's 50 less muster's own)"
        );
    }
}
