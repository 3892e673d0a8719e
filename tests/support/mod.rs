//! What tests share.

pub(crate) mod fake;
pub(crate) mod page;
pub(crate) mod scene;
pub(crate) mod stub;
