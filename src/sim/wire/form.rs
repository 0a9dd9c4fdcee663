//! The query protocol's parameters: a form of flat names such as `Filter.1.Value.2`, read as a tree.

use std::collections::BTreeMap;

/// Why a form, or a value in it, cannot be read. Each service has its own code for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FormError {
    #[error("{0}")]
    Malformed(String),
    #[error("Invalid value '{given}' for {name}: {expected}")]
    Value { name: String, given: String, expected: &'static str },
}

/// Most parameters of one request: 1,000 ids, or 50 filters of 200 values, fit.
const PARAMETERS_MAX: usize = 12_000;
/// Deepest name: `TagSpecification.1.Tag.1.Key` has 5 parts.
const DEPTH_MAX: usize = 10;

/// The parameters of one request. A name given twice counts once, with its last value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    flat: BTreeMap<String, String>,
    root: Node,
}

/// The parameters under one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Node {
    value: Option<String>,
    children: BTreeMap<String, Node>,
}

impl Form {
    /// Reads `a=1&b.2=x%20y`.
    ///
    /// # Errors
    /// Text that XML could not carry back, names too deep, too many parameters.
    pub(super) fn parse(text: &[u8]) -> Result<Form, FormError> {
        let malformed = |why: String| FormError::Malformed(why);
        let mut form = Form::default();
        for (count, (name, value)) in url::form_urlencoded::parse(text).enumerate() {
            if count >= PARAMETERS_MAX {
                return Err(malformed(format!("A request may have at most {PARAMETERS_MAX} parameters")));
            }
            if let Some(bad) = name.chars().chain(value.chars()).find(|c| !is_xml(*c)) {
                return Err(malformed(format!(
                    "The character U+{:04X} is not allowed in a request",
                    u32::from(bad)
                )));
            }
            if name.split('.').count() > DEPTH_MAX {
                return Err(malformed(format!("A parameter's name may have at most {DEPTH_MAX} parts")));
            }
            let node = name
                .split('.')
                .fold(&mut form.root, |node, part| node.children.entry(part.into()).or_default());
            node.value = Some(value.clone().into_owned());
            form.flat.insert(name.into_owned(), value.into_owned());
        }
        Ok(form)
    }

    pub(super) fn root(&self) -> &Node {
        &self.root
    }

    /// The parameters whose name does not begin with one of these, as they came.
    pub(super) fn others(&self, known: &[&str]) -> BTreeMap<String, String> {
        let first = |name: &str| name.split('.').next().unwrap_or_default().to_string();
        let unknown = self.flat.iter().filter(|(name, _)| !known.contains(&first(name).as_str()));
        unknown.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

impl Node {
    /// Everything below this name; an empty node if there is nothing.
    pub(super) fn under(&self, name: &str) -> &Node {
        static NOTHING: Node = Node { value: None, children: BTreeMap::new() };
        self.children.get(name).unwrap_or(&NOTHING)
    }

    /// The value of this name, if it was given.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.under(name).value.as_deref()
    }

    /// Its own value.
    pub(super) fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// Everything directly below it.
    pub(super) fn children(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.children.iter().map(|(name, node)| (name.as_str(), node))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.children.contains_key(name)
    }

    /// The elements of the list `name.1`, `name.2`, ..., in the order of their numbers.
    pub(super) fn list(&self, name: &str) -> Vec<&Node> {
        let mut elements: Vec<(u32, &Node)> = self
            .under(name)
            .children
            .iter()
            .filter_map(|(key, node)| Some((key.parse().ok()?, node)))
            .collect();
        elements.sort_unstable_by_key(|(number, _)| *number);
        elements.into_iter().map(|(_, node)| node).collect()
    }

    /// The values of the list `name.1`, `name.2`, ...
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        self.list(name).into_iter().filter_map(|node| node.value.clone()).collect()
    }

    /// A whole number.
    ///
    /// # Errors
    /// If it is given and is something else.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, FormError> {
        let parse = |text: &str| {
            text.parse().map_err(|_| FormError::Value {
                name: name.into(),
                given: text.into(),
                expected: "not a number in range",
            })
        };
        self.text(name).map(parse).transpose()
    }

    /// `true` or `false`; false if it is not given.
    ///
    /// # Errors
    /// If it is something else.
    pub(super) fn flag(&self, name: &str) -> Result<bool, FormError> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => {
                Err(FormError::Value { name: name.into(), given: other.into(), expected: "true or false" })
            }
        }
    }
}

/// XML 1.0's characters: answers repeat what requests said.
fn is_xml(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}') || matches!(c, '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(error: &FormError) -> &'static str {
        match error {
            FormError::Malformed(_) => "malformed",
            FormError::Value { .. } => "value",
        }
    }

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn lists_are_in_the_order_of_their_numbers() {
        let f = form("InstanceId.10=c&InstanceId.2=b&InstanceId.1=a&InstanceId.x=z&Other=1");
        assert_eq!(f.root().texts("InstanceId"), ["a", "b", "c"]);
        assert!(f.root().texts("Missing").is_empty());
    }

    #[test]
    fn nested_lists_are_read() {
        let f = form("Filter.1.Name=tag%3Ateam&Filter.1.Value.1=web&Filter.1.Value.2=a+b&Filter.2.Name=x");
        let filters = f.root().list("Filter");
        assert_eq!(filters[0].text("Name"), Some("tag:team"));
        assert_eq!(filters[0].texts("Value"), ["web", "a b"]);
        assert_eq!((filters[1].text("Name"), filters[1].texts("Value").len()), (Some("x"), 0));
    }

    #[test]
    fn numbers_and_flags_are_checked() {
        let f = form("A=12&B=-1&C=x&D=true&E=yes&F=99999999999");
        let root = f.root();
        assert_eq!(root.number::<u32>("A"), Ok(Some(12)));
        assert_eq!(root.number::<u32>("Z"), Ok(None));
        assert_eq!(root.number::<i64>("B"), Ok(Some(-1)));
        for name in ["B", "C", "F"] {
            assert_eq!(root.number::<u32>(name).map_err(|e| kind(&e)), Err("value"), "{name}");
        }
        assert_eq!((root.flag("D"), root.flag("Z")), (Ok(true), Ok(false)));
        assert!(root.flag("E").is_err());
    }

    #[test]
    fn the_rest_is_kept_for_comparison() {
        let f = form("Action=X&InstanceId.1=a&EbsOptimized=true&Monitoring.Enabled=false");
        let others = f.others(&["Action", "InstanceId"]);
        let names: Vec<&str> = others.keys().map(String::as_str).collect();
        assert_eq!(names, ["EbsOptimized", "Monitoring.Enabled"]);
    }

    #[test]
    fn what_xml_cannot_carry_too_deep_and_too_much_is_refused() {
        let code = |text: &str| Form::parse(text.as_bytes()).map_err(|e| kind(&e));
        assert_eq!(code("a=%00"), Err("malformed"));
        assert_eq!(code("a%1b=1"), Err("malformed"));
        assert_eq!(code(&format!("{}=1", "a.".repeat(10))), Err("malformed"));
        assert_eq!(code(&"a=1&".repeat(12_001)), Err("malformed"));
        assert!(code(&"a=1&".repeat(12_000)).is_ok());
        assert!(code("a=%0A%09%F0%9F%90%84&=&&%zz=%ff").is_ok());
    }
}
