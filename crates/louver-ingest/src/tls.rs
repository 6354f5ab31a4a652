//! RTSPS: RTSP within TLS. retina connects by itself and knows no TLS, so a relay stands between: it takes one connection from this
//! machine and passes its bytes on to the camera, encrypted.

use std::net::Ipv4Addr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use louver_base::CameraAddress;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use crate::{Fingerprint, IngestError};

/// How long the relay waits for its one connection: it is made at once or never.
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);

/// A relay to one camera, for one connection. It ends when either side closes, or when this is dropped.
#[derive(Debug)]
pub(crate) struct Relay {
    /// Where it listens, on this machine.
    port: u16,
    _stop: DropGuard,
}

impl Relay {
    /// Connects to the camera and proves who it is; only then is there anything to connect to.
    pub(crate) async fn open(
        address: &CameraAddress,
        pinned: Option<Fingerprint>,
    ) -> Result<Self, IngestError> {
        let camera = connect(address, pinned).await?;
        let failed = |e: std::io::Error| IngestError::Encryption(e.kind().to_string());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move {
            tokio::select! { biased;
                () = stopped.cancelled() => {}
                () = relay(listener, camera) => {}
            }
        });
        Ok(Self { port, _stop: stop.drop_guard() })
    }

    /// The camera's address as it is reached through the relay.
    pub(crate) fn url(&self, camera: &Url) -> Option<Url> {
        let mut url = Url::parse(&format!("rtsp://127.0.0.1:{}", self.port)).ok()?;
        url.set_path(camera.path());
        url.set_query(camera.query());
        Some(url)
    }
}

/// 8 KiB each way wait in it at most; beyond that each side holds the other back.
async fn relay(listener: TcpListener, mut camera: Box<TlsStream<TcpStream>>) {
    let Ok(Ok((mut here, _))) = tokio::time::timeout(CONNECTED_WITHIN, listener.accept()).await else {
        return;
    };
    // Nobody else gets in.
    drop(listener);
    // Whatever ends it, retina sees its connection end.
    let _ = tokio::io::copy_bidirectional(&mut here, &mut camera).await;
}

async fn connect(
    address: &CameraAddress,
    pinned: Option<Fingerprint>,
) -> Result<Box<TlsStream<TcpStream>>, IngestError> {
    let url = address.rtsp_url().ok_or(IngestError::NotRtsp)?;
    let host = url.host_str().unwrap_or("").trim_matches(['[', ']']).to_owned();
    let unreachable = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::ConnectionRefused => IngestError::ConnectionRefused,
        _ => IngestError::Unreachable(e.kind().to_string()),
    };
    let stream =
        TcpStream::connect((host.as_str(), address.port().unwrap_or(322))).await.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    let verifier = Arc::new(Verifier::new(pinned));
    let config = ClientConfig::builder_with_provider(verifier.provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| IngestError::Encryption(e.to_string()))?
        .dangerous() // only in that the verifier is ours: it takes one certificate, or asks the usual one
        .with_custom_certificate_verifier(verifier.clone())
        .with_no_client_auth();
    let name = ServerName::try_from(host).map_err(|_| IngestError::Encryption("its name is none".into()))?;
    let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    shaken.map(Box::new).map_err(|e| verifier.refusal(&e))
}

/// What the machine trusts; read once.
fn roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let load = || {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    };
    ROOTS.get_or_init(load).clone()
}

/// Takes the pinned certificate and no other; without a pin those that the system's authorities vouch for.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    pinned: Option<Fingerprint>,
    /// Of the certificate that was shown.
    shown: OnceLock<Fingerprint>,
}

impl Verifier {
    fn new(pinned: Option<Fingerprint>) -> Self {
        Self { provider: Arc::new(aws_lc_rs::default_provider()), pinned, shown: OnceLock::new() }
    }

    /// Why there is no connection, for the operator.
    fn refusal(&self, error: &std::io::Error) -> IngestError {
        let tls = error.get_ref().and_then(|e| e.downcast_ref::<Error>());
        match (tls, self.shown.get(), self.pinned) {
            (Some(Error::InvalidCertificate(_)), Some(shown), Some(_)) => {
                IngestError::OtherCertificate(*shown)
            }
            (Some(Error::InvalidCertificate(_)), Some(shown), None) => {
                IngestError::UntrustedCertificate(*shown)
            }
            (Some(Error::InvalidMessage(_)), ..) => {
                IngestError::Encryption("what answers does not speak TLS".into())
            }
            (Some(e), ..) => IngestError::Encryption(e.to_string().chars().take(160).collect()),
            (None, ..) => IngestError::Closed,
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = *self.shown.get_or_init(|| Fingerprint::of(certificate));
        match self.pinned {
            Some(pinned) if pinned == shown => Ok(ServerCertVerified::assertion()),
            Some(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
            None => {
                let usual = WebPkiServerVerifier::builder_with_provider(roots(), self.provider.clone());
                // A machine that trusts nobody trusts no camera.
                let usual = usual.build().map_err(|_| CertificateError::UnknownIssuer)?;
                usual.verify_server_cert(certificate, intermediates, name, ocsp, now)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
