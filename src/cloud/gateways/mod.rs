//! Calls about gateways, as those of the service that has them.

mod balancer;
mod nat;
mod quota;
mod support;

use super::Outcome;
use super::account::Account;
use super::http::Answers;
use crate::decide::gateway::call::{GatewayCall, GatewaySeen};
use balancer::Balancers;
use nat::Nats;
use quota::Quotas;
use support::Support;

/// Whoever makes calls about gateways. One call is one request.
pub trait Gateways: Send + Sync + 'static {
    /// Makes this one call.
    fn call<'a>(&'a self, call: &'a GatewayCall) -> Outcome<'a, GatewaySeen>;
}

/// The services of one Region that have gateways, load balancers and quotas, and AWS Support.
#[derive(Clone, Debug)]
pub struct AwsGateways {
    balancers: Balancers,
    quotas: Quotas,
    nats: Nats,
    support: Support,
}

impl AwsGateways {
    /// Clients of this account.
    #[must_use]
    pub fn of(account: &Account) -> AwsGateways {
        let xml = account.config(Answers::WholeXml);
        AwsGateways {
            balancers: Balancers {
                balancing: aws_sdk_elasticloadbalancingv2::Client::new(&xml),
                calls: account.calls(),
            },
            quotas: Quotas {
                quotas: aws_sdk_servicequotas::Client::new(&account.config(Answers::WholeJson)),
                calls: account.calls(),
            },
            nats: Nats { ec2: aws_sdk_ec2::Client::new(&xml), calls: account.calls() },
            support: Support::of(account),
        }
    }
}

impl Gateways for AwsGateways {
    fn call<'a>(&'a self, call: &'a GatewayCall) -> Outcome<'a, GatewaySeen> {
        Box::pin(async move {
            match call {
                GatewayCall::Look { load_balancer } => {
                    self.balancers.look(load_balancer).await.map(GatewaySeen::Reservation)
                }
                GatewayCall::Reserve { load_balancer, units } => {
                    self.balancers.reserve(load_balancer, *units).await.map(GatewaySeen::Reservation)
                }
                GatewayCall::Quota { of, call } => self.quotas.call(of, call).await,
                GatewayCall::Nat { gateway, call } => self.nats.call(gateway, call).await,
                GatewayCall::Support(call) => self.support.call(call).await,
            }
        })
    }
}
