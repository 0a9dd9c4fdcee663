//! `/v1/freezes`: no scale-in until then.

pub mod create;
pub mod list;
pub mod thaw;
