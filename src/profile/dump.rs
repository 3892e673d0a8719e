//! Goroutine dumps as `runtime.Stack` writes them (`/stacksz`, `goroutine?debug=2`): who waits where, for how long, and for which lock.
//!
//! Arguments and addresses are taken out while a dump is read: only the address of a lock stays, to tell locks apart within one life of
//! a process. Forms differ between versions of Go; the parser knows those of 1.18 to 1.27.

use std::collections::HashMap;

use super::{Frame, Profile, ValueType};

/// Goroutines that are read of one dump; a dump of more is cut, and says so.
pub const GOROUTINES_MAX: usize = 1_000_000;
/// Different stacks that are kept of a dump.
const STACKS_MAX: usize = 50_000;
/// Frames of a goroutine; Go itself leaves out what is deeper than 100.
const DEPTH_MAX: usize = 128;
/// Letters of a function's name.
const NAME_MAX: usize = 512;
/// Goroutines whose wait for a lock is kept.
const WAITERS_MAX: usize = 100_000;
/// Bytes of a line; longer ones lose their ends.
const LINE_MAX: usize = 16 << 10;
/// Bytes of something else that an error repeats.
const BEGIN_BYTES: usize = 60;

/// What goroutines of one stack and state have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Standing {
    /// As Go says, without minutes: `sync.Mutex.Lock`, `IO wait`, `select`.
    state: Box<str>,
    /// Leaf first.
    frames: Box<[Frame]>,
}

/// One dump, grouped.
#[derive(Debug, Default)]
pub struct Dump {
    /// Goroutines that were read.
    pub goroutines: u64,
    /// Goroutines that were left out, since there was no room.
    pub left_out: u64,
    stacks: HashMap<Standing, u64>,
    /// Who waits for a lock.
    pub waiters: Vec<Waiter>,
}

/// A goroutine that waits for a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiter {
    /// Address of the lock, where the dump tells it for sure. It is compared, and never shown.
    pub lock: Option<u64>,
    /// The first function from the leaf that is not part of Go's own locks.
    pub site: Box<str>,
    /// The callers of that function, nearest first.
    pub callers: Box<[Box<str>]>,
    /// `sync.Mutex.Lock`, `sync.RWMutex.RLock`.
    pub state: Box<str>,
    /// Whole minutes that it has waited.
    pub minutes: u64,
}

/// Why a text is no dump.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it holds no goroutine; it begins {0:?}")]
pub struct NoDump(String);

/// Reads a dump piece by piece, so that only what is kept of it takes memory.
#[derive(Default)]
pub struct Reader {
    dump: Dump,
    current: Option<Goroutine>,
    /// The beginning of a line whose end has not come yet.
    partial: Vec<u8>,
    /// The rest of a line that is too long is passed over.
    overlong: bool,
    begin: Vec<u8>,
}

impl Reader {
    /// Takes the next bytes; pieces may end anywhere.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        let missing = BEGIN_BYTES - self.begin.len();
        self.begin.extend(bytes.iter().take(missing));
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            bytes = rest;
            if self.partial.is_empty() && !self.overlong {
                self.line(line);
                continue;
            }
            self.keep(line);
            let whole = std::mem::take(&mut self.partial);
            self.overlong = false;
            self.line(&whole);
        }
        self.keep(bytes);
    }

    /// The dump, once all has come.
    ///
    /// # Errors
    ///
    /// When there was no goroutine in it.
    pub fn finish(mut self) -> Result<Dump, NoDump> {
        let last = std::mem::take(&mut self.partial);
        self.line(&last);
        self.dump.end(self.current.take());
        if self.dump.goroutines == 0 {
            return Err(NoDump(String::from_utf8_lossy(&self.begin).into_owned()));
        }
        Ok(self.dump)
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LINE_MAX - self.partial.len();
        self.overlong |= bytes.len() > room;
        self.partial.extend(bytes.iter().take(room));
    }

    fn line(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches('\r');
        if let Some(header) = header(line) {
            self.dump.end(self.current.replace(header));
        } else if let Some(goroutine) = &mut self.current {
            goroutine.line(line);
        }
    }
}

/// Reads a whole dump. Lines that say nothing to us are passed over.
///
/// # Errors
///
/// When there is no goroutine in it.
pub fn read(text: &[u8]) -> Result<Dump, NoDump> {
    let mut reader = Reader::default();
    reader.feed(text);
    reader.finish()
}

impl Dump {
    fn end(&mut self, goroutine: Option<Goroutine>) {
        let Some(goroutine) = goroutine else { return };
        if usize::try_from(self.goroutines).is_ok_and(|count| count >= GOROUTINES_MAX) {
            self.left_out += 1;
            return;
        }
        self.goroutines += 1;
        if self.waiters.len() < WAITERS_MAX {
            self.waiters.extend(goroutine.waiter());
        }
        let standing = Standing {
            state: goroutine.state,
            frames: goroutine.frames.into(),
        };
        if let Some(count) = self.stacks.get_mut(&standing) {
            *count += 1;
        } else if self.stacks.len() < STACKS_MAX {
            self.stacks.insert(standing, 1);
        } else {
            self.left_out += 1;
        }
    }

    /// Counts by stack, the state as label.
    #[must_use]
    pub fn profile(&self) -> Profile {
        let mut profile = Profile::new(vec![ValueType::new("goroutine", "count")]);
        profile.left_out = self.left_out;
        let mut ids = Vec::new();
        for (standing, count) in &self.stacks {
            ids.clear();
            ids.extend(
                standing
                    .frames
                    .iter()
                    .filter_map(|frame| profile.intern(frame.clone())),
            );
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            let state = ("state".into(), standing.state.clone());
            profile.add(&ids, &[count], vec![state]);
        }
        profile
    }
}

/// A goroutine that is being read.
struct Goroutine {
    state: Box<str>,
    minutes: u64,
    frames: Vec<Frame>,
    /// Next line may be the place of the function before.
    awaits_place: bool,
    lock: Option<u64>,
}

/// `goroutine 12 [sync.Mutex.Lock, 3 minutes]:`; between number and bracket there may be words, behind the state more of them.
fn header(line: &str) -> Option<Goroutine> {
    let rest = line.strip_prefix("goroutine ")?;
    let (number, rest) = rest.split_once(' ')?;
    number.parse::<u64>().ok()?;
    let inside = rest.get(rest.find('[')? + 1..rest.rfind("]:")?)?;
    let mut words = inside.split(", ");
    let state = words.next().unwrap_or_default();
    let minutes = words.find_map(|word| word.strip_suffix(" minutes")?.parse().ok());
    Some(Goroutine {
        // Garbage collection in progress, not what the goroutine does.
        state: clipped(state.trim_end_matches(" (scan)")).into(),
        minutes: minutes.unwrap_or(0),
        frames: Vec::new(),
        awaits_place: false,
        lock: None,
    })
}

impl Goroutine {
    fn line(&mut self, line: &str) {
        if line.starts_with('\t') {
            if self.awaits_place {
                self.awaits_place = false;
                self.place(line.trim());
            }
            return;
        }
        self.awaits_place = false;
        if line.is_empty() || self.frames.len() >= DEPTH_MAX {
            return;
        }
        if let Some(creator) = line.strip_prefix("created by ") {
            let name = creator.split(" in goroutine ").next().unwrap_or(creator);
            self.push(name, false);
            return;
        }
        // Receivers stand in parentheses, too: the arguments are in the last group.
        let Some(open) = arguments(line) else { return };
        let (name, arguments) = (&line[..open], &line[open + 1..line.len() - 1]);
        if self.lock.is_none() && self.frames.iter().all(|frame| is_lock(&frame.function)) {
            self.lock = lock_of(name, arguments);
        }
        self.push(name, arguments == "...");
    }

    fn push(&mut self, name: &str, inlined: bool) {
        self.frames.push(Frame {
            function: clipped(name).into(),
            file: "".into(),
            line: 0,
            inlined,
        });
        self.awaits_place = true;
    }

    /// `/path/server/client.go:3850 +0x1c`
    fn place(&mut self, place: &str) {
        let place = place.split(" +0x").next().unwrap_or(place);
        let (Some(frame), Some((file, line))) = (self.frames.last_mut(), place.rsplit_once(':'))
        else {
            return;
        };
        frame.file = clipped(file).into();
        frame.line = line.parse().unwrap_or(0);
    }

    fn waiter(&self) -> Option<Waiter> {
        if !waits_for_lock(&self.state, &self.frames) {
            return None;
        }
        let mut callers = self
            .frames
            .iter()
            .map(|frame| &frame.function)
            .skip_while(|name| is_lock(name));
        Some(Waiter {
            lock: self.lock,
            site: callers.next()?.clone(),
            callers: callers.take(4).cloned().collect(),
            state: self.state.clone(),
            minutes: self.minutes,
        })
    }
}

/// Where the last parenthesis opens whose end is the line's.
fn arguments(line: &str) -> Option<usize> {
    if !line.ends_with(')') {
        return None;
    }
    let mut depth = 0_usize;
    for (at, byte) in line.bytes().enumerate().rev() {
        match byte {
            b')' => depth += 1,
            b'(' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

fn clipped(text: &str) -> &str {
    text.char_indices()
        .nth(NAME_MAX)
        .map_or(text, |(end, _)| &text[..end])
}

/// Functions of Go's own locks, and what they call.
fn is_lock(name: &str) -> bool {
    const LOCKS: [&str; 8] = [
        "sync.(*Mutex).",
        "sync.(*RWMutex).",
        "internal/sync.(*Mutex).",
        "sync.runtime_Semacquire",
        "internal/sync.runtime_Semacquire",
        "sync.runtime_SemacquireRWMutex",
        "runtime.sem",
        "runtime.gopark",
    ];
    LOCKS.iter().any(|start| name.starts_with(start))
}

/// Old versions of Go say `semacquire` for locks and wait groups alike, so the stack decides.
fn waits_for_lock(state: &str, frames: &[Frame]) -> bool {
    let by_state = state.starts_with("sync.Mutex") || state.starts_with("sync.RWMutex");
    let old = state == "semacquire"
        && frames.iter().take(3).any(|frame| {
            frame.function.contains("sync.(*Mutex)") || frame.function.contains("sync.(*RWMutex)")
        });
    by_state || old
}

/// The lock is the first argument of its own methods. Behind a `?` the value may be stale, so it does not count; arguments of inlined
/// functions are not there.
fn lock_of(name: &str, arguments: &str) -> Option<u64> {
    let is_method = ["sync.(*Mutex).", "sync.(*RWMutex)."]
        .iter()
        .any(|of| name.contains(of));
    let first = arguments.split(", ").next()?.strip_prefix("0x")?;
    is_method
        .then(|| u64::from_str_radix(first, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENDED: &str = "goroutine 41 [sync.Mutex.Lock, 3 minutes]:
internal/sync.runtime_SemacquireMutex(0x4a?, 0x0?, 0x1?)
\truntime/sema.go:95 +0x25
internal/sync.(*Mutex).lockSlow(0xc000410a4c)
\tinternal/sync/mutex.go:149 +0x15d
sync.(*Mutex).Lock(...)
\tsync/mutex.go:46
github.com/nats-io/nats-server/v2/server.(*client).deliverMsg(0xc000, {0x1, 0x2}, 0xc000?)
\tgithub.com/nats-io/nats-server/v2/server/client.go:3850 +0x1c
github.com/nats-io/nats-server/v2/server.(*client).processMsgResults(0x1)
\tgithub.com/nats-io/nats-server/v2/server/client.go:5420 +0x2
created by github.com/nats-io/nats-server/v2/server.(*Server).startGoRoutine in goroutine 7
\tgithub.com/nats-io/nats-server/v2/server/server.go:9 +0x1

goroutine 42 [IO wait]:
internal/poll.runtime_pollWait(0x7f, 0x72)
\truntime/netpoll.go:351 +0x85
";

    #[test]
    fn a_waiter_has_a_lock_a_site_and_its_minutes() {
        let dump = read(CONTENDED.as_bytes()).unwrap();
        assert_eq!(dump.goroutines, 2);
        let [waiter] = &dump.waiters[..] else {
            panic!("{:?}", dump.waiters)
        };
        assert_eq!(
            (waiter.lock, waiter.minutes, &*waiter.state),
            (Some(0xc0_0041_0a4c), 3, "sync.Mutex.Lock")
        );
        assert!(waiter.site.ends_with("(*client).deliverMsg"), "{waiter:?}");
        assert!(waiter.callers[0].ends_with("processMsgResults"));
    }

    #[test]
    fn no_argument_and_no_address_is_kept() {
        let dump = read(CONTENDED.as_bytes()).unwrap();
        let profile = dump.profile();
        let mut lines = String::new();
        for frame in profile.frames() {
            lines += &format!("{} {} {}\n", frame.function, frame.file, frame.line);
        }
        assert!(!lines.contains("0x") && !lines.contains("{"), "{lines}");
        assert!(
            lines.contains("deliverMsg github.com/nats-io/nats-server/v2/server/client.go 3850"),
            "{lines}"
        );
        assert!(lines.contains("startGoRoutine"), "{lines}");
    }

    #[test]
    fn older_versions_call_every_wait_semacquire() {
        let old = |function: &str| {
            format!(
                "goroutine 5 [semacquire, 12 minutes]:\n{function}\n\tx.go:1 +0x1\nmain.f()\n\tx.go:2 +0x1\n"
            )
        };
        let lock = read(old("sync.(*RWMutex).RLock(0xc000123450)").as_bytes()).unwrap();
        assert_eq!(
            (&*lock.waiters[0].site, lock.waiters[0].lock),
            ("main.f", Some(0xc0_0012_3450))
        );
        let group = read(old("sync.(*WaitGroup).Wait(0xc000123450)").as_bytes()).unwrap();
        assert_eq!(group.waiters, []);
    }

    #[test]
    fn a_doubtful_address_does_not_count() {
        let text = "goroutine 5 [sync.Mutex.Lock]:\nsync.(*Mutex).Lock(0xc000123450?)\nmain.f()\n";
        assert_eq!(read(text.as_bytes()).unwrap().waiters[0].lock, None);
    }

    #[test]
    fn a_text_without_goroutines_is_none() {
        let error = read(b"404 page not found\n").unwrap_err().to_string();
        assert_eq!(
            error,
            r#"it holds no goroutine; it begins "404 page not found\n""#
        );
        assert!(read(b"goroutine x [a]:\ngoroutine 1 [\n").is_err());
        assert!(read(b"goroutine 1 ]:[\n").is_err());
    }

    #[test]
    fn pieces_may_end_anywhere() {
        let whole = read(CONTENDED.as_bytes()).unwrap();
        for size in [1, 2, 7, 64] {
            let mut reader = Reader::default();
            for piece in CONTENDED.as_bytes().chunks(size) {
                reader.feed(piece);
            }
            let dump = reader.finish().unwrap();
            assert_eq!(dump.waiters, whole.waiters, "pieces of {size}");
            assert_eq!(dump.stacks, whole.stacks, "pieces of {size}");
        }
    }

    #[test]
    fn a_line_that_never_ends_takes_no_memory() {
        let mut reader = Reader::default();
        reader.feed(b"goroutine 1 [running]:\n");
        for _ in 0..64 {
            reader.feed(&[b'x'; 4096]);
        }
        assert_eq!(reader.partial.len(), LINE_MAX);
        reader.feed(b"()\nmain.main()\n");
        let profile = reader.finish().unwrap().profile();
        assert_eq!(&*profile.frames()[0].function, "main.main");
    }

    #[test]
    fn names_have_a_longest_form() {
        let text = format!("goroutine 1 [running]:\n{}()\n", "é".repeat(5_000));
        let profile = read(text.as_bytes()).unwrap().profile();
        assert_eq!(profile.frames()[0].function.chars().count(), NAME_MAX);
    }
}
