//! `ModifyInstanceAttribute` and `DescribeInstanceAttribute`.

use super::Ec2;
use super::call::{Action, Answer};
use super::error::{ApiError, Code};
use crate::decide::words::named;

named! {
    /// The attributes that the model has.
    pub enum Attribute {
        /// Protected from `TerminateInstances`, though not from Auto Scaling.
        DisableApiTermination = "disableApiTermination",
        InstanceType = "instanceType",
        InstanceInitiatedShutdownBehavior = "instanceInitiatedShutdownBehavior",
    }
}

/// `ModifyInstanceAttribute`. Only the protection can be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModifyAttribute {
    pub instance: String,
    pub disable_api_termination: Option<bool>,
}

/// One attribute of one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeView {
    pub instance: String,
    pub attribute: Attribute,
    pub value: String,
}

impl Ec2 {
    pub(super) fn modify_instance_attribute(
        &mut self,
        call: &ModifyAttribute,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let ordinals = self.ordinals_of(std::slice::from_ref(&call.instance), now_ms)?;
        let Some(protected) = call.disable_api_termination else {
            let message = "The only attribute that can be modified here is disableApiTermination";
            return Err(ApiError::new(Code::InvalidParameterCombination, message));
        };
        for ordinal in ordinals {
            if let Some(instance) = self.instances.get_mut(ordinal as usize) {
                instance.protected = protected;
            }
        }
        Ok(Answer::Done(Action::ModifyInstanceAttribute))
    }

    pub(in super::super) fn is_protected(&self, id: &str) -> bool {
        let instance = self.ordinal_of(id).and_then(|o| self.instances.get(o as usize));
        instance.is_some_and(|i| i.protected)
    }

    pub(in super::super) fn was_ended_by_a_call(&self, ordinal: u32) -> bool {
        self.instances.get(ordinal as usize).is_some_and(|i| i.ended_by_user_ms.is_some())
    }

    pub(super) fn describe_instance_attribute(
        &self,
        id: &str,
        attribute: Attribute,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let ordinals = self.ordinals_of(&[id.to_string()], now_ms)?;
        let instance = ordinals.first().and_then(|o| self.instances.get(*o as usize));
        let instance = instance.ok_or_else(|| ApiError::unknown_instances(&[id]))?;
        let value = match attribute {
            Attribute::DisableApiTermination => instance.protected.to_string(),
            Attribute::InstanceType => instance.launch.instance_type.clone(),
            Attribute::InstanceInitiatedShutdownBehavior => "stop".into(),
        };
        Ok(Answer::Attribute(AttributeView { instance: id.into(), attribute, value }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::call::{Call, RunInstances};
    use super::super::testing::*;
    use super::*;

    fn protect(id: &str, protected: Option<bool>) -> Call {
        Call::ModifyInstanceAttribute(ModifyAttribute {
            instance: id.into(),
            disable_api_termination: protected,
        })
    }

    fn value(model: &mut Model, id: &str, attribute: Attribute) -> String {
        let call = Call::DescribeInstanceAttribute { instance: id.into(), attribute };
        let reply = model.ask(&call, 0);
        let Outcome::Answer(AnyAnswer::Ec2(Answer::Attribute(view))) = reply.outcome else {
            panic!("{reply:?}")
        };
        view.value
    }

    #[test]
    fn a_protected_one_is_not_terminated_and_stops_only_its_own_zone() {
        let mut model = plain();
        let mut ids = launched(&model.ask(&run("t", 1, 2), 0));
        ids.extend(launched(&model.ask(&Call::RunInstances(run_in(B, "u", 1, 1)), 0)));
        assert_eq!(code(&model.ask(&protect(&ids[0], Some(true)), 0)), "");
        assert_eq!(value(&mut model, &ids[0], Attribute::DisableApiTermination), "true");
        let reply = model.ask(&terminate(&ids), 0);
        assert_eq!(code(&reply), "OperationNotPermitted");
        assert!(message(&reply).contains(&ids[0]));
        let live: Vec<bool> = model.ledger(0).instances.iter().map(|i| i.state.is_live()).collect();
        assert_eq!(live, [true, true, false]);
        model.ask(&protect(&ids[0], Some(false)), 0);
        assert_eq!(code(&model.ask(&terminate(&ids), 0)), "");
    }

    #[test]
    fn a_launch_may_protect() {
        let mut model = plain();
        let other = [("DisableApiTermination".to_string(), "true".to_string())].into();
        let call = RunInstances { other, ..run_in(A, "t", 1, 1) };
        let ids = launched(&model.ask(&Call::RunInstances(call), 0));
        assert_eq!(code(&model.ask(&terminate(&ids), 0)), "OperationNotPermitted");
        assert_eq!(value(&mut model, &ids[0], Attribute::InstanceType), "m5.large");
        assert_eq!(code(&model.ask(&protect(&ids[0], None), 0)), "InvalidParameterCombination");
        assert_eq!(code(&model.ask(&protect("i-0123456789abcdef0", None), 0)), "InvalidInstanceID.NotFound");
    }
}
