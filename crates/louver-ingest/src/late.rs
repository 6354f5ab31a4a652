//! Reading late, where nobody waits for a picture: a stream that is only sealed may lie in the system's buffer for a moment, and one
//! look takes what came since the last. A look costs the same whether it finds a packet or a hundred.
//!
//! What is saved are not the reads alone: a thread that waits for sockets is woken by everything that arrives at any of them. So
//! sessions that are read late have a runtime of their own, on a thread that sleeps between the looks, asks for nothing meanwhile,
//! and then turns until nothing is left to be read.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use std::{fmt, io, panic, thread};

use louver_base::{MediaTime, WallTime};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

/// When what a camera sent is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// As it arrives.
    #[default]
    AtOnce,
    /// At its reader's moments. Times of arrival are then told from the camera's clock, which is off by no more than the time between
    /// two of them.
    Late,
}

/// Between two looks while a session begins: connecting takes some ten answers.
const HURRIED: Duration = Duration::from_millis(5);
/// For how long a beginning is hurried: a camera that answers at all is through by then. Sessions that wait for the next moment are
/// not concerned, so cameras that are away for days cost the thread's own turns and no reads.
const HURRY: Duration = Duration::from_secs(1);
/// Rounds in a row in which no session had anything to do before the thread sleeps again. What passes through a relay takes two
/// to get from one socket to the next.
const QUIET: u32 = 4;

/// Reads many cameras' sessions, all at the same moments, on one thread. It ends with the last clone.
#[derive(Clone)]
pub struct LateReader {
    runtime: Handle,
    moments: Arc<Moments>,
    _end: Arc<DropGuard>,
}

impl fmt::Debug for LateReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LateReader {{ every: {:?} }}", self.moments.every)
    }
}

impl LateReader {
    /// Starts the thread; it looks at moments this far apart, a millisecond at least.
    ///
    /// # Errors
    /// The system's: no thread, or no files, are left.
    pub fn start(every: Duration) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().thread_name("late").build()?;
        let every = every.max(Duration::from_millis(1));
        let moments = Arc::new(Moments {
            every,
            first: Instant::now(),
            hurry_until: AtomicU64::new(0),
            polls: AtomicU64::new(0),
        });
        let (end, handle) = (CancellationToken::new(), runtime.handle().clone());
        let (ended, its) = (end.clone(), Arc::clone(&moments));
        thread::Builder::new()
            .name("late".into())
            .spawn(move || turn_now_and_then(&runtime, &its, &ended))?;
        Ok(Self { runtime: handle, moments, _end: Arc::new(end.drop_guard()) })
    }

    /// Looks often for the next second, as something begins or somebody waits after all.
    pub fn hurry(&self) {
        self.moments.hurry();
    }

    /// The moment half-way to the next look: what was read at the last one is there by then, of all cameras.
    pub fn between(&self) -> Instant {
        self.moments.after(Instant::now(), self.moments.every / 2)
    }

    /// Waits for the next look.
    pub(crate) async fn next_look(&self) {
        tokio::time::sleep_until(self.moments.after(Instant::now(), Duration::ZERO).into()).await;
    }

    /// Runs a session's work on the thread; dropping this ends it there. A panic in it goes on here.
    pub(crate) async fn run(&self, work: impl Future<Output = ()> + Send + 'static) {
        let counted = Counted { work: Box::pin(work), moments: Arc::clone(&self.moments) };
        if let Err(e) = AbortOnDropHandle::new(self.runtime.spawn(counted)).await
            && e.is_panic()
        {
            panic::resume_unwind(e.into_panic());
        }
    }
}

/// When the thread looks.
#[derive(Debug)]
struct Moments {
    every: Duration,
    first: Instant,
    /// Milliseconds after `first`.
    hurry_until: AtomicU64,
    /// How often sessions had something to do.
    polls: AtomicU64,
}

impl Moments {
    fn hurry(&self) {
        let until = self.first.elapsed() + HURRY;
        self.hurry_until.fetch_max(u64::try_from(until.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How long to sleep, `passed` after the first moment.
    fn wait(&self, passed: Duration) -> Duration {
        if passed.as_millis() < u128::from(self.hurry_until.load(Ordering::Relaxed)) {
            return HURRIED.min(self.every);
        }
        // A millisecond later: timers are that fine, and those of this moment are to be over.
        (self.after(self.first + passed, Duration::ZERO) - self.first).saturating_sub(passed)
            + Duration::from_millis(1)
    }

    /// The next moment after `now` that lies `shifted` behind a look.
    fn after(&self, now: Instant, shifted: Duration) -> Instant {
        let passed = (now.saturating_duration_since(self.first) + self.every - shifted).as_nanos();
        let since = Duration::from_nanos(u64::try_from(passed % self.every.as_nanos()).unwrap_or(0));
        now + (self.every - since)
    }

    /// Lets everything that is there be read: each round asks the system once what has arrived, and lets all sessions work that
    /// it concerns.
    async fn until_quiet(&self) {
        let mut quiet = 0;
        while quiet < QUIET {
            let before = self.polls.load(Ordering::Relaxed);
            tokio::task::yield_now().await;
            quiet = if self.polls.load(Ordering::Relaxed) == before { quiet + 1 } else { 0 };
        }
    }
}

fn turn_now_and_then(runtime: &Runtime, moments: &Moments, ended: &CancellationToken) {
    while !ended.is_cancelled() {
        thread::sleep(moments.wait(moments.first.elapsed()));
        runtime.block_on(moments.until_quiet());
    }
}

/// Work of which it is counted how often it is taken up.
struct Counted<F> {
    work: Pin<Box<F>>,
    moments: Arc<Moments>,
}

impl<F: Future<Output = ()>> Future for Counted<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.moments.polls.fetch_add(1, Ordering::Relaxed);
        self.work.as_mut().poll(context)
    }
}

/// A picture that comes so much later than expected was late on its way, or the camera's clock jumped, microseconds.
const ASTRAY: i64 = 1_000_000;
/// The camera's clock may run slower than ours: of the time by which pictures are late so much is taken over, a 512th each.
const DRIFT: i64 = 512;

/// When pictures that are read together came, one after the other: on the camera's clock, behind which the earliest arrivals stay by
/// the same time.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// From media time to the earliest arrival, microseconds.
    offset: Option<i64>,
    last: Option<WallTime>,
}

impl Arrivals {
    /// When the picture of this time came, which is read now.
    pub(crate) fn of(&mut self, media: MediaTime, now: WallTime) -> WallTime {
        let media = media.ticks().saturating_mul(100) / 9;
        let behind = now.micros().saturating_sub(media);
        let offset = match self.offset {
            Some(offset) if (offset..offset.saturating_add(ASTRAY)).contains(&behind) => {
                offset + (behind - offset) / DRIFT
            }
            _ => behind,
        };
        self.offset = Some(offset);
        let came = WallTime::from_micros(media.saturating_add(offset)).min(now);
        // Never back, unless our own clock was set back.
        let came = self.last.filter(|last| *last <= now).map_or(came, |last| came.max(last));
        self.last = Some(came);
        came
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STEP_MS: i64 = 66;

    #[test]
    fn the_thread_looks_at_even_moments_and_often_for_a_second_when_something_begins() {
        let every = Duration::from_millis(200);
        let moments = Moments {
            every,
            first: Instant::now(),
            hurry_until: AtomicU64::new(0),
            polls: AtomicU64::new(0),
        };
        let ms = Duration::from_millis;
        assert_eq!(moments.wait(ms(0)), every + ms(1));
        assert_eq!(moments.wait(ms(1130)), ms(71));
        for (now, between) in [(0, 100), (99, 100), (100, 300), (1130, 1300)] {
            assert_eq!(
                moments.after(moments.first + ms(now), every / 2),
                moments.first + ms(between),
                "{now}"
            );
        }
        moments.hurry();
        assert_eq!(moments.wait(ms(900)), HURRIED);
        assert_eq!(moments.wait(ms(5_010)), ms(191), "hurry is over");
    }

    #[test]
    fn nothing_is_read_between_the_moments_and_everything_at_one() {
        let reader = LateReader::start(Duration::from_millis(200)).unwrap();
        let main =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        main.block_on(async {
            let (put, mut got) = tokio::sync::mpsc::unbounded_channel();
            let (give, mut take) = tokio::sync::mpsc::unbounded_channel::<u32>();
            let work = async move {
                while let Some(n) = take.recv().await {
                    put.send((n, Instant::now())).unwrap();
                }
            };
            let giving = async {
                for n in 0..100 {
                    give.send(n).unwrap();
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                drop(give);
            };
            tokio::join!(reader.run(work), giving);
            let mut times = Vec::new();
            for wanted in 0..100 {
                let (n, at) = got.recv().await.unwrap();
                assert_eq!(n, wanted);
                times.push(at);
            }
            let looks = 1 + times.windows(2).filter(|t| t[1] - t[0] > Duration::from_millis(50)).count();
            assert!((3..=12).contains(&looks), "{looks} looks in a second");
        });
    }

    #[test]
    fn work_that_nobody_waits_for_any_more_ends_and_a_panic_is_its_callers() {
        struct Ends(std::sync::mpsc::Sender<()>);
        impl Drop for Ends {
            fn drop(&mut self) {
                self.0.send(()).unwrap();
            }
        }
        let reader = LateReader::start(Duration::from_millis(20)).unwrap();
        let main = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (ended, ends) = std::sync::mpsc::channel();
        let held = Ends(ended);
        let work = async move {
            let _held = held;
            std::future::pending::<()>().await;
        };
        main.block_on(async {
            assert!(tokio::time::timeout(Duration::from_millis(100), reader.run(work)).await.is_err());
        });
        ends.recv_timeout(Duration::from_secs(5)).unwrap();
        let panics =
            panic::AssertUnwindSafe(|| main.block_on(reader.run(async { panic!("as a library may") })));
        assert!(panic::catch_unwind(panics).is_err());
    }

    #[test]
    fn pictures_read_five_times_a_second_are_given_the_times_at_which_they_came() {
        let mut arrivals = Arrivals::default();
        for n in 0..10_000_i64 {
            // A camera whose clock is slow by a hundred parts in a million.
            let sent = 1_000_000 + n * STEP_MS;
            let read = sent.div_euclid(200) * 200 + 200;
            let media = MediaTime::from_ticks(n * STEP_MS * 90 - n * STEP_MS * 90 / 10_000);
            let came = arrivals.of(media, WallTime::from_millis(read)).micros() / 1000;
            assert!(n < 100 || (came - sent).abs() <= 200, "picture {n}: {} ms off", came - sent);
        }
    }

    #[test]
    fn a_clock_that_jumps_and_a_camera_that_stalls_are_followed() {
        let mut arrivals = Arrivals::default();
        let mut off = |media_ms: i64, read_ms: i64| {
            let came = arrivals.of(MediaTime::from_ticks(media_ms * 90), WallTime::from_millis(read_ms));
            read_ms - came.micros() / 1000
        };
        assert_eq!(off(0, 1000), 0);
        assert_eq!(off(66, 1200), 134);
        assert_eq!(off(100_000_000, 1400), 0, "forward");
        assert_eq!(off(132, 1600), 0, "and back");
        assert_eq!(off(198, 61_600), 0, "a minute of nothing");
    }

    proptest! {
        #[test]
        fn no_picture_comes_before_the_last_nor_after_it_is_read(
            pictures in prop::collection::vec((any::<i32>(), 0i64..2_000_000), 1..100),
        ) {
            let (mut arrivals, mut now, mut last) = (Arrivals::default(), 0, WallTime::from_micros(0));
            for (media, passed) in pictures {
                now += passed;
                let came = arrivals.of(MediaTime::from_ticks(i64::from(media)), WallTime::from_micros(now));
                prop_assert!(came >= last && came <= WallTime::from_micros(now));
                last = came;
            }
        }
    }
}
