//! Any bytes as all that a camera says over one RTSP connection (RFC 2326, 8866): the way that recording takes, over loopback.

use std::cell::RefCell;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Once;
use std::time::Duration;

use louver_ingest::{Audio, Event, Role, Source, Timing, fuzzing};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::session::{SECRET, Session, USER};

/// Bytes of the camera's after which it is not listened to: more would not fit into the sockets' buffers.
const SAID_MAX: usize = 64 << 10;
/// Requests of ours that are looked at.
const ASKED_MAX: usize = 64 << 10;

thread_local! {
    /// Where the camera listens.
    static CAMERA: RefCell<Option<TcpListener>> = const { RefCell::new(None) };
}

/// What panics is caught, and said in words; only a fuzzer's own hook would end with it.
static KNOWN: Once = Once::new();

/// Libraries that are known to panic on what a camera sends, and are caught where they are called (`louver-ingest/src/quirks.rs`).
fn known(panic: &std::panic::PanicHookInfo<'_>) -> bool {
    let known = ["/sdp-types-0.1.8/", "/retina-0.4.21/src/client/parse.rs"];
    panic.location().is_some_and(|at| known.iter().any(|file| at.file().contains(file)))
}

/// The first byte: whether sound is wanted (1). Then what the camera says, in pieces that begin with 255 and a letter: `a`, an answer
/// whose status line follows without its version, then header lines and the body, to which number and length of the body are added; `p`, an interleaved packet
/// whose channel follows; anything else, the bytes as they are.
pub(crate) fn any_bytes(bytes: &[u8]) {
    KNOWN.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !known(panic) {
                before(panic);
            }
        }));
    });
    let text = String::from_utf8_lossy(bytes);
    let _ = fuzzing::sign_in(&text);
    assert!(fuzzing::codec_name(&text).len() <= 20);
    let Some((how, script)) = bytes.split_first() else { return };
    let said = said(script);
    let (events, asked) = connected(said.clone(), how & 1 != 0);
    let mut session = Session::default();
    session.came(said.len());
    let mut pending = None;
    for event in &events[..events.len().saturating_sub(1)] {
        match event {
            Event::Connected { params, sound, .. } => {
                session.sounds_like(sound.clone());
                pending = Some(params);
            }
            Event::Params(params) => {
                assert!(pending.is_none());
                pending = Some(params);
            }
            Event::Packet(packet) => session.picture(packet, pending.take()),
            Event::Sound(packet) => session.sound(packet),
            Event::Missing { packets } => assert!(*packets > 0),
            Event::Lost { .. } => panic!("a session ends once"),
        }
    }
    let Some(Event::Lost { error, .. }) = events.last() else {
        panic!("a session ends with a reason: {events:?}")
    };
    Session::failed(error);
    assert!(!error.to_string().contains("127.0.0.1"), "{error}");
    let asked = String::from_utf8_lossy(&asked);
    assert!(asked.is_empty() || asked.starts_with("DESCRIBE rtsp://127.0.0.1:"), "{asked}");
    // Unless the camera knew it, and put it into the address of a stream.
    let known = said.windows(SECRET.len()).any(|w| w == SECRET.as_bytes());
    assert!(known || !asked.contains(SECRET), "the password is never sent as it is: {asked}");
}

/// What goes over the wire.
fn said(script: &[u8]) -> Vec<u8> {
    let (mut said, mut number) = (Vec::new(), 0);
    for piece in script.split(|b| *b == 255) {
        match piece.split_first() {
            Some((b'a', answer)) => {
                number += 1;
                let at = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or(answer.len());
                let (head, body) = answer.split_at(at);
                let body = body.get(4..).unwrap_or_default();
                said.extend_from_slice(b"RTSP/1.0 ");
                said.extend_from_slice(head);
                said.extend_from_slice(
                    format!("\r\nCSeq: {number}\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(),
                );
                said.extend_from_slice(body);
            }
            Some((b'p', packet)) => {
                let Some((channel, packet)) = packet.split_first() else { continue };
                said.extend_from_slice(&[b'$', *channel]);
                said.extend_from_slice(&(packet.len() as u16).to_be_bytes());
                said.extend_from_slice(packet);
            }
            _ => said.extend_from_slice(piece),
        }
    }
    said.truncate(SAID_MAX);
    said
}

/// One session with a camera that says this, and what it was asked.
fn connected(said: Vec<u8>, audio: bool) -> (Vec<Event>, Vec<u8>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let camera = CAMERA.with_borrow_mut(|camera| {
            let camera = camera.get_or_insert_with(|| {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
                listener.set_nonblocking(true).expect("a listener");
                listener
            });
            camera.try_clone().expect("a listener")
        });
        let port = camera.local_addr().expect("a port").port();
        let camera = tokio::net::TcpListener::from_std(camera).expect("a listener");
        let address = format!("rtsp://{USER}:{SECRET}@127.0.0.1:{port}/main").parse().expect("an address");
        let mut source = Source::new("gate".parse().expect("an id"), Role::Main, address);
        source.connection.audio = if audio { Audio::Sealed } else { Audio::Off };
        // The camera has said everything and hung up: nothing is ever waited for.
        let long = Duration::from_secs(20);
        source.timing =
            Timing { connect: long, start: long, silence: long, retry_first: long, ..Timing::default() };
        let (out, mut heard) = mpsc::channel(16);
        let stop = CancellationToken::new();
        let mut events = Vec::new();
        let talk = async {
            while let Some(event) = heard.recv().await {
                let lost = matches!(event, Event::Lost { .. });
                events.push(event);
                if lost {
                    stop.cancel();
                }
            }
        };
        let play = louver_ingest::run(source, out, stop.clone());
        let mut asked = Vec::new();
        tokio::select! {
            _ = async { tokio::join!(play, talk) } => {}
            () = serves(&camera, &said, &mut asked) => {}
        }
        (events, asked)
    })
}

/// Serves every connection, one after the other, without an end; `asked` is what came over the first.
async fn serves(camera: &tokio::net::TcpListener, said: &[u8], asked: &mut Vec<u8>) {
    loop {
        let Ok((mut stream, _)) = camera.accept().await else { continue };
        if stream.write_all(said).await.is_err() || stream.shutdown().await.is_err() {
            continue;
        }
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            if asked.len() < ASKED_MAX {
                asked.extend_from_slice(&buffer[..read]);
            }
        }
    }
}
