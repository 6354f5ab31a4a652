//! One request's life: what is true of it, and what follows from what is said.

use louver_base::WallTime;
use serde::{Deserialize, Serialize};

use crate::{Granted, PartyId, Refused, Request, Role, Roll, Said, Signed, Statement, agreed};

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// So many holders said no that the others are too few.
    Denied,
    /// An observer stopped it.
    Vetoed(PartyId),
    /// Too few agreed in time.
    Expired,
    /// Who asked took it back.
    Withdrawn,
    /// The time for watching is over.
    Closed,
}

impl End {
    fn word(&self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Vetoed(_) => "vetoed",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Closed => "closed",
        }
    }
}

/// What is written, to the ledger and to the disk, before it is true. Times in ms since 1970, the recorder's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Entry {
    /// The beginning.
    Asked {
        /// When it was taken.
        at_ms: i64,
        /// The request's exact text.
        request: String,
        /// Who asked: the account's opaque id.
        user: String,
        /// Who may speak.
        roll: Roll,
    },
    /// Somebody spoke.
    Said {
        /// When it was taken.
        at_ms: i64,
        /// What.
        statement: Signed,
    },
    /// Enough agreed.
    Released {
        /// When.
        at_ms: i64,
        /// Until when it may be watched.
        until_ms: i64,
        /// What.
        granted: Vec<Granted>,
    },
    /// The end.
    Ended {
        /// When.
        at_ms: i64,
        /// How.
        how: End,
    },
}

/// Where a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Waiting for holders.
    Asked,
    /// May be watched by who asked.
    Released {
        /// Until then.
        until: WallTime,
        /// This much of it.
        granted: Vec<Granted>,
    },
    /// Over.
    Ended {
        /// How.
        how: End,
    },
}

impl State {
    fn word(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Released { .. } => "released",
            Self::Ended { how } => how.word(),
        }
    }
}

/// A request and all that was said to it.
#[derive(Clone, Debug)]
pub struct Opening {
    request: Request,
    user: String,
    roll: Roll,
    statements: Vec<Statement>,
    state: State,
}

impl Opening {
    /// The first entry for a request that comes now. `known`: the site's cameras.
    ///
    /// # Errors
    /// [`Refused`] with what is wrong; nothing was asked.
    pub fn ask(request: &Request, user: &str, roll: Roll, now: WallTime) -> Result<Entry, Refused> {
        request.timely(now)?;
        Ok(Entry::Asked {
            at_ms: now.millis(),
            request: request.text().to_owned(),
            user: user.to_owned(),
            roll,
        })
    }

    /// From entries as they were written, in order. `None`: they are not a request's, or contradict each other.
    pub fn replay(entries: impl IntoIterator<Item = Entry>, site: &str) -> Option<Self> {
        let mut entries = entries.into_iter();
        let Some(Entry::Asked { request, user, roll, .. }) = entries.next() else { return None };
        let request = Request::read(&request, site).ok()?;
        let mut opening = Self { request, user, roll, statements: Vec::new(), state: State::Asked };
        entries.all(|entry| opening.apply(entry).is_some()).then_some(opening)
    }

    /// What was asked.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Who asked.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Who may speak.
    pub fn roll(&self) -> &Roll {
        &self.roll
    }

    /// What was said, in order.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Where it is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether its hours must be kept: it may still be opened.
    pub fn is_alive(&self) -> bool {
        !matches!(self.state, State::Ended { .. })
    }

    /// What is granted now, if it is released and its time is not over.
    pub fn granted(&self, now: WallTime) -> &[Granted] {
        match &self.state {
            State::Released { until, granted } if now < *until => granted,
            _ => &[],
        }
    }

    /// The entry for a statement that comes now. Nothing changes before it is [applied](Self::apply).
    ///
    /// # Errors
    /// [`Refused`] with what is wrong.
    pub fn hear(&self, signed: Signed, now: WallTime) -> Result<Entry, Refused> {
        let statement = Statement::read(signed, &self.request, &self.roll)?;
        statement.timely(now)?;
        self.admits(&statement)?;
        Ok(Entry::Said { at_ms: now.millis(), statement: statement.signed().clone() })
    }

    /// Whether the statement may be made in this state.
    fn admits(&self, statement: &Statement) -> Result<(), Refused> {
        let veto = matches!(statement.said(), Said::Veto { .. });
        let late = match self.state {
            State::Asked => false,
            State::Released { .. } => !veto && !matches!(statement.said(), Said::Approval { .. }),
            State::Ended { .. } => true,
        };
        if late {
            return Err(Refused::Over(self.state.word()));
        }
        let before = self.statements.iter().find(|s| s.by() == statement.by()).map(Statement::said);
        match (before, statement.said()) {
            // Second thoughts are heard as long as nothing is released.
            (None, _) | (Some(Said::Approval { .. }), Said::Denial { .. }) => Ok(()),
            _ => Err(Refused::Again(statement.by().to_string())),
        }
    }

    /// The entry for who asked and takes it back.
    ///
    /// # Errors
    /// [`Refused::NotYours`], or that it is over.
    pub fn withdraw(&self, user: &str, now: WallTime) -> Result<Entry, Refused> {
        if user != self.user {
            return Err(Refused::NotYours);
        }
        match self.state {
            State::Asked | State::Released { .. } => {
                Ok(Entry::Ended { at_ms: now.millis(), how: End::Withdrawn })
            }
            State::Ended { .. } => Err(Refused::Over(self.state.word())),
        }
    }

    /// What follows by itself, if anything does: release, denial, veto, expiry, closing. To be asked after each entry and as time goes by.
    pub fn due(&self, now: WallTime) -> Option<Entry> {
        let at_ms = now.millis();
        let ended = |how| Some(Entry::Ended { at_ms, how });
        if let State::Ended { .. } = self.state {
            return None;
        }
        if let Some(veto) = self.statements.iter().find(|s| matches!(s.said(), Said::Veto { .. })) {
            return ended(End::Vetoed(veto.by().clone()));
        }
        if let State::Released { until, .. } = self.state {
            return if now >= until { ended(End::Closed) } else { None };
        }
        let needed = self.roll.needed;
        let (denied, left): (Vec<_>, Vec<_>) =
            self.roll.parties.iter().filter(|p| p.role == Role::Holder).partition(|p| {
                self.last_word(&p.id).is_some_and(|s| matches!(s.said(), Said::Denial { .. }))
            });
        if !denied.is_empty() && left.len() < usize::from(needed) {
            return ended(End::Denied);
        }
        let granted = agreed(self.approvals(), needed);
        // Who agreed in time agreed, however late the recorder comes to it.
        if !granted.is_empty() {
            return Some(Entry::Released { at_ms, until_ms: at_ms + self.request.watch_ms(), granted });
        }
        if now >= self.request.expires() { ended(End::Expired) } else { None }
    }

    /// The approvals that stand: what a holder took back by a denial is not among them.
    pub fn approvals(&self) -> impl Iterator<Item = &Statement> {
        let parties = self.roll.parties.iter().filter_map(|p| self.last_word(&p.id));
        parties.filter(|s| matches!(s.said(), Said::Approval { .. }))
    }

    fn last_word(&self, party: &PartyId) -> Option<&Statement> {
        self.statements.iter().rev().find(|s| s.by() == party)
    }

    /// Makes true what was written. `None`: the entry does not belong here, and nothing changed; what is on disk was changed by somebody.
    #[must_use = "an entry that does not fit must not be passed over"]
    pub fn apply(&mut self, entry: Entry) -> Option<()> {
        match (entry, &self.state) {
            (Entry::Said { statement, .. }, _) => {
                let statement = Statement::read(statement, &self.request, &self.roll).ok()?;
                self.admits(&statement).ok()?;
                self.statements.push(statement);
            }
            (Entry::Released { at_ms, until_ms, granted }, State::Asked) => {
                // Not believed: only what the signed statements bear out.
                let Some(Entry::Released { until_ms: right, granted: agreed, .. }) =
                    self.due(WallTime::from_millis(at_ms))
                else {
                    return None;
                };
                if right != until_ms || agreed != granted {
                    return None;
                }
                self.state = State::Released { until: WallTime::from_millis(until_ms), granted };
            }
            (Entry::Ended { how, .. }, State::Asked | State::Released { .. }) => {
                self.state = State::Ended { how };
            }
            (Entry::Asked { .. } | Entry::Released { .. } | Entry::Ended { .. }, _) => return None,
        }
        Some(())
    }
}
