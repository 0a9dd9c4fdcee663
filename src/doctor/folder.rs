//! The folder that SQLite's files are in: whether what is synced there stays.

use std::path::{Path, PathBuf};

use super::files::Files;
use super::report::Check;
use super::report::Family::Host;
use crate::time::Stopwatch;

/// Kinds of file systems that a restart of the machine empties.
const FORGETFUL: [&str; 2] = ["tmpfs", "ramfs"];
/// Those over a network: SQLite's write-ahead log needs memory that all its processes share.
const REMOTE: [&str; 6] = ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs"];
/// The write-ahead log grows to 16 MiB before it is moved into the database, which grows by as much.
const ROOM: u64 = 2 * (16 << 20);

/// The folder of the database that a URL names; none for a server.
#[must_use]
pub fn of(store_url: &str) -> Option<PathBuf> {
    let rest = store_url.strip_prefix("sqlite:")?;
    let file = Path::new(rest.strip_prefix("//").unwrap_or(rest));
    let folder = file.parent().filter(|p| !p.as_os_str().is_empty());
    Some(folder.unwrap_or(Path::new(".")).to_path_buf())
}

/// All of them. Writes a file that has no name, and is gone with its end.
#[must_use]
pub fn checks(files: &Files, folder: &Path) -> Vec<Check> {
    const NAME: &str = "state folder";
    let there = match folder.canonicalize() {
        Ok(there) if there.is_dir() => there,
        Ok(_) | Err(_) => {
            let make = format!("mkdir -p {}, or set store.url", folder.display());
            return vec![Check::fail(Host, NAME, format!("{} is no folder", folder.display()), make)];
        }
    };
    vec![kind(files, &there), room(&there), sync(&there)]
}

fn kind(files: &Files, folder: &Path) -> Check {
    const NAME: &str = "file system";
    let mounts = match files.text("proc/self/mounts") {
        Ok(mounts) => mounts,
        Err(why) => return Check::unknown(Host, NAME, why),
    };
    let Some(kind) = mounted(&mounts, folder) else {
        return Check::unknown(Host, NAME, format!("/proc/self/mounts does not show {}", folder.display()));
    };
    let seen = format!("{} is on {kind}", folder.display());
    let elsewhere = "set store.url to a file on a local disk, or to a PostgreSQL database";
    if FORGETFUL.contains(&kind) {
        Check::warn(Host, NAME, format!("{seen}: a restart of the machine forgets everything"), elsewhere)
    } else if REMOTE.contains(&kind) {
        Check::warn(Host, NAME, format!("{seen}: SQLite's log does not work over a network"), elsewhere)
    } else {
        Check::ok(Host, NAME, seen)
    }
}

/// The kind of the file system that the folder is on: of the longest mount point above it, the last one
/// mounted there.
fn mounted<'a>(mounts: &'a str, folder: &Path) -> Option<&'a str> {
    let points = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (point, kind) = (words.nth(1)?, words.next()?);
        // Spaces, tabs, line breaks and backslashes are written in octal.
        let point = point.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n");
        let point = PathBuf::from(point.replace("\\134", "\\"));
        folder.starts_with(&point).then(|| (point.components().count(), kind))
    });
    points.max_by_key(|(depth, _)| *depth).map(|(_, kind)| kind)
}

fn room(folder: &Path) -> Check {
    const NAME: &str = "free space";
    let free = match rustix::fs::statvfs(folder) {
        Ok(fs) => fs.f_bavail.saturating_mul(fs.f_frsize),
        Err(e) => return Check::unknown(Host, NAME, format!("{}: {e}", folder.display())),
    };
    let seen = format!("{} MiB at {}", free >> 20, folder.display());
    if free < ROOM {
        let fix = format!("free {} MiB: the write-ahead log grows to 16 MiB before it is moved", ROOM >> 20);
        Check::fail(Host, NAME, seen, fix)
    } else {
        Check::ok(Host, NAME, seen)
    }
}

fn sync(folder: &Path) -> Check {
    const NAME: &str = "fsync";
    let written = tempfile::tempfile_in(folder).and_then(|mut file| {
        std::io::Write::write_all(&mut file, &[0; 4096])?;
        let watch = Stopwatch::start();
        file.sync_data()?;
        Ok(watch.elapsed())
    });
    match written {
        Ok(took) => {
            let ms = took.as_secs_f64() * 1_000.0;
            Check::ok(Host, NAME, format!("{ms:.1} ms: each answer waits for one"))
        }
        Err(e) => Check::fail(
            Host,
            NAME,
            format!("{} cannot be written and synced: {e}", folder.display()),
            format!("let this user write to {}, or set store.url", folder.display()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::files::testing::machine;
    use super::super::report::Outcome;
    use super::*;

    #[test]
    fn the_folder_of_a_url() {
        assert_eq!(of("sqlite:muster.db"), Some(".".into()));
        assert_eq!(of("sqlite:///var/lib/muster/muster.db"), Some("/var/lib/muster".into()));
        assert_eq!(of("postgres://db/muster"), None);
    }

    #[test]
    fn the_longest_mount_point_above_the_folder_tells_the_kind() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /var/lib tmpfs rw 0 0\n/dev/b /var/library xfs rw 0 0\n\
                      /dev/c /my\\040data nfs4 rw 0 0\nnonsense\n";
        let on = |folder: &str| mounted(mounts, Path::new(folder));
        assert_eq!(on("/var/lib/muster"), Some("tmpfs"));
        assert_eq!(on("/var/library/x"), Some("xfs"));
        assert_eq!(on("/var/lib2"), Some("ext4"));
        assert_eq!(on("/my data/x"), Some("nfs4"));
        assert_eq!(mounted("tmpfs /elsewhere tmpfs rw 0 0", Path::new("/var")), None);
    }

    #[test]
    fn a_folder_in_memory_is_told_and_one_on_a_disk_is_fine() {
        let state = tempfile::tempdir().unwrap();
        let of = |mounts: &str| {
            let (_dir, files) = machine(&[("proc/self/mounts", mounts)]);
            checks(&files, state.path()).iter().map(|c| (c.name.clone(), c.outcome)).collect::<Vec<_>>()
        };
        assert_eq!(of("none / tmpfs rw 0 0")[0], ("file system".into(), Outcome::Warn));
        assert_eq!(of("none / nfs4 rw 0 0")[0].1, Outcome::Warn);
        let disk = of("/dev/a / ext4 rw 0 0");
        assert_eq!((disk[0].1, disk[2].clone()), (Outcome::Ok, ("fsync".into(), Outcome::Ok)));
    }

    #[test]
    fn a_folder_that_is_not_there_fails_with_the_command_to_make_it() {
        let (_dir, files) = machine(&[]);
        let [check] = &checks(&files, Path::new("/nowhere/muster"))[..] else { panic!() };
        assert_eq!(check.outcome, Outcome::Fail);
        assert!(check.fix.as_ref().unwrap().starts_with("mkdir -p /nowhere/muster"));
    }
}
