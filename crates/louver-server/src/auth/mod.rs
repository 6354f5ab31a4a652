//! Who may do what: tokens, the password, limits on guessing, and the two gates before every handler.
//!
//! There is one account, [`OWNER`], and there are holders and observers, who have a key in place of an account. Everything that a right
//! depends on goes through [`gate::Visitor`].

pub(crate) mod attempts;
pub(crate) mod challenge;
pub(crate) mod cookie;
pub(crate) mod gate;
pub(crate) mod link;
pub(crate) mod origin;
pub(crate) mod password;
pub(crate) mod token;

/// The one account.
pub(crate) const OWNER: &str = "owner";

/// Before a holder's or observer's id: whose session it is, in place of an account's name.
pub(crate) const HOLDER: &str = "holder:";

/// How long the owner's session lasts, used or not.
pub(crate) const SESSION_HOURS: u32 = 30 * 24;
/// A holder's: to sign in again costs a passphrase, and a program signs in each time.
pub(crate) const HOLDER_SESSION_HOURS: u32 = 12;
