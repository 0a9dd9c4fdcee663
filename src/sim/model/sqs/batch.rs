//! Batches: at most ten entries, each with an id of its own, each answered by itself.

use super::call::{Batch, Entry};
use super::error::{ApiError, Code};

/// Most entries.
const ENTRIES_MAX: usize = 10;

/// Does something with each entry.
///
/// # Errors
/// If the batch as a whole is refused: empty, too many, ids that are not allowed or not distinct.
pub(super) fn each<T, U>(
    entries: &[Entry<T>],
    mut one: impl FnMut(&T) -> Result<U, ApiError>,
) -> Result<Batch<U>, ApiError> {
    check(entries)?;
    let mut batch = Batch { successful: Vec::new(), failed: Vec::new() };
    for entry in entries {
        match one(&entry.what) {
            Ok(done) => batch.successful.push((entry.id.clone(), done)),
            Err(error) => batch.failed.push((entry.id.clone(), error)),
        }
    }
    Ok(batch)
}

fn check<T>(entries: &[Entry<T>]) -> Result<(), ApiError> {
    if entries.is_empty() {
        let message = "There should be at least one entry in the request.";
        return Err(ApiError::new(Code::EmptyBatchRequest, message));
    }
    if entries.len() > ENTRIES_MAX {
        let message = format!(
            "Maximum number of entries per request are {ENTRIES_MAX}. You have sent {}.",
            entries.len()
        );
        return Err(ApiError::new(Code::TooManyEntriesInBatchRequest, message));
    }
    for (i, entry) in entries.iter().enumerate() {
        let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if entry.id.is_empty() || entry.id.len() > 80 || !entry.id.bytes().all(word) {
            let message = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
                           It can be at most 80 letters long.";
            return Err(ApiError::new(Code::InvalidBatchEntryId, message));
        }
        if entries[..i].iter().any(|before| before.id == entry.id) {
            let message = format!("Id {} repeated.", entry.id);
            return Err(ApiError::new(Code::BatchEntryIdsNotDistinct, message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(ids: &[&str]) -> Option<Code> {
        let entries: Vec<Entry<()>> =
            ids.iter().map(|id| Entry { id: (*id).to_string(), what: () }).collect();
        each(&entries, |()| Ok(())).err().map(|e| e.code)
    }

    #[test]
    fn a_batch_is_refused_as_a_whole() {
        assert_eq!(code(&[]), Some(Code::EmptyBatchRequest));
        let ids: Vec<String> = (0..11).map(|i| i.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        assert_eq!(code(&ids), Some(Code::TooManyEntriesInBatchRequest));
        assert_eq!(code(&ids[..10]), None);
        assert_eq!(code(&["a", "a"]), Some(Code::BatchEntryIdsNotDistinct));
        for id in ["", "a b", "ä", &"x".repeat(81)] {
            assert_eq!(code(&[id]), Some(Code::InvalidBatchEntryId), "{id}");
        }
    }

    #[test]
    fn each_entry_is_answered_by_itself() {
        let entries = ["a", "b"].map(|id| Entry { id: id.to_string(), what: id == "a" });
        let batch = each(&entries, |good| if *good { Ok(7) } else { Err(ApiError::no_queue()) }).unwrap();
        assert_eq!(batch.successful, [("a".to_string(), 7)]);
        assert_eq!(batch.failed[0].0, "b");
    }
}
