//! What stands between a view and a part: each entity once, those that the operator wants to see, and of too many
//! the largest.
//!
//! Rows come one at a time and cannot be taken back once they are in a part. While an answer is expected to fit, they
//! go straight on. When it may not fit, entities that were shown lately go straight on, and all others wait in a heap
//! that holds no more series than the page has room for. Rows of the server itself (totals, health) always go on.

mod fresh;
mod left;
mod lost;
mod rank;
mod scope;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use fresh::{Entry, Fresh};
pub use left::Left;
use left::Reason;
use lost::Lost;
pub use lost::OVERFLOW;
use rank::{Held, Ranking};
pub use scope::{Pattern, Scope};

use crate::catalog::{CATALOG, Metric};
use crate::state::{EntityKind, KeyMap, KeySet, Row, Rows, key_of};

/// Rounds that a member of a top list stays at least, so that its series have a history.
const ROUNDS_KEPT: u32 = 5;
/// Series for which there must be room before an entity's first row goes on: more than most have.
const ENTITY_SERIES: u64 = 24;
/// Series kept back for the sums of what is left out.
const SUM_SERIES: u64 = 16;
/// Series drawn from the room at once.
const DRAW: u64 = 64;
/// Rows of one record after which its set is not kept for the next.
const RECORD_ROWS_KEPT: usize = 128;

/// Series that an answer may show.
pub trait Room: Debug + Send {
    /// Series that could be drawn now.
    fn free(&self) -> u64;

    /// Takes up to `wish` series; gives how many.
    fn draw(&mut self, wish: u64) -> u64;
}

/// What holds for one answer.
#[derive(Debug)]
pub struct Terms {
    /// Where series are drawn from.
    pub room: Box<dyn Room>,
    /// Series that the first answer is expected to have.
    pub expected: u64,
    /// Most series of one family.
    pub family_max: u64,
    /// Time since any fixed moment.
    pub now: Duration,
}

impl Default for Terms {
    /// Without limits, at the beginning of time.
    fn default() -> Self {
        Self {
            room: Box::new(Endless),
            expected: 0,
            family_max: u64::MAX,
            now: Duration::ZERO,
        }
    }
}

#[derive(Debug)]
struct Endless;

impl Room for Endless {
    fn free(&self) -> u64 {
        u64::MAX
    }

    fn draw(&mut self, wish: u64) -> u64 {
        wish
    }
}

/// The entity whose rows are coming.
#[derive(Clone, Copy, Debug)]
struct Unit {
    kind: EntityKind,
    /// Of the labels that name it.
    name: u64,
    /// Tells it from all other units of an answer.
    key: u64,
    fate: Fate,
    /// Series that went on.
    series: u64,
    /// Rounds that it stays a member.
    rounds: u32,
}

/// An entity that was shown lately.
#[derive(Clone, Copy, Debug)]
struct Member {
    /// Rounds that it still stays.
    rounds: u32,
    series: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Its rows go on. New ones count for the hour.
    Pass {
        new: bool,
    },
    /// Its rows wait until it is compared with others.
    Hold,
    Out(Reason),
    /// It was there before in this answer.
    Again,
}

/// A filter of rows. Lives as long as its collector, since membership of a top list outlasts a round.
#[derive(Debug)]
pub struct Select {
    scope: Arc<Scope>,
    entities_max: usize,
    terms: Terms,
    /// Series drawn and not yet used.
    in_hand: u64,
    /// Whether this answer may be too large, so that entities are compared.
    ranked: bool,
    /// What is shown or waits, and the server's own rows.
    seen: KeySet,
    /// Rows of the record under way.
    record: KeySet,
    unit: Option<Unit>,
    held: Held,
    ranking: Ranking,
    /// Entities that went straight on while others were compared.
    passed: usize,
    members: KeyMap<Member>,
    members_next: KeyMap<Member>,
    /// Whether the round before left something out.
    cut_before: bool,
    wanted_before: Option<u64>,
    fresh: Fresh,
    /// Rows shown, by their first family.
    families: Vec<u64>,
    lost: Lost,
    left: Left,
}

impl Default for Select {
    fn default() -> Self {
        Self {
            scope: Arc::default(),
            entities_max: usize::MAX,
            terms: Terms::default(),
            in_hand: 0,
            ranked: false,
            seen: KeySet::default(),
            record: KeySet::default(),
            unit: None,
            held: Held::new(),
            ranking: Ranking::default(),
            passed: 0,
            members: KeyMap::default(),
            members_next: KeyMap::default(),
            cut_before: false,
            wanted_before: None,
            fresh: Fresh::new(u64::MAX),
            families: vec![0; CATALOG.len()],
            lost: Lost::default(),
            left: Left::default(),
        }
    }
}

impl Select {
    /// Lets every entity through, each once.
    pub fn all() -> Self {
        Self::default()
    }

    /// Lets through the `limit` entities that matter most.
    pub fn top(limit: usize) -> Self {
        Self {
            entities_max: limit,
            ..Self::default()
        }
    }

    /// Shows what the operator wants to see.
    pub fn with_scope(mut self, scope: Arc<Scope>) -> Self {
        self.scope = scope;
        self
    }

    /// Shows entities with at most so many series within an hour that were not shown in the hour before.
    pub fn with_new_max(mut self, series: u64) -> Self {
        self.fresh = Fresh::new(series);
        self
    }

    /// A round begins, whatever became of the one before.
    pub fn begin(&mut self, terms: Terms) {
        let expected = self.wanted_before.unwrap_or(terms.expected);
        self.ranked = self.entities_max < usize::MAX || expected > terms.room.free() / 4 * 3;
        self.fresh.begin(terms.now);
        self.terms = terms;
        (self.in_hand, self.passed, self.unit) = (0, 0, None);
        self.seen.clear();
        self.record.clear();
        self.ranking.clear();
        self.members_next.clear();
        self.families.fill(0);
        self.lost.clear();
        self.left = Left::default();
    }

    /// Another record begins: its rows are of another entity, even when it is called the same.
    pub fn record(&mut self) {
        self.close();
        if self.record.capacity() > RECORD_ROWS_KEPT {
            self.record = KeySet::default();
        }
        self.record.clear();
    }

    /// Takes a row and hands it on, keeps it or drops it.
    pub fn row(&mut self, row: &Row<'_>, out: &mut dyn Rows) {
        if row.kind == EntityKind::Server {
            // Which family of a row comes first depends on what the broker left out, so each is looked at.
            let series = |(metric, _): &(Metric, _)| key_of((row.kind, row.key, *metric as u64));
            let mut all = row.values.iter().map(series);
            if all.any(|key| self.seen.contains(&key)) {
                self.left.duplicates += 1;
            } else {
                self.seen.extend(row.values.iter().map(series));
                out.row(row);
            }
            return;
        }
        let fate = match self.unit {
            Some(unit) if unit.has(row) => unit.fate,
            _ => self.open(row),
        };
        if fate == Fate::Again {
            return;
        }
        if !self.record.insert(identity(row)) {
            self.left.duplicates += 1;
            return;
        }
        let series = row.values.len() as u64;
        match fate {
            Fate::Pass { new } => {
                self.left.wanted += series;
                self.pass(row, series, new, out);
            }
            Fate::Hold => self.held.push(row),
            Fate::Out(reason) if reason.is_loss() => {
                self.left.wanted += series;
                self.lost.add(row.kind, row.values);
            }
            Fate::Out(_) | Fate::Again => {}
        }
    }

    /// An entity's first row came.
    fn open(&mut self, row: &Row<'_>) -> Fate {
        self.close();
        let key = unit_key(row);
        let fate = self.fate(key, row);
        match fate {
            Fate::Pass { .. } => {
                self.seen.insert(key);
                self.left.entities += 1;
            }
            Fate::Hold => self.held.reset(row.kind, key),
            Fate::Out(reason) => self.left.count(reason),
            Fate::Again => self.left.duplicates += 1,
        }
        let member = self.members.get(&key).filter(|_| self.ranked);
        let rounds = match member {
            Some(member) if self.cut_before => member.rounds - 1,
            // Nobody waits for its place.
            Some(_) => ROUNDS_KEPT - 1,
            None => 0,
        };
        self.unit = Some(Unit {
            kind: row.kind,
            name: row.name_key(),
            key,
            fate,
            series: 0,
            rounds,
        });
        fate
    }

    fn fate(&mut self, key: u64, row: &Row<'_>) -> Fate {
        if self.seen.contains(&key) {
            return Fate::Again;
        }
        if row
            .labels
            .first()
            .is_some_and(|(_, name)| *name == OVERFLOW)
        {
            // It is in the sum that is called so.
            return Fate::Out(Reason::Budget);
        }
        if !self.scope.shows(row.labels) {
            return Fate::Out(Reason::Denied);
        }
        if self.ranked {
            return match self.members.get(&key) {
                Some(member) => self.stay(key, member.series),
                None => Fate::Hold,
            };
        }
        if !self.ensure(ENTITY_SERIES) {
            return Fate::Out(Reason::Budget);
        }
        match self.fresh.admits(key) {
            Entry::Refused => Fate::Out(Reason::New),
            entry => Fate::Pass {
                new: entry == Entry::New,
            },
        }
    }

    /// A member goes straight on, at the cost of those that wait.
    fn stay(&mut self, key: u64, series: u64) -> Fate {
        while self.passed + self.ranking.len() >= self.entities_max {
            let Some(least) = self.ranking.pop_below(None) else {
                return Fate::Out(Reason::Top);
            };
            self.take_back(&least, Reason::Top);
        }
        if !self.make_room(series) {
            return Fate::Out(Reason::Budget);
        }
        self.passed += 1;
        let entry = self.fresh.admits(key);
        Fate::Pass {
            new: entry == Entry::New,
        }
    }

    /// Sees to it that so many series are in hand, at the cost of those that wait.
    fn make_room(&mut self, series: u64) -> bool {
        while !self.ensure(series) {
            let Some(least) = self.ranking.pop_below(None) else {
                return false;
            };
            self.take_back(&least, Reason::Budget);
        }
        true
    }

    /// Hands a row on while there is room for it.
    fn pass(&mut self, row: &Row<'_>, series: u64, new: bool, out: &mut dyn Rows) {
        if !self.make_room(series) {
            // An entity of more series than any other is cut short.
            self.left.count(Reason::Budget);
            self.lost.add(row.kind, row.values);
            if let Some(unit) = &mut self.unit {
                unit.fate = Fate::Out(Reason::Budget);
            }
            return;
        }
        self.in_hand -= series;
        if new {
            self.fresh.count(series);
        }
        if let Some(unit) = &mut self.unit {
            unit.series += series;
        }
        self.show(row, out);
    }

    /// Hands a row on unless its family is full.
    fn show(&mut self, row: &Row<'_>, out: &mut dyn Rows) {
        let family = row.values.first().map(|(metric, _)| *metric as usize);
        if let Some(count) = family.and_then(|place| self.families.get_mut(place)) {
            if *count >= self.terms.family_max {
                self.left.count(Reason::Budget);
                self.lost.add(row.kind, row.values);
                self.in_hand += row.values.len() as u64;
                return;
            }
            *count += 1;
        }
        self.left.series += row.values.len() as u64;
        out.row(row);
    }

    /// Sees to it that so many series are in hand, beside those for sums.
    fn ensure(&mut self, series: u64) -> bool {
        let needed = series.saturating_add(SUM_SERIES);
        while self.in_hand < needed {
            match self.terms.room.draw(DRAW.max(needed - self.in_hand)) {
                0 => return false,
                drawn => self.in_hand += drawn,
            }
        }
        true
    }

    /// The entity under way has no more rows.
    fn close(&mut self) {
        let Some(unit) = self.unit.take() else { return };
        if unit.fate == Fate::Hold {
            self.left.wanted += self.held.series();
            self.compete();
        }
        if unit.rounds > 0 && unit.series > 0 {
            let Unit { rounds, series, .. } = unit;
            let member = Member { rounds, series };
            self.members_next.insert(unit.key, member);
        }
    }

    /// Takes what is held into the ranking, if it is large enough.
    fn compete(&mut self) {
        let (rank, series) = (self.held.rank(), self.held.series());
        loop {
            let reason = if self.passed + self.ranking.len() >= self.entities_max {
                Reason::Top
            } else if self.ensure(series) {
                self.in_hand -= series;
                self.seen.insert(self.held.key);
                self.ranking.push(self.held.clone());
                return;
            } else {
                Reason::Budget
            };
            match self.ranking.pop_below(Some(rank)) {
                Some(least) => self.take_back(&least, reason),
                None => {
                    let held = std::mem::replace(&mut self.held, Held::new());
                    self.leave_out(&held, reason);
                    self.held = held;
                    return;
                }
            }
        }
    }

    /// What waited gives way.
    fn take_back(&mut self, held: &Held, reason: Reason) {
        self.in_hand += held.series();
        self.seen.remove(&held.key);
        self.leave_out(held, reason);
    }

    fn leave_out(&mut self, held: &Held, reason: Reason) {
        self.left.count(reason);
        if reason.is_loss() {
            self.lost.add(held.kind, &held.values);
        } else {
            self.left.wanted -= held.series();
        }
    }

    /// The round is complete: hands on what was kept, and the sums of what was left out.
    pub fn finish(&mut self, out: &mut dyn Rows) -> Left {
        self.close();
        for held in self.ranking.drain() {
            match self.fresh.admits(held.key) {
                Entry::Refused => {
                    self.take_back(&held, Reason::New);
                    continue;
                }
                Entry::New => self.fresh.count(held.series()),
                Entry::Known => {}
            }
            self.left.entities += 1;
            let member = Member {
                rounds: ROUNDS_KEPT - 1,
                series: held.series(),
            };
            self.members_next.insert(held.key, member);
            held.rows(&mut |row: &Row<'_>| self.show(row, out));
        }
        let Self { lost, left, .. } = self;
        lost.rows(&mut |row: &Row<'_>| {
            left.series += row.values.len() as u64;
            out.row(row);
        });
        left.lost = lost.by_family();
        self.cut_before = self.left.top + self.left.budget > 0;
        self.wanted_before = Some(self.left.wanted);
        self.members = std::mem::take(&mut self.members_next);
        // A large answer must not leave its sets behind for good.
        self.seen = KeySet::default();
        self.record = KeySet::default();
        self.held = Held::new();
        std::mem::take(&mut self.left)
    }

    /// Gives back what was drawn, once what is shown is counted elsewhere.
    pub fn release(&mut self) {
        self.terms = Terms::default();
    }
}

impl Unit {
    /// Whether a row is of this entity.
    fn has(&self, row: &Row<'_>) -> bool {
        self.kind == row.kind && self.name == row.name_key()
    }
}

/// Tells units apart. Several records may be of one entity, and an entity's rows may stand on both sides of those of its
/// parts: the first family tells these apart.
fn unit_key(row: &Row<'_>) -> u64 {
    let first = row.values.first().map_or(0, |(metric, _)| *metric as u64);
    let kind = match row.kind {
        // A connection closes once, and has the same families however it did.
        EntityKind::EndedConnection => EntityKind::BrokenConnection,
        kind => kind,
    };
    let place = (kind as u64) << 32 | first;
    row.name_key() ^ place.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Several tables may emit rows for one entity; their first family tells them apart.
fn identity(row: &Row<'_>) -> u64 {
    let first = row.values.first().map(|(metric, _)| *metric as u64);
    key_of((row.kind as u64, row.key, first))
}

#[cfg(test)]
mod tests;
