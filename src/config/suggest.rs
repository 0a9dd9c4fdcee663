//! "Did you mean": the closest of a few names.

/// The known name closest to `given`, if at most a third of it (and at least one letter) differs.
pub(super) fn closest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    let most = (given.chars().count() / 3).max(1);
    known.iter().map(|k| (distance(given, k), *k)).filter(|(d, _)| *d <= most).min().map(|(_, k)| k)
}

/// Letters to insert, remove, change or swap with a neighbour (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // rows[i][j]: distance between the first i letters of a and the first j of b.
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_slip_and_nothing_far() {
        let known = ["listen", "token_file", "image", "path"];
        assert_eq!(closest("lisen", &known), Some("listen"));
        assert_eq!(closest("tokenfile", &known), Some("token_file"));
        assert_eq!(closest("iamge", &known), Some("image"));
        assert_eq!(closest("colour", &known), None);
        assert_eq!(closest("", &known), None);
    }

    #[test]
    fn counts_a_swap_as_one() {
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
