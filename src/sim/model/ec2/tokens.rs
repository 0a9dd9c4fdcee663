//! Client tokens of `RunInstances` (aws-facts 2.2): the same token and parameters mean the same
//! instances; a token is zonal if the call named a zone or a subnet, regional if not.

use std::collections::HashMap;
use std::ops::Range;

use super::call::RunInstances;
use super::error::{ApiError, Code};

/// Longest client token (aws-facts 2.2).
const TOKEN_MAX: usize = 64;

/// # Errors
/// `InvalidParameterValue` if it is empty, too long, or not ASCII.
pub(super) fn check_token(token: Option<&str>) -> Result<(), ApiError> {
    match token {
        Some(token) if token.is_empty() || token.len() > TOKEN_MAX || !token.is_ascii() => {
            Err(ApiError::invalid(format!("Invalid client token: 1 to {TOKEN_MAX} ASCII characters")))
        }
        Some(_) | None => Ok(()),
    }
}

fn mismatch() -> ApiError {
    ApiError::new(
        Code::IdempotentParameterMismatch,
        "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
    )
}

/// The tokens of one action: what was asked with each, and what came of it.
#[derive(Clone, Debug)]
pub(super) struct TokenBook<Request, Made>(HashMap<String, (Request, Made)>);

impl<Request, Made> Default for TokenBook<Request, Made> {
    fn default() -> Self {
        TokenBook(HashMap::new())
    }
}

impl<Request: Clone + PartialEq, Made: Clone> TokenBook<Request, Made> {
    /// What came of an earlier request with this token, if there was one.
    ///
    /// # Errors
    /// `IdempotentParameterMismatch` if it was another request; `InvalidParameterValue` if the token
    /// is none.
    pub(super) fn earlier(&self, token: Option<&str>, request: &Request) -> Result<Option<Made>, ApiError> {
        check_token(token)?;
        match token.and_then(|token| self.0.get(token)) {
            None => Ok(None),
            Some((before, made)) if before == request => Ok(Some(made.clone())),
            Some(_) => Err(mismatch()),
        }
    }

    pub(super) fn remember(&mut self, token: Option<&str>, request: &Request, made: Made) {
        if let Some(token) = token {
            self.0.insert(token.into(), (request.clone(), made));
        }
    }
}

/// A token, and the zone it was used in unless it is regional.
type Key = (String, Option<String>);

#[derive(Clone, Debug)]
struct Used {
    request: RunInstances,
    ordinals: Range<u32>,
}

/// Every token that launched something. How long one is kept after its instances are gone is a
/// setting: AWS promised at least a day once and promises nothing now.
#[derive(Clone, Debug, Default)]
pub(super) struct ClientTokens(HashMap<Key, Used>);

impl ClientTokens {
    /// The ordinals this call launched before, if it did.
    ///
    /// # Errors
    /// `IdempotentParameterMismatch` if another call used its token.
    pub(super) fn earlier(
        &self,
        call: &RunInstances,
        zone: &str,
        is_forgotten: impl Fn(&Range<u32>) -> bool,
    ) -> Result<Option<Range<u32>>, ApiError> {
        let used = key(call, zone).and_then(|k| self.0.get(&k)).filter(|used| !is_forgotten(&used.ordinals));
        let Some(used) = used else { return Ok(None) };
        if used.request != *call {
            return Err(mismatch());
        }
        Ok(Some(used.ordinals.clone()))
    }

    pub(super) fn remember(&mut self, call: &RunInstances, zone: &str, ordinals: Range<u32>) {
        if let Some(key) = key(call, zone) {
            self.0.insert(key, Used { request: call.clone(), ordinals });
        }
    }
}

fn key(call: &RunInstances, zone: &str) -> Option<Key> {
    let zonal = call.subnet.is_some() || call.zone.is_some();
    Some((call.token.clone()?, zonal.then(|| zone.to_string())))
}

#[cfg(test)]
mod tests {
    use super::super::call::Call;
    use super::super::testing::*;
    use super::*;

    #[test]
    fn the_same_call_again_gives_the_same_instances_in_their_present_state() {
        let mut model = plain();
        let first = launched(&model.ask(&run("t", 1, 3), 0));
        let again = model.ask(&run("t", 1, 3), 200_000);
        assert_eq!(launched(&again), first);
        assert!(format!("{again:?}").contains("Running"));
        assert_eq!(model.ledger(200_000).instances.len(), 3);
    }

    #[test]
    fn another_call_with_the_token_is_a_mismatch() {
        let mut model = plain();
        launched(&model.ask(&run("t", 1, 3), 0));
        let others = [
            RunInstances { max_count: 4, ..run_in(A, "t", 1, 3) },
            RunInstances { instance_type: Some("m5.xlarge".into()), ..run_in(A, "t", 1, 3) },
            RunInstances { other: [("EbsOptimized".into(), "true".into())].into(), ..run_in(A, "t", 1, 3) },
        ];
        for other in others {
            assert_eq!(code(&model.ask(&Call::RunInstances(other), 1_000)), "IdempotentParameterMismatch");
        }
        assert_eq!(model.ledger(1_000).instances.len(), 3);
    }

    #[test]
    fn a_token_launches_once_in_each_zone() {
        let mut model = plain();
        let a = launched(&model.ask(&run("t", 1, 1), 0));
        let b = launched(&model.ask(&Call::RunInstances(run_in(B, "t", 1, 1)), 0));
        assert_ne!(a, b);
        let regional = RunInstances { subnet: None, ..run_in(A, "t", 1, 1) };
        let c = launched(&model.ask(&Call::RunInstances(regional), 0));
        assert!(c != a && c != b);
    }

    #[test]
    fn a_token_is_spent_when_all_of_its_instances_are_terminated() {
        let mut model = plain();
        let ids = launched(&model.ask(&run("t", 1, 2), 0));
        model.ask(&terminate(&ids[..1]), 1_000);
        assert_eq!(launched(&model.ask(&run("t", 1, 2), 10_000)), ids);
        model.ask(&terminate(&ids), 20_000);
        assert_eq!(launched(&model.ask(&run("t", 1, 2), 21_000)), ids, "still shutting down");
        let reply = model.ask(&run("t", 1, 2), 30_000);
        assert_eq!(code(&reply), "IdempotentInstanceTerminated");
    }

    #[test]
    fn how_long_a_spent_token_is_known_is_a_setting() {
        let mut settings = small_settings();
        settings.ec2.token_lifetime_ms = Some(60_000);
        let mut model = Model::new(settings, 1).unwrap();
        let ids = launched(&model.ask(&run("t", 1, 2), 0));
        model.ask(&terminate(&ids), 1_000);
        assert_eq!(code(&model.ask(&run("t", 1, 2), 63_999)), "IdempotentInstanceTerminated");
        assert_ne!(launched(&model.ask(&run("t", 1, 2), 64_000)), ids);
    }

    #[test]
    fn a_spent_token_gave_its_terminated_instances_before_2025() {
        let mut settings = small_settings();
        settings.switches.spent_tokens_repeat = true;
        let mut model = Model::new(settings, 1).unwrap();
        let ids = launched(&model.ask(&run("t", 1, 2), 0));
        model.ask(&terminate(&ids), 1_000);
        assert_eq!(launched(&model.ask(&run("t", 1, 2), 60_000)), ids);
        assert_eq!(model.ledger(60_000).instances.len(), 2);
    }

    #[test]
    fn a_call_that_launched_nothing_leaves_its_token_free() {
        let mut model = small();
        assert_eq!(code(&model.ask(&run("t", 12, 12), 0)), "InsufficientFreeAddressesInSubnet");
        assert_eq!(launched(&model.ask(&run("t", 1, 2), 0)).len(), 2);
    }

    #[test]
    fn without_a_token_each_call_launches() {
        let mut model = plain();
        let call = Call::RunInstances(RunInstances { token: None, ..run_in(A, "", 1, 1) });
        assert_ne!(launched(&model.ask(&call, 0)), launched(&model.ask(&call, 0)));
    }
}
