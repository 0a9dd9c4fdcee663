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
    use std::io;
    use std::net::SocketAddr;
    use std::sync::Arc;

    use bytes::Bytes;
    use http_body_util::{BodyExt, Full};
    use hyper::client::conn::http1;
    use hyper_util::rt::TokioIo;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    use rustls::{ClientConfig, RootCertStore};
    use tokio::net::TcpStream;
    use tokio::task::JoinHandle;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::client::TlsStream;

    use super::super::super::model::{Change, Model};
    use super::super::super::settings::{Fault, Script, Settings, SnsSettings};
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

    /// A front that serves until the test ends.
    struct Serving {
        address: SocketAddr,
        shared: Shared,
        task: JoinHandle<()>,
    }

    impl Drop for Serving {
        fn drop(&mut self) {
            self.task.abort();
        }
    }

    impl Serving {
        async fn new(settings: Settings) -> Serving {
            let shared = Shared::new(Model::new(settings, 1).unwrap(), Clock::real());
            let limits = FrontLimits { connections: 8, batch: 1 };
            let front = Front::bind("127.0.0.1:0".parse().unwrap(), limits, shared.clone()).await.unwrap();
            Serving { address: front.address().unwrap(), shared, task: tokio::spawn(front.serve()) }
        }

        /// As SNS's host, by somebody who knows only its authority.
        async fn handshake(&self) -> io::Result<TlsStream<TcpStream>> {
            let mut roots = RootCertStore::empty();
            let authority = at("/_sim/ca.pem", &self.shared).unwrap();
            roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            let host = ServerName::try_from("sns.us-east-1.amazonaws.com").unwrap();
            let socket = TcpStream::connect(self.address).await?;
            TlsConnector::from(Arc::new(config)).connect(host, socket).await
        }
    }

    /// As a verifier fetches it: over HTTPS from the host that the message names, which it was told to
    /// look for here.
    #[tokio::test]
    async fn the_certificate_is_served_over_tls_as_its_host() {
        let front = Serving::new(Settings::default()).await;
        let path = front.shared.with(|model, _| model.certificate_path());
        let socket = front.handshake().await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.unwrap();
        let driving = tokio::spawn(connection);
        let request = http::Request::get(path.as_str()).header("host", "sns.us-east-1.amazonaws.com");
        let response = sender.send_request(request.body(Full::<Bytes>::default()).unwrap()).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &http::HeaderValue::from_static(PEM))
        );
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, at(&path, &front.shared).unwrap());
        driving.abort();
    }

    #[tokio::test]
    async fn handshakes_break_off_or_meet_a_stranger_while_the_script_says_so() {
        let script = vec![Script::always(Fault::Tls)];
        let front = Serving::new(Settings { script, ..Settings::default() }).await;
        let (mut broken, mut strangers) = (0, 0);
        for _ in 0..20 {
            let error = front.handshake().await.unwrap_err();
            if error.kind() == io::ErrorKind::InvalidData {
                assert!(error.to_string().contains("UnknownIssuer"), "{error}");
                strangers += 1;
            } else {
                broken += 1;
            }
        }
        assert!(broken > 0 && strangers > 0, "{broken} {strangers}");
        let healed = Change { script: Some(Vec::new()), ..Change::default() };
        front.shared.with(|model, now| model.change(&healed, now)).unwrap();
        assert!(front.handshake().await.is_ok());
    }
}
