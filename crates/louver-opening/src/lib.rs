//! Who may open what: requests for originals, what holders and observers say to them, and what follows. docs/opening.md.
//!
//! Sans-I/O. An [`Opening`] is the sum of its [`Entry`]s: the caller asks what would follow from a document ([`Opening::hear`])
//! or from the time ([`Opening::due`]), writes the entry that comes back to the ledger and to the disk, and only then
//! [applies](Opening::apply) it. After a restart the entries are read back and applied in order. Nothing here holds a secret: shares pass
//! through as files that only the requester can open.

mod agreement;
mod error;
mod hold;
mod opening;
mod party;
mod request;
mod set_document;
mod sets;
mod statement;

pub use agreement::{Granted, agreed};
pub use error::Refused;
pub use hold::{
    Hold, HoldAsked, HoldDocument, HoldEnd, HoldEntry, HoldFile, HoldOver, HoldRefused, LegalHold,
};
pub use opening::{End, Entry, Opening, State};
pub use party::{Party, PartyId, Role, Roll};
pub use request::{Reason, Request, RequestHash};
pub use set_document::{Consent, HolderSetFile, Named, SetDocument, SetError};
pub use sets::{HolderSets, SignedSet};
pub use statement::{Said, Signed, Statement};
