//! What becomes of connections to the front, and of requests that are no calls: the model draws it, the front
//! does it.

use super::Model;
use super::call::{Action, Service};
use super::playbook::{Handshake, Listening};

impl Model {
    /// Does the front listen? To be asked again when that time has come, or something stirred.
    pub fn listening(&mut self, now_ms: i64) -> Listening {
        let now_ms = self.settle(now_ms);
        self.playbook.listening(now_ms)
    }

    /// Somebody connects to the front. False if the connection is reset at once.
    pub fn connect(&mut self, now_ms: i64) -> bool {
        let now_ms = self.settle(now_ms);
        let number = self.connections;
        self.connections += 1;
        !self.playbook.resets(self.seed, number, now_ms)
    }

    /// Somebody begins a TLS handshake with the front.
    pub fn handshake(&mut self, now_ms: i64) -> Handshake {
        let now_ms = self.settle(now_ms);
        let number = self.handshakes;
        self.handshakes += 1;
        self.playbook.handshake(self.seed, number, now_ms)
    }

    /// How far ahead the clock is, milliseconds, by which a service checks the signature of such a call.
    pub fn skew_ms(&mut self, service: Service, action: Option<Action>, now_ms: i64) -> i64 {
        let now_ms = self.settle(now_ms);
        self.playbook.skew_ms(service, action, now_ms)
    }

    /// A request came that is refused for its signature: no call, but it has a request id.
    pub fn turn_away(&mut self, now_ms: i64) -> String {
        self.settle(now_ms);
        let number = self.calls;
        self.calls += 1;
        self.turned_away += 1;
        self.request_id(number)
    }
}
