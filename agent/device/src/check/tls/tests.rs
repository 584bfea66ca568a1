//! Against servers with certificates that are wrong in one way each.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;

/// An authority, and its certificate in a file.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    _home: tempfile::TempDir,
    file: PathBuf,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(
            DnType::CommonName,
            format!("authority {}", fastrand::u64(..)),
        );
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("ca.pem");
        std::fs::write(&file, issuer.pem()).unwrap();
        Self {
            issuer,
            _home: home,
            file,
        }
    }

    /// A server whose certificate is for `host` and valid in these years.
    fn server(&self, host: &str, years: std::ops::Range<i32>) -> TlsAcceptor {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        params.not_before = date_time_ymd(years.start, 1, 1);
        params.not_after = date_time_ymd(years.end, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Shakes hands with a server that knows this acceptor, or with one that says good day in clear.
async fn shake(server: Option<TlsAcceptor>, authority: &Authority) -> Result<String, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        match server {
            // The client's refusal is what is looked at.
            Some(acceptor) => drop(acceptor.accept(stream).await),
            None => drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await),
        }
    });
    let stream = TcpStream::connect(address).await.unwrap();
    let shaken = handshake(stream, "localhost", Some(&authority.file)).await;
    served.await.unwrap();
    match shaken {
        Ok(stream) => Ok(facts(&stream)),
        Err(fault) => {
            let (detail, fix) = fault.told(Utc::now());
            Err(format!("{detail} -> {fix}"))
        }
    }
}

#[tokio::test]
async fn each_fault_of_a_certificate_has_its_own_words() {
    let authority = Authority::new();
    let good = shake(Some(authority.server("localhost", 2020..2090)), &authority).await;
    assert!(good.unwrap().starts_with("TLS 1.3"));
    let cases = [
        (
            authority.server("elsewhere.example.org", 2020..2090),
            ["another host", "elsewhere.example.org"],
        ),
        (
            authority.server("localhost", 2020..2022),
            ["expired on 2022-01-01", "renewed"],
        ),
        (
            authority.server("localhost", 2080..2090),
            ["valid from 2080-01-01", "set the board's clock"],
        ),
        (
            Authority::new().server("localhost", 2020..2090),
            ["does not know", "store.tls_ca_file"],
        ),
    ];
    for (server, expected) in cases {
        let told = shake(Some(server), &authority).await.unwrap_err();
        for words in expected {
            assert!(told.contains(words), "{told}");
        }
    }
}

#[tokio::test]
async fn a_service_without_tls_is_told_apart() {
    let told = shake(None, &Authority::new()).await.unwrap_err();
    assert!(told.contains("http://"), "{told}");
}

#[tokio::test]
async fn an_unusable_file_of_authorities_is_named() {
    let mut authority = Authority::new();
    authority.file.set_file_name("missing.pem");
    let told = shake(None, &authority).await.unwrap_err();
    assert!(told.contains("store.tls_ca_file cannot be used"), "{told}");
}
