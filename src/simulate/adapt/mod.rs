//! Between muster's words and the model's: what a call says, what an answer means.

pub(super) mod autoscaling;
pub(super) mod gateway;
pub(super) mod look;
pub(super) mod mark;
pub(super) mod metrics;

use std::collections::BTreeMap;

use crate::cloud::classify::classify;
use crate::decide::event::{CallError, Ec2State, Seen};
use crate::decide::group::LaunchBody;
use crate::decide::words::{Ec2Id, ErrorClass};
use crate::sim::model::call::{Answer as AnyAnswer, Call as AnyCall, Failure, Outcome};
use crate::sim::model::ec2::State;
use crate::sim::model::ec2::attribute::Attribute;
use crate::sim::model::ec2::call::{
    Answer, Call, CreateTags, Filter, InstanceView, ModifyAttribute, Read, RunInstances, TemplateRef,
};

pub(super) fn launch_call(body: &LaunchBody) -> AnyCall {
    AnyCall::Ec2(Call::RunInstances(RunInstances {
        token: Some(body.token.clone()),
        min_count: body.min_count,
        max_count: body.max_count,
        subnet: Some(body.subnet.clone()),
        zone: None,
        image: body.image.clone(),
        instance_type: Some(body.instance_type.clone()),
        template: body.template.as_ref().map(|t| Box::new(TemplateRef::of(&t.id, &t.version))),
        key_name: body.key_name.clone(),
        user_data: body.user_data.clone(),
        tags: body.tags.clone(),
        other: other(body),
    }))
}

pub(super) fn describe_call(ids: impl Iterator<Item = Ec2Id>) -> AnyCall {
    let ids = ids.map(|id| id.to_string()).collect();
    AnyCall::Ec2(Call::DescribeInstances(Read { ids, ..Read::default() }))
}

/// Whatever was launched under this client token.
pub(super) fn find_call(token: &str) -> AnyCall {
    let filters = vec![Filter { name: "client-token".into(), values: vec![token.into()] }];
    AnyCall::Ec2(Call::DescribeInstances(Read { filters, ..Read::default() }))
}

pub(super) fn terminate_call(ids: impl Iterator<Item = Ec2Id>) -> AnyCall {
    AnyCall::Ec2(Call::TerminateInstances { ids: ids.map(|id| id.to_string()).collect() })
}

pub(super) fn protect_call(id: Ec2Id, protected: bool) -> AnyCall {
    AnyCall::Ec2(Call::ModifyInstanceAttribute(ModifyAttribute {
        instance: id.to_string(),
        disable_api_termination: Some(protected),
    }))
}

pub(super) fn is_protected_call(id: Ec2Id) -> AnyCall {
    let attribute = Attribute::DisableApiTermination;
    AnyCall::Ec2(Call::DescribeInstanceAttribute { instance: id.to_string(), attribute })
}

pub(super) fn tags_call(id: Ec2Id, tags: &[(String, String)]) -> AnyCall {
    let tags = tags.iter().cloned().collect();
    AnyCall::Ec2(Call::CreateTags(CreateTags { resources: vec![id.to_string()], tags }))
}

/// What a launch's answer says.
pub(super) fn launched(outcome: Outcome) -> Result<Vec<Seen>, CallError> {
    let Answer::Launched(reservation) = answer(outcome)? else { return Err(wrong_answer()) };
    reservation.instances.iter().map(seen).collect()
}

/// What a describe's answer says.
pub(super) fn described(outcome: Outcome) -> Result<Vec<Seen>, CallError> {
    let Answer::Instances { reservations, .. } = answer(outcome)? else { return Err(wrong_answer()) };
    reservations.iter().flat_map(|r| &r.instances).map(seen).collect()
}

/// What a terminate's answer says.
pub(super) fn terminating(outcome: Outcome) -> Result<Vec<(Ec2Id, Ec2State)>, CallError> {
    let Answer::Terminating(changes) = answer(outcome)? else { return Err(wrong_answer()) };
    changes.iter().map(|c| Ok((id(&c.id)?, state(c.current)))).collect()
}

/// An answer that says no more than that it is done.
pub(super) fn done(outcome: Outcome) -> Result<(), CallError> {
    let Answer::Done(_) = answer(outcome)? else { return Err(wrong_answer()) };
    Ok(())
}

fn answer(outcome: Outcome) -> Result<Answer, CallError> {
    match outcome {
        Outcome::Answer(AnyAnswer::Ec2(answer)) => Ok(answer),
        Outcome::Answer(_) => Err(wrong_answer()),
        Outcome::Error(Failure { code, http_status, message, .. }) => {
            Err(CallError { class: classify(code, http_status, &message), code: code.to_string(), message })
        }
        Outcome::Lost => Err(unknown("connect", "the reply was lost")),
    }
}

/// What the model does not act on, but compares under the same token.
fn other(body: &LaunchBody) -> BTreeMap<String, String> {
    let groups = (1..).zip(&body.security_groups).map(|(i, g)| (format!("SecurityGroupId.{i}"), g.clone()));
    let profile = body.instance_profile.iter().map(|p| ("IamInstanceProfile.Name".into(), p.clone()));
    groups.chain(profile).collect()
}

fn seen(view: &InstanceView) -> Result<Seen, CallError> {
    Ok(Seen {
        id: id(&view.id)?,
        state: state(view.state),
        address: view.address.map(Into::into),
        state_reason: view.state_reason.map(|r| r.message().to_string()),
    })
}

fn state(state: State) -> Ec2State {
    match state {
        State::Pending => Ec2State::Pending,
        State::Running => Ec2State::Running,
        State::ShuttingDown => Ec2State::ShuttingDown,
        State::Stopping => Ec2State::Stopping,
        State::Stopped => Ec2State::Stopped,
        State::Terminated => Ec2State::Terminated,
    }
}

fn id(text: &str) -> Result<Ec2Id, CallError> {
    text.parse().map_err(|e: String| unknown("unreadable", &e))
}

/// An outcome that is not the answer that was asked for.
fn failed(outcome: Outcome) -> CallError {
    match outcome {
        Outcome::Answer(_) => wrong_answer(),
        Outcome::Error(Failure { code, http_status, message, .. }) => {
            CallError { class: classify(code, http_status, &message), code: code.to_string(), message }
        }
        Outcome::Lost => unknown("connect", "the reply was lost"),
    }
}

/// A call whose effect nobody knows.
pub(super) fn unknown(code: &str, message: &str) -> CallError {
    CallError { class: ErrorClass::Unknown, code: code.into(), message: message.into() }
}

fn wrong_answer() -> CallError {
    unknown("unreadable", "the answer is to another question")
}
