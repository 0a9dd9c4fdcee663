//! Scale-ins: asked for, refused with the reasons or taken, and listed.

pub mod create;
pub mod list;
