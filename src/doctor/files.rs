//! The kernel's files below a root folder: `/` on a real machine, a made-up one in tests.

use std::path::PathBuf;

/// Where `/proc` and `/sys` are looked for.
#[derive(Clone, Debug)]
pub struct Files {
    root: PathBuf,
}

impl Files {
    #[must_use]
    pub fn below(root: impl Into<PathBuf>) -> Files {
        Files { root: root.into() }
    }

    /// The file's text. `path` has no leading slash.
    ///
    /// # Errors
    /// Says which file, and why it cannot be read.
    pub fn text(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(self.root.join(path)).map_err(|e| format!("/{path} cannot be read: {e}"))
    }

    /// The whole numbers in a file that has nothing else.
    ///
    /// # Errors
    /// As [`Files::text`], or says what stands there instead.
    pub fn numbers(&self, path: &str) -> Result<Vec<u64>, String> {
        let text = self.text(path)?;
        let numbers: Result<Vec<u64>, _> = text.split_whitespace().map(str::parse).collect();
        match numbers {
            Ok(numbers) if !numbers.is_empty() => Ok(numbers),
            Ok(_) | Err(_) => Err(format!("/{path} has no numbers: '{}'", text.trim())),
        }
    }

    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }
}

#[cfg(test)]
pub(super) mod testing {
    use std::path::Path;

    use tempfile::TempDir;

    use super::Files;

    /// A made-up machine with these files.
    pub fn machine(files: &[(&str, &str)]) -> (TempDir, Files) {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            write(dir.path(), path, text);
        }
        let files = Files::below(dir.path());
        (dir, files)
    }

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}
