//! HTTP API, live pictures, sign-in and the page.
