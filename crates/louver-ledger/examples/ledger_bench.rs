//! What appending costs, beside a bare write-and-fsync loop on the same disk in the same run. For `bench/ledger.sh`.
//!
//! Usage: `ledger_bench DIR [SECONDS]`. Prints one JSON object a line.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use louver_ledger::leaf::{CameraTag, Digest};
use louver_ledger::{Leaf, Ledger, Options};

type Failed = Box<dyn std::error::Error>;

fn leaf(n: u64) -> Leaf {
    let digest = Digest::of(&n.to_be_bytes());
    let camera = CameraTag::from_bytes((n % 300).to_be_bytes());
    Leaf::Sealed { camera, hour: 493_000, header: digest, fragments: 150, digest, recovered: false }
}

fn main() -> Result<(), Failed> {
    let args: Vec<String> = std::env::args().collect();
    let [_, dir, rest @ ..] = &args[..] else { return Err("usage: ledger_bench DIR [SECONDS]".into()) };
    let seconds = rest.first().map_or(Ok(10), |s| s.parse())?;
    let dir = Path::new(dir);
    bare(&dir.join("bare"), Duration::from_secs(seconds.min(5)))?;
    let ledger = Ledger::open(&dir.join("paced"), &[7; 16], Options::default())?;
    paced(&ledger, 500, Duration::from_secs(seconds), "")?;
    ledger.close();
    let ledger = Ledger::open(&dir.join("batched"), &[7; 16], Options::default())?;
    batched(&ledger, Duration::from_secs(seconds))?;
    // With hundreds of thousands of leaves on their way into tiles; then with what many cameras write at once.
    paced(&ledger, 500, Duration::from_secs(seconds), ", right after that")?;
    ledger.publish(u64::MAX)?;
    after_a_burst(&ledger, 500, Duration::from_secs(seconds))?;
    bare(&dir.join("bare"), Duration::from_secs(seconds.min(5)))?;
    ledger.close();
    Ok(())
}

/// The floor: one thread that appends 400 bytes and fsyncs, over and over.
fn bare(path: &Path, run: Duration) -> Result<(), Failed> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let (began, mut took) = (Instant::now(), Vec::new());
    while began.elapsed() < run {
        let one = Instant::now();
        file.write_all(&[7; 400])?;
        file.sync_data()?;
        took.push(one.elapsed());
    }
    report("bare write and fsync", took.len() as u64, began.elapsed(), took);
    Ok(())
}

/// As many leaves a second as four callers can append, 1024 at a time.
fn batched(ledger: &Ledger, run: Duration) -> Result<(), Failed> {
    let leaves: Vec<Leaf> = (0..1024).map(leaf).collect();
    let began = Instant::now();
    let took = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut took = Vec::new();
                    while began.elapsed() < run {
                        let one = Instant::now();
                        ledger.append_all(&leaves).map_err(|e| e.to_string())?;
                        took.push(one.elapsed());
                    }
                    Ok::<_, String>(took)
                })
            })
            .collect();
        callers
            .into_iter()
            .map(|c| c.join().map_err(|_| "a caller panicked".to_owned())?)
            .collect::<Result<Vec<_>, _>>()
    })?
    .concat();
    report("batched, 4 callers, 1024 leaves a call", took.len() as u64 * 1024, began.elapsed(), took);
    Ok(())
}

/// Bursts of 8192 leaves, a second apart, and durable appends beside and right after them.
fn after_a_burst(ledger: &Ledger, rate: u32, run: Duration) -> Result<(), Failed> {
    let leaves: Vec<Leaf> = (0..8192).map(leaf).collect();
    let began = Instant::now();
    std::thread::scope(|scope| {
        let bursts = scope.spawn(|| {
            while began.elapsed() < run {
                ledger.append_all(&leaves).map_err(|e| e.to_string())?;
                std::thread::sleep(Duration::from_secs(1));
            }
            Ok::<_, String>(())
        });
        let took = paced(ledger, rate, run, ", a burst of 8192 leaves every second");
        bursts.join().map_err(|_| "the bursts panicked")??;
        took
    })
}

/// So many leaves a second, each waited for by a thread of its own, as requests come to a server; times from when each was due.
fn paced(ledger: &Ledger, rate: u32, run: Duration, beside: &str) -> Result<(), Failed> {
    const WAITERS: usize = 64;
    let (report_to, times) = mpsc::channel();
    let began = Instant::now();
    std::thread::scope(|scope| {
        let work: Vec<_> = (0..WAITERS)
            .map(|_| {
                let (send, due) = mpsc::sync_channel::<Instant>(256);
                let report_to = report_to.clone();
                scope.spawn(move || {
                    for due in due {
                        let outcome =
                            ledger.append(&leaf(1)).map(|_| due.elapsed()).map_err(|e| e.to_string());
                        if report_to.send(outcome).is_err() {
                            break;
                        }
                    }
                });
                send
            })
            .collect();
        drop(report_to);
        for n in 0..(run.as_secs_f64() * f64::from(rate)) as u32 {
            let due = began + Duration::from_secs(1) / rate * n;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if work[n as usize % WAITERS].send(due).is_err() {
                break;
            }
        }
    });
    let took = times.into_iter().collect::<Result<Vec<_>, _>>()?;
    report(&format!("durable append at {rate} a second{beside}"), took.len() as u64, began.elapsed(), took);
    Ok(())
}

fn report(what: &str, leaves: u64, elapsed: Duration, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at =
        |share: f64| took.get((took.len() as f64 * share) as usize).map_or(0.0, |t| t.as_secs_f64() * 1e3);
    println!(
        "{{\"what\":\"{what}\",\"leaves_a_second\":{:.0},\"p50_ms\":{:.2},\"p99_ms\":{:.2},\"max_ms\":{:.2}}}",
        leaves as f64 / elapsed.as_secs_f64(),
        at(0.5),
        at(0.99),
        at(1.0 - f64::EPSILON)
    );
}
