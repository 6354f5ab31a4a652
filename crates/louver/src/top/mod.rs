//! `louver top`: how the running server is doing, for a terminal and for scripts.

mod page;
mod view;

use std::io::{self, IsTerminal as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use secrecy::{ExposeSecret as _, SecretString};
use ureq::Agent;

use crate::error::Error;
use crate::settings::Settings;
use page::Sample;
use view::View;

const EXAMPLES: &str = "\
Examples:
  louver top
  louver top --once
  louver top --once --json | jq '.cameras[] | select(.state != \"recording\")'
  sudo -u louver louver top --settings /etc/louver/louver.toml

Reads /metrics of the server that runs with these settings, on this machine. behind: packets that wait for sealing and
analysis; gaps and skipped count since the server began.";

/// Arguments of `louver top`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Show it once, after a second of measuring, and end
    #[arg(long)]
    once: bool,
    /// For programs: one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Between two readings.
const EVERY: Duration = Duration::from_secs(1);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Some kilobytes a camera.
const PAGE_MAX: u64 = 64 << 20;

/// Shows it until ended, or once.
pub(crate) fn run(args: &Args, settings: Option<&Path>) -> Result<(), Error> {
    let settings = Settings::load(settings)?;
    let server = Metrics {
        address: near(settings.listen),
        token: settings.metrics_token()?,
        // Never through a proxy of the environment: it is this machine, and the token is for nobody else.
        agent: Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_WITHIN))
            .build()
            .new_agent(),
    };
    let mut before = server.read()?;
    let mut at = Instant::now();
    loop {
        std::thread::sleep(EVERY);
        let after = server.read()?;
        let view = View::of(&before, &after, at.elapsed(), now());
        (before, at) = (after, Instant::now());
        match show(&view, args) {
            Ok(()) if !args.once => {}
            Ok(()) => return Ok(()),
            // `louver top | head` is no failure.
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(e) => return Err(Error::because("nothing can be written to standard output", e)),
        }
    }
}

fn show(view: &View, args: &Args) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, view)?;
        out.write_all(b"\n")?;
    } else {
        // From the upper left, each line cleared to its end: nothing flickers.
        let over = !args.once && out.is_terminal();
        let lines = view.lines();
        let text =
            if over { format!("\x1b[H{}\x1b[J", lines.replace('\n', "\x1b[K\n")) } else { lines + "\n" };
        out.write_all(text.as_bytes())?;
    }
    out.flush()
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Where a server that listens there answers on this machine.
fn near(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

struct Metrics {
    address: SocketAddr,
    token: Option<SecretString>,
    agent: Agent,
}

impl Metrics {
    fn read(&self) -> Result<Vec<Sample>, Error> {
        let mut request = self.agent.get(format!("http://{}/metrics", self.address));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {}", token.expose_secret()));
        }
        let away = |e: ureq::Error| Error::Failed {
            what: format!("no Louver answers at {}", self.address),
            advice: "`louver serve` starts one; the address stands in the settings as `listen`".to_owned(),
            source: Some(e.into()),
        };
        let mut answer = request.call().map_err(away)?;
        let text = answer.body_mut().with_config().limit(PAGE_MAX).read_to_string().map_err(away)?;
        match answer.status().as_u16() {
            200 => Ok(page::read(&text)),
            // With another address than loopback the server takes this for another machine.
            401 | 403 => Err(Error::failed(
                format!("the server at {} does not let its metrics be read", self.address),
                "where `listen` is an address of the network, set [metrics] token_file; after a change, restart the server",
            )),
            other => {
                let what =
                    format!("{} answers {other}: it seems to be no Louver, or an older one", self.address);
                Err(Error::failed(what, "look at `listen` in the settings"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_every_address_is_asked_at_this_machines_own() {
        let of = |listen: &str| near(listen.parse().unwrap()).to_string();
        assert_eq!(of("0.0.0.0:8470"), "127.0.0.1:8470");
        assert_eq!(of("[::]:8470"), "[::1]:8470");
        assert_eq!(of("192.0.2.3:80"), "192.0.2.3:80");
    }
}
