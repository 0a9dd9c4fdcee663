//! AWS behind our own words. `aws_sdk_` appears nowhere else.
//!
//! - [`account`]: what the clients of one account and Region share.
//! - [`ec2`]: the [`Ec2`] trait over the SDK's client; `request` and `answer` translate.
//! - [`autoscaling`]: the [`autoscaling::AutoScaling`] trait over the SDK's client.
//! - [`groups`]: what the core asks of Auto Scaling, in its own words.
//! - [`sqs`]: the [`sqs::Sqs`] trait over the SDK's client.
//! - [`cloudwatch`]: the [`cloudwatch::CloudWatch`] trait, in a request of our own.
//! - [`looks`]: what is asked of EC2, Service Quotas, load balancing and `CloudWatch` for the picture.
//! - [`gateways`]: capacity that is reserved ahead of time.
//! - [`rehearsals`]: dry runs, for whoever wants to know what the account allows.
//! - [`classify`]: what an error code means for what we do next.
//! - `failure`: every way a call can end without an answer, as one [`CallError`].
//! - `http`: the SDK's HTTP client over our paid sockets; `whole` refuses answers cut short.

pub mod account;
mod answer;
pub mod autoscaling;
pub mod classify;
pub mod cloudwatch;
pub mod ec2;
mod failure;
#[cfg(test)]
mod fuzz;
pub mod gateways;
pub mod groups;
mod http;
pub mod looks;
pub mod marks;
pub mod metrics;
pub mod rehearsals;
mod request;
pub mod sqs;
mod whole;

use futures_util::future::BoxFuture;

use crate::decide::event::{CallError, Ec2State, Seen};
use crate::decide::group::LaunchBody;
use crate::decide::words::Ec2Id;

/// What one call came to.
pub type Outcome<'a, T> = BoxFuture<'a, Result<T, CallError>>;

/// The EC2 calls muster makes. One call of a method is one request: no retry hides in here.
pub trait Ec2: Send + Sync + 'static {
    /// `RunInstances` with exactly this body.
    fn run_instances<'a>(&'a self, body: &'a LaunchBody) -> BoxFuture<'a, Result<Vec<Seen>, CallError>>;

    /// `DescribeInstances` of at most 1,000 ids. One id that EC2 does not know fails the call with
    /// [`crate::decide::words::ErrorClass::NotFound`].
    fn describe_instances<'a>(&'a self, ids: &'a [Ec2Id]) -> BoxFuture<'a, Result<Vec<Seen>, CallError>>;

    /// `DescribeInstances` of those that were launched under this client token; none if none is visible.
    fn find_instances<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Vec<Seen>, CallError>>;

    /// `TerminateInstances` of at most 1,000 ids; the states after the call.
    fn terminate_instances<'a>(
        &'a self,
        ids: &'a [Ec2Id],
    ) -> BoxFuture<'a, Result<Vec<(Ec2Id, Ec2State)>, CallError>>;

    /// `ModifyInstanceAttribute(DisableApiTermination)`. While it is set, EC2 refuses
    /// `TerminateInstances` for it, though Auto Scaling still terminates it.
    fn protect_from_termination<'a>(
        &'a self,
        id: &'a Ec2Id,
        protected: bool,
    ) -> BoxFuture<'a, Result<(), CallError>>;

    /// `CreateTags` on one instance: keys and values.
    fn create_tags<'a>(
        &'a self,
        id: &'a Ec2Id,
        tags: &'a [(String, String)],
    ) -> BoxFuture<'a, Result<(), CallError>>;

    /// `DescribeInstanceAttribute(disableApiTermination)`.
    fn is_protected_from_termination<'a>(&'a self, id: &'a Ec2Id) -> BoxFuture<'a, Result<bool, CallError>>;
}
