//! `/v1/gates/overrides`: launch more than gateways are known to carry. What is in force is part of `/v1/gateways`.

pub mod create;
pub mod end;
