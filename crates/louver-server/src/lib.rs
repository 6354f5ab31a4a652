//! HTTP API, live pictures, sign-in and the page.
//!
//! [`Server::bind`] listens, [`Server::run`] answers. What can be seen here is masked: pictures reach the wire only
//! through functions that take `Masked` bytes (`api::files`, `api::viewer`). The API is described by [`openapi`].

mod api;
mod app;
mod auth;
mod error;
mod exports;
mod headers;
mod openapi;
mod openings;
mod page;
mod renditions;
mod routes;
mod server;
mod views;

pub use app::Site;
pub use auth::link::issue_sign_in_link;
pub use error::ServerError;
pub use openapi::openapi;
pub use openings::{Astray, HoldersNow, holders_leaf, stand_as_written};
pub use server::Server;
