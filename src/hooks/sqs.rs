//! SQS: queues that are polled. The default door, since nothing has to reach us.
//!
//! A message is deleted after what it says is stored, and by nothing else. What cannot be read, and what
//! is of somebody else's group, is left to the queue's own redrive policy: it comes again after its
//! visibility timeout and holds up nobody.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;

use super::inlet::{self, Door, Handed, Inlet};
use crate::cloud::sqs::{BATCH_MOST, Message, Sqs};
use crate::decide::event::CallError;
use crate::time::Clock;

/// Pause after a receive that failed; doubles to 32 times that. SQS answers thousands of receives a
/// second, so what fails is the network or a permission.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MOST_DOUBLINGS: u32 = 5;

/// One queue and how it is polled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    pub url: String,
    /// How long a receive waits for a message, up to 20 s.
    pub wait: Duration,
    /// For how long a received message is kept from other receivers.
    pub visibility: Duration,
}

/// One of a queue's pollers.
pub struct Poller {
    pub queue: Queue,
    pub sqs: Arc<dyn Sqs>,
    pub inlet: Inlet,
    pub clock: Clock,
}

impl Poller {
    /// Receives until told to stop. What is in hand then is given back.
    pub async fn run(self, mut stopped: watch::Receiver<bool>) {
        let mut failures = 0u32;
        while !*stopped.borrow() {
            let Queue { url, wait, visibility } = &self.queue;
            let received = tokio::select! {
                biased;
                // A receive that is broken off may have been answered: such messages come again.
                () = told(&mut stopped) => return,
                received = self.sqs.receive(url, BATCH_MOST, *wait, *visibility) => received,
            };
            let pause = match received {
                Ok(messages) => {
                    failures = 0;
                    self.take(messages, &mut stopped).await
                }
                Err(error) => {
                    // Said when it begins; the counters of calls tell the rest.
                    if failures == 0 {
                        tracing::warn!(queue = %url, class = %error.class, %error, "a queue cannot be polled");
                    }
                    let pause = FIRST_PAUSE * 2u32.pow(failures.min(MOST_DOUBLINGS));
                    failures = failures.saturating_add(1);
                    pause
                }
            };
            if !pause.is_zero() {
                let _ = self.clock.timeout(pause, told(&mut stopped)).await;
            }
        }
    }

    /// Hands messages in, deletes what is stored, gives back what is to come again. Returns how long to
    /// leave the engine alone.
    async fn take(&self, messages: Vec<Message>, stopped: &mut watch::Receiver<bool>) -> Duration {
        if messages.is_empty() {
            return Duration::ZERO;
        }
        let handing = join_all(messages.iter().map(|m| self.inlet.hand_in(Door::Sqs, &m.body)));
        let handed: Vec<Handed> = tokio::select! {
            biased;
            handed = handing => handed,
            // Whether they are stored is not known; told again, they are repetitions.
            () = told(stopped) => {
                self.give_back(messages.iter().map(|m| (m.receipt.clone(), Duration::ZERO)).collect()).await;
                return Duration::ZERO;
            }
        };
        let (mut done, mut back, mut pause) = (Vec::new(), Vec::new(), Duration::ZERO);
        for (message, handed) in messages.into_iter().zip(handed) {
            match handed {
                Handed::Stored { .. } | Handed::Acknowledged { .. } => done.push(message.receipt),
                Handed::Later(error) => {
                    pause = pause.max(inlet::pause(&error));
                    back.push((message.receipt, pause));
                }
                Handed::Unreadable(why) => self.leave(&message, &why.to_string()),
                Handed::UnknownGroup(why) => self.leave(&message, &why.to_string()),
            }
        }
        self.delete(&done).await;
        self.give_back(back).await;
        pause
    }

    /// Said the first time that a message is received, and counted each time.
    fn leave(&self, message: &Message, why: &str) {
        if message.receives.is_none_or(|n| n <= 1) {
            tracing::warn!(
                queue = %self.queue.url, message = %message.id, why,
                "a message is left to the queue's redrive policy"
            );
        }
    }

    /// What is not deleted comes again, as a repetition.
    async fn delete(&self, receipts: &[String]) {
        for batch in receipts.chunks(BATCH_MOST) {
            let outcome = self.sqs.delete(&self.queue.url, batch).await;
            self.say_failures("deleted", outcome);
        }
    }

    async fn give_back(&self, receipts: Vec<(String, Duration)>) {
        for batch in receipts.chunks(BATCH_MOST) {
            let outcome = self.sqs.change_visibility(&self.queue.url, batch).await;
            self.say_failures("given back", outcome);
        }
    }

    fn say_failures(&self, what: &str, outcome: Result<Vec<Result<(), CallError>>, CallError>) {
        let error = match outcome {
            Ok(each) => each.into_iter().find_map(Result::err),
            Err(error) => Some(error),
        };
        if let Some(error) = error {
            tracing::info!(queue = %self.queue.url, %error, "messages could not be {what}; they come again");
        }
    }
}

/// Resolves when told to stop, or when nobody is left to tell.
async fn told(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|s| *s).await;
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use super::*;
    use crate::cloud::Outcome;
    use crate::decide::words::ErrorClass;
    use crate::hooks::inlet::testing::{TEST, inlet, notification};
    use crate::time::sleep_on_the_wall;

    /// A queue that gives each message once, and writes down what it is told.
    #[derive(Default)]
    struct Fake {
        ready: Mutex<VecDeque<Message>>,
        deleted: Mutex<Vec<String>>,
        given_back: Mutex<Vec<(String, Duration)>>,
        failures: Mutex<u32>,
    }

    impl Fake {
        fn holding(bodies: &[&str]) -> Arc<Fake> {
            let messages = bodies.iter().enumerate().map(|(n, body)| Message {
                id: format!("message {n}"),
                receipt: format!("receipt {n}"),
                body: (*body).to_string(),
                sent: None,
                receives: Some(1),
            });
            Arc::new(Fake { ready: Mutex::new(messages.collect()), ..Fake::default() })
        }

        fn deleted(&self) -> Vec<String> {
            self.deleted.lock().unwrap().clone()
        }
    }

    impl Sqs for Fake {
        fn receive<'a>(
            &'a self,
            _queue: &'a str,
            most: usize,
            _wait: Duration,
            _visibility: Duration,
        ) -> Outcome<'a, Vec<Message>> {
            Box::pin(async move {
                {
                    let mut failures = self.failures.lock().unwrap();
                    if *failures > 0 {
                        *failures -= 1;
                        let class = ErrorClass::Unknown;
                        return Err(CallError { class, code: "connect".into(), message: "refused".into() });
                    }
                }
                let batch: Vec<Message> = {
                    let mut ready = self.ready.lock().unwrap();
                    let n = most.min(ready.len());
                    ready.drain(..n).collect()
                };
                if batch.is_empty() {
                    std::future::pending::<()>().await;
                }
                Ok(batch)
            })
        }

        fn delete<'a>(
            &'a self,
            _queue: &'a str,
            receipts: &'a [String],
        ) -> Outcome<'a, Vec<Result<(), CallError>>> {
            Box::pin(async move {
                self.deleted.lock().unwrap().extend_from_slice(receipts);
                Ok(receipts.iter().map(|_| Ok(())).collect())
            })
        }

        fn change_visibility<'a>(
            &'a self,
            _queue: &'a str,
            receipts: &'a [(String, Duration)],
        ) -> Outcome<'a, Vec<Result<(), CallError>>> {
            Box::pin(async move {
                self.given_back.lock().unwrap().extend_from_slice(receipts);
                Ok(receipts.iter().map(|_| Ok(())).collect())
            })
        }
    }

    fn poller(sqs: &Arc<Fake>, inlet: Inlet) -> Poller {
        let queue = Queue {
            url: "http://127.0.0.1:9/1/hooks".into(),
            wait: Duration::from_secs(20),
            visibility: Duration::from_secs(60),
        };
        Poller { queue, sqs: sqs.clone(), inlet, clock: Clock::scaled(1_000.0, None) }
    }

    async fn until(reached: impl Fn() -> bool) {
        for _ in 0..10_000 {
            if reached() {
                return;
            }
            sleep_on_the_wall(Duration::from_millis(1)).await;
        }
        panic!("not reached");
    }

    #[tokio::test]
    async fn a_message_is_deleted_only_after_the_commit() {
        let bodies: Vec<String> = (0..25).map(|n| notification("web-asg", n)).collect();
        let sqs = Fake::holding(&bodies.iter().map(String::as_str).collect::<Vec<_>>());
        let (inlet, commit) = inlet(100);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(poller(&sqs, inlet).run(stopped));
        until(|| sqs.ready.lock().unwrap().len() == 15).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(sqs.deleted(), [""; 0], "nothing is committed yet");
        commit.send_replace(true);
        until(|| sqs.deleted().len() == 25).await;
        stop.send_replace(true);
        task.await.unwrap();
    }

    #[tokio::test]
    async fn poison_and_strangers_are_left_and_hold_nobody_up() {
        let (strange, good) = (notification("other", 1), notification("web-asg", 2));
        let sqs = Fake::holding(&["{", &strange, &good, TEST, &good]);
        *sqs.failures.lock().unwrap() = 2;
        let (inlet, commit) = inlet(100);
        commit.send_replace(true);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(poller(&sqs, inlet).run(stopped));
        until(|| sqs.deleted().len() == 3).await;
        assert_eq!(sqs.deleted(), ["receipt 2", "receipt 3", "receipt 4"], "what is stored, and the test");
        assert!(sqs.given_back.lock().unwrap().is_empty(), "redrive counts receives");
        stop.send_replace(true);
        task.await.unwrap();
    }

    #[tokio::test]
    async fn what_is_in_hand_when_told_to_stop_is_given_back() {
        let sqs = Fake::holding(&[&notification("web-asg", 1)]);
        let (inlet, _never) = inlet(100);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(poller(&sqs, inlet).run(stopped));
        until(|| sqs.ready.lock().unwrap().is_empty()).await;
        stop.send_replace(true);
        task.await.unwrap();
        assert_eq!(sqs.deleted(), [""; 0]);
        let back = sqs.given_back.lock().unwrap().clone();
        assert_eq!(back, [("receipt 0".to_string(), Duration::ZERO)]);
    }

    #[tokio::test]
    async fn a_full_inbox_is_left_alone_for_a_while_and_loses_nothing() {
        let bodies: Vec<String> = (0..5).map(|n| notification("web-asg", n)).collect();
        let sqs = Fake::holding(&bodies.iter().map(String::as_str).collect::<Vec<_>>());
        let (inlet, commit) = inlet(1);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(poller(&sqs, inlet).run(stopped));
        until(|| sqs.ready.lock().unwrap().is_empty()).await;
        commit.send_replace(true);
        until(|| sqs.deleted().len() + sqs.given_back.lock().unwrap().len() == 5).await;
        assert!(sqs.deleted().contains(&"receipt 0".to_string()));
        stop.send_replace(true);
        task.await.unwrap();
    }
}
