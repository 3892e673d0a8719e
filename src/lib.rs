//! natsight stands beside NATS servers and tells their operators what is happening, why, and where in the code.
//!
//! `docs/ARCHITECTURE.md` says how the modules hang together; `tests/layers.rs` enforces it.

pub mod app;
pub mod catalog;
pub mod collect;
pub mod compat;
pub mod config;
pub mod expose;
pub mod poll;
pub mod profile;
pub mod selfmon;
pub mod serve;
pub mod source;
pub mod state;
