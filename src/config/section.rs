//! Reads one table of the tree: each getter names a key, what it may be, and its default.
//!
//! A getter that finds something else reports it and returns [`Reported`]; reading goes on, so that all
//! problems are told at once. Keys that no getter asked for are unknown, and are reported too.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::duration;
use super::node::{Node, Table, find, place_of};
use super::problem::{Place, Report};
use super::suggest;

/// What was to be read is wrong, and the report says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reported;

/// A value, or the problem with it, already told.
pub(super) type Read<T> = Result<T, Reported>;

pub(super) struct Section<'a> {
    path: String,
    place: Place,
    table: &'a Table,
    report: &'a mut Report,
    asked: Vec<&'static str>,
}

static EMPTY: Table = Table::new();

/// Reads the whole tree with `read`.
pub(super) fn root<T>(table: &Table, report: &mut Report, read: impl FnOnce(&mut Section<'_>) -> T) -> T {
    within(table, String::new(), Place::File, report, read)
}

fn within<T>(
    table: &Table,
    path: String,
    place: Place,
    report: &mut Report,
    read: impl FnOnce(&mut Section<'_>) -> T,
) -> T {
    let mut section = Section { path, place, table, report, asked: Vec::new() };
    let value = read(&mut section);
    section.refuse_unknown();
    value
}

impl<'a> Section<'a> {
    /// A whole number. Without a default it must be given.
    pub fn number<T>(
        &mut self,
        key: &'static str,
        range: RangeInclusive<T>,
        default: impl Into<Option<T>>,
    ) -> Read<T>
    where
        T: Copy + Display + PartialOrd + TryFrom<i128>,
    {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        self.value(key, &allowed, default, |node| {
            T::try_from(node.integer()?).ok().filter(|n| range.contains(n))
        })
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str, default: bool) -> Read<bool> {
        self.value(key, "true or false", default, Node::flag)
    }

    /// A number with or without a fraction.
    pub fn real(&mut self, key: &'static str, range: RangeInclusive<f64>, default: f64) -> Read<f64> {
        let allowed = format!("a number from {} to {}", range.start(), range.end());
        self.value(key, &allowed, default, |node| node.real().filter(|r| range.contains(r)))
    }

    pub fn duration(
        &mut self,
        key: &'static str,
        range: RangeInclusive<Duration>,
        default: Duration,
    ) -> Read<Duration> {
        let (least, most) = (duration::show(*range.start()), duration::show(*range.end()));
        let allowed = format!("{} from {least} to {most}", duration::ALLOWED);
        self.value(key, &allowed, default, |node| duration::parse(node.text()?).filter(|d| range.contains(d)))
    }

    /// Text that `rule` takes; `allowed` says in words what that is.
    pub fn text<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        default: impl Into<Option<T>>,
        rule: impl Fn(&str) -> Option<T>,
    ) -> Read<T> {
        self.value(key, allowed, default, |node| rule(node.text()?))
    }

    /// Text that may be left out: `None` then.
    pub fn maybe_text<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        rule: impl Fn(&str) -> Option<T>,
    ) -> Read<Option<T>> {
        self.value(key, allowed, Some(None), |node| rule(node.text()?).map(Some))
    }

    /// A whole number that may be left out: `None` then.
    pub fn maybe_number(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Read<Option<i64>> {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        self.value(key, &allowed, Some(None), |node| {
            i64::try_from(node.integer()?).ok().filter(|n| range.contains(n)).map(Some)
        })
    }

    /// A list, each item of which `rule` takes. `allowed` says what an item may be.
    pub fn list<T>(
        &mut self,
        key: &'static str,
        lengths: RangeInclusive<usize>,
        allowed: &str,
        default: impl Into<Option<Vec<T>>>,
        rule: impl Fn(&Node) -> Option<T>,
    ) -> Read<Vec<T>> {
        let whole = format!("a list of {} to {} items, each {allowed}", lengths.start(), lengths.end());
        let Some(node) = self.ask(key) else { return self.missing(key, &whole, default.into()) };
        let items = self.items(key, node, &lengths, &whole)?;
        let mut values = Vec::new();
        for (i, item) in items.iter().enumerate() {
            match rule(item) {
                Some(value) => values.push(value),
                None => self.report.add(
                    item.place.clone(),
                    format!("{}[{i}]", self.path_of(key)),
                    format!("{} is not {allowed}", item.found()),
                ),
            }
        }
        if values.len() == items.len() { Ok(values) } else { Err(Reported) }
    }

    /// A table of texts under names of the user's choice. `wrong` says what is wrong with one.
    pub fn texts(
        &mut self,
        key: &'static str,
        wrong: impl Fn(&str, &str) -> Option<String>,
    ) -> Read<BTreeMap<String, String>> {
        let Some(node) = self.ask(key) else { return Ok(BTreeMap::new()) };
        let Some(table) = node.table() else { return self.wrong(key, node, "a table of texts") };
        let mut values = BTreeMap::new();
        for (name, item) in table {
            let what = match item.text() {
                Some(text) => wrong(name, text),
                None => Some(format!("{} is not text in quotes", item.found())),
            };
            match what {
                Some(what) => {
                    self.report.add(item.place.clone(), format!("{}.{name}", self.path_of(key)), what);
                }
                None => values.extend(item.text().map(|text| (name.clone(), text.to_string()))),
            }
        }
        if values.len() == table.len() { Ok(values) } else { Err(Reported) }
    }

    /// A table below this one; one that is left out is read as if it were empty.
    pub fn table<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'_>) -> Read<T>) -> Read<T> {
        let path = self.path_of(key);
        let Some(node) = self.ask(key) else {
            return within(&EMPTY, path, self.place.clone(), self.report, read);
        };
        let Some(table) = node.table() else { return self.wrong(key, node, "a table") };
        within(table, path, node.place.clone(), self.report, read)
    }

    /// A table that may be left out: `None` then.
    pub fn maybe_table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'_>) -> Read<T>,
    ) -> Read<Option<T>> {
        if self.ask(key).is_some() { self.table(key, read).map(Some) } else { Ok(None) }
    }

    /// A list of tables.
    pub fn tables<T>(
        &mut self,
        key: &'static str,
        lengths: RangeInclusive<usize>,
        read: impl Fn(&mut Section<'_>) -> Read<T>,
    ) -> Read<Vec<T>> {
        let allowed = format!("a list of {} to {} tables", lengths.start(), lengths.end());
        let Some(node) = self.ask(key) else { return self.missing(key, &allowed, None) };
        let items = self.items(key, node, &lengths, &allowed)?;
        let mut values = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let path = format!("{}[{i}]", self.path_of(key));
            match item.table() {
                Some(table) => values.extend(within(table, path, item.place.clone(), self.report, &read)),
                None => self.report.add(item.place.clone(), path, format!("{} is not a table", item.found())),
            }
        }
        if values.len() == items.len() { Ok(values) } else { Err(Reported) }
    }

    /// Tables under names of the user's choice, which `named` takes.
    pub fn named_tables<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        named: impl Fn(&str) -> bool,
        read: impl Fn(&str, &mut Section<'_>) -> Read<T>,
    ) -> Read<Vec<T>> {
        let Some(node) = self.ask(key) else { return Ok(Vec::new()) };
        let Some(table) = node.table() else { return self.wrong(key, node, "a table of tables") };
        let mut values = Vec::new();
        for (name, item) in table {
            let path = format!("{}.{name}", self.path_of(key));
            if !named(name) {
                self.report.add(item.place.clone(), &path, format!("the name {name:?} is not {allowed}"));
            }
            match item.table() {
                Some(table) => {
                    values.extend(within(table, path, item.place.clone(), self.report, |s| read(name, s)));
                }
                None => self.report.add(item.place.clone(), path, format!("{} is not a table", item.found())),
            }
        }
        if values.len() == table.len() { Ok(values) } else { Err(Reported) }
    }

    /// Reports that the value at `path` below this table (`probes[1].timeout`) cannot be, at its
    /// place, or that of its table if it was left to its default.
    pub fn refuse(&mut self, path: &str, what: impl Into<String>) -> Reported {
        let place = place_of(self.table, path, &self.place);
        self.report.add(place, self.path_of(path), what);
        Reported
    }

    /// [`Section::refuse`] for a value that clashes with others: tells the first that is written,
    /// since only what is written can be the slip.
    pub fn refuse_first(&mut self, paths: &[&str], what: impl Into<String>) -> Reported {
        let written = paths.iter().find(|path| self.is_written(path)).or(paths.first());
        self.refuse(written.copied().unwrap_or_default(), what)
    }

    /// Whether the value at `path` below this table is written, rather than left to its default.
    pub fn is_written(&self, path: &str) -> bool {
        find(self.table, path).is_some()
    }

    /// Reports that an environment variable that is no key cannot be.
    pub fn refuse_variable(&mut self, name: &str, what: impl Into<String>) -> Reported {
        self.report.add(Place::Variable(name.to_string()), "", what);
        Reported
    }

    fn items<'n>(
        &mut self,
        key: &str,
        node: &'n Node,
        lengths: &RangeInclusive<usize>,
        allowed: &str,
    ) -> Read<&'n [Node]> {
        match node.list() {
            None => self.wrong(key, node, allowed),
            Some(items) if lengths.contains(&items.len()) => Ok(items),
            Some(items) => {
                let what = format!("a list of {} is not {allowed}", items.len());
                self.report.add(node.place.clone(), self.path_of(key), what);
                Err(Reported)
            }
        }
    }

    pub fn value<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        default: impl Into<Option<T>>,
        rule: impl FnOnce(&Node) -> Option<T>,
    ) -> Read<T> {
        match self.ask(key) {
            None => self.missing(key, allowed, default.into()),
            Some(node) => rule(node).map_or_else(|| self.wrong(key, node, allowed), Ok),
        }
    }

    fn ask(&mut self, key: &'static str) -> Option<&'a Node> {
        self.asked.push(key);
        // `probes[1].port` and `probes[0].port` are one key.
        let path = self.path_of(key);
        let known = path.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect();
        self.report.known.insert(known);
        self.table.get(key)
    }

    fn missing<T>(&mut self, key: &str, allowed: &str, default: Option<T>) -> Read<T> {
        default.ok_or_else(|| self.refuse(key, format!("missing: write {allowed}")))
    }

    fn wrong<T>(&mut self, key: &str, node: &Node, allowed: &str) -> Read<T> {
        self.report.add(node.place.clone(), self.path_of(key), format!("{} is not {allowed}", node.found()));
        Err(Reported)
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_string() } else { format!("{}.{key}", self.path) }
    }

    fn refuse_unknown(mut self) {
        self.asked.sort_unstable();
        self.asked.dedup();
        let allowed = self.asked.join(", ");
        for (key, node) in self.table.iter().filter(|(key, _)| !self.asked.contains(&key.as_str())) {
            let what = match suggest::closest(key, &self.asked) {
                Some(close) => format!("unknown key: did you mean '{close}'? Allowed here: {allowed}"),
                None => format!("unknown key. Allowed here: {allowed}"),
            };
            self.report.add(node.place.clone(), self.path_of(key), what);
        }
    }
}
