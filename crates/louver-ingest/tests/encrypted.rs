//! Cameras that want every request signed with SHA-256, and cameras behind TLS.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod common;

use std::process::{Command, Stdio};
use std::sync::Arc;

use common::{Act, Camera, Manners, Rtp, SECRET, delta, h264_sdp, key, play, run, source};
use louver_ingest::{Connection, Event, Fingerprint, SignIn, Source, Transport, probe};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate as cameras make them for themselves, and its fingerprint as openssl prints it; `None` without openssl.
fn own_certificate() -> Option<(Arc<ServerConfig>, Fingerprint)> {
    let dir = tempfile::tempdir().unwrap();
    let (key, cert) = (dir.path().join("key"), dir.path().join("cert"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=IPCamera"]);
    let made = openssl.arg("-keyout").arg(&key).arg("-out").arg(&cert).stderr(Stdio::null()).status();
    if !made.is_ok_and(|s| s.success()) {
        println!("skipped: no openssl here; scripts/setup.sh installs it");
        return None;
    }
    let printed = Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
        .arg(&cert)
        .output();
    let printed = String::from_utf8(printed.unwrap().stdout).unwrap();
    let fingerprint = format!("sha256:{}", printed.trim().rsplit('=').next().unwrap()).parse().unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(cert).unwrap()],
            PrivateKeyDer::from_pem_file(key).unwrap(),
        );
    Some((Arc::new(config.unwrap()), fingerprint))
}

fn pinned(address: &str, certificate: Option<Fingerprint>) -> Source {
    Source { connection: Connection { certificate, ..Connection::default() }, ..source(address) }
}

#[tokio::test]
async fn requests_are_signed_with_sha_256_where_the_camera_wants_it() {
    let manners = || Manners { digest_sha256: true, ..Manners::default() };
    let sent = vec![key(0), delta(3600, 1), Rtp::Stall];
    let camera = Camera::new(vec![Act::Strange(manners(), h264_sdp(), sent)]).await;
    let mut running = run(source(&camera.address()), 8);
    match running.next().await {
        Event::Connected { .. } => {}
        other => panic!("{other:?}"),
    }
    running.end().await;
    let mut running = run(source(&camera.address().replace(SECRET, "wrong")), 8);
    let (said, _) = running.next_loss().await;
    assert!(said.contains("refuses the user name or password"), "{said}");
    running.end().await;
}

#[tokio::test]
async fn a_certificate_of_the_cameras_own_is_taken_when_it_is_pinned_and_only_then() {
    let (Some((config, fingerprint)), Some((_, other))) = (own_certificate(), own_certificate()) else {
        return;
    };
    let camera =
        Camera::encrypted(config, play(vec![key(0), delta(3600, 1), delta(7200, 2), Rtp::Stall])).await;
    let address = camera.address().replace("rtsp://", "rtsps://");
    let mut running = run(pinned(&address, Some(fingerprint)), 8);
    let mut packets = 0;
    while packets < 3 {
        match running.next().await {
            Event::Packet(_) => packets += 1,
            Event::Lost { error, .. } => panic!("{error}"),
            _ => (),
        }
    }
    running.end().await;
    for (pin, wanted) in
        [(None, "is not one that this machine trusts"), (Some(other), "shows another certificate")]
    {
        let mut running = run(pinned(&address, pin), 8);
        let (said, retry_in) = running.next_loss().await;
        assert!(said.contains(wanted) && said.contains(&fingerprint.to_string()), "{said}");
        assert!(retry_in >= std::time::Duration::from_secs(45), "only settings help: {retry_in:?}");
        running.end().await;
    }
}

#[tokio::test]
async fn a_look_goes_through_the_encryption_too() {
    let Some((config, fingerprint)) = own_certificate() else { return };
    let camera = Camera::encrypted(config, play(vec![key(0), delta(3600, 1), Rtp::Stall])).await;
    let address = camera.address().replace("rtsp://", "rtsps://").parse().unwrap();
    let connection = Connection { certificate: Some(fingerprint), ..Connection::default() };
    // The camera stalls after two pictures, which is what the look ends with.
    let said = probe(&address, &connection).await;
    let report = said.unwrap();
    assert_eq!((report.sign_in, report.video.pictures), (Some(SignIn::Open), 2));
}

#[tokio::test]
async fn a_camera_that_speaks_no_tls_and_pictures_in_clear_beside_it_are_refused_in_words() {
    let camera = Camera::new(vec![Act::Say(b"RTSP/1.0 400 Bad Request\r\n\r\n")]).await;
    let address = camera.address().replace("rtsp://", "rtsps://");
    let mut running = run(source(&address), 8);
    let (said, _) = running.next_loss().await;
    assert!(said.contains("does not speak TLS"), "{said}");
    running.end().await;
    let mut udp = source(&address);
    udp.connection.transport = Transport::Udp;
    let mut running = run(udp, 8);
    let (said, _) = running.next_loss().await;
    assert!(said.contains("travel in clear"), "{said}");
    running.end().await;
}

/// The camera ends the connection: the relay lets go, and the camera is connected to anew.
#[tokio::test]
async fn an_encrypted_camera_that_hangs_up_is_connected_to_anew() {
    let Some((config, fingerprint)) = own_certificate() else { return };
    let camera = Camera::encrypted(config, play(vec![key(0), delta(3600, 1)])).await;
    let address = camera.address().replace("rtsp://", "rtsps://");
    let mut running = run(pinned(&address, Some(fingerprint)), 8);
    for _ in 0..2 {
        let (said, _) = running.next_loss().await;
        assert!(said.contains("closed the connection"), "{said}");
    }
    running.end().await;
}
