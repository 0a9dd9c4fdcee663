//! The queue of a group's lifecycle notifications, polled as the process polls it: a message is deleted only
//! after what it tells was committed.

use crate::decide::event::{Event, Ticket};
use crate::sim::model::arn::ACCOUNT;
use crate::sim::model::autoscaling::Adjustment;
use crate::sim::model::autoscaling::call::{Call as GroupCall, CreateGroup, PutHook, Shape, Source};
use crate::sim::model::autoscaling::words::{HookResult, Transition};
use crate::sim::model::call::{Answer as AnyAnswer, Call as AnyCall, Outcome};
use crate::sim::model::sqs::call::{Answer, Call, ReceiveMessage};

use super::super::adapt::autoscaling as adapt;
use super::super::oracle::Invariant;
use super::{Coming, World};

/// The queue's name.
pub const QUEUE: &str = "muster-hooks";
/// A poll that found nothing has waited so long for something (a long poll of ours is cut short, so that
/// virtual time has no open calls).
const POLL_MS: u32 = 500;
/// Between two polls of which the first found something.
const NEXT_MS: u32 = 15;
/// Polls that a process has out at once.
pub const POLLS: u32 = 4;
/// Tickets of messages begin here; below are clients'.
const FIRST: u64 = 1 << 32;
/// A setup call that is throttled is tried again.
const TRIES: u32 = 1_000;

/// A message that was received and is not deleted.
pub struct Letter {
    life: u64,
    handle: String,
}

impl World {
    /// Creates the queue, the groups and their hooks, as an operator does before.
    pub(super) fn build_groups(&mut self) {
        let asgs: Vec<_> = self.plan.groups.iter().filter(|g| g.asg.is_some()).cloned().collect();
        if asgs.is_empty() {
            return;
        }
        self.must(&AnyCall::Sqs(Call::CreateQueue { name: QUEUE.into(), attributes: [].into() }));
        for group in asgs {
            let Some(asg) = &group.asg else { continue };
            let hook = |name: &str, transition| PutHook {
                name: name.into(),
                transition: Some(transition),
                target: Some(self.queue_arn()),
                role: Some("arn:aws:iam::123456789012:role/hooks".into()),
                heartbeat_timeout: Some(i64::try_from(asg.heartbeat.as_secs()).unwrap_or(i64::MAX)),
                default_result: Some(HookResult::Abandon),
                ..PutHook::default()
            };
            let mut hooks = Vec::new();
            if self.plan.launch_hooks {
                hooks.push(hook("in", Transition::Launching));
            }
            if self.plan.terminate_hooks {
                hooks.push(hook("out", Transition::Terminating));
            }
            let create = CreateGroup {
                group: asg.name.to_string(),
                shape: Shape {
                    min: Some(0),
                    max: Some(group.max.into()),
                    desired: Some(0),
                    source: Some(Source::Template { id: None, name: Some("web".into()), version: None }),
                    subnets: group.launch.pools.iter().map(|p| p.subnet.clone()).collect(),
                    ..Shape::default()
                },
                hooks,
                ..CreateGroup::default()
            };
            self.must(&AnyCall::AutoScaling(GroupCall::CreateAutoScalingGroup(Box::new(create))));
        }
        // The test messages that new hooks send.
        self.must(&AnyCall::Sqs(Call::PurgeQueue { queue: QUEUE.into() }));
    }

    fn queue_arn(&self) -> String {
        format!("arn:aws:sqs:{}:{ACCOUNT}:{QUEUE}", self.model.settings().region)
    }

    fn must(&mut self, call: &AnyCall) {
        for _ in 0..TRIES {
            match self.model.handle(call, self.now.0).outcome {
                Outcome::Answer(_) => return,
                // It was heard before, and the reply was lost.
                Outcome::Error(e) if e.code.contains("Already") || e.code.contains("InProgress") => return,
                Outcome::Error(_) | Outcome::Lost => {}
            }
        }
        self.oracle.violated(self.now, Invariant::Store, format!("the plan is wrong: {call:?}"));
    }

    /// An alarm of somebody else's raises a group's desired capacity.
    pub(super) fn alarm(&mut self, i: usize) {
        let alarm = self.plan.alarms[i].clone();
        let Some(asg) = self.plan.groups[alarm.group].asg.clone() else { return };
        self.note(|| format!("an alarm changes {} by {}", asg.name, alarm.by));
        if let Err(error) = self.model.alarm(&asg.name, Adjustment::By(alarm.by), self.now.0) {
            self.oracle.violated(self.now, Invariant::Store, format!("the plan is wrong: {error:?}"));
        }
        self.alarms_to_come -= 1;
    }

    /// A process begins to poll.
    pub(super) fn begin_polls(&mut self, life: u64) {
        if self.plan.groups.iter().any(|g| g.asg.is_some()) {
            for n in 0..POLLS {
                self.after(NEXT_MS * n, Coming::Poll { life });
            }
        }
    }

    pub(super) fn poll(&mut self, life: u64) {
        let Some(host) = self.hosts.iter().find(|h| h.life == life) else { return };
        if host.paused {
            self.after(POLL_MS, Coming::Poll { life });
            return;
        }
        let network = self.network();
        let trip = network.there_and_back(&mut self.dice);
        let receive = ReceiveMessage {
            queue: QUEUE.into(),
            max_messages: Some(10),
            visibility_timeout_s: Some(30),
            ..ReceiveMessage::default()
        };
        let reply = self.model.handle(&AnyCall::Sqs(Call::ReceiveMessage(receive)), self.now.0);
        let messages = match reply.outcome {
            Outcome::Answer(AnyAnswer::Sqs(Answer::Received(received))) => received.messages,
            Outcome::Answer(_) | Outcome::Error(_) | Outcome::Lost => Vec::new(),
        };
        let again = if messages.is_empty() { POLL_MS } else { NEXT_MS };
        for message in messages {
            let Some(notice) = adapt::notice(&message.body, self.now) else {
                self.delete(message.handle);
                continue;
            };
            self.letters_so_far += 1;
            let ticket = FIRST + self.letters_so_far;
            self.letters.insert(ticket, Letter { life, handle: message.handle });
            let event = Event::HookNoticed { notice, ticket: Ticket(ticket) };
            self.after(trip, Coming::Told { life, event });
        }
        self.after(trip.max(1) + again, Coming::Poll { life });
    }

    /// What a message tells reaches the core.
    pub(super) fn told(&mut self, life: u64, event: Event) {
        if let Some(host) = self.hosts.iter_mut().find(|h| h.life == life) {
            host.inbox.push(event);
            self.turn(life);
        }
    }

    /// What a message told is committed: it is deleted. False if the ticket is a client's.
    pub(super) fn letter_answered(&mut self, life: u64, ticket: Ticket, taken: bool) -> bool {
        let Some(letter) = self.letters.remove(&ticket.0) else { return ticket.0 >= FIRST };
        if taken && letter.life == life {
            self.delete(letter.handle);
        }
        true
    }

    fn delete(&mut self, handle: String) {
        // Whether it is heard or not: one that stays is delivered again.
        let delete = Call::DeleteMessage { queue: QUEUE.into(), handle };
        self.model.handle(&AnyCall::Sqs(delete), self.now.0);
    }
}

impl World {
    /// No alarm is to come, and every group has what it wants, in service.
    pub(super) fn groups_are_quiet(&self) -> bool {
        if self.plan.groups.iter().all(|g| g.asg.is_none()) {
            return true;
        }
        self.alarms_to_come == 0
            && self
                .model
                .tallies()
                .all(|(sizes, tally)| tally.in_service == sizes.desired && tally.all() == sizes.desired)
    }
}
