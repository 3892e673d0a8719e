//! A connection whose answers must get on: no pause without progress, and an end for each answer as a whole.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::places::Place;

/// Longest time without progress in writing.
const STALL_MAX: Duration = Duration::from_secs(10);
/// Longest time from the first byte of an answer to its last. No scraper waits for longer.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// The connection.
pub(super) struct Paced<S> {
    stream: S,
    place: Arc<Place>,
    /// The request whose answer is written.
    answered: u64,
    /// When its first byte was written.
    since: Option<Instant>,
    /// When bytes were last taken.
    progress: Instant,
    limit: Pin<Box<Sleep>>,
}

impl<S: AsyncWrite + Unpin> Paced<S> {
    pub(super) fn new(stream: S, place: Arc<Place>) -> Self {
        let now = Instant::now();
        Self {
            stream,
            place,
            answered: 0,
            since: None,
            progress: now,
            limit: Box::pin(sleep_until(now)),
        }
    }

    /// Lets a write go on, or ends it when it takes too long.
    fn paced<T>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let count = self.place.requests();
        if count != self.answered {
            self.answered = count;
            self.since = None;
        }
        let written = write(Pin::new(&mut self.stream), context);
        self.place.set_stuck(written.is_pending());
        if written.is_ready() {
            self.progress = Instant::now();
            self.since.get_or_insert(self.progress);
            return written;
        }
        let since = match self.since {
            Some(since) => since,
            None => {
                self.progress = Instant::now();
                *self.since.insert(self.progress)
            }
        };
        let end = (self.progress + STALL_MAX).min(since + ANSWER_MAX);
        if self.limit.deadline() != end {
            self.limit.as_mut().reset(end);
        }
        match self.limit.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.paced(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.paced(context, |stream, context| {
            stream.poll_write_vectored(context, slices)
        })
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.paced(context, |stream, context| stream.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.paced(context, |stream, context| stream.poll_shutdown(context))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Seconds until a write ends whose reader takes 16 bytes each `pause`.
    async fn cut_after(pause: Duration) -> Duration {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut paced = Paced::new(ours, Arc::default());
        let reading = async {
            loop {
                tokio::time::sleep(pause).await;
                theirs.read_exact(&mut [0; 16]).await.unwrap();
            }
        };
        let started = Instant::now();
        let error = tokio::select! {
            () = reading => unreachable!("it reads for ever"),
            written = paced.write_all(&[0; 1 << 20]) => written.unwrap_err(),
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        started.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_must_get_on_and_come_to_an_end() {
        let seconds = |range: std::ops::Range<u64>, span: Duration| {
            assert!(range.contains(&span.as_secs()), "{span:?}");
        };
        seconds(60..61, cut_after(Duration::from_secs(1)).await);
        seconds(60..61, cut_after(Duration::from_secs(9)).await);
        seconds(10..11, cut_after(Duration::from_secs(1000)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn each_answer_has_its_own_minute() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let place = Arc::<Place>::default();
        let mut paced = Paced::new(ours, Arc::clone(&place));
        for _ in 0..3 {
            place.begin();
            let reading = async {
                for _ in 0..10 {
                    tokio::time::sleep(Duration::from_secs(5)).await;
                    theirs.read_exact(&mut [0; 16]).await.unwrap();
                }
            };
            let writing = paced.write_all(&[0; 160]);
            tokio::join!(reading, async { writing.await.unwrap() });
            tokio::time::sleep(Duration::from_secs(50)).await;
        }
    }
}
