//! Names to addresses, within a deadline. Tests put their own answers in its place.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::net::lookup_host;
use tokio::time::timeout;

/// Looks names up.
pub trait Lookup: Send + Sync {
    /// All addresses of a name, in the resolver's order.
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Why a name gave no addresses.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The resolver says so.
    #[error("{0}")]
    Failed(#[from] io::Error),
    /// It did not say anything in time.
    #[error("the resolver gave no answer within {0:?}")]
    Timeout(Duration),
    /// The name is known and has no address.
    #[error("the name has no address")]
    Empty,
}

impl LookupError {
    /// Bounded label value.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Failed(_) => "failure",
            Self::Timeout(_) => "timeout",
            Self::Empty => "empty",
        }
    }
}

/// The addresses of a name: each once, at least one.
///
/// # Errors
/// There is none, or not in time.
pub async fn addresses(
    lookup: &dyn Lookup,
    name: &str,
    deadline: Duration,
) -> Result<Vec<IpAddr>, LookupError> {
    let found = timeout(deadline, lookup.lookup(name.to_owned()))
        .await
        .map_err(|_| LookupError::Timeout(deadline))??;
    let mut seen = BTreeSet::new();
    let once: Vec<_> = found.into_iter().filter(|ip| seen.insert(*ip)).collect();
    if once.is_empty() {
        return Err(LookupError::Empty);
    }
    Ok(once)
}
