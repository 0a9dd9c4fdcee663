//! The key that SNS's messages are signed with, its certificate, and the authority that issued it.
//!
//! They are made when they are first needed, anew in each process: a private key that never leaves
//! memory cannot be mistaken for one that matters. Everything else about a message is the model's, a
//! function of its seed; the signatures are not, because their key is not.

use std::fmt;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use num_bigint::BigUint;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize, SigningKey, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivatePkcs8KeyDer;
use sha1::{Digest, Sha1};

use super::model::sns::message::{Sign, SignatureVersion};

/// Signs for the SNS of one region.
pub struct Signer {
    region: String,
    made: OnceLock<Result<Made, NotMade>>,
}

struct Made {
    key: KeyPair,
    rsa: Rsa,
    certificate: String,
    authority: String,
    server: Arc<ServerConfig>,
    stranger: Arc<ServerConfig>,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
enum NotMade {
    #[error(transparent)]
    Certificate(#[from] rcgen::Error),
    #[error(transparent)]
    Tls(#[from] rustls::Error),
}

impl Signer {
    #[must_use]
    pub fn new(region: &str) -> Signer {
        Signer { region: region.into(), made: OnceLock::new() }
    }

    /// The certificate of the key, as PEM, with its issuer's behind it if asked for. None if no key
    /// could be made.
    pub fn certificate(&self, with_chain: bool) -> Option<String> {
        let made = self.made()?;
        let chain = if with_chain { made.authority.as_str() } else { "" };
        Some(format!("{}{chain}", made.certificate))
    }

    /// The certificate of the authority, as PEM: what a receiver is to trust.
    pub fn authority(&self) -> Option<String> {
        self.made().map(|made| made.authority.clone())
    }

    /// How the front speaks TLS as SNS's host, with the same certificate: whoever fetches what
    /// `SigningCertURL` names does it over HTTPS.
    pub(super) fn server(&self) -> Option<Arc<ServerConfig>> {
        self.made().map(|made| made.server.clone())
    }

    /// The same with a certificate that says the same and that no authority has issued.
    pub(super) fn stranger(&self) -> Option<Arc<ServerConfig>> {
        self.made().map(|made| made.stranger.clone())
    }

    fn made(&self) -> Option<&Made> {
        self.made.get_or_init(|| Made::new(&self.region)).as_ref().ok()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("region", &self.region).finish_non_exhaustive()
    }
}

impl Sign for Signer {
    /// Empty if no key could be made, which verifies nowhere.
    fn sign(&self, version: SignatureVersion, text: &str) -> String {
        let Some(made) = self.made() else { return String::new() };
        let signature = match version {
            SignatureVersion::V1 => made.rsa.sign(&SHA1_INFO, &Sha1::digest(text.as_bytes())),
            SignatureVersion::V2 => made.key.sign(text.as_bytes()).unwrap_or_default(),
        };
        STANDARD.encode(signature)
    }
}

impl Made {
    fn new(region: &str) -> Result<Made, NotMade> {
        let (authority, issuer) = authority()?;
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let rsa = Rsa::of_pkcs8(&key.serialize_der()).ok_or(rcgen::Error::CouldNotParseKeyPair)?;
        let certificate = certificate(region, &key, &issuer)?;
        let server = server_of(&certificate, &key)?;
        let own = KeyPair::generate()?;
        let stranger = server_of(&named(region)?.self_signed(&own)?, &own)?;
        let (certificate, authority) = (pem(&certificate), pem(&authority));
        Ok(Made { key, rsa, certificate, authority, server, stranger })
    }
}

fn server_of(certificate: &Certificate, key: &KeyPair) -> Result<Arc<ServerConfig>, NotMade> {
    let private = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private.into())?;
    Ok(Arc::new(config))
}

fn authority() -> Result<(Certificate, Issuer<'static, KeyPair>), rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    always(&mut params);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.distinguished_name.push(DnType::CommonName, "Simulated AWS");
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate, Issuer::new(params, key)))
}

/// Named as SNS's own: `sns.amazonaws.com`, and the host that `SigningCertURL` names.
fn certificate(
    region: &str,
    key: &KeyPair,
    issuer: &Issuer<'static, KeyPair>,
) -> Result<Certificate, rcgen::Error> {
    let mut params = named(region)?;
    params.use_authority_key_identifier_extension = true;
    params.signed_by(key, issuer)
}

/// What the certificate says of whom it is for.
fn named(region: &str) -> Result<CertificateParams, rcgen::Error> {
    const NAME: &str = "sns.amazonaws.com";
    let mut params = CertificateParams::new(vec![NAME.into(), format!("sns.{region}.amazonaws.com")])?;
    always(&mut params);
    params.distinguished_name.push(DnType::CommonName, NAME);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

/// Valid at any time a simulation may be set in.
fn always(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2099, 1, 1);
}

pub(crate) fn pem(certificate: &Certificate) -> String {
    const WIDTH: usize = 64;
    let text = STANDARD.encode(certificate.der());
    let lines: Vec<&str> =
        (0..text.len()).step_by(WIDTH).filter_map(|i| text.get(i..(i + WIDTH).min(text.len()))).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// What stands before a digest in PKCS #1 v1.5 (RFC 8017, 9.2, note 1).
const SHA1_INFO: [u8; 15] =
    [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14];

/// A private key as numbers. The library that signs everything else no longer signs SHA-1, which
/// SNS's signature version 1 still is. Not in constant time: nobody's secret is in it.
struct Rsa {
    p: BigUint,
    q: BigUint,
    d_p: BigUint,
    d_q: BigUint,
    q_inverse: BigUint,
    /// Bytes of the modulus.
    length: usize,
}

impl Rsa {
    /// From a `PrivateKeyInfo` (RFC 5208) with an `RSAPrivateKey` (RFC 8017, A.1.2) in it.
    fn of_pkcs8(der: &[u8]) -> Option<Rsa> {
        let (info, _) = element(der)?;
        let (_version, rest) = element(info)?;
        let (_algorithm, rest) = element(rest)?;
        let (key, _) = element(rest)?;
        let (mut rest, _) = element(key)?;
        let mut numbers = Vec::new();
        while let Some((content, after)) = element(rest) {
            numbers.push(BigUint::from_bytes_be(content));
            rest = after;
        }
        let [_version, n, _e, _d, p, q, d_p, d_q, q_inverse] = <[BigUint; 9]>::try_from(numbers).ok()?;
        let length = usize::try_from(n.bits().div_ceil(8)).ok()?;
        Some(Rsa { p, q, d_p, d_q, q_inverse, length })
    }

    /// Signs a digest by PKCS #1 v1.5 (RFC 8017, 8.2.1), with the second representation of the key.
    fn sign(&self, info: &[u8], digest: &[u8]) -> Vec<u8> {
        let padding = self.length.saturating_sub(info.len() + digest.len() + 3);
        let encoded = [&[0, 1][..], &vec![0xff; padding], &[0], info, digest].concat();
        let message = BigUint::from_bytes_be(&encoded);
        let by_p = message.modpow(&self.d_p, &self.p);
        let by_q = message.modpow(&self.d_q, &self.q);
        // Never below zero: one p more than by_q can have.
        let difference = (by_p + &self.p - &by_q % &self.p) % &self.p;
        let signature = (&by_q + &self.q * ((difference * &self.q_inverse) % &self.p)).to_bytes_be();
        let zeros = self.length.saturating_sub(signature.len());
        [vec![0; zeros], signature].concat()
    }
}

/// The content of the first DER element, and what comes after it.
fn element(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        (bytes.iter().try_fold(0_usize, |n, b| n.checked_mul(256)?.checked_add(usize::from(*b)))?, rest)
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use sha2::Sha256;

    use super::*;

    const SHA256_INFO: [u8; 19] = [
        0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
        0x04, 0x20,
    ];

    /// PKCS #1 v1.5 leaves no choice, so both ways of signing give the same bytes.
    #[test]
    fn our_arithmetic_is_that_of_the_library() {
        let made = Made::new("us-east-1").unwrap();
        for text in ["", "a", "Message\nx\n"] {
            let ours = made.rsa.sign(&SHA256_INFO, &Sha256::digest(text.as_bytes()));
            assert_eq!(ours, made.key.sign(text.as_bytes()).unwrap(), "{text}");
            assert_eq!(ours.len(), 256);
        }
    }

    #[test]
    fn versions_sign_differently_and_always_the_same() {
        let signer = Signer::new("us-east-1");
        let sign = |version| signer.sign(version, "text");
        assert_eq!(sign(SignatureVersion::V1), sign(SignatureVersion::V1));
        assert_ne!(sign(SignatureVersion::V1), sign(SignatureVersion::V2));
        assert_eq!(STANDARD.decode(sign(SignatureVersion::V1)).unwrap().len(), 256);
    }

    #[test]
    fn certificates_are_written_as_pem_with_or_without_their_issuer() {
        let signer = Signer::new("us-east-1");
        let count = |text: &str| text.matches("-----BEGIN CERTIFICATE-----\n").count();
        let alone = signer.certificate(false).unwrap();
        let chain = signer.certificate(true).unwrap();
        assert_eq!((count(&alone), count(&chain)), (1, 2));
        assert_eq!(chain, format!("{alone}{}", signer.authority().unwrap()));
        assert!(chain.lines().all(|line| line.len() <= 64));
    }

    #[test]
    fn what_is_no_key_is_no_key() {
        for der in [&[][..], &[0x30], &[0x30, 5, 1], &[0x30, 0x89, 1], &[0x30, 0]] {
            assert!(Rsa::of_pkcs8(der).is_none(), "{der:?}");
        }
    }
}
