//! Why a document is not taken. Each sentence is for the person who sent it.

use louver_base::CameraId;

/// Why a request or a statement was not taken. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Longer than any document may be.
    #[error("the document is longer than 64 KiB")]
    TooLong,
    /// Not JSON, or with fields missing, too many, or of another kind.
    #[error("the document is not what it should be: {0}")]
    Form(#[from] serde_json::Error),
    /// Another kind of document.
    #[error("the document calls itself \"{0}\", which is something else")]
    Kind(String),
    /// For another site.
    #[error("the document is for another site")]
    Site,
    /// A time or a count outside what is allowed; the field is named.
    #[error("{field}: {why}")]
    Field {
        /// As in docs/opening.md.
        field: &'static str,
        /// What is allowed.
        why: &'static str,
    },
    /// A camera that the request, or the site, does not have.
    #[error("{0}: no such camera here")]
    Camera(CameraId),
    /// Its clock and the recorder's are too far apart, or it was kept back.
    #[error("the document says that it was made more than ten minutes from now: check this device's clock")]
    Clock,
    /// For another request.
    #[error("the document answers another request")]
    OtherRequest,
    /// Nobody who may say anything to this request.
    #[error("{0} is neither a holder nor an observer for this request")]
    Stranger(String),
    /// An observer cannot agree or deny, a holder cannot veto.
    #[error("only {0} can say that")]
    Role(&'static str),
    /// The signature does not fit the document and the signer's key.
    #[error("the signature does not fit: the document was changed, or somebody else signed it")]
    Signature,
    /// The shares that came with it are not those that were signed.
    #[error("the shares are not those that the approval names")]
    Shares,
    /// What is agreed to lies outside what was asked for.
    #[error(
        "an approval can only narrow what was asked for: other cameras or times need a request of their own"
    )]
    Wider,
    /// Somebody who has spoken.
    #[error("{0} has spoken to this request already; the first word stands")]
    Again(String),
    /// The request has ended, or was released.
    #[error("the request is {0}; nothing more can be said to it")]
    Over(&'static str),
    /// Somebody else's request.
    #[error("only who asked can take a request back")]
    NotYours,
}
