//! Who may do what: tokens, the password, limits on guessing, and the two gates before every handler.
//!
//! There is one account, [`OWNER`]. Everything that a right could later depend on goes through [`gate::Caller`].

pub(crate) mod attempts;
pub(crate) mod cookie;
pub(crate) mod gate;
pub(crate) mod link;
pub(crate) mod origin;
pub(crate) mod password;
pub(crate) mod token;

/// The one account.
pub(crate) const OWNER: &str = "owner";

/// How long a session lasts, used or not.
pub(crate) const SESSION_DAYS: u32 = 30;
