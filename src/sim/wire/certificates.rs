//! The certificates that SNS's messages are verified by, at the path their `SigningCertURL` names, and
//! the authority behind them at `/_sim/ca.pem`.

use super::super::shared::Shared;

/// The media type of what is here.
pub(super) const PEM: &str = "application/x-pem-file";

/// The certificate at this path, if there is one.
pub(super) fn at(path: &str, shared: &Shared) -> Option<String> {
    if path == "/_sim/ca.pem" {
        return shared.signer().authority();
    }
    if !path.starts_with("/SimpleNotificationService-") {
        return None;
    }
    let (expected, with_chain) =
        shared.with(|model, _| (model.certificate_path(), model.settings().sns.pem_has_chain));
    if path == expected { shared.signer().certificate(with_chain) } else { None }
}

#[cfg(test)]
mod tests {
    use super::super::super::model::Model;
    use super::super::super::settings::{Settings, SnsSettings};
    use super::*;
    use crate::time::Clock;

    #[test]
    fn the_certificate_is_where_messages_say() {
        for pem_has_chain in [false, true] {
            let sns = SnsSettings { pem_has_chain, ..SnsSettings::default() };
            let model = Model::new(Settings { sns, ..Settings::default() }, 1).unwrap();
            let path = model.certificate_path();
            let shared = Shared::new(model, Clock::real());
            let found = at(&path, &shared).unwrap();
            assert_eq!(found.matches("BEGIN CERTIFICATE").count(), 1 + usize::from(pem_has_chain));
            assert_eq!(found.ends_with(&at("/_sim/ca.pem", &shared).unwrap()), pem_has_chain);
            assert_eq!(at("/SimpleNotificationService-0.pem", &shared), None);
        }
    }
}
