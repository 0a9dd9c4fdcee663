//! Filling the placeholders of a configure body.

use crate::decide::action::Target;

/// Replaces each `{{name}}` that names something of the target; leaves everything else as it is.
///
/// Nothing is escaped. What is filled in needs no escaping in JSON, XML or a shell's double quotes:
/// ids, addresses, zones and configured group names. Text that was filled in is not looked at again.
pub(super) fn fill(template: &str, target: &Target) -> String {
    let mut out = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some(open) = rest.find("{{") {
        let (before, from_open) = rest.split_at(open);
        out.push_str(before);
        let known = from_open[2..].find("}}").and_then(|close| {
            let value = value_of(&from_open[2..2 + close], target)?;
            Some((value, &from_open[close + 4..]))
        });
        rest = if let Some((value, after)) = known {
            out.push_str(&value);
            after
        } else {
            // One brace only: the next may open a placeholder, as in `{{{slot}}}`.
            out.push('{');
            &from_open[1..]
        };
    }
    out.push_str(rest);
    out
}

fn value_of(name: &str, target: &Target) -> Option<String> {
    Some(match name {
        "slot" => target.instance.slot.to_string(),
        "attempt" => target.instance.attempt.to_string(),
        "instance_id" => target.id.to_string(),
        "address" => target.address.to_string(),
        "group" => target.group.name.clone(),
        "zone" => target.zone.to_string(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::testing::target;

    #[test]
    fn placeholders_are_filled_and_the_rest_is_left_alone() {
        let target = target("10.0.0.7".parse().unwrap());
        for (template, filled) in [
            ("", ""),
            ("plain {text}", "plain {text}"),
            (r#"{"slot":"{{slot}}","try":{{attempt}}}"#, r#"{"slot":"3-41","try":2}"#),
            ("{{instance_id}}@{{address}} {{group}}/{{zone}}", "i-0abc@10.0.0.7 web/us-east-1a"),
            ("{{{slot}}}", "{3-41}"),
            ("{{slt}} {{ slot }} {{slot", "{{slt}} {{ slot }} {{slot"),
            ("{{x{{slot}}", "{{x3-41"),
            ("é{{slot}}é", "é3-41é"),
        ] {
            assert_eq!(fill(template, &target), filled);
        }
    }
}
