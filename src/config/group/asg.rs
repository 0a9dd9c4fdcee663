//! `[groups.NAME.asg]`: the Auto Scaling group that a group's instances belong to.

use std::sync::Arc;
use std::time::Duration;

use crate::config::section::{Read, Section};
use crate::decide::group::{Asg, HealthBy, Launches};

/// AWS takes 1 to 255 characters (aws-facts 3.1), of which `/`, `\` and `:` only in old ones.
const NAME_MOST: usize = 255;

/// A lifecycle hook's heartbeat timeout (aws-facts 3.6).
const HEARTBEATS: std::ops::RangeInclusive<Duration> = Duration::from_secs(30)..=Duration::from_hours(2);

pub(super) fn read(s: &mut Section<'_>) -> Read<Asg> {
    let name = s.text("name", "an Auto Scaling group's name, 1 to 255 characters", None, |t| {
        let fits = (1..=NAME_MOST).contains(&t.chars().count()) && !t.chars().any(char::is_control);
        fits.then(|| Arc::from(t))
    });
    let heartbeat = s.duration("heartbeat", HEARTBEATS, *HEARTBEATS.start());
    // One look is one call for up to 100 groups, out of what lifecycle actions leave of a bucket of
    // 10 calls a second: shorter finds lost notifications sooner, longer leaves more to answers.
    let sweep_every =
        s.duration("sweep_every", Duration::from_secs(5)..=Duration::from_mins(5), Duration::from_secs(15));
    let health = s.text("health", "\"aws\" or \"muster\"", HealthBy::Aws, |t| t.parse().ok());
    let launches =
        s.text("launches", "\"launch_instances\" or \"desired\"", Launches::Instances, |t| t.parse().ok());
    Ok(Asg {
        name: name?,
        heartbeat: heartbeat?,
        sweep_every: sweep_every?,
        health: health?,
        launches: launches?,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::config::testing::{parse, refused_group};

    /// A group of kind asg; `asg` goes into its table, `launch` into that of its launches.
    fn text(asg: &str, launch: &str) -> String {
        format!(
            r#"[aws]
region = "us-east-1"
[[groups.web.probes]]
kind = "tcp"
port = 8080
[groups.web]
max = 100
[groups.web.asg]
{asg}
[groups.web.launch]
subnets = [{{ id = "subnet-1", zone = "us-east-1a" }}]
{launch}"#
        )
    }

    fn problems(asg: &str, launch: &str) -> String {
        parse(&text(asg, launch)).err().map_or_else(String::new, |p| p.to_string())
    }

    #[test]
    fn a_name_and_places_are_all_it_needs() {
        let config = parse(&text("name = \"web-asg\"", "")).map_err(|p| p.to_string()).unwrap();
        let web = &config.groups["web"];
        let asg = web.asg.as_ref().unwrap();
        assert_eq!((web.asg_name(), asg.heartbeat), (Some("web-asg"), Duration::from_secs(30)));
        assert_eq!(asg.sweep_every, Duration::from_secs(15));
        assert_eq!((web.launch.image.as_deref(), web.launch.instance_type.as_str()), (None, ""));
    }

    #[test]
    fn what_cannot_be_is_told_with_what_can() {
        let asg = "name = \"\"\nheartbeat = \"29s\"\nsweep_every = \"10m\"\nmax = 5";
        assert_eq!(
            problems(asg, ""),
            r#"muster.toml:9: groups.web.asg.name: "" is not an Auto Scaling group's name, 1 to 255 characters
muster.toml:10: groups.web.asg.heartbeat: "29s" is not a duration such as "90s", "5m", "1h30m" or "250ms" from 30s to 2h
muster.toml:11: groups.web.asg.sweep_every: "10m" is not a duration such as "90s", "5m", "1h30m" or "250ms" from 5s to 5m
muster.toml:12: groups.web.asg.max: unknown key. Allowed here: health, heartbeat, launches, name, sweep_every"#
        );
        assert!(
            refused_group("asg = {}").contains("groups.web.asg.name: missing: write an Auto Scaling group's")
        );
    }

    #[test]
    fn there_are_two_ways_to_launch() {
        use crate::decide::group::Launches;
        let launches = |way: &str| {
            let config = parse(&text(&format!("name = \"web\"\n{way}"), "")).map_err(|p| p.to_string());
            config.map(|c| c.groups["web"].asg.as_ref().unwrap().launches)
        };
        assert_eq!(launches(""), Ok(Launches::Instances));
        assert_eq!(launches("launches = \"desired\""), Ok(Launches::Desired));
        assert_eq!(
            launches("launches = \"attach\"").unwrap_err(),
            "muster.toml:10: groups.web.asg.launches: \"attach\" is not \"launch_instances\" or \"desired\""
        );
    }

    #[test]
    fn what_its_own_launch_template_says_is_not_said_twice() {
        assert_eq!(
            problems("name = \"web\"", "image = \"ami-1\"\nkey_name = \"ops\"\nbatch = 101"),
            "muster.toml:12: groups.web.launch.image: the Auto Scaling group launches by its own launch template: leave it out\n\
             muster.toml:13: groups.web.launch.key_name: the Auto Scaling group launches by its own launch template: leave it out\n\
             muster.toml:14: groups.web.launch.batch: 101 is not a whole number from 1 to 100"
        );
    }

    #[test]
    fn one_auto_scaling_group_is_one_group() {
        let web = text("name = \"web\"", "");
        let (_, group) = web.split_once("us-east-1\"\n").unwrap();
        assert_eq!(
            parse(&format!("{web}\n{}", group.replace("groups.web", "groups.api"))).unwrap_err().to_string(),
            "muster.toml:9: groups.web.asg.name: web is groups.api's already: one group for each Auto Scaling group"
        );
    }

    #[test]
    fn another_auto_scaling_group_is_another_version() {
        let version = |name: &str| {
            parse(&text(&format!("name = \"{name}\""), "")).unwrap().groups["web"].version.clone()
        };
        assert_ne!(version("web"), version("api"));
        assert_eq!(version("web"), version("web"));
    }
}
