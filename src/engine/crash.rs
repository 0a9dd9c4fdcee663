//! Dying on purpose at a step of the protocol, for the tests that prove that any step may be the
//! last one.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use crate::decide::words::named;

named! {
    /// A step of the protocol: before and after each commit and each call.
    pub enum CrashPoint {
        BeforeCommit = "before-commit",
        AfterCommit = "after-commit",
        BeforeLaunch = "before-launch",
        AfterLaunch = "after-launch",
        BeforeDescribe = "before-describe",
        AfterDescribe = "after-describe",
        BeforeTerminate = "before-terminate",
        AfterTerminate = "after-terminate",
        BeforeGroupCall = "before-group-call",
        AfterGroupCall = "after-group-call",
        BeforeGatewayCall = "before-gateway-call",
        AfterGatewayCall = "after-gateway-call",
        BeforeContact = "before-contact",
        AfterContact = "after-contact",
    }
}

/// Aborts the process the n-th time a step is reached. Does nothing unless told to.
#[derive(Clone, Debug, Default)]
pub struct Crasher(Option<Arc<Armed>>);

#[derive(Debug)]
struct Armed {
    point: CrashPoint,
    at: u32,
    seen: Mutex<HashMap<CrashPoint, u32>>,
}

impl Crasher {
    /// Here is a step. An abort runs no destructor and flushes nothing, as a kill would.
    pub fn at(&self, point: CrashPoint) {
        let Some(armed) = &self.0 else { return };
        let Ok(mut seen) = armed.seen.lock() else { return };
        let n = seen.entry(point).or_default();
        *n += 1;
        if armed.point == point && *n == armed.at {
            std::process::abort();
        }
    }
}

impl FromStr for Crasher {
    type Err = String;

    /// `after-commit:3` dies after the third commit.
    fn from_str(s: &str) -> Result<Crasher, String> {
        let (point, at) =
            s.split_once(':').ok_or_else(|| format!("'{s}' is not STEP:N, for example after-commit:3"))?;
        let at =
            at.parse().ok().filter(|n| *n > 0).ok_or_else(|| format!("'{at}' is not a number from 1"))?;
        Ok(Crasher(Some(Arc::new(Armed { point: point.parse()?, at, seen: Mutex::default() }))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crasher_is_told_in_words_and_an_unarmed_one_is_harmless() {
        Crasher::default().at(CrashPoint::BeforeCommit);
        let armed: Crasher = "after-commit:2".parse().unwrap();
        armed.at(CrashPoint::AfterCommit);
        armed.at(CrashPoint::BeforeCommit);
        assert!("after-lunch:1".parse::<Crasher>().is_err_and(|e| e.contains("after-launch")));
        assert!("after-commit".parse::<Crasher>().is_err());
        assert!("after-commit:0".parse::<Crasher>().is_err());
    }
}
