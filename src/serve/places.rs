//! The places of a listener: how many there are, what each connection does, and which of them makes room for a new one.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Why a connection was not served, or not any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// All others were being answered.
    Busy,
    /// It had sent no request yet, for longer than all others.
    Silent,
    /// It had sent none since its last one, for longer than all others.
    Idle,
}

impl Reason {
    /// Bounded label value.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Silent => "silent",
            Self::Idle => "idle",
        }
    }
}

/// The places of a listener.
#[derive(Debug)]
pub(super) struct Places {
    max: usize,
    /// Longest open first. One whose connection has ended is gone.
    held: Vec<Weak<Place>>,
}

impl Places {
    pub(super) fn new(max: usize) -> Self {
        let held = Vec::new();
        Self { max, held }
    }

    /// A place for a new connection, and why another one leaves for it, if one has to; nothing if none can. Whoever says
    /// nothing leaves, longest open first; then who has been idle longest. So scrapers get in, whoever else connects.
    pub(super) fn enter(&mut self) -> Result<(Arc<Place>, Option<Reason>), Reason> {
        if self.held.len() >= self.max {
            self.held.retain(|place| place.strong_count() > 0);
        }
        let left = match self.held.len() >= self.max {
            true => Some(self.make_room().ok_or(Reason::Busy)?),
            false => None,
        };
        let place = Arc::new(Place::default());
        self.held.push(Arc::downgrade(&place));
        Ok((place, left))
    }

    fn make_room(&mut self) -> Option<Reason> {
        let doing = |place: &Weak<Place>| place.upgrade().map_or(Doing::Silent, |it| it.doing());
        let is_silent = |place: &Weak<Place>| doing(place) == Doing::Silent;
        let (at, reason) = match self.held.iter().position(is_silent) {
            Some(at) => (at, Reason::Silent),
            None => {
                let all = self.held.iter().map(doing).enumerate();
                let idle = all.filter_map(|(at, doing)| match doing {
                    Doing::Idle(since) => Some((since, at)),
                    Doing::Silent | Doing::Busy => None,
                });
                (idle.min()?.1, Reason::Idle)
            }
        };
        if let Some(place) = self.held.remove(at).upgrade() {
            place.leave.notify_one();
        }
        Some(reason)
    }
}

/// What a connection does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Doing {
    /// It shakes hands, or has not sent the whole head of its first request.
    #[default]
    Silent,
    /// A request is being answered.
    Busy,
    /// Nothing since its last answer.
    Idle(Instant),
}

/// The place of one connection, free again when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Place {
    requests: AtomicU64,
    doing: Mutex<Doing>,
    /// The client does not take what was written.
    stuck: AtomicBool,
    leave: Notify,
}

impl Place {
    /// One more request has begun.
    pub(super) fn begin(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.set(Doing::Busy);
    }

    /// How many there were.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Whether the client takes what is written.
    pub(super) fn set_stuck(&self, stuck: bool) {
        self.stuck.store(stuck, Ordering::Relaxed);
    }

    /// Waits until another connection needs the place.
    pub(super) async fn wanted(&self) {
        self.leave.notified().await;
    }

    fn set(&self, doing: Doing) {
        *self.doing.lock().unwrap_or_else(PoisonError::into_inner) = doing;
    }

    fn doing(&self) -> Doing {
        if self.stuck.load(Ordering::Relaxed) {
            // The end of an answer is still under way.
            return Doing::Busy;
        }
        *self.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of an answer, whose end is the end of the request.
pub(super) struct Answer<B> {
    body: B,
    _end: End,
}

/// Ends the request when it is dropped.
pub(super) struct End(Arc<Place>);

impl End {
    pub(super) fn of(place: &Arc<Place>) -> Self {
        Self(Arc::clone(place))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.0.set(Doing::Idle(Instant::now()));
    }
}

impl<B> Answer<B> {
    pub(super) fn new(body: B, end: End) -> Self {
        Self { body, _end: end }
    }
}

impl<B: Body + Unpin> Body for Answer<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;

    /// Whether it was told to leave.
    fn leaves(place: &Place) -> bool {
        place.wanted().now_or_never().is_some()
    }

    fn enter(places: &mut Places) -> Arc<Place> {
        let (place, left) = places.enter().unwrap();
        assert_eq!(left, None);
        place
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_leaves_first_then_who_is_idle_longest_and_never_who_is_answered() {
        let mut places = Places::new(4);
        let all: Vec<_> = (0..4).map(|_| enter(&mut places)).collect();
        // 0 is answered, 1 idle, 2 idle for longer, 3 silent.
        for place in &all[..3] {
            place.begin();
        }
        drop(End::of(&all[2]));
        tokio::time::advance(Duration::from_secs(1)).await;
        drop(End::of(&all[1]));
        let mut newcomers = Vec::new();
        for (reason, left) in [
            (Reason::Silent, 3),
            // The newcomer before it has asked for something.
            (Reason::Idle, 2),
            (Reason::Idle, 1),
        ] {
            let (place, told) = places.enter().unwrap();
            place.begin();
            newcomers.push(place);
            assert_eq!(told, Some(reason));
            let leaving: Vec<_> = all.iter().map(|place| leaves(place)).collect();
            assert_eq!(leaving, [0, 1, 2, 3].map(|at| at == left), "{reason:?}");
        }
        assert_eq!(places.enter().unwrap_err(), Reason::Busy);
        // Not as long as the end of its answer is not taken.
        drop(End::of(&newcomers[0]));
        newcomers[0].set_stuck(true);
        assert_eq!(places.enter().unwrap_err(), Reason::Busy);
        newcomers[0].set_stuck(false);
        assert_eq!(places.enter().unwrap().1, Some(Reason::Idle));
    }

    #[test]
    fn the_silent_leave_in_the_order_in_which_they_came_and_places_of_the_gone_are_free() {
        let mut places = Places::new(3);
        let mut all: Vec<_> = (0..3).map(|_| enter(&mut places)).collect();
        drop(all.remove(1));
        all.push(enter(&mut places));
        for first in 0..3 {
            let (place, left) = places.enter().unwrap();
            all.push(place);
            assert_eq!(left, Some(Reason::Silent));
            assert!(leaves(&all[first]) && !leaves(&all[first + 1]));
        }
    }
}
