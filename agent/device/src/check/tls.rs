//! The TLS handshake, made by hand so that what is wrong with a certificate can be told in words.
//!
//! The certificate authorities are those that uploads trust: the system's and those of `store.tls_ca_file`.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use chrono::{DateTime, SecondsFormat, Utc};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error as Tls, RootCertStore};

use super::link::words;

/// Why there is no TLS.
#[derive(Debug)]
pub(super) enum TlsFault {
    /// The host cannot be named in a certificate.
    Name,
    /// Nobody is trusted: no certificate authority was found.
    NoAuthorities,
    /// `store.tls_ca_file` cannot be used.
    Authorities(String),
    /// The peer or its certificate.
    Peer(Tls),
    /// The connection.
    Broken(io::Error),
}

/// Makes a handshake with `host` over `stream`.
pub(super) async fn handshake(
    stream: TcpStream,
    host: &str,
    authorities: Option<&Path>,
) -> Result<TlsStream<TcpStream>, TlsFault> {
    let roots = trusted(authorities)?;
    if roots.is_empty() {
        return Err(TlsFault::NoAuthorities);
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsFault::Peer)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsFault::Name)?;
    let connected = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await;
    connected.map_err(|error| {
        let tls = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Tls>());
        match tls {
            Some(tls) => TlsFault::Peer(tls.clone()),
            None => TlsFault::Broken(error),
        }
    })
}

fn trusted(extra: Option<&Path>) -> Result<RootCertStore, TlsFault> {
    let mut roots = RootCertStore::empty();
    // One that does not parse, of the system's, costs only itself: as for uploads.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = extra {
        let unusable =
            |error: String| TlsFault::Authorities(format!("{}: {error}", path.display()));
        let certificates = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unusable(error.to_string()))?;
        for certificate in certificates {
            let added = roots.add(certificate);
            added.map_err(|error| unusable(error.to_string()))?;
        }
    }
    Ok(roots)
}

/// What was agreed.
pub(super) fn facts(stream: &TlsStream<TcpStream>) -> String {
    let (_, session) = stream.get_ref();
    let version = session
        .protocol_version()
        .and_then(|version| version.as_str())
        .map_or("TLS", |version| match version {
            "TLSv1_3" => "TLS 1.3",
            "TLSv1_2" => "TLS 1.2",
            other => other,
        });
    format!("{version}, and the certificate is for this host and trusted")
}

impl TlsFault {
    /// What is wrong, and what to do, when the board's clock shows `now`.
    pub(super) fn told(&self, now: DateTime<Utc>) -> (String, String) {
        let told = |detail: &str, fix: &str| (detail.to_owned(), fix.to_owned());
        match self {
            Self::Name => told(
                "no certificate can be for this host",
                "give store.endpoint a host name that its certificate is for",
            ),
            Self::NoAuthorities => told(
                "no certificate authority is known on this board, so nobody can be trusted",
                "install them: apt-get install ca-certificates",
            ),
            Self::Authorities(why) => (
                format!("store.tls_ca_file cannot be used: {why}"),
                "have it hold the authority's certificate as PEM".to_owned(),
            ),
            Self::Peer(Tls::InvalidCertificate(certificate)) => of_certificate(certificate, now),
            Self::Peer(Tls::InvalidMessage(_)) => told(
                "what answers there does not speak TLS",
                "is the service http:// instead of https://, or at another port? correct store.endpoint",
            ),
            Self::Peer(other) => (
                format!("the handshake failed: {other}"),
                "see that the service and no proxy answers there, and that it speaks TLS 1.2 or 1.3".to_owned(),
            ),
            Self::Broken(error) => (
                format!("the connection ended in the handshake: {}", words(error)),
                "is the service http:// instead of https://, or a firewall between? correct store.endpoint".to_owned(),
            ),
        }
    }
}

fn of_certificate(fault: &CertificateError, now: DateTime<Utc>) -> (String, String) {
    use CertificateError as E;
    let shown = now.to_rfc3339_opts(SecondsFormat::Secs, true);
    let clock = format!("(the board's clock shows {shown})");
    match fault {
        E::ExpiredContext { not_after, .. } => (
            format!("the certificate expired on {} {clock}", date(*not_after)),
            "set the board's clock if it is wrong; else have the service's certificate renewed".to_owned(),
        ),
        E::Expired => (
            format!("the certificate has expired {clock}"),
            "set the board's clock if it is wrong; else have the service's certificate renewed".to_owned(),
        ),
        E::NotValidYetContext { not_before, .. } => (
            format!("the certificate is valid from {} on {clock}", date(*not_before)),
            "set the board's clock: `timedatectl set-ntp true`, or `date -s`".to_owned(),
        ),
        E::NotValidYet => (
            format!("the certificate is not valid yet {clock}"),
            "set the board's clock: `timedatectl set-ntp true`, or `date -s`".to_owned(),
        ),
        E::NotValidForNameContext { presented, .. } => (
            format!("the certificate is for another host: {}", presented.join(", ")),
            "have store.endpoint name the host that the certificate is for; or a captive portal answers: log in there".to_owned(),
        ),
        E::NotValidForName => (
            "the certificate is for another host".to_owned(),
            "have store.endpoint name the host that the certificate is for; or a captive portal answers: log in there".to_owned(),
        ),
        E::UnknownIssuer | E::BadSignature => (
            "the certificate is signed by an authority that this board does not know".to_owned(),
            "set store.tls_ca_file to that authority's certificate, or install ca-certificates".to_owned(),
        ),
        E::Revoked => (
            "the certificate was revoked".to_owned(),
            "have the service's certificate renewed".to_owned(),
        ),
        other => (
            format!("the certificate cannot be trusted: {other}"),
            "have the service's certificate renewed, or set store.tls_ca_file".to_owned(),
        ),
    }
}

fn date(of: UnixTime) -> String {
    let at = UNIX_EPOCH + std::time::Duration::from_secs(of.as_secs());
    DateTime::<Utc>::from(at).to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests;
