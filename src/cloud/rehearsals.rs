//! Calls of EC2's that are only rehearsed: with `DryRun` it says whether it would do them, and does nothing.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{AttributeBooleanValue, InstanceAttributeName, Tag};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::account::{Account, Calls};
use super::http::Answers;
use super::{Outcome, failure, request};
use crate::decide::event::CallError;
use crate::decide::group::LaunchBody;
use crate::decide::words::{Time, named};

/// An instance id that is well formed and that nobody has.
const NOBODY: &str = "i-00000000000000000";
/// EC2's code for a call that it would have done.
const WOULD_HAVE: &str = "DryRunOperation";

named! {
    /// What can be rehearsed without a body of its own, by the names of the actions in IAM.
    pub enum Rehearsal {
        AssociateNatGatewayAddress = "ec2:AssociateNatGatewayAddress",
        CreateTags = "ec2:CreateTags",
        DescribeInstanceAttribute = "ec2:DescribeInstanceAttribute",
        DescribeInstances = "ec2:DescribeInstances",
        DescribeInstanceTypes = "ec2:DescribeInstanceTypes",
        DescribeLaunchTemplateVersions = "ec2:DescribeLaunchTemplateVersions",
        DescribeNatGateways = "ec2:DescribeNatGateways",
        DescribeNetworkInterfaces = "ec2:DescribeNetworkInterfaces",
        DescribeSubnets = "ec2:DescribeSubnets",
        DisassociateNatGatewayAddress = "ec2:DisassociateNatGatewayAddress",
        ModifyInstanceAttribute = "ec2:ModifyInstanceAttribute",
        TerminateInstances = "ec2:TerminateInstances",
    }
}

/// What a rehearsal came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Rehearsed {
    /// EC2 would have done it.
    pub would: Result<(), CallError>,
    /// The header `Date` of the answer, in whole seconds.
    pub date: Option<Time>,
}

/// Whoever rehearses. One rehearsal is one request, which changes nothing.
pub trait Rehearsals: Send + Sync + 'static {
    /// `RunInstances` of exactly this.
    fn launch<'a>(&'a self, body: &'a LaunchBody) -> Outcome<'a, Rehearsed>;

    /// Any other call, about an instance, a gateway or an address that nobody has.
    fn rehearse(&self, call: Rehearsal) -> Outcome<'_, Rehearsed>;
}

/// EC2 in one Region.
#[derive(Clone, Debug)]
pub struct AwsRehearsals {
    ec2: Client,
    calls: Calls,
}

impl AwsRehearsals {
    /// A client of this account.
    #[must_use]
    pub fn of(account: &Account) -> AwsRehearsals {
        AwsRehearsals { ec2: Client::new(&account.config(Answers::WholeXml)), calls: account.calls() }
    }

    /// Sends it. No answer at all is an error; every other answer is what was asked for.
    async fn of_call<T, E>(
        &self,
        send: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
    ) -> Result<Rehearsed, CallError>
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let send = Box::pin(async {
            match send.await {
                Ok(_) => Err(failure::unreadable("a dry run was answered as if it had been done".into())),
                Err(e) => answered(&e),
            }
        });
        self.calls.turn(Duration::ZERO, send).await
    }
}

fn answered<E>(e: &SdkError<E, HttpResponse>) -> Result<Rehearsed, CallError>
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let error = failure::of(e);
    let SdkError::ServiceError(said) = e else { return Err(error) };
    let date = said.raw().headers().get("date").and_then(|text| {
        let date = DateTime::from_str(text, Format::HttpDate).ok()?;
        date.to_millis().ok().map(Time)
    });
    let would = if error.code == WOULD_HAVE { Ok(()) } else { Err(error) };
    Ok(Rehearsed { would, date })
}

impl Rehearsals for AwsRehearsals {
    fn launch<'a>(&'a self, body: &'a LaunchBody) -> Outcome<'a, Rehearsed> {
        Box::pin(async move {
            let request = request::run_instances(body).dry_run(true);
            self.of_call(request.send_with(&self.ec2)).await
        })
    }

    fn rehearse(&self, call: Rehearsal) -> Outcome<'_, Rehearsed> {
        let ec2 = &self.ec2;
        Box::pin(async move {
            match call {
                Rehearsal::AssociateNatGatewayAddress => {
                    let call = ec2.associate_nat_gateway_address().dry_run(true);
                    let call = call.nat_gateway_id("nat-00000000000000000");
                    self.of_call(call.allocation_ids("eipalloc-00000000000000000").send()).await
                }
                Rehearsal::CreateTags => {
                    let tag = Tag::builder().key("muster:doctor").value("dry run").build();
                    self.of_call(ec2.create_tags().dry_run(true).resources(NOBODY).tags(tag).send()).await
                }
                Rehearsal::DescribeInstanceAttribute => {
                    let call = ec2.describe_instance_attribute().dry_run(true).instance_id(NOBODY);
                    self.of_call(call.attribute(InstanceAttributeName::DisableApiTermination).send()).await
                }
                Rehearsal::DescribeInstances => {
                    self.of_call(ec2.describe_instances().dry_run(true).send()).await
                }
                Rehearsal::DescribeInstanceTypes => {
                    self.of_call(ec2.describe_instance_types().dry_run(true).send()).await
                }
                Rehearsal::DescribeLaunchTemplateVersions => {
                    let call = ec2.describe_launch_template_versions().dry_run(true);
                    self.of_call(call.versions("$Latest").send()).await
                }
                Rehearsal::DescribeNatGateways => {
                    self.of_call(ec2.describe_nat_gateways().dry_run(true).send()).await
                }
                Rehearsal::DescribeNetworkInterfaces => {
                    self.of_call(ec2.describe_network_interfaces().dry_run(true).send()).await
                }
                Rehearsal::DescribeSubnets => self.of_call(ec2.describe_subnets().dry_run(true).send()).await,
                Rehearsal::DisassociateNatGatewayAddress => {
                    let call = ec2.disassociate_nat_gateway_address().dry_run(true);
                    let call = call.nat_gateway_id("nat-00000000000000000");
                    self.of_call(call.association_ids("eipassoc-00000000000000000").send()).await
                }
                Rehearsal::ModifyInstanceAttribute => {
                    let on = AttributeBooleanValue::builder().value(true).build();
                    let call = ec2.modify_instance_attribute().dry_run(true).instance_id(NOBODY);
                    self.of_call(call.disable_api_termination(on).send()).await
                }
                Rehearsal::TerminateInstances => {
                    self.of_call(ec2.terminate_instances().dry_run(true).instance_ids(NOBODY).send()).await
                }
            }
        })
    }
}
