//! EC2's query protocol: no `.member` in lists, errors in `<Response><Errors>`.

pub(super) mod answer;
pub(super) mod request;
