//! Text for people: clean of control characters, tables with aligned columns.

use std::fmt::Write as _;
use std::time::Duration;

use crate::config::duration;

/// Text from elsewhere without control characters, which could steer a terminal.
#[must_use]
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// A number of seconds, `5m20s`.
#[must_use]
pub fn seconds(s: u64) -> String {
    duration::show(Duration::from_secs(s))
}

/// `1 instance`, `2 instances`.
#[must_use]
pub fn counted(n: usize, one: &str) -> String {
    format!("{n} {one}{}", if n == 1 { "" } else { "s" })
}

/// Which side of a column is straight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// Rows under headings, two spaces between columns. The last column is not padded.
#[derive(Debug)]
pub struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    #[must_use]
    pub fn new(columns: &[(&'static str, Align)]) -> Table {
        Table { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; an empty cell is shown as `-`.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cell = |c: String| if c.is_empty() { "-".to_string() } else { clean(&c) };
        self.rows.push(cells.into_iter().map(cell).collect());
    }

    /// The lines, each with its end.
    #[must_use]
    pub fn text(&self) -> String {
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(i, (heading, _))| {
                let cells = self.rows.iter().filter_map(|row| row.get(i)).map(|c| c.chars().count());
                cells.chain([heading.len()]).max().unwrap_or(0)
            })
            .collect();
        let headings: Vec<String> = self.columns.iter().map(|(h, _)| (*h).to_string()).collect();
        let mut text = String::new();
        for row in std::iter::once(&headings).chain(&self.rows) {
            let mut line = String::new();
            for ((cell, (_, align)), width) in row.iter().zip(&self.columns).zip(&widths) {
                // Writing into a string cannot fail.
                let _ = match align {
                    Align::Left => write!(line, "{cell:<width$}  "),
                    Align::Right => write!(line, "{cell:>width$}  "),
                };
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters() {
        let mut table =
            Table::new(&[("GROUP", Align::Left), ("COUNT", Align::Right), ("REASON", Align::Left)]);
        table.row(["wéb".into(), "7".into(), "first\nday".into()]);
        table.row(["api-europe".into(), "120000".into(), String::new()]);
        assert_eq!(
            table.text(),
            "GROUP        COUNT  REASON\n\
             wéb              7  first\u{fffd}day\n\
             api-europe  120000  -\n"
        );
    }

    #[test]
    fn words_for_numbers() {
        assert_eq!((seconds(320).as_str(), seconds(0).as_str()), ("5m20s", "0s"));
        assert_eq!((counted(1, "group").as_str(), counted(0, "group").as_str()), ("1 group", "0 groups"));
    }
}
