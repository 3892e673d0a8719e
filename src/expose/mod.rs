//! Samples become text on `/metrics`, and the strict reader that every test page goes through.

pub mod reader;
