//! `louver doctor`: what is wrong with this machine or set-up, in plain words.

mod cameras;
pub(crate) mod clock;
mod disk;
mod memory;
mod parts;

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use crate::error::Error;
use crate::holders_in_force;
use crate::settings::{self, Settings};

const EXAMPLES: &str = "\
Examples:
  louver doctor
  louver doctor --settings /etc/louver/louver.toml
  louver doctor --json

Marks: ✓ in order, ! worth a look, ✗ trouble. The exit code is 1 if there is any ✗.
It can be run beside a server that is recording; each camera is then asked for one more connection.";

/// Arguments of `louver doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// Do not connect to the cameras
    #[arg(long)]
    no_cameras: bool,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// In order.
    Ok,
    /// Works, but worth a look.
    Warning,
    /// Does not work.
    Trouble,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    topic: String,
    verdict: Verdict,
    says: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    what_to_do: Option<String>,
}

impl Check {
    fn ok(topic: impl Into<String>, says: impl Into<String>) -> Self {
        Self { topic: topic.into(), verdict: Verdict::Ok, says: says.into(), what_to_do: None }
    }

    fn warning(topic: impl Into<String>, says: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { what_to_do: Some(todo.into()), verdict: Verdict::Warning, ..Self::ok(topic, says) }
    }

    fn trouble(topic: impl Into<String>, says: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { what_to_do: Some(todo.into()), verdict: Verdict::Trouble, ..Self::ok(topic, says) }
    }

    /// An error of another part: its causes belong to what it says.
    fn error(
        topic: impl Into<String>,
        error: &(dyn std::error::Error + 'static),
        todo: impl Into<String>,
    ) -> Self {
        let mut says = error.to_string();
        let mut cause = error.source();
        while let Some(e) = cause {
            let text = e.to_string();
            if !says.contains(&text) {
                says = format!("{says}: {text}");
            }
            cause = e.source();
        }
        let todo = todo.into();
        let what_to_do = (!todo.is_empty()).then_some(todo);
        Self { what_to_do, verdict: Verdict::Trouble, ..Self::ok(topic, says) }
    }
}

/// Prints each check as soon as it is done, or all as JSON at the end.
struct Report {
    json: bool,
    colour: bool,
    checks: Vec<Check>,
}

impl Report {
    fn add(&mut self, check: Check) {
        self.checks.push(check);
        if let (false, Some(check)) = (self.json, self.checks.last()) {
            print!("{}", line(self.checks.len(), check, self.colour));
        }
    }

    fn add_all(&mut self, checks: impl IntoIterator<Item = Check>) {
        checks.into_iter().for_each(|c| self.add(c));
    }

    fn finish(self) -> ExitCode {
        let count = |v| self.checks.iter().filter(|c| c.verdict == v).count();
        let (trouble, warnings) = (count(Verdict::Trouble), count(Verdict::Warning));
        if self.json {
            let numbered = self.checks.iter().enumerate().map(|(n, check)| Numbered { number: n + 1, check });
            let all = All { ok: trouble == 0, checks: numbered.collect() };
            println!("{}", serde_json::to_string_pretty(&all).unwrap_or_else(|e| e.to_string()));
        } else {
            println!("\n{}", summary(trouble, warnings));
        }
        ExitCode::from(u8::from(trouble > 0))
    }
}

#[derive(Serialize)]
struct All<'c> {
    ok: bool,
    checks: Vec<Numbered<'c>>,
}

#[derive(Serialize)]
struct Numbered<'c> {
    number: usize,
    #[serde(flatten)]
    check: &'c Check,
}

fn line(number: usize, check: &Check, colour: bool) -> String {
    let (mark, paint) = match check.verdict {
        Verdict::Ok => ("✓", "\x1b[32m"),
        Verdict::Warning => ("!", "\x1b[33m"),
        Verdict::Trouble => ("✗", "\x1b[1;31m"),
    };
    let (paint, off) = if colour { (paint, "\x1b[0m") } else { ("", "") };
    let mut text = format!("{number:>2} {paint}{mark}{off} {}: {}\n", check.topic, check.says);
    if let Some(todo) = &check.what_to_do {
        text.push_str(&format!("     what to do: {todo}\n"));
    }
    text
}

fn summary(trouble: usize, warnings: usize) -> String {
    let some =
        |n: usize, one: &str, many: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {many}") };
    match (trouble, warnings) {
        (0, 0) => "Everything is in order.".to_owned(),
        (0, n) => format!("It works; {} worth a look.", some(n, "thing is", "things are")),
        (n, 0) => format!("{} to mend.", some(n, "trouble", "troubles")),
        (n, m) => format!(
            "{} to mend, {} worth a look.",
            some(n, "trouble", "troubles"),
            some(m, "thing is", "things are")
        ),
    }
}

/// Looks at everything; exit code 1 if there is trouble.
pub(crate) fn run(args: &Args, named: Option<&Path>) -> Result<ExitCode, Error> {
    let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut report = Report { json: args.json, colour, checks: Vec::new() };
    let found = match settings::find(named) {
        Ok(file) => Settings::read(&file),
        Err(e) => Err(e),
    };
    let settings = match found {
        Ok(settings) => {
            report.add_all(about_settings(&settings));
            Some(settings)
        }
        Err(e) => {
            let todo = e.advice().unwrap_or_default();
            report.add(Check::error("settings", &e, todo));
            None
        }
    };
    if let Some(settings) = &settings {
        report.add_all(disk::checks(settings));
    }
    let detector = settings.as_ref().map(|s| s.detector.clone()).unwrap_or_default();
    report.add_all(parts::checks(&detector));
    report.add_all(settings.as_ref().and_then(|s| parts::parcels(s, &detector)));
    report.add(clock::check());
    report.add(memory::check());
    if let Some(settings) = &settings {
        report.add(parts::port(settings));
        if !args.no_cameras {
            cameras::checks(settings, &mut |check| report.add(check))?;
        }
    }
    Ok(report.finish())
}

fn about_settings(settings: &Settings) -> Vec<Check> {
    let file = settings.file.display();
    let cameras = match settings.cameras.len() {
        0 => "no camera".to_owned(),
        1 => "1 camera".to_owned(),
        n => format!("{n} cameras"),
    };
    let mut checks = vec![Check::ok("settings", format!("{file} can be used; {cameras} in the register"))];
    if settings.cameras.is_empty() {
        checks.push(Check::warning("cameras", "none is registered", "add one: `louver camera add --help`"));
    }
    let concerns = settings.concerns().into_iter();
    checks.extend(concerns.map(|(topic, says, todo)| Check::warning(topic, says, todo)));
    let in_force = holders_in_force::last_on_disk(&settings.data);
    let begun = in_force.is_some();
    checks.push(match in_force.map_or_else(|| settings.holders(), Ok) {
        Ok(holders) => {
            let (needed, count) = (usize::from(holders.needed()), holders.holders().len());
            let says = match (needed, count) {
                (1, 1) => "1 holder can open originals".to_owned(),
                (1, n) => format!("{n} holders, each of whom can open originals alone"),
                (k, n) => format!("{k} of {n} holders open originals together"),
            };
            let todo = match begun {
                true => "let the holders add one with `louver holder set make`, so that losing one holder's words costs nothing",
                false => "add a holder with `louver holder new --add`, so that losing one holder's words costs nothing",
            };
            match needed == count && count > 1 {
                true => Check::warning("holders", format!("{says}, and none of them can be spared"), todo),
                false => Check::ok("holders", says),
            }
        }
        Err(e) => Check::error("holders", &e, e.advice().unwrap_or_default()),
    });
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_number_mark_and_what_to_do() {
        let check = Check::trouble("port", "it is taken", "stop the other one");
        assert_eq!(line(7, &check, false), " 7 ✗ port: it is taken\n     what to do: stop the other one\n");
        assert!(!line(1, &Check::ok("a", "b"), false).contains('\x1b'));
    }

    #[test]
    fn the_summary_counts_in_words() {
        assert_eq!(summary(0, 0), "Everything is in order.");
        assert_eq!(summary(0, 1), "It works; 1 thing is worth a look.");
        assert_eq!(summary(2, 3), "2 troubles to mend, 3 things are worth a look.");
    }
}
