//! Asking the person at the terminal, and showing what others wrote.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use rustix::termios;
use zeroize::Zeroizing;

use crate::error::Error;

/// Longest line that is read: 24 words have 215 letters.
const LINE: u64 = 4096;

/// The next line of standard input; a terminal is asked for `what` and does not show it.
pub(crate) fn secret(what: &str) -> Result<Zeroizing<String>, Error> {
    let hidden = io::stdin().is_terminal().then(|| Hidden::begin(what));
    let line = line();
    drop(hidden);
    line.map_err(|e| Error::because(format!("{what}: it cannot be read from standard input"), e))
}

/// Asks a question with yes or no. `unasked`: what to say where nobody is there to answer.
pub(crate) fn yes(question: &str, unasked: &'static str) -> Result<bool, Error> {
    if !io::stdin().is_terminal() {
        return Err(Error::Input(unasked));
    }
    print!("{question} [y/N] ");
    let _ = io::stdout().flush();
    let answer = line().map_err(|e| Error::because("the answer cannot be read", e))?;
    Ok(matches!(answer.to_lowercase().as_str(), "y" | "yes"))
}

/// Asks for a line, which shows as it is typed; without what a terminal would act upon.
pub(crate) fn ask(question: &str) -> Result<String, Error> {
    eprint!("{question}: ");
    let answer = line().map_err(|e| Error::because("the answer cannot be read", e))?;
    Ok(plain(&answer))
}

/// Room from the start: a growing buffer would leave copies of a secret behind.
fn line() -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::with_capacity(LINE as usize));
    io::stdin().lock().take(LINE).read_line(&mut line)?;
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    Ok(line)
}

/// A text that somebody else wrote, without what a terminal would act upon.
pub(crate) fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    // Characters that turn the direction of a line could show another text than was written.
    let turns =
        |c: &char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.trim().chars().filter(|c| !turns(c)).map(shown).collect()
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden(Option<termios::Termios>);

impl Hidden {
    fn begin(what: &str) -> Self {
        let before = termios::tcgetattr(io::stdin()).ok();
        let hidden = before.as_ref().and_then(|before| {
            let mut quiet = before.clone();
            quiet.local_modes.remove(termios::LocalModes::ECHO);
            termios::tcsetattr(io::stdin(), termios::OptionalActions::Flush, &quiet).ok()
        });
        let note = if hidden.is_some() { "" } else { " (it shows as you type)" };
        eprint!("{what}{note}: ");
        Self(before.filter(|_| hidden.is_some()))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // Nothing can be done about a terminal that went away.
            let _ = termios::tcsetattr(io::stdin(), termios::OptionalActions::Now, before);
            eprintln!();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_cannot_act_on_the_terminal() {
        assert_eq!(plain(" the \x1b[2Jbicycle\r\nat\u{202e} the gate\n"), "the  [2Jbicycle  at the gate");
    }
}
