//! What is asked of a server's certificate.
//!
//! SQL Server makes itself a certificate at every start, signed by nobody and in old versions with a short key; most
//! stores have no other. An encrypted line without a check keeps listeners out, though not impostors; `verify` does both.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::config::{Certificate, SqlServerConfig};

/// What TLS needs to know, or why it cannot begin.
pub(super) fn tls(
    config: &SqlServerConfig,
) -> Result<(Arc<ClientConfig>, ServerName<'static>), String> {
    let provider = Arc::new(ring::default_provider());
    // SQL Server agrees on TLS inside its own packets up to version 1.2 only.
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS12])
        .map_err(|error| error.to_string())?;
    let host = config.certificate_name.as_ref().unwrap_or(&config.host);
    let name = ServerName::try_from(host.clone());
    match (config.certificate, &config.certificate_authority) {
        (Certificate::Verify, Some(path)) => {
            let mut roots = RootCertStore::empty();
            let unreadable = |error: &dyn std::fmt::Display| {
                format!("{} holds no certificate in PEM: {error}", path.display())
            };
            let found = CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))?;
            for certificate in found {
                let certificate = certificate.map_err(|error| unreadable(&error))?;
                roots.add(certificate).map_err(|error| unreadable(&error))?;
            }
            if roots.is_empty() {
                return Err(unreadable(&"it is empty"));
            }
            let name = name.map_err(|_| format!("{host:?} can be the name of no certificate"))?;
            let config = builder.with_root_certificates(roots).with_no_client_auth();
            Ok((Arc::new(config), name))
        }
        (Certificate::Any | Certificate::Verify, _) => {
            let config = builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
                .with_no_client_auth();
            let nobody = ServerName::try_from("server.invalid").map_err(|e| e.to_string())?;
            Ok((Arc::new(config), name.unwrap_or(nobody)))
        }
    }
}

/// Asks nothing of a certificate.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        // The key belongs to a certificate that nobody vouches for, of a length that the library may refuse.
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = self.0.signature_verification_algorithms.supported_schemes();
        schemes.extend([
            SignatureScheme::RSA_PKCS1_SHA1,
            SignatureScheme::ECDSA_SHA1_Legacy,
        ]);
        schemes
    }
}
