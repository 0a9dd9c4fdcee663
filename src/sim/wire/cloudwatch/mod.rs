//! CloudWatch on the wire. It speaks three protocols: the current SDKs RPC v2 with CBOR, others AWS
//! JSON 1.0, and those of years ago the query protocol. All are read into one kind of document.

pub(super) mod answer;
pub(super) mod request;

use http::request::Parts;

/// What the targets of its actions begin with; also its name in paths.
pub(super) const TARGET: &str = "GraniteServiceVersion20100801";
/// The version by which its query requests are told.
pub(super) const VERSION: &str = "2010-08-01";
/// Of its XML documents.
pub(super) const NAMESPACE: &str = "http://monitoring.amazonaws.com/doc/2010-08-01/";

/// One way to say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Protocol {
    Cbor,
    Json,
    Query,
}

impl Protocol {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Protocol::Cbor => "application/cbor",
            Protocol::Json => super::json::JSON_1_0,
            Protocol::Query => "text/xml",
        }
    }
}

/// The action in the path of a request in RPC v2, if it is one for CloudWatch.
pub(super) fn operation(head: &Parts) -> Option<&str> {
    let protocol = head.headers.get("smithy-protocol")?;
    let (service, action) = head.uri.path().strip_prefix("/service/")?.split_once("/operation/")?;
    (protocol == "rpc-v2-cbor" && service == TARGET).then_some(action)
}
