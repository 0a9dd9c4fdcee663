//! Amazon Resource Names, and the account that everything belongs to.

/// The account of everything in the model. Twelve digits, as AWS has them; this one is nobody's.
pub const ACCOUNT: &str = "000000000000";

/// `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE`.
#[must_use]
pub fn arn(service: &str, region: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{region}:{ACCOUNT}:{resource}")
}
