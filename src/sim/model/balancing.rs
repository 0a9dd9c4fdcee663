//! What Auto Scaling groups ask of their target groups, done at once.

use super::autoscaling::balancing::Wants;
use super::{Model, elbv2};

impl Model {
    /// Registers and deregisters; whoever is deregistered hears when it has drained.
    pub(super) fn balance(&mut self) {
        for order in self.autoscaling.take_orders() {
            let (groups, id, at_ms) = (&order.target_groups, &order.instance, order.at_ms);
            match order.wants {
                Wants::Register => {
                    let around = elbv2::Around { ec2: &self.ec2, quotas: &self.quotas };
                    self.elbv2.register_member(groups, id, &around, at_ms);
                }
                Wants::Deregister => {
                    let free_ms = self.elbv2.deregister_member(groups, id, &self.ec2, at_ms);
                    self.autoscaling.let_go(order.ordinal, free_ms, &mut self.ec2, at_ms);
                }
                Wants::Forget => {
                    self.elbv2.deregister_member(groups, id, &self.ec2, at_ms);
                }
            }
        }
    }
}
