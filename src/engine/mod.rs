//! Stand-in until the engine is merged: only the handle.

pub mod handle;
