//! The HTTP API, version 1: one module a resource. The OpenAPI document is made from these handlers.

pub(crate) mod archive;
pub(crate) mod cameras;
pub(crate) mod error;
pub(crate) mod events;
pub(crate) mod extract;
pub(crate) mod files;
pub(crate) mod health;
pub(crate) mod holders;
pub(crate) mod holds;
pub(crate) mod ledger;
pub(crate) mod live;
pub(crate) mod messages;
pub(crate) mod metrics;
pub(crate) mod openings;
pub(crate) mod range;
pub(crate) mod scenes;
pub(crate) mod session;
pub(crate) mod sets;
pub(crate) mod system;
pub(crate) mod timeline;
pub(crate) mod viewer;
