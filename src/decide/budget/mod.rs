//! Named limits on scarce things. Nothing starts without its budgets in hand.
//!
//! There is one limiter, and it is here: the shell only enforces what cannot be exceeded by
//! construction (descriptor permits).

pub mod api;
pub mod bucket;
pub mod lane;
pub mod learned;
pub mod metered;
