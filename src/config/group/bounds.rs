//! `bounds` of a group: what a request for more is held against.

use std::sync::Arc;

use crate::config::node::Node;
use crate::config::section::{Read, Section};
use crate::decide::group::{Bounds, Ceiling};

/// Most target groups, and most ceilings, of one group.
const MOST: usize = 16;
/// Longest name of a ceiling.
const NAME_MOST: usize = 100;

pub(super) fn read(s: &mut Section<'_>) -> Read<Bounds> {
    let instance_type = s.maybe_text("instance_type", "an instance type such as \"m7g.large\"", |t| {
        let parts = t.split_once('.')?;
        (!parts.0.is_empty() && !parts.1.is_empty()).then(|| t.to_string())
    });
    let target_groups = s.list("target_groups", 0..=MOST, "the ARN of a target group", Some(Vec::new()), arn);
    let ceilings = if s.is_written("ceilings") {
        s.tables("ceilings", 0..=MOST, ceiling)
    } else {
        // Asked for, so that it is known.
        let _ = s.list("ceilings", 0..=MOST, "a table", Some(Vec::<()>::new()), |_| None);
        Ok(Vec::new())
    };
    Ok(Bounds { instance_type: instance_type?, target_groups: target_groups?, ceilings: ceilings? })
}

fn arn(node: &Node) -> Option<Arc<str>> {
    let text = node.text()?;
    (text.starts_with("arn:") && text.contains(":targetgroup/")).then(|| Arc::from(text))
}

fn ceiling(s: &mut Section<'_>) -> Read<Ceiling> {
    let allowed = format!("text of 1 to {NAME_MOST} characters");
    let name = s.text("name", &allowed, None, |t| {
        let fits = !t.trim().is_empty() && t.chars().count() <= NAME_MOST && !t.chars().any(char::is_control);
        fits.then(|| t.to_string())
    });
    let most = s.number("most", 1..=1_000_000, None);
    Ok(Ceiling { name: name?, most: most? })
}

#[cfg(test)]
mod tests {
    use crate::config::testing::{group, refused_group};
    use crate::decide::group::{Bounds, Ceiling};

    #[test]
    fn all_of_them_can_be_set_and_none_is_there_by_itself() {
        assert_eq!(group("").unwrap().bounds, Bounds::default());
        let web = group(
            "bounds = { target_groups = [\"arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/0\"], \
             ceilings = [{ name = \"slots\", most = 2400 }] }",
        )
        .unwrap();
        assert_eq!(web.bounds.target_groups.len(), 1);
        assert_eq!(web.bounds.ceilings, [Ceiling { name: "slots".into(), most: 2_400 }]);
    }

    #[test]
    fn what_cannot_be_is_told() {
        let problems = refused_group(
            "bounds = { instance_type = \"large\", target_groups = [\"web\"], ceilings = [{ name = \" \", most = 0 }] }",
        );
        for key in ["instance_type", "target_groups[0]", "ceilings[0].name", "ceilings[0].most"] {
            assert!(problems.contains(&format!("groups.web.bounds.{key}: ")), "{key} in {problems}");
        }
    }
}
