//! Whom we trust, and whether a certificate is SNS's.
//!
//! AWS's guide asks for both: that the certificate was issued to SNS, and that its chain ends at an
//! authority we trust. The file that `SigningCertURL` names holds SNS's own certificate and not its
//! issuer's, which no list of roots has either; it is where the certificate says, at Amazon's.

use rustls::RootCertStore;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error as TlsError};

use crate::decide::words::Time;

/// Most certificates that are read from one file: a chain has three or four.
const CHAIN_MAX: usize = 8;

/// The roots, and the authorities between them and SNS that are known beforehand.
#[derive(Clone, Debug)]
pub struct Trust {
    roots: RootCertStore,
    between: Vec<CertificateDer<'static>>,
}

/// There is nobody to trust.
#[derive(Debug, thiserror::Error)]
pub enum NoTrust {
    #[error("this machine has no trusted roots: {0}")]
    NoRoots(String),
    #[error("the file with trusted certificates holds none: {0}")]
    NotPem(String),
    #[error("a trusted certificate cannot be read: {0}")]
    Certificate(#[from] TlsError),
}

impl Trust {
    /// This machine's roots, as browsers have them.
    ///
    /// # Errors
    /// If there are none.
    pub fn native() -> Result<Trust, NoTrust> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(found.certs);
        if added == 0 {
            let why: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
            return Err(NoTrust::NoRoots(why.join("; ")));
        }
        Ok(Trust { roots, between: Vec::new() })
    }

    /// These roots and no others.
    ///
    /// # Errors
    /// If one cannot be read, or there are none.
    pub fn of_pem(roots: &str) -> Result<Trust, NoTrust> {
        let mut store = RootCertStore::empty();
        for root in certificates(roots.as_bytes(), usize::MAX).map_err(NoTrust::NotPem)? {
            store.add(root)?;
        }
        Ok(Trust { roots: store, between: Vec::new() })
    }

    /// Knows these authorities too, so that nothing needs to be fetched from Amazon's: for machines
    /// that reach SNS and nothing else. They are believed only as far as a root vouches for them.
    ///
    /// # Errors
    /// If one cannot be read, or there are none.
    pub fn knowing(mut self, between: &str) -> Result<Trust, NoTrust> {
        self.between.extend(certificates(between.as_bytes(), usize::MAX).map_err(NoTrust::NotPem)?);
        Ok(self)
    }

    pub(super) fn roots(&self) -> &RootCertStore {
        &self.roots
    }

    /// Is this certificate one of these names', from an issuer we trust, at this time?
    pub(super) fn judge(&self, chain: &Chain, names: &[ServerName<'_>], now: Time) -> Result<(), Distrust> {
        let leaf = ParsedCertificate::try_from(&chain.leaf).map_err(|e| Distrust::of(&e))?;
        let between: Vec<CertificateDer<'_>> =
            chain.between.iter().chain(&self.between).map(|c| CertificateDer::from(c.as_ref())).collect();
        let now = UnixTime::since_unix_epoch(now.since(Time(0)));
        let algorithms = default_provider().signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&leaf, &self.roots, &between, now, algorithms)
            .map_err(|e| Distrust::of(&e))?;
        if names.iter().any(|name| verify_server_name(&leaf, name).is_ok()) {
            Ok(())
        } else {
            let names: Vec<_> = names.iter().map(ServerName::to_str).collect();
            Err(Distrust::Never(format!("it is not issued to {}", names.join(" or "))))
        }
    }
}

/// A certificate, its key, and what came with it.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    leaf: CertificateDer<'static>,
    between: Vec<CertificateDer<'static>>,
    /// `SubjectPublicKeyInfo`.
    key: Vec<u8>,
}

/// Why a certificate is not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Distrust {
    /// Its issuer is not known: perhaps it can be.
    UnknownIssuer,
    /// Nothing that could still be learnt would change it.
    Never(String),
}

impl Distrust {
    fn of(e: &TlsError) -> Distrust {
        if *e == TlsError::InvalidCertificate(CertificateError::UnknownIssuer) {
            Distrust::UnknownIssuer
        } else {
            Distrust::Never(e.to_string())
        }
    }
}

impl Chain {
    /// The first certificate of a PEM file, with those behind it.
    pub(super) fn of_pem(pem: &[u8]) -> Result<Chain, String> {
        let mut all = certificates(pem, CHAIN_MAX)?;
        let leaf = all.remove(0);
        let parsed = ParsedCertificate::try_from(&leaf).map_err(|e| e.to_string())?;
        let key = parsed.subject_public_key_info().to_vec();
        Ok(Chain { leaf, between: all, key })
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    /// With its issuer's certificate, as DER or PEM.
    pub(super) fn issued_by(&self, issuer: &[u8]) -> Result<Chain, String> {
        let mut chain = self.clone();
        if issuer.starts_with(b"-----BEGIN") {
            chain.between.extend(certificates(issuer, CHAIN_MAX)?);
        } else {
            chain.between.push(CertificateDer::from(issuer.to_vec()));
        }
        Ok(chain)
    }

    /// Where the certificate says that its issuer's is, if that is at Amazon's authority.
    ///
    /// It is looked for as bytes, the OID `id-ad-caIssuers` (RFC 5280, 4.2.2.1) before a URI: what it
    /// leads to is believed only if a root vouches for it, so nothing hangs on reading it well.
    pub(super) fn issuer_url(&self) -> Option<String> {
        const CA_ISSUERS_URI: &[u8] = &[0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02, 0x86];
        let der = self.leaf.as_ref();
        let at = der.windows(CA_ISSUERS_URI.len()).position(|w| w == CA_ISSUERS_URI)?;
        let (length, rest) = der.get(at + CA_ISSUERS_URI.len()..)?.split_first()?;
        let url = std::str::from_utf8(rest.get(..usize::from(*length))?).ok()?;
        is_amazons(url).then(|| url.to_owned())
    }
}

/// `http://crt.NAME.amazontrust.com/NAME.cer`: over plain HTTP, as all authorities publish theirs.
fn is_amazons(url: &str) -> bool {
    let word = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let parts = url.strip_prefix("http://crt.").and_then(|rest| rest.split_once(".amazontrust.com/"));
    parts.is_some_and(|(authority, file)| {
        word(authority) && file.strip_suffix(".cer").or(file.strip_suffix(".crt")).is_some_and(word)
    })
}

fn certificates(pem: &[u8], most: usize) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).take(most).collect();
    let all = all.map_err(|e| e.to_string())?;
    if all.is_empty() { Err("it holds no certificate".to_owned()) } else { Ok(all) }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CustomExtension, IsCa, Issuer, KeyPair, date_time_ymd};

    use super::*;
    use crate::hooks::sns::testing::{aws, topic, trust as simulated};
    use crate::sim::signer::pem;

    const NOW: Time = Time(1_767_225_600_000);

    struct Authority(Issuer<'static, KeyPair>, String);

    fn authority() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = pem(&params.self_signed(&key).unwrap());
        Authority(Issuer::new(params, key), pem)
    }

    fn issued(by: &Authority, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Chain {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2025, 1, 1);
        params.not_after = date_time_ymd(2027, 1, 1);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Chain::of_pem(pem(&params.signed_by(&key, &by.0).unwrap()).as_bytes()).unwrap()
    }

    fn judged(trust: &Trust, chain: &Chain, now: Time) -> Result<(), Distrust> {
        trust.judge(chain, &topic().names(), now)
    }

    #[test]
    fn the_simulated_snss_certificate_is_trusted_with_and_without_its_issuer_behind_it() {
        let trust = simulated();
        for with_chain in [false, true] {
            let chain = Chain::of_pem(aws().certificate(with_chain).as_bytes()).unwrap();
            assert_eq!(judged(&trust, &chain, NOW), Ok(()));
        }
    }

    #[test]
    fn a_certificate_must_be_sns_and_valid_now() {
        let authority = authority();
        let trust = Trust::of_pem(&authority.1).unwrap();
        let good = issued(&authority, "sns.amazonaws.com", |_| {});
        assert_eq!(judged(&trust, &good, NOW), Ok(()));
        let regional = issued(&authority, "sns-signing.us-east-1.amazonaws.com", |_| {});
        assert_eq!(judged(&trust, &regional, NOW), Ok(()));
        for name in [
            "sns.us-east-1.amazonaws.com",
            "sns-signing.eu-west-1.amazonaws.com",
            "sns.amazonaws.com.evil.example",
            "s3.amazonaws.com",
        ] {
            let other = issued(&authority, name, |_| {});
            let Err(Distrust::Never(why)) = judged(&trust, &other, NOW) else { panic!("{name}") };
            assert!(why.starts_with("it is not issued to sns-signing.us-east-1"), "{why}");
        }
        for now in [Time(0), Time(1_735_689_599_000), Time(1_798_761_601_000), Time::NEVER] {
            assert!(matches!(judged(&trust, &good, now), Err(Distrust::Never(_))), "{now:?}");
        }
    }

    #[test]
    fn a_certificate_from_nobody_we_trust_is_not_trusted() {
        let trust = Trust::of_pem(&authority().1).unwrap();
        let strangers = issued(&authority(), "sns.amazonaws.com", |_| {});
        // Their authority has the name of ours, and another key.
        assert!(judged(&trust, &strangers, NOW).is_err());
        assert_eq!(judged(&simulated(), &strangers, NOW), Err(Distrust::UnknownIssuer));
        let own = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["sns.amazonaws.com".to_owned()]).unwrap();
        let own = Chain::of_pem(pem(&params.self_signed(&own).unwrap()).as_bytes()).unwrap();
        assert!(judged(&trust, &own, NOW).is_err());
    }

    #[test]
    fn an_issuer_between_is_known_beforehand_or_given() {
        let root = authority();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "between");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &root.0).unwrap();
        let (der, text) = (certificate.der().to_vec(), pem(&certificate));
        let between = Authority(Issuer::new(params, key), text.clone());

        let chain = issued(&between, "sns.amazonaws.com", |_| {});
        let trust = Trust::of_pem(&root.1).unwrap();
        assert_eq!(judged(&trust, &chain, NOW), Err(Distrust::UnknownIssuer));
        for issuer in [&der[..], text.as_bytes()] {
            assert_eq!(judged(&trust, &chain.issued_by(issuer).unwrap(), NOW), Ok(()));
        }
        assert_eq!(judged(&trust.knowing(&text).unwrap(), &chain, NOW), Ok(()));
        assert!(
            judged(&Trust::of_pem(&authority().1).unwrap().knowing(&text).unwrap(), &chain, NOW).is_err()
        );
    }

    /// Authority information access, as DER: one access description of `id-ad-caIssuers`.
    fn with_issuer(url: &str) -> impl FnOnce(&mut CertificateParams) {
        let length = |n: usize| u8::try_from(n).unwrap();
        let oid = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02];
        let uri = [&[0x86, length(url.len())], url.as_bytes()].concat();
        let description = [&[0x30, length(oid.len() + uri.len())], &oid[..], &uri].concat();
        let access = [&[0x30, length(description.len())], &description[..]].concat();
        let access = CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], access);
        move |params| params.custom_extensions.push(access)
    }

    #[test]
    fn an_issuer_is_fetched_from_amazons_authority_only() {
        let authority = authority();
        let at = |url: &str| issued(&authority, "sns.amazonaws.com", with_issuer(url)).issuer_url();
        let amazons = "http://crt.r2m01.amazontrust.com/r2m01.cer";
        assert_eq!(at(amazons).as_deref(), Some(amazons));
        for url in [
            "http://169.254.169.254/latest/meta-data/",
            "http://crt.r2m01.amazontrust.com.evil.example/r2m01.cer",
            "http://crt.r2m01.amazontrust.com@evil.example/r2m01.cer",
            "http://evil.example/crt.r2m01.amazontrust.com/r2m01.cer",
            "http://crt.evil.example/x.amazontrust.com/r2m01.cer",
            "http://crt.r2m01.amazontrust.com:8080/r2m01.cer",
            "http://crt.r2m01.amazontrust.com/../r2m01.cer",
            "http://crt.r2m01.amazontrust.com/r2m01.cer?x",
            "ldap://crt.r2m01.amazontrust.com/r2m01.cer",
            "",
        ] {
            assert_eq!(at(url), None, "{url}");
        }
        assert_eq!(issued(&authority, "sns.amazonaws.com", |_| {}).issuer_url(), None);
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        for pem in [
            &b""[..],
            b"<html>",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            b"-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n",
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            assert!(Chain::of_pem(pem).is_err());
        }
        assert!(matches!(Trust::of_pem("x"), Err(NoTrust::NotPem(_))));
    }

    #[test]
    fn this_machines_roots_are_found() {
        assert!(Trust::native().is_ok_and(|trust| !trust.roots().is_empty()));
    }
}
