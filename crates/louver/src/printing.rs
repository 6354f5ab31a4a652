//! `print!` and `println!` of this program, in place of the standard library's, which panic where nobody reads any more: `louver open | head`
//! is no failure, and what it does besides printing is done to its end.

use std::fmt;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

/// Something was not printed, though somebody may have read it.
static LACKS: AtomicBool = AtomicBool::new(false);

macro_rules! print {
    ($($said:tt)*) => { $crate::printing::say(format_args!($($said)*)) };
}

macro_rules! println {
    () => { $crate::printing::say(format_args!("\n")) };
    ($($said:tt)*) => { $crate::printing::say(format_args!("{}\n", format_args!($($said)*))) };
}

/// Prints to standard output. A disk that is full, say, is told of once; see [`lacks`].
pub(crate) fn say(what: fmt::Arguments<'_>) {
    if let Err(e) = io::stdout().lock().write_fmt(what)
        && e.kind() != io::ErrorKind::BrokenPipe
        && !LACKS.swap(true, Ordering::Relaxed)
    {
        eprintln!("error: standard output cannot be written: {e}");
    }
}

/// Whether something could not be printed, so that what there is of it is not to be relied on.
pub(crate) fn lacks() -> bool {
    let flushed = io::stdout().flush();
    LACKS.load(Ordering::Relaxed) || flushed.is_err_and(|e| e.kind() != io::ErrorKind::BrokenPipe)
}
