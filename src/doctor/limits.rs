//! What the machine lets this process have: descriptors, threads, memory, processor time.
//!
//! The limits are those of the doctor's own process: run it as the user, and in the unit, that the service has.

use super::files::Files;
use super::report::Check;
use super::report::Family::Host;
use crate::net::fds::{FdClass, FdLimits, Fds};

/// Descriptors that any tokio process has open before it does anything (see [`FdLimits`]).
const OPEN_AT_START: u32 = 15;
/// Resident with 100,000 instances in flight, bytes: 69.6 MiB (BENCHMARKS.md), rounded up.
const MEMORY: u64 = 70 << 20;
/// Threads beside one for each processor: 8 for names and files, 3 of the store's, and the first one.
const THREADS: u64 = 12;

/// What the limits are held against.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    pub descriptors: FdLimits,
    /// Processors of this machine, each of which gets a thread.
    pub processors: u64,
}

impl Needs {
    fn threads(&self) -> u64 {
        self.processors.saturating_add(THREADS)
    }

    /// All that would ever be open at once.
    fn open(&self) -> u64 {
        let d = &self.descriptors;
        let sockets: u64 = FdClass::ALL.iter().map(|c| u64::from(d.cap_of(*c))).sum();
        u64::from(OPEN_AT_START) + u64::from(d.store) + u64::from(d.reserve) + sockets
    }
}

/// All of them.
#[must_use]
pub fn checks(files: &Files, needs: &Needs) -> Vec<Check> {
    let mut checks = vec![descriptors(files, needs), processes(files, needs)];
    checks.extend(cgroup(files, needs));
    checks
}

/// A limit: none is `unlimited`, or `max`.
type Limit = Option<u64>;

fn shown(limit: Limit) -> String {
    limit.map_or_else(|| "unlimited".into(), |n| n.to_string())
}

/// Soft and hard limit of this name in `/proc/self/limits`.
fn of_process(files: &Files, name: &str) -> Result<(Limit, Limit), String> {
    let text = files.text("proc/self/limits")?;
    let unreadable = || format!("/proc/self/limits says nothing readable of '{name}'");
    let line = text.lines().find_map(|l| l.strip_prefix(name)).ok_or_else(unreadable)?;
    let mut limits = line.split_whitespace().map(|word| match word {
        "unlimited" => Ok(None),
        number => number.parse().map(Some).map_err(|_| unreadable()),
    });
    let (soft, hard) = (limits.next().ok_or_else(unreadable)?, limits.next().ok_or_else(unreadable)?);
    Ok((soft?, hard?))
}

fn descriptors(files: &Files, needs: &Needs) -> Check {
    const NAME: &str = "descriptors";
    let (soft, hard) = match of_process(files, "Max open files") {
        Ok(limits) => limits,
        Err(why) => return Check::unknown(Host, NAME, why),
    };
    let wanted = needs.open();
    let usable = hard.unwrap_or(u64::MAX).min(needs.descriptors.limit);
    let seen = format!("soft {}, hard {}; {wanted} are used at most", shown(soft), shown(hard));
    // What stops the service at its start stops it here, in the same words.
    if let Err(refusal) = Fds::within(usable, OPEN_AT_START, &needs.descriptors) {
        return Check::fail(Host, NAME, format!("{seen}: {refusal}"), raise(&needs.descriptors, wanted));
    }
    if usable < wanted {
        let seen = format!("{seen}: fewer calls and contacts go out at once");
        return Check::warn(Host, NAME, seen, raise(&needs.descriptors, wanted));
    }
    Check::ok(Host, NAME, seen)
}

fn raise(limits: &FdLimits, wanted: u64) -> String {
    let unit = format!("LimitNOFILE={wanted} in the systemd unit, or ulimit -Hn {wanted}");
    if limits.limit < wanted { format!("{unit}; limits.descriptors.most = {wanted}") } else { unit }
}

fn processes(files: &Files, needs: &Needs) -> Check {
    const NAME: &str = "processes";
    let threads = needs.threads();
    match of_process(files, "Max processes") {
        Err(why) => Check::unknown(Host, NAME, why),
        Ok((Some(soft), _)) if soft < threads => Check::fail(
            Host,
            NAME,
            format!("{soft} for all of this user's; {threads} threads are needed"),
            format!("LimitNPROC={threads} or more in the systemd unit, or ulimit -u"),
        ),
        Ok((soft, _)) => Check::ok(
            Host,
            NAME,
            format!("{} for all of this user's; {threads} threads are needed", shown(soft)),
        ),
    }
}

/// The limits of our cgroup (version 2) and of all that it is in: the tightest binds.
fn cgroup(files: &Files, needs: &Needs) -> Vec<Check> {
    let path = match own_cgroup(files) {
        Ok(path) => path,
        Err(why) => return vec![Check::unknown(Host, "cgroup", why)],
    };
    vec![memory(files, &path), tasks(files, &path, needs), processor(files, &path)]
}

/// Our cgroup's folder below `/sys/fs/cgroup`, without slashes at its ends.
fn own_cgroup(files: &Files) -> Result<String, String> {
    let text = files.text("proc/self/cgroup")?;
    let ours = text.lines().find_map(|l| l.strip_prefix("0::"));
    let ours = ours.ok_or("this process is in no cgroup of version 2 (/proc/self/cgroup)")?;
    if !files.exists("sys/fs/cgroup/cgroup.controllers") {
        return Err("version 2 is not mounted on /sys/fs/cgroup".into());
    }
    Ok(ours.trim_matches('/').to_string())
}

/// Our cgroup and those that it is in, the innermost first. The outermost has no limits.
fn upwards(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path).filter(|p| !p.is_empty()), |p| p.rsplit_once('/').map(|(up, _)| up))
}

/// What `read` finds in this file of each cgroup that has it.
fn each<T>(
    files: &Files,
    path: &str,
    file: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, String> {
    let there = upwards(path).map(|p| format!("sys/fs/cgroup/{p}/{file}")).filter(|p| files.exists(p));
    let one = |p: String| {
        let text = files.text(&p)?;
        read(text.trim()).ok_or_else(|| format!("/{p} cannot be understood: '{}'", text.trim()))
    };
    there.map(one).collect()
}

fn number_or_max(text: &str) -> Option<u64> {
    if text == "max" { Some(u64::MAX) } else { text.parse().ok() }
}

fn tightest(files: &Files, path: &str, file: &str) -> Result<Limit, String> {
    let limits = each(files, path, file, number_or_max)?;
    Ok(limits.into_iter().min().filter(|n| *n != u64::MAX))
}

fn memory(files: &Files, path: &str) -> Check {
    const NAME: &str = "memory.max";
    match tightest(files, path, NAME) {
        Err(why) => Check::unknown(Host, NAME, why),
        Ok(Some(most)) if most < MEMORY => Check::warn(
            Host,
            NAME,
            format!("{} MiB; 70 MiB are resident with 100,000 instances in flight", most >> 20),
            "MemoryMax=70M or more in the systemd unit, or the container's memory limit",
        ),
        Ok(Some(most)) => Check::ok(Host, NAME, format!("{} MiB", most >> 20)),
        Ok(None) => Check::ok(Host, NAME, "unlimited"),
    }
}

fn tasks(files: &Files, path: &str, needs: &Needs) -> Check {
    const NAME: &str = "pids.max";
    let threads = needs.threads();
    match tightest(files, path, NAME) {
        Err(why) => Check::unknown(Host, NAME, why),
        Ok(Some(most)) if most < threads => Check::fail(
            Host,
            NAME,
            format!("{most}; {threads} threads are needed"),
            format!("TasksMax={threads} or more in the systemd unit, or the container's limit on processes"),
        ),
        Ok(most) => Check::ok(Host, NAME, format!("{}; {threads} threads are needed", shown(most))),
    }
}

fn processor(files: &Files, path: &str) -> Check {
    const NAME: &str = "cpu.max";
    // Per cent of one processor.
    let percent = |text: &str| {
        let (quota, period) = text.split_once(' ')?;
        let period: u64 = period.parse().ok().filter(|p| *p > 0)?;
        let quota = number_or_max(quota)?;
        Some(if quota == u64::MAX { u64::MAX } else { quota.saturating_mul(100) / period })
    };
    match each(files, path, NAME, percent).map(|all| all.into_iter().min().filter(|n| *n != u64::MAX)) {
        Err(why) => Check::unknown(Host, NAME, why),
        Ok(Some(percent)) if percent < 100 => Check::warn(
            Host,
            NAME,
            format!("{percent} % of one processor: decisions are paused for parts of each period"),
            "CPUQuota=100% or more in the systemd unit, or the container's CPU limit",
        ),
        Ok(Some(percent)) => Check::ok(Host, NAME, format!("{percent} % of one processor")),
        Ok(None) => Check::ok(Host, NAME, "unlimited"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::files::testing::machine;
    use super::super::report::Outcome;
    use super::*;

    fn needs() -> Needs {
        Needs { descriptors: FdLimits::default(), processors: 2 }
    }

    fn limits(files: u64, processes: &str) -> String {
        format!(
            "Limit                     Soft Limit           Hard Limit           Units     \n\
             Max processes             {processes}                96365                processes \n\
             Max open files            {files}                {files}                files     \n"
        )
    }

    /// What the named check comes to on a machine with these files.
    fn of(files: &[(&str, &str)], name: &str) -> Check {
        let (_dir, files) = machine(files);
        let all = checks(&files, &needs());
        all.iter().find(|c| c.name == name).unwrap_or_else(|| panic!("{all:?}")).clone()
    }

    #[test]
    fn descriptors_that_do_not_suffice_are_told_with_the_number_to_set() {
        let of = |most: u64| of(&[("proc/self/limits", &limits(most, "unlimited"))], "descriptors");
        // 15 + 16 + 16 + 24 + 4 + 12 + 48.
        assert_eq!(of(135).outcome, Outcome::Ok);
        let fewer = of(134);
        assert_eq!(fewer.outcome, Outcome::Warn);
        assert!(fewer.fix.unwrap().starts_with("LimitNOFILE=135 "));
        assert_eq!(of(56).outcome, Outcome::Warn);
        let none = of(55);
        assert_eq!(none.outcome, Outcome::Fail);
        assert!(none.seen.contains("55 open descriptors are allowed and at least 56 are needed"), "{none:?}");
    }

    #[test]
    fn a_cap_of_ours_is_named_where_it_binds() {
        let (_dir, files) = machine(&[("proc/self/limits", &limits(20_000, "unlimited"))]);
        let descriptors = FdLimits { limit: 100, ..FdLimits::default() };
        let check = super::descriptors(&files, &Needs { descriptors, ..needs() });
        assert!(check.fix.unwrap().ends_with("limits.descriptors.most = 135"));
    }

    #[test]
    fn threads_are_held_against_the_user_s_limit() {
        let of = |most: &str| of(&[("proc/self/limits", &limits(1_000, most))], "processes").outcome;
        assert_eq!((of("14"), of("13"), of("unlimited")), (Outcome::Ok, Outcome::Fail, Outcome::Ok));
    }

    const CONTROLLERS: (&str, &str) = ("sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n");
    const OURS: (&str, &str) = ("proc/self/cgroup", "4:memory:/x\n0::/a.slice/b.service\n");

    #[test]
    fn the_tightest_cgroup_binds() {
        let inner = "sys/fs/cgroup/a.slice/b.service";
        let of = |file: &str, inside: &str, outside: &str| {
            let (inside_at, outside_at) =
                (format!("{inner}/{file}"), format!("sys/fs/cgroup/a.slice/{file}"));
            let check = of(&[CONTROLLERS, OURS, (&inside_at, inside), (&outside_at, outside)], file);
            (check.outcome, check.seen)
        };
        assert_eq!(of("memory.max", "max\n", "1073741824\n"), (Outcome::Ok, "1024 MiB".into()));
        assert_eq!(of("memory.max", "33554432\n", "max\n").0, Outcome::Warn);
        assert_eq!(of("memory.max", "max\n", "max\n"), (Outcome::Ok, "unlimited".into()));
        assert_eq!(of("pids.max", "max\n", "13\n").0, Outcome::Fail);
        assert_eq!(of("pids.max", "14\n", "max\n").0, Outcome::Ok);
        assert_eq!(of("cpu.max", "max 100000\n", "50000 100000\n").0, Outcome::Warn);
        assert_eq!(
            of("cpu.max", "200000 100000\n", "max 100000\n"),
            (Outcome::Ok, "200 % of one processor".into())
        );
    }

    #[test]
    fn what_cannot_be_read_is_unknown_and_says_why() {
        for (files, name) in [
            (vec![], "descriptors"),
            (vec![("proc/self/limits", "Max open files  many  20 files\n")], "descriptors"),
            (vec![("proc/self/limits", "Max open files\n")], "descriptors"),
            (vec![("proc/self/limits", "\u{0}\n")], "processes"),
            (vec![], "cgroup"),
            (vec![("proc/self/cgroup", "4:memory:/x\n")], "cgroup"),
            (vec![OURS], "cgroup"),
            (vec![OURS, CONTROLLERS, ("sys/fs/cgroup/a.slice/memory.max", "much")], "memory.max"),
            (vec![OURS, CONTROLLERS, ("sys/fs/cgroup/a.slice/cpu.max", "100 0")], "cpu.max"),
        ] {
            let check = of(&files, name);
            assert_eq!(check.outcome, Outcome::Unknown, "{files:?}: {check:?}");
            assert!(!check.seen.is_empty());
        }
    }
}
