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
    use std::sync::Arc;

    use bytes::Bytes;
    use http_body_util::{BodyExt, Full};
    use hyper::client::conn::http1;
    use hyper_util::rt::TokioIo;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    use rustls::{ClientConfig, RootCertStore};
    use tokio::net::TcpStream;
    use tokio_rustls::TlsConnector;

    use super::super::super::model::Model;
    use super::super::super::settings::{Settings, SnsSettings};
    use super::super::{Front, FrontLimits};
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

    /// As a verifier fetches it: over HTTPS from the host that the message names, which it was told to
    /// look for here.
    #[tokio::test]
    async fn the_certificate_is_served_over_tls_as_its_host() {
        let model = Model::new(Settings::default(), 1).unwrap();
        let path = model.certificate_path();
        let shared = Shared::new(model, Clock::real());
        let limits = FrontLimits { connections: 1, batch: 1 };
        let front = Front::bind("127.0.0.1:0".parse().unwrap(), limits, shared.clone()).await.unwrap();
        let address = front.address().unwrap();
        let serving = tokio::spawn(front.serve());

        let mut roots = RootCertStore::empty();
        let authority = at("/_sim/ca.pem", &shared).unwrap();
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let socket = TcpStream::connect(address).await.unwrap();
        let host = ServerName::try_from("sns.us-east-1.amazonaws.com").unwrap();
        let socket = TlsConnector::from(Arc::new(config)).connect(host, socket).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.unwrap();
        let driving = tokio::spawn(connection);
        let request = http::Request::get(path.as_str()).header("host", "sns.us-east-1.amazonaws.com");
        let response = sender.send_request(request.body(Full::<Bytes>::default()).unwrap()).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &http::HeaderValue::from_static(PEM))
        );
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, at(&path, &shared).unwrap());
        driving.abort();
        serving.abort();
    }
}
