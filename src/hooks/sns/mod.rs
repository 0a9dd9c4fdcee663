//! SNS over HTTPS: nothing is believed before its signature was verified.
//!
//! Whoever finds the address can send; only AWS can sign. A message is taken when it is of a topic on
//! the list, not too old, and signed by the key of a certificate that was fetched from SNS's own host in
//! the topic's region and that an authority we trust issued to SNS. Everything up to the certificate is
//! decided without opening a connection.
//!
//! | file | concern |
//! | --- | --- |
//! | [`door`] | all of it in order |
//! | [`message`] | the envelope, read strictly |
//! | [`topics`] | which topics, and what follows from a topic's name |
//! | [`url`] | where a certificate may come from, and what may be visited to confirm |
//! | [`signature`] | what is signed, and by which hash |
//! | [`trust`] | whom we trust, and whether a certificate is SNS's |
//! | [`certificates`] | fetched once, kept, few at a time |
//! | [`fetch`] | the only way out |
//! | [`replay`] | which messages were taken already |
//! | [`refusal`] | every way to be turned away |
//!
//! AWS's own libraries check less: the one for JavaScript takes any path that ends in `.pem`, so also
//! `/?Action=...&x=.pem`, and any host `sns.X.amazonaws.com`, so also the bucket `sns` at
//! `sns.s3-us-west-2.amazonaws.com`; it does not look at the certificate. Here the host follows from the
//! topic, which is on our list.
pub mod certificates;
pub mod door;
pub mod fetch;
pub mod message;
pub mod refusal;
mod replay;
mod signature;
#[cfg(test)]
mod testing;
pub mod topics;
pub mod trust;
mod url;
