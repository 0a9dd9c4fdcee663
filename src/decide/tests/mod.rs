//! The core against a small world of its own: virtual time, a fake EC2 with faults, and a store
//! that is nothing but the rows that were committed. Crashes throw the core away.

mod scenarios;
mod world;
