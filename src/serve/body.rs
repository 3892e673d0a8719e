//! The body of a page: pieces that all scrapes share; unpacked, one at a time, only for clients without gzip.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::expose::Rendered;

/// Writes a rendered page.
pub(super) struct PageBody {
    page: Arc<Rendered>,
    next: usize,
    left: u64,
}

impl PageBody {
    pub(super) fn new(page: Arc<Rendered>) -> Self {
        let left = page.len as u64;
        Self {
            page,
            next: 0,
            left,
        }
    }
}

impl Body for PageBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(piece) = self.page.pieces.get(self.next) else {
            return Poll::Ready(None);
        };
        let bytes = piece.text();
        self.next += 1;
        self.left = self.left.saturating_sub(bytes.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.next >= self.page.pieces.len()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
