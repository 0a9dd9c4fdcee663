//! The configuration as written: a tree of values, each with the place it came from.
//!
//! Serde would stop at the first problem and forget the lines; this tree keeps both, so that all
//! problems are told at once.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Place, Report};

pub(super) type Table = BTreeMap<String, Node>;

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub place: Place,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Integer(i128),
    Real(f64),
    Boolean(bool),
    Date,
    List(Vec<Node>),
    Table(Table),
    /// From the environment: text, and what it is as TOML, if it is. The reader of the key knows
    /// which of the two is meant: a key name `123` is text, a port `123` is a number.
    Variable {
        text: String,
        parsed: Option<Box<Value>>,
    },
}

/// Reads the text of a file; what is not TOML goes into the report.
pub(super) fn parse(text: &str, report: &mut Report) -> Table {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let place = error.span().map_or(Place::File, |span| line(text, span.start));
        report.add(place, "", format!("not TOML: {}", error.message().replace('\n', ", ")));
    }
    from_table(table.into_inner(), &|at| line(text, at))
}

/// Reads one value that stands alone, as in an environment variable.
pub(super) fn parse_value(text: &str, place: &Place) -> Option<Value> {
    let value = DeValue::parse(text.trim()).ok()?;
    Some(from_value(value.into_inner(), &|_| place.clone()))
}

fn line(text: &str, at: usize) -> Place {
    let before = text.as_bytes().iter().take(at);
    Place::Line(1 + before.filter(|b| **b == b'\n').count())
}

fn from_table(table: DeTable<'_>, place: &dyn Fn(usize) -> Place) -> Table {
    table
        .into_iter()
        .map(|(key, value)| {
            let node = Node { place: place(key.span().start), value: from_value(value.into_inner(), place) };
            (key.into_inner().into_owned(), node)
        })
        .collect()
}

fn from_value(value: DeValue<'_>, place: &dyn Fn(usize) -> Place) -> Value {
    match value {
        DeValue::String(s) => Value::Text(s.into_owned()),
        // Beyond 128 bits it is out of every range anyway.
        DeValue::Integer(i) => {
            Value::Integer(i128::from_str_radix(i.as_str(), i.radix()).unwrap_or(i128::MAX))
        }
        DeValue::Float(f) => Value::Real(f.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(b) => Value::Boolean(b),
        DeValue::Datetime(_) => Value::Date,
        DeValue::Array(items) => Value::List(
            items
                .into_iter()
                .map(|item: Spanned<DeValue<'_>>| Node {
                    place: place(item.span().start),
                    value: from_value(item.into_inner(), place),
                })
                .collect(),
        ),
        DeValue::Table(t) => Value::Table(from_table(t, place)),
    }
}

impl Node {
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(s) => Some(s),
            Value::Variable { text, parsed } => match parsed.as_deref() {
                // A quoted string is what its quotes hold.
                Some(Value::Text(s)) => Some(s),
                Some(
                    Value::Integer(_)
                    | Value::Real(_)
                    | Value::Boolean(_)
                    | Value::Date
                    | Value::List(_)
                    | Value::Table(_)
                    | Value::Variable { .. },
                )
                | None => Some(text),
            },
            Value::Integer(_)
            | Value::Real(_)
            | Value::Boolean(_)
            | Value::Date
            | Value::List(_)
            | Value::Table(_) => None,
        }
    }

    pub fn integer(&self) -> Option<i128> {
        if let Value::Integer(i) = self.parsed() { Some(*i) } else { None }
    }

    pub fn flag(&self) -> Option<bool> {
        if let Value::Boolean(b) = self.parsed() { Some(*b) } else { None }
    }

    /// A number with or without a fraction.
    #[allow(clippy::cast_precision_loss)] // out of every range long before it matters
    pub fn real(&self) -> Option<f64> {
        self.integer().map(|i| i as f64).or(if let Value::Real(r) = self.parsed() { Some(*r) } else { None })
    }

    pub fn list(&self) -> Option<&[Node]> {
        if let Value::List(l) = self.parsed() { Some(l) } else { None }
    }

    pub fn table(&self) -> Option<&Table> {
        if let Value::Table(t) = self.parsed() { Some(t) } else { None }
    }

    pub fn table_mut(&mut self) -> Option<&mut Table> {
        let value = &mut self.value;
        if let Value::Variable { parsed: Some(parsed), .. } = value {
            return if let Value::Table(t) = &mut **parsed { Some(t) } else { None };
        }
        if let Value::Table(t) = value { Some(t) } else { None }
    }

    fn parsed(&self) -> &Value {
        if let Value::Variable { parsed: Some(parsed), .. } = &self.value { parsed } else { &self.value }
    }

    /// What was found, for a message; long text is cut.
    pub fn found(&self) -> String {
        match self.parsed() {
            Value::Text(s) | Value::Variable { text: s, .. } => quoted(s),
            Value::Integer(i) => i.to_string(),
            Value::Real(r) => r.to_string(),
            Value::Boolean(b) => b.to_string(),
            Value::Date => "a date".to_string(),
            Value::List(_) => "a list".to_string(),
            Value::Table(_) => "a table".to_string(),
        }
    }
}

/// Text in quotes, cut after 60 characters.
pub(super) fn quoted(s: &str) -> String {
    match s.char_indices().nth(60) {
        Some((at, _)) => format!("{:?}...", &s[..at]),
        None => format!("{s:?}"),
    }
}

/// The node at `path` below `table`, if it was written.
///
/// A path is dotted, with `[n]` after the key of a list: `probes[1].timeout`.
pub(super) fn find<'a>(table: &'a Table, path: &str) -> Option<&'a Node> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let (key, index) = first.split_once('[').map_or((first, None), |(key, index)| (key, Some(index)));
    let mut node = table.get(key)?;
    if let Some(index) = index {
        node = node.list()?.get(index.trim_end_matches(']').parse::<usize>().ok()?)?;
    }
    if rest.is_empty() { Some(node) } else { find(node.table()?, rest) }
}

/// The place of `path` below `table`, or of its nearest ancestor that was written.
pub(super) fn place_of(table: &Table, path: &str, otherwise: &Place) -> Place {
    let mut path = path;
    loop {
        if let Some(node) = find(table, path) {
            return node.place.clone();
        }
        match path.rfind(['.', '[']) {
            Some(parent) => path = &path[..parent],
            None => return otherwise.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_knows_its_line() {
        let text = "a = 1\n\n[b.c]\nd = [\n  1,\n  2,\n]\n[[b.e]]\nf = 1\n[[b.e]]\nf = 2\n";
        let mut report = Report::default();
        let table = parse(text, &mut report);
        assert_eq!(report.list, []);
        let place = |path| place_of(&table, path, &Place::File);
        assert_eq!(place("a"), Place::Line(1));
        assert_eq!(place("b.c"), Place::Line(3));
        assert_eq!(place("b.c.d"), Place::Line(4));
        assert_eq!(place("b.c.d[1]"), Place::Line(6));
        assert_eq!(place("b.c.missing"), Place::Line(3));
        assert_eq!(place("b.e[0].f"), Place::Line(9));
        assert_eq!(place("b.e[1].f"), Place::Line(11));
        assert_eq!(place("nothing"), Place::File);
    }

    #[test]
    fn every_syntax_error_is_told_with_its_line() {
        let mut report = Report::default();
        parse("a = \nb = 1\nb = 2\n", &mut report);
        let problems = report.into_problems("f").to_string();
        let lines: Vec<&str> = problems.lines().collect();
        assert!(lines.len() == 2, "{problems}");
        assert!(lines[0].starts_with("f:1: not TOML: "), "{problems}");
        assert!(lines[1].starts_with("f:3: not TOML: duplicate key"), "{problems}");
    }
}
