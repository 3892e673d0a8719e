//! One model for every profile, wherever it comes from: interned frames and stacks, values with units, labels.

use std::collections::HashMap;

/// Frames of one stack that are kept; deeper ones lose their roots, as in `runtime/pprof`, and are counted as cut.
pub const DEPTH_MAX: usize = 256;
/// Different frames in one profile; what comes after is counted as lost.
pub const FRAMES_MAX: usize = 1 << 20;

/// One function call in a stack.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Frame {
    /// Function with its package, as Go writes it; kernel functions end in `_[k]`.
    pub function: Box<str>,
    /// Source file; empty where unknown.
    pub file: Box<str>,
    /// Line in the file; 0 where unknown.
    pub line: u32,
    /// Inlined into the frame above it (nearer to the root).
    pub inlined: bool,
}

/// Place of a frame in [`Profile::frames`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrameId(u32);

impl FrameId {
    /// Its place in [`Profile::frames`].
    #[must_use]
    pub fn place(self) -> u32 {
        self.0
    }
}

/// What a value counts, in the words of pprof: `samples`/`count`, `cpu`/`nanoseconds`, `inuse_space`/`bytes`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ValueType {
    /// What is counted.
    pub name: Box<str>,
    /// Its unit.
    pub unit: Box<str>,
}

impl ValueType {
    /// A type of value.
    #[must_use]
    pub fn new(name: &str, unit: &str) -> Self {
        Self {
            name: name.into(),
            unit: unit.into(),
        }
    }
}

/// Key and value, such as `stream` and `ORDERS`.
pub type Label = (Box<str>, Box<str>);

/// Everything that was seen at one stack under the same labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Leaf first.
    pub stack: Box<[FrameId]>,
    /// One for each type of the profile.
    pub values: Box<[i64]>,
    /// Sorted.
    pub labels: Box<[Label]>,
}

/// What makes two samples one: stack and labels.
type SampleKey = (Box<[FrameId]>, Box<[Label]>);

/// Stacks and what was counted at them.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    types: Vec<ValueType>,
    /// The type that whoever made it wants to be shown.
    shown: Option<usize>,
    frames: Vec<Frame>,
    known_frames: HashMap<Frame, FrameId, foldhash::fast::RandomState>,
    samples: Vec<Sample>,
    known_samples: HashMap<SampleKey, usize, foldhash::fast::RandomState>,
    /// Stacks whose roots were cut off at [`DEPTH_MAX`].
    pub cut: u64,
    /// Stacks that were left out since there was no room for their frames.
    pub left_out: u64,
}

impl Profile {
    /// An empty profile of these values.
    #[must_use]
    pub fn new(types: Vec<ValueType>) -> Self {
        Self {
            types,
            ..Self::default()
        }
    }

    /// What the values of a sample are.
    #[must_use]
    pub fn types(&self) -> &[ValueType] {
        &self.types
    }

    /// Different frames, in the order in which they came.
    #[must_use]
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// One for each stack and labels, in the order in which they came.
    #[must_use]
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// The frame of an id of this profile.
    #[must_use]
    pub fn frame(&self, id: FrameId) -> &Frame {
        &self.frames[id.0 as usize]
    }

    /// Id of a frame, made if it is new; `None` where there is no more room.
    pub fn intern(&mut self, frame: Frame) -> Option<FrameId> {
        if let Some(id) = self.known_frames.get(&frame) {
            return Some(*id);
        }
        if self.frames.len() >= FRAMES_MAX {
            return None;
        }
        let id = FrameId(u32::try_from(self.frames.len()).ok()?);
        self.frames.push(frame.clone());
        self.known_frames.insert(frame, id);
        Some(id)
    }

    /// Adds `values` to what was seen at `stack` (leaf first) under `labels`. Values that are missing count as 0, too many are left out.
    pub fn add(&mut self, stack: &[FrameId], values: &[i64], mut labels: Vec<Label>) {
        let kept = &stack[..stack.len().min(DEPTH_MAX)];
        self.cut += u64::from(kept.len() < stack.len());
        labels.sort_unstable();
        let key = (Box::from(kept), labels.into_boxed_slice());
        let at = *self
            .known_samples
            .entry(key)
            .or_insert_with_key(|(stack, labels)| {
                let values = vec![0; self.types.len()].into_boxed_slice();
                self.samples.push(Sample {
                    stack: stack.clone(),
                    values,
                    labels: labels.clone(),
                });
                self.samples.len() - 1
            });
        for (sum, value) in self.samples[at].values.iter_mut().zip(values) {
            *sum = sum.saturating_add(*value);
        }
    }

    /// Adds all of `other`, whose types must be the same.
    pub fn merge(&mut self, other: &Self) {
        self.add_all(other, 1);
    }

    /// What came since `before`: values of equal stacks and labels are subtracted. Frames are compared by what they say.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let mut change = Self::new(self.types.clone());
        (change.left_out, change.shown) = (self.left_out, self.shown);
        change.add_all(self, 1);
        change.add_all(before, -1);
        change
            .samples
            .retain(|sample| sample.values.iter().any(|value| *value != 0));
        change.known_samples.clear();
        change
    }

    fn add_all(&mut self, other: &Self, sign: i64) {
        let mut ids = Vec::new();
        for sample in &other.samples {
            ids.clear();
            let frames = sample.stack.iter().map(|id| other.frame(*id).clone());
            ids.extend(frames.filter_map(|frame| self.intern(frame)));
            let values = sample.values.iter();
            let values: Vec<_> = values.map(|value| value.saturating_mul(sign)).collect();
            self.add(&ids, &values, sample.labels.to_vec());
        }
    }

    /// Sum of the values of one type.
    #[must_use]
    pub fn total(&self, index: usize) -> i64 {
        self.samples
            .iter()
            .filter_map(|sample| sample.values.get(index))
            .fold(0, |sum, value| sum.saturating_add(*value))
    }

    /// Says which type is shown by default; a number that is none changes nothing.
    pub fn show(&mut self, index: usize) {
        if index < self.types.len() {
            self.shown = Some(index);
        }
    }

    /// The type that a picture or a table shows: what was said, else CPU time, memory in use, delay; the last one where nothing is known
    /// by name, as `go tool pprof` does.
    #[must_use]
    pub fn shown(&self) -> usize {
        if let Some(shown) = self.shown {
            return shown;
        }
        const BY_NAME: [&str; 4] = ["cpu", "inuse_space", "delay", "goroutine"];
        BY_NAME
            .iter()
            .find_map(|name| self.types.iter().position(|kind| &*kind.name == *name))
            .unwrap_or(self.types.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str) -> Frame {
        Frame {
            function: function.into(),
            file: "".into(),
            line: 0,
            inlined: false,
        }
    }

    fn cpu() -> Profile {
        Profile::new(vec![
            ValueType::new("samples", "count"),
            ValueType::new("cpu", "nanoseconds"),
        ])
    }

    #[test]
    fn equal_stacks_under_equal_labels_are_one_sample() {
        let mut profile = cpu();
        let stack = ["leaf", "root"].map(|name| profile.intern(frame(name)).unwrap());
        let label = |key: &str| (key.into(), "x".into());
        profile.add(&stack, &[1, 10], vec![label("b"), label("a")]);
        profile.add(&stack, &[2, 20], vec![label("a"), label("b")]);
        profile.add(&stack, &[4, 40], vec![]);
        let values: Vec<_> = profile
            .samples()
            .iter()
            .map(|sample| sample.values.to_vec())
            .collect();
        assert_eq!(values, [vec![3, 30], vec![4, 40]]);
        assert_eq!(
            (profile.total(0), profile.total(1), profile.frames().len()),
            (7, 70, 2)
        );
    }

    #[test]
    fn a_deep_stack_keeps_its_leaf_and_is_counted() {
        let mut profile = cpu();
        let (leaf, other) = (
            profile.intern(frame("leaf")).unwrap(),
            profile.intern(frame("other")).unwrap(),
        );
        let mut stack = vec![other; DEPTH_MAX + 1];
        stack[0] = leaf;
        profile.add(&stack, &[1, 1], vec![]);
        assert_eq!(
            (
                profile.samples()[0].stack.len(),
                profile.samples()[0].stack[0],
                profile.cut
            ),
            (DEPTH_MAX, leaf, 1)
        );
    }

    #[test]
    fn what_came_since_is_told_by_what_frames_say() {
        let of = |stacks: &[(&[&str], i64)]| {
            let mut profile = cpu();
            for (names, value) in stacks {
                let ids: Vec<_> = names
                    .iter()
                    .map(|name| profile.intern(frame(name)).unwrap())
                    .collect();
                profile.add(&ids, &[*value, *value], vec![]);
            }
            profile
        };
        let before = of(&[(&["other"], 2), (&["leaf", "root"], 5)]);
        let after = of(&[(&["leaf", "root"], 8), (&["other"], 2), (&["new"], 1)]);
        let change = after.since(&before);
        let told: Vec<_> = change
            .samples()
            .iter()
            .map(|sample| (&*change.frame(sample.stack[0]).function, sample.values[0]))
            .collect();
        assert_eq!(told, [("leaf", 3), ("new", 1)]);
    }

    #[test]
    fn values_do_not_overflow_and_wrong_counts_do_no_harm() {
        let mut profile = cpu();
        let stack = [profile.intern(frame("leaf")).unwrap()];
        profile.add(&stack, &[i64::MAX], vec![]);
        profile.add(&stack, &[1, 2, 3], vec![]);
        assert_eq!((profile.total(0), profile.total(1)), (i64::MAX, 2));
    }

    #[test]
    fn what_is_shown_goes_by_name() {
        let shown = |names: &[&str]| {
            Profile::new(names.iter().map(|name| ValueType::new(name, "")).collect()).shown()
        };
        assert_eq!(shown(&["samples", "cpu"]), 1);
        assert_eq!(
            shown(&[
                "alloc_objects",
                "alloc_space",
                "inuse_objects",
                "inuse_space"
            ]),
            3
        );
        assert_eq!(shown(&["contentions", "delay"]), 1);
        assert_eq!(shown(&["first", "second"]), 1);
        let mut said = cpu();
        said.show(0);
        said.show(2);
        assert_eq!(said.shown(), 0);
        assert_eq!(shown(&[]), 0);
    }
}
