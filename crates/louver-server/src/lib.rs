//! HTTP API, live pictures, sign-in and the page.

mod api;
mod openapi;

pub use openapi::openapi;
