//! What should be different in the next set, and what is.

use louver_opening::{Named, SignedSet};
use louver_vault::HolderPublic;

use super::{at, listed};
use crate::error::Error;
use crate::terminal::plain;

/// What should be different.
#[derive(Debug, clap::Args)]
pub(super) struct Change {
    /// A new holder: NAME=holder1…; may be given several times
    #[arg(long, value_name = "NAME=PUBLIC", value_parser = named)]
    add: Vec<Named>,
    /// A holder or observer to take off the list: name or id; may be given several times
    #[arg(long, value_name = "WHO")]
    remove: Vec<String>,
    /// Another key for somebody on the list, who keeps the name: WHO=holder1…
    #[arg(long, value_name = "WHO=PUBLIC", value_parser = named)]
    replace: Vec<Named>,
    /// A new observer, who can stop an opening and make none: NAME=holder1…
    #[arg(long, value_name = "NAME=PUBLIC", value_parser = named)]
    add_observer: Vec<Named>,
    /// How many holders must agree from then on; without it as many as now
    #[arg(long, value_name = "K")]
    needed: Option<u8>,
}

fn named(text: &str) -> Result<Named, String> {
    let (name, public) =
        text.rsplit_once('=').ok_or("a name, =, and a public half are wanted: Ada=holder1…")?;
    let public: HolderPublic = public.trim().parse().map_err(|e| format!("{e}"))?;
    Ok(Named { name: name.trim().to_owned(), public })
}

/// Where on a list somebody is, by id or name.
fn find(list: &[Named], who: &str) -> Result<Option<usize>, Error> {
    let fits = |n: &Named| n.public.id().to_string() == who || n.name == who;
    let mut found = list.iter().enumerate().filter(|(_, n)| fits(n)).map(|(place, _)| place);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(Error::failed(
            format!("more than one on the list is called \"{}\"", plain(who)),
            "say the id instead: `louver holder set list` shows it",
        )),
        (one, None) => Ok(one),
    }
}

impl Change {
    /// The next set's threshold, holders and observers.
    pub(super) fn applied(&self, before: &SignedSet) -> Result<(u8, Vec<Named>, Vec<Named>), Error> {
        let nothing = self.add.is_empty() && self.remove.is_empty() && self.replace.is_empty();
        if nothing && self.add_observer.is_empty() && self.needed.is_none_or(|k| k == before.set().needed()) {
            return Err(Error::failed(
                "nothing would be different in the next set",
                "say who is added, removed or replaced, or how many are needed",
            ));
        }
        let (mut holders, mut observers) = (before.holders().to_vec(), before.observers().to_vec());
        let unknown = |who: &str| {
            Error::failed(
                format!("nobody called \"{}\" is on the list", plain(who)),
                format!("there are {}", listed(before.holders())),
            )
        };
        for who in &self.remove {
            match (find(&holders, who)?, find(&observers, who)?) {
                (Some(n), _) => drop(holders.remove(n)),
                (None, Some(n)) => drop(observers.remove(n)),
                (None, None) => return Err(unknown(who)),
            }
        }
        for other in &self.replace {
            let place = match find(&holders, &other.name)? {
                Some(n) => &mut holders[n],
                None => match find(&observers, &other.name)? {
                    Some(n) => &mut observers[n],
                    None => return Err(unknown(&other.name)),
                },
            };
            place.public = other.public.clone();
        }
        holders.extend(self.add.iter().cloned());
        observers.extend(self.add_observer.iter().cloned());
        Ok((self.needed.unwrap_or_else(|| before.set().needed()), holders, observers))
    }
}

/// What is different in a set from the one before it.
pub(super) fn told(before: &SignedSet, set: &SignedSet) -> String {
    let without = |a: &[Named], b: &[Named]| -> Vec<Named> {
        a.iter().filter(|n| b.iter().all(|o| o.public != n.public)).cloned().collect()
    };
    let (needed, count) = (set.set().needed(), set.holders().len());
    let mut text = format!("Set {}, {}: {needed} of {count}", set.number(), at(set.at_ms()));
    if needed != before.set().needed() {
        text.push_str(&format!(" (before: {} of {})", before.set().needed(), before.holders().len()));
    }
    text.push('\n');
    for (what, who) in [
        ("added", without(set.holders(), before.holders())),
        ("removed", without(before.holders(), set.holders())),
        ("observer added", without(set.observers(), before.observers())),
        ("observer removed", without(before.observers(), set.observers())),
    ] {
        if !who.is_empty() {
            text.push_str(&format!("  {what}: {}\n", listed(&who)));
        }
    }
    text.push_str(&format!("  holders: {}\n", listed(set.holders())));
    let name = |id: &louver_opening::PartyId| {
        let found = before.holders().iter().find(|h| louver_opening::PartyId::of(&h.public) == *id);
        found.map_or_else(String::new, |h| plain(&h.name))
    };
    let by: Vec<String> = set.consents().iter().map(|c| name(&c.holder)).collect();
    text.push_str(&format!("  agreed to by {}\n", by.join(", ")));
    text
}
