//! Configurations for the tests beside each section. Line numbers in expected messages count from
//! the first line of the text that `parse` is given.

use super::{Config, Problems};
use crate::decide::group::{Group, LaunchSpec};

/// The least that a group can be: 8 lines, the last of which are in `[groups.web]`.
pub const GROUP: &str = r#"[[groups.web.probes]]
kind = "http"
port = 8080
[groups.web]
max = 100
launch.image = "ami-1"
launch.instance_type = "m7g.large"
launch.subnets = [{ id = "subnet-1", zone = "us-east-1a" }]
"#;

pub fn parse(text: &str) -> Result<Config, Problems> {
    Config::parse("muster.toml", text, &Vec::new())
}

/// `text`, then a region and a group.
pub fn read(text: &str) -> Result<Config, Problems> {
    with_env(text, &[])
}

pub fn with_env(text: &str, variables: &[(&str, &str)]) -> Result<Config, Problems> {
    let variables = variables.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
    Config::parse("muster.toml", &format!("{text}\n[aws]\nregion = \"us-east-1\"\n{GROUP}"), &variables)
}

/// The problems of [`read`].
pub fn refused(text: &str) -> String {
    read(text).err().map_or_else(String::new, |p| p.to_string())
}

/// A group with `text` from line 11 on, in `[groups.web]`.
pub fn group(text: &str) -> Result<Group, Problems> {
    parse(&group_text(text)).map(|c| Group::clone(&c.groups["web"]))
}

/// The problems of [`group`].
pub fn refused_group(text: &str) -> String {
    parse(&group_text(text)).err().map_or_else(String::new, |p| p.to_string())
}

fn group_text(text: &str) -> String {
    format!("[aws]\nregion = \"us-east-1\"\n{GROUP}{text}")
}

/// A launch spec with `text` from line 9 on, in `[groups.web.launch]`.
pub fn launch(text: &str) -> Result<LaunchSpec, Problems> {
    parse(&launch_text(text)).map(|c| c.groups["web"].launch.clone())
}

/// The problems of [`launch`].
pub fn refused_launch(text: &str) -> String {
    parse(&launch_text(text)).err().map_or_else(String::new, |p| p.to_string())
}

fn launch_text(text: &str) -> String {
    let before: Vec<&str> = GROUP.lines().take(5).collect();
    format!("[aws]\nregion = \"us-east-1\"\n{}\n[groups.web.launch]\n{text}", before.join("\n"))
}
