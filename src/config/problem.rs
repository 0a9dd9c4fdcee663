//! What is wrong with a configuration: every problem, each with its place.

use std::fmt;

/// Where a value was written. Sorts by line; variables come last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Nowhere: it is missing from the file as a whole.
    File,
    /// A line of the file, counted from 1.
    Line(usize),
    /// An environment variable.
    Variable(String),
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub place: Place,
    /// Dotted path of the key, `groups.web.max`; empty if the text could not be read at all.
    pub key: String,
    /// What is wrong and what is allowed.
    pub what: String,
}

/// Everything that is wrong with one configuration, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
    /// The file's name, as given.
    pub file: String,
    pub list: Vec<Problem>,
}

impl fmt::Display for Problems {
    /// One problem a line, `FILE:LINE: KEY: WHAT` or `VARIABLE: KEY: WHAT`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.list.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            match &problem.place {
                Place::File => write!(f, "{}: ", self.file)?,
                Place::Line(n) => write!(f, "{}:{n}: ", self.file)?,
                Place::Variable(name) => write!(f, "{name}: ")?,
            }
            if !problem.key.is_empty() {
                write!(f, "{}: ", problem.key)?;
            }
            f.write_str(&problem.what)?;
        }
        Ok(())
    }
}

/// Collects problems while the tree is read.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub list: Vec<Problem>,
    /// Every key that was asked for, without indices: what the documentation has to name.
    pub known: std::collections::BTreeSet<String>,
}

impl Report {
    pub fn add(&mut self, place: Place, key: impl Into<String>, what: impl Into<String>) {
        self.list.push(Problem { place, key: key.into(), what: what.into() });
    }

    /// The problems, in the order of their places, each once.
    pub fn into_problems(mut self, file: &str) -> Problems {
        self.list.sort();
        self.list.dedup();
        Problems { file: file.to_string(), list: self.list }
    }
}
