//! Signals: what a group's load looks like from outside its instances, and whether that can be believed.
//!
//! [`spec`] has the words of the configuration; [`series`] keeps the newest samples of one signal and says
//! what they mean; [`agree`] puts a group's signals together; [`read`] asks CloudWatch on a beat; [`push`]
//! takes what others send. Nothing here is stored: after a restart a group is blind until its signals are
//! back, and nobody is removed from a blind one.

pub mod agree;
pub mod push;
pub mod read;
pub mod series;
pub mod spec;

pub use agree::{Agreement, Reading};
pub use spec::{Metric, Signal, Source, Tells};
