//! Libraries, the detector, the port.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use louver_base::Class;
use louver_codec::detector::{Detector, DetectorError, ModelKind, load_runtime};

use super::Check;
use crate::decoding::{self, ShutIn};
use crate::detector::{self, Lookup};
use crate::settings::{DetectorSettings, Settings};

const MEND: &str =
    "run `scripts/setup.sh` (or `make setup`), or name the file under [detector] in the settings";

/// libav, the ONNX Runtime and the model.
pub(super) fn checks(settings: &DetectorSettings) -> Vec<Check> {
    let mut checks = vec![decoder()];
    let library = match found("ONNX Runtime library", detector::library(settings)) {
        Ok((path, by)) => match load_runtime(&path) {
            Ok(()) => {
                checks.push(Check::ok("ONNX Runtime library", format!("{} loads ({by})", path.display())));
                Some(path)
            }
            Err(e) => {
                checks.push(Check::error("ONNX Runtime library", &e, MEND));
                None
            }
        },
        Err(check) => {
            checks.push(check);
            None
        }
    };
    match (found("detector model", detector::model(settings)), library) {
        (Err(check), _) => checks.push(check),
        (Ok((path, by)), None) => checks.push(Check::warning(
            "detector model",
            format!("{} is there ({by}), but cannot be tried without the library", path.display()),
            "mend the library first",
        )),
        (Ok((path, by)), Some(library)) => {
            let kind = settings.kind.filter(|_| settings.model.as_ref().is_none_or(|m| *m == path));
            checks.push(match Detector::load(&library, &path, kind) {
                Ok(d) => Check::ok(
                    "detector model",
                    format!("{} works as {} ({by})", path.display(), d.kind().as_str()),
                ),
                Err(e) => Check::error("detector model", &e, mend_model(&e)),
            });
        }
    }
    checks
}

/// libav, and the process without rights that it runs in.
fn decoder() -> Check {
    let version = format!("libavcodec {}", louver_codec::libav_version());
    let shut_in = decoding::decoders().map(|decoders| decoding::try_out(&decoders));
    match shut_in {
        Ok(ShutIn::Whole) => Check::ok("decoder", format!("{version}, shut in (seccomp, landlock)")),
        Ok(ShutIn::Less(says)) => Check::warning(
            "decoder",
            format!("{version}, shut in by seccomp; {says}"),
            decoding::NEWER_KERNEL,
        ),
        Ok(ShutIn::Not(e)) => Check::error("decoder", &e, decoding::MEND),
        Err(e) => Check::error("decoder", &e, ""),
    }
}

/// What the model finds of parcels, where a camera may show them.
pub(super) fn parcels(settings: &Settings, detector: &DetectorSettings) -> Option<Check> {
    let cameras = settings.cameras.iter().filter(|c| c.show.allows(Class::Parcel));
    let cameras: Vec<&str> = cameras.map(|c| c.id.as_str()).collect();
    let Lookup::Found { path, .. } = detector::model(detector) else { return None };
    let kind = detector.kind.or_else(|| ModelKind::guess(&path))?;
    let says = format!(
        "may be shown by {}; the model finds {}, and what it does not find stays a moving box",
        cameras.join(", "),
        kind.parcels()
    );
    (!cameras.is_empty())
        .then(|| Check::warning("parcels", says, "try another model if this one misses what matters"))
}

fn mend_model(e: &DetectorError) -> &'static str {
    match e {
        DetectorError::Kind { .. } | DetectorError::UnknownKind(_) => {
            "set the right `kind` under [detector] in the settings, or another model"
        }
        _ => MEND,
    }
}

fn found(topic: &str, lookup: Lookup) -> Result<(std::path::PathBuf, detector::By), Check> {
    match lookup {
        Lookup::Found { path, by } => Ok((path, by)),
        Lookup::Gone { path, by } => {
            let says = format!("{} ({by}) does not exist", path.display());
            Err(Check::trouble(topic, says, MEND))
        }
        Lookup::Nowhere(places) => {
            let says = format!("it is missing; looked for {}", detector::places_in_words(&places));
            Err(Check::trouble(topic, says, MEND))
        }
    }
}

/// Whether the page's port is free, or a Louver listens there already.
pub(super) fn port(settings: &Settings) -> Check {
    let listen = settings.listen;
    match TcpListener::bind(listen) {
        Ok(_) => Check::ok("page", format!("{listen} is free; no server runs there now")),
        Err(e) if e.kind() == io::ErrorKind::AddrInUse && is_louver(listen) => {
            Check::ok("page", format!("a Louver server answers on {listen}"))
        }
        Err(e) if e.kind() == io::ErrorKind::AddrInUse => Check::trouble(
            "page",
            format!("{listen} is taken by another program"),
            format!("stop it (`ss -ltnp 'sport = :{}'` names it), or set another `listen`", listen.port()),
        ),
        Err(e) => Check::trouble(
            "page",
            format!("Louver cannot listen on {listen}: {e}"),
            "`listen` must be an address of this machine; ports below 1024 need a right of their own",
        ),
    }
}

/// Asks for the page's health and looks whether the answer is Louver's.
fn is_louver(listen: SocketAddr) -> bool {
    let ask = || -> io::Result<Vec<u8>> {
        let patience = Duration::from_secs(2);
        let mut stream = TcpStream::connect_timeout(&listen, patience)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        // Bounded: whatever listens there may send anything for ever.
        stream.take(8192).read_to_end(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|a| a.starts_with(b"HTTP/1.1 200") && a.ends_with(b"\r\n\r\nok"))
}
