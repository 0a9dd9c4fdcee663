//! Performing actions: each in a task of its own, each bringing back exactly one event.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use super::crash::{CrashPoint, Crasher};
use crate::cloud::Ec2;
use crate::contact::Contacts;
use crate::decide::action::{Action, Target};
use crate::decide::event::Event;
use crate::decide::group::LaunchBody;
use crate::decide::words::{Ec2Id, InstanceRef, LaunchSeq};

/// Whoever does what was decided.
#[derive(Clone)]
pub struct Performer {
    ec2: Arc<dyn Ec2>,
    contacts: Arc<dyn Contacts>,
    outcomes: UnboundedSender<Event>,
    crasher: Crasher,
}

impl Performer {
    pub fn new(
        ec2: Arc<dyn Ec2>,
        contacts: Arc<dyn Contacts>,
        outcomes: UnboundedSender<Event>,
        crasher: Crasher,
    ) -> Performer {
        Performer { ec2, contacts, outcomes, crasher }
    }

    /// Starts an action. How many run at once was decided by the core's lanes.
    pub fn perform(&self, action: Action) {
        let me = self.clone();
        match action {
            Action::Launch { launch, body } => {
                drop(tokio::spawn(async move { me.launch(launch, &body).await }))
            }
            Action::Describe { asked } => drop(tokio::spawn(async move { me.describe(asked).await })),
            Action::Terminate { asked } => drop(tokio::spawn(async move { me.terminate(asked).await })),
            Action::Configure(target) => drop(tokio::spawn(async move { me.configure(target).await })),
            Action::Probe(target) => drop(tokio::spawn(async move { me.probe(target).await })),
            // Answered by the engine, which has the other end.
            Action::Answer { .. } => {}
        }
    }

    async fn launch(&self, launch: LaunchSeq, body: &LaunchBody) {
        self.crasher.at(CrashPoint::BeforeLaunch);
        let outcome = self.ec2.run_instances(body).await;
        self.crasher.at(CrashPoint::AfterLaunch);
        if let Err(error) = &outcome {
            tracing::info!(launch = launch.0, count = body.max_count, class = %error.class, %error, "a launch was not answered with instances");
        }
        self.report(Event::LaunchAnswered { launch, outcome });
    }

    async fn describe(&self, asked: Vec<(Ec2Id, InstanceRef)>) {
        let ids: Vec<Ec2Id> = asked.iter().map(|(id, _)| *id).collect();
        self.crasher.at(CrashPoint::BeforeDescribe);
        let outcome = self.ec2.describe_instances(&ids).await;
        self.crasher.at(CrashPoint::AfterDescribe);
        self.report(Event::Described { asked, outcome });
    }

    async fn terminate(&self, asked: Vec<(Ec2Id, InstanceRef)>) {
        let ids: Vec<Ec2Id> = asked.iter().map(|(id, _)| *id).collect();
        self.crasher.at(CrashPoint::BeforeTerminate);
        let outcome = self.ec2.terminate_instances(&ids).await;
        self.crasher.at(CrashPoint::AfterTerminate);
        if let Err(error) = &outcome {
            tracing::info!(instances = ids.len(), class = %error.class, %error, "a terminate call failed");
        }
        self.report(Event::Terminated { asked, outcome });
    }

    async fn configure(&self, target: Target) {
        self.crasher.at(CrashPoint::BeforeContact);
        let outcome = self.contacts.configure(&target).await;
        self.crasher.at(CrashPoint::AfterContact);
        self.report(Event::Configured { instance: target.instance, outcome });
    }

    async fn probe(&self, target: Target) {
        let outcome = self.contacts.probe(&target).await;
        self.report(Event::Probed { instance: target.instance, outcome });
    }

    fn report(&self, event: Event) {
        // The engine has ended: a restart asks again.
        let _ = self.outcomes.send(event);
    }
}
