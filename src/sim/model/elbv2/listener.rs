//! Listeners: what ties target groups to load balancers. Their rules are not in the model.

use super::call::{Action, Answer, CreateListener, Describe, ListenerView};
use super::error::{ApiError, Code};
use super::paging::found;
use super::{Around, Elbv2};

#[derive(Clone, Debug)]
pub(super) struct Listener {
    pub(super) arn: String,
    pub(super) created: CreateListener,
}

impl Elbv2 {
    /// `CreateListener`. The same call again is answered with the same listener.
    pub(super) fn create_listener(
        &mut self,
        call: &CreateListener,
        around: &Around<'_>,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let balancer = self.balancer(&call.balancer)?;
        let kind = balancer.created.kind;
        let groups = call.groups.iter().map(|arn| self.group(arn)).collect::<Result<Vec<_>, _>>()?;
        if call.protocol.kind() != kind || groups.iter().any(|g| g.created.protocol.kind() != kind) {
            let message = format!("A listener of {kind} load balancers cannot have these protocols");
            return Err(ApiError::new(Code::IncompatibleProtocols, message));
        }
        let of = Action::CreateListener;
        let same_port = |l: &&Listener| l.created.balancer == call.balancer && l.created.port == call.port;
        if let Some(known) = self.listeners.iter().find(same_port) {
            if known.created != *call {
                let message = "A listener already exists on this port for this load balancer";
                return Err(ApiError::new(Code::DuplicateListener, message));
            }
            return Ok(Answer::Listeners { of, listeners: vec![view(known)], next_marker: None });
        }
        for arn in &call.groups {
            if self.balancers_of(arn).any(|other| other != call.balancer) {
                let message =
                    "The following target groups cannot be associated with more than one load balancer";
                return Err(ApiError::new(Code::TargetGroupAssociationLimit, message));
            }
        }
        let arn = format!("{}/{}", call.balancer.replacen(":loadbalancer/", ":listener/", 1), self.name());
        let listener = Listener { arn, created: call.clone() };
        let answer = Answer::Listeners { of, listeners: vec![view(&listener)], next_marker: None };
        self.listeners.push(listener);
        // The targets of its groups are the load balancer's from now on: there may be too many.
        if let Err(error) = self.check_balancer(&call.balancer, around, now_ms) {
            self.listeners.pop();
            return Err(error);
        }
        Ok(answer)
    }

    pub(super) fn describe_listeners(
        &self,
        balancer: Option<&str>,
        call: &Describe,
    ) -> Result<Answer, ApiError> {
        match balancer {
            Some(arn) => drop(self.balancer(arn)?),
            None if call.arns.is_empty() => {
                return Err(ApiError::invalid("Either a load balancer or listeners must be specified"));
            }
            None => {}
        }
        let of_balancer = |l: &&Listener| balancer.is_none_or(|arn| l.created.balancer == arn);
        let (listeners, next_marker) = found(
            self.listeners.iter().filter(of_balancer),
            call,
            |l: &Listener| (l.arn.as_str(), ""),
            ApiError::unknown_listener,
        )?;
        let listeners = listeners.into_iter().map(view).collect();
        Ok(Answer::Listeners { of: Action::DescribeListeners, listeners, next_marker })
    }

    pub(super) fn delete_listener(&mut self, arn: &str) -> Result<Answer, ApiError> {
        let before = self.listeners.len();
        self.listeners.retain(|l| l.arn != arn);
        let gone = self.listeners.len() < before;
        if gone { Ok(Answer::Done(Action::DeleteListener)) } else { Err(ApiError::unknown_listener()) }
    }

    /// The load balancers whose listeners forward to a group: one for each such listener.
    pub(super) fn balancers_of<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a str> {
        let forwards = move |l: &&Listener| l.created.groups.iter().any(|arn| arn == group);
        self.listeners.iter().filter(forwards).map(|l| l.created.balancer.as_str())
    }
}

fn view(listener: &Listener) -> ListenerView {
    ListenerView { arn: listener.arn.clone(), created: listener.created.clone() }
}

#[cfg(test)]
mod tests {
    use super::super::call::{Call, Kind, Protocol};
    use super::super::testing::*;
    use super::*;

    #[test]
    fn a_listener_ties_one_group_to_one_load_balancer() {
        let mut model = model(|_| {});
        let alb = create_balancer(&mut model, "alb", Kind::Application, 0);
        let other = create_balancer(&mut model, "other", Kind::Application, 0);
        let web = create_group(&mut model, "web", Protocol::Http);
        let tcp = create_group(&mut model, "tcp", Protocol::Tcp);
        let first = listen(&mut model, &alb, Protocol::Http, &web).unwrap();
        assert_eq!(listen(&mut model, &alb, Protocol::Http, &web), Ok(first.clone()));
        assert_eq!(listen(&mut model, &alb, Protocol::Https, &web), Err("DuplicateListener"));
        assert_eq!(listen(&mut model, &other, Protocol::Http, &tcp), Err("IncompatibleProtocols"));
        assert_eq!(listen(&mut model, &other, Protocol::Tcp, &web), Err("IncompatibleProtocols"));
        assert_eq!(listen(&mut model, &other, Protocol::Http, &web), Err("TargetGroupAssociationLimit"));
        assert_eq!(listen(&mut model, "arn", Protocol::Http, &web), Err("LoadBalancerNotFound"));
        assert_eq!(listen(&mut model, &alb, Protocol::Http, "arn"), Err("TargetGroupNotFound"));
        let Answer::Listeners { listeners, .. } = first else { panic!("{first:?}") };
        let arn = listeners[0].arn.clone();
        assert!(arn.contains(":listener/app/alb/"), "{arn}");
        let read = |balancer: Option<&str>| Call::DescribeListeners {
            balancer: balancer.map(Into::into),
            describe: Describe::default(),
        };
        let answer = ask(&mut model, read(Some(&alb)), 0).unwrap();
        assert!(matches!(answer, Answer::Listeners { listeners, .. } if listeners.len() == 1));
        assert_eq!(ask(&mut model, read(None), 0), Err("ValidationError"));
        assert!(ask(&mut model, Call::DeleteListener { arn: arn.clone() }, 0).is_ok());
        assert_eq!(ask(&mut model, Call::DeleteListener { arn }, 0), Err("ListenerNotFound"));
    }
}
