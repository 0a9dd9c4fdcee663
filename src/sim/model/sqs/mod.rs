//! SQS: standard queues, at least once and in no order (aws-facts 4.3).
//!
//! FIFO queues are refused: lifecycle hooks do not support them. Requests are not throttled: for
//! standard queues AWS names no limit.

mod attributes;
mod batch;
pub mod call;
mod digest;
pub mod error;
mod handle;
mod messages;
mod queue;
mod queues;
#[cfg(test)]
pub(crate) mod testing;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::settings::Settings;
use call::{Action, Answer, Call};
use error::ApiError;
use queue::Queue;

pub use queue::QueueCounts;

/// SQS of one account in one region.
#[derive(Debug)]
pub struct Sqs {
    settings: Arc<Settings>,
    seed: u64,
    /// What queue URLs begin with.
    endpoint: String,
    /// By name.
    queues: BTreeMap<String, Queue>,
    /// When a queue of this name was deleted last, and what had gone through it.
    deleted: BTreeMap<String, (i64, QueueCounts)>,
    /// Queues ever created, and messages ever sent.
    created: u64,
    sent: u64,
    /// A message became visible since the last time somebody asked.
    stirred: bool,
}

impl Sqs {
    pub(super) fn new(settings: Arc<Settings>, seed: u64) -> Sqs {
        Sqs {
            seed,
            endpoint: format!("https://sqs.{}.amazonaws.com", settings.region),
            queues: BTreeMap::new(),
            deleted: BTreeMap::new(),
            created: 0,
            sent: 0,
            stirred: false,
            settings,
        }
    }

    /// From now on these settings hold.
    pub(super) fn adopt(&mut self, settings: &Arc<Settings>) {
        self.settings = settings.clone();
    }

    /// Queue URLs begin with this from now on: clients call the URL, not the endpoint they have.
    pub(super) fn listens_at(&mut self, endpoint: &str) {
        self.endpoint = endpoint.trim_end_matches('/').into();
    }

    /// Answers one call.
    pub(super) fn handle(&mut self, call: &Call, now_ms: i64) -> Result<Answer, ApiError> {
        match call {
            Call::CreateQueue { name, attributes } => self.create_queue(name, attributes, now_ms),
            Call::DeleteQueue { queue } => self.delete_queue(queue, now_ms),
            Call::GetQueueUrl { name } => self.get_queue_url(name),
            Call::ListQueues(list) => self.list_queues(list),
            Call::GetQueueAttributes { queue, names } => self.get_queue_attributes(queue, names),
            Call::SetQueueAttributes { queue, attributes } => {
                self.set_queue_attributes(queue, attributes, now_ms)
            }
            Call::PurgeQueue { queue } => self.purge_queue(queue, now_ms),
            Call::SendMessage { queue, message } => self.send(queue, message, now_ms).map(Answer::Sent),
            Call::SendMessageBatch { queue, entries } => self.send_batch(queue, entries, now_ms),
            Call::ReceiveMessage(receive) => self.receive(receive, now_ms),
            Call::DeleteMessage { queue, handle } => {
                self.delete(queue, handle).map(|()| Answer::Done(Action::DeleteMessage))
            }
            Call::DeleteMessageBatch { queue, entries } => {
                self.queue(queue)?;
                let batch = batch::each(entries, |handle| self.delete(queue, handle))?;
                Ok(Answer::Batch { action: Action::DeleteMessageBatch, batch })
            }
            Call::ChangeMessageVisibility { queue, change } => self
                .change_visibility(queue, change, now_ms)
                .map(|()| Answer::Done(Action::ChangeMessageVisibility)),
            Call::ChangeMessageVisibilityBatch { queue, entries } => {
                self.queue(queue)?;
                let batch = batch::each(entries, |change| self.change_visibility(queue, change, now_ms))?;
                Ok(Answer::Batch { action: Action::ChangeMessageVisibilityBatch, batch })
            }
            Call::Unreadable { error, .. } => Err(error.clone()),
        }
    }

    /// Shows and forgets messages whose time has come.
    pub(super) fn settle(&mut self, now_ms: i64) {
        for queue in self.queues.values_mut() {
            self.stirred |= queue.settle(now_ms);
        }
    }

    /// A message became visible since this was asked last.
    pub(super) fn take_stirred(&mut self) -> bool {
        std::mem::take(&mut self.stirred)
    }

    /// What went through each queue, by name. What went through one that was deleted stays.
    pub(super) fn counts(&self) -> BTreeMap<String, QueueCounts> {
        let deleted = self.deleted.iter().map(|(name, (_, counts))| (name.clone(), *counts));
        let present = self.queues.iter().map(|(name, queue)| (name.clone(), queue.counts));
        deleted.chain(present).collect()
    }

    fn queue(&mut self, url: &str) -> Result<&mut Queue, ApiError> {
        self.queues.get_mut(name_in(url)).ok_or_else(ApiError::no_queue)
    }
}

/// A queue's name: the last part of its URL, or of its path.
fn name_in(url: &str) -> &str {
    url.rsplit_once('/').map_or(url, |(_, name)| name)
}

/// The name of a queue that an ARN is of. None if it is another kind of ARN.
fn name_in_arn<'a>(arn: &'a str, region: &str) -> Option<&'a str> {
    arn.strip_prefix(&super::arn::arn("sqs", region, "")).filter(|name| !name.contains(':'))
}
