//! What a pool of decoders knows of those of each class.

use super::kind::Kind;
use crate::{VideoDecoder, device::video::VideoCodec};
use std::collections::BTreeMap;

/// Decoders of all classes.
pub(super) const MOST_IN_ALL: usize = 24;

/// The most decoders of one class, on a GPU of so many engines. The GPU deals frames to its engines in
/// turn, so that some wait while others have nothing to do. With twice as many decoders all have work,
/// where frames are small. Of large ones each takes so long that one more is enough.
fn most(class: Class, engines: usize) -> usize {
    let most = match class.largest.iter().all(|&side| side <= LARGEST[0]) {
        true => 2 * engines,
        false => engines + 1,
    };
    most.min(16)
}

/// The sides up to which the decoders of a class go. Smaller classes take less memory and time to make:
/// most tiles are of the first one.
const LARGEST: [u32; 3] = [1024, 4096, 8192];

/// Decoders that replace each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Class {
    pub(super) kind: Kind,
    /// The largest coded sides.
    pub(super) largest: [u32; 2],
}

impl Class {
    /// The class of pictures of this size. `None` if they are too large. The picture as it is coded may
    /// be larger, by up to 64 pixels.
    pub(super) fn of(kind: Kind, size: [u32; 2], most: [u32; 2]) -> Option<Self> {
        let fits = |largest: [u32; 2]| (0..2).all(|i| size[i].next_multiple_of(64) <= largest[i]);
        LARGEST
            .map(|side| most.map(|most| side.min(most)))
            .into_iter()
            .find(|&largest| fits(largest))
            .map(|largest| Self { kind, largest })
    }
}

pub(super) struct Members<E> {
    pub(super) free: Vec<E>,
    /// The free ones, those in use, and those that are being made.
    pub(super) alive: usize,
    /// Frames that are to be decoded.
    frames: usize,
    /// Pictures that have decoders or wait for some.
    pub(super) pictures: usize,
    /// How many decoders would have been of use at the busiest time.
    pub(super) wanted: usize,
    /// How many may be of use.
    most: usize,
    /// Pictures that the host decoded since there was no decoder, one after the other.
    pub(super) passed: usize,
    /// Whether a thread makes more.
    pub(super) is_growing: bool,
    /// Whether one more could not be made. It is not tried again until decoders were ended.
    pub(super) is_full: bool,
    /// When the class was used last.
    pub(super) used: u64,
}

pub(super) struct State<E> {
    pub(super) classes: BTreeMap<Class, Members<E>>,
    pub(super) clock: u64,
}

impl<E> Default for Members<E> {
    fn default() -> Self {
        Self {
            free: Vec::new(),
            alive: 0,
            frames: 0,
            pictures: 0,
            wanted: 0,
            most: 0,
            passed: 0,
            is_growing: false,
            is_full: false,
            used: 0,
        }
    }
}

impl<E> Default for State<E> {
    fn default() -> Self {
        Self {
            classes: BTreeMap::new(),
            clock: 0,
        }
    }
}

impl<E> Members<E> {
    pub(super) fn begin(&mut self, need: Need) {
        self.frames += need.frames;
        self.pictures += 1;
        self.most = most(need.class, need.engines);
        // A lone picture uses one for each engine.
        let of_use = self.frames.min(need.engines).max(self.pictures);
        self.wanted = self.wanted.max(of_use.min(self.most));
    }

    pub(super) fn end(&mut self, frames: usize) {
        self.frames -= frames;
        self.pictures -= 1;
    }

    /// A picture's share of the free decoders. A lone picture gets one for each engine. In a batch each gets
    /// one: threads that each drive one decoder are faster than one that drives all.
    pub(super) fn share(&mut self, need: Need) -> Vec<E> {
        let most = need.frames.min(need.engines).max(1);
        let share = (self.alive / self.pictures).clamp(1, most);
        let rest = self.free.len().saturating_sub(share);
        self.free.split_off(rest)
    }

    pub(super) fn wants_more(&self) -> bool {
        !self.is_full
            && self.alive < self.most
            && (self.wanted > self.alive || self.passed >= PATIENCE)
    }
}

impl<E> State<E> {
    /// Decoders are ended, so one more may be made again.
    pub(super) fn may_grow(&mut self) {
        for members in self.classes.values_mut() {
            members.is_full = false;
        }
    }

    /// Takes a free decoder of the class that was used longest ago, if there are as many as may be, and so
    /// many pictures came since.
    pub(super) fn make_room(&mut self, but: Class, since: u64) -> Option<E> {
        if self.alive() < MOST_IN_ALL {
            return None;
        }
        let clock = self.clock;
        let others = self.classes.iter_mut();
        let idle = others.filter(|(class, members)| {
            **class != but && !members.free.is_empty() && clock - members.used >= since
        });
        let (_, oldest) = idle.min_by_key(|(_, members)| members.used)?;
        oldest.alive -= 1;
        let ended = oldest.free.pop();
        self.may_grow();
        ended
    }

    pub(super) fn of(&mut self, class: Class) -> &mut Members<E> {
        self.classes.entry(class).or_default()
    }

    pub(super) fn alive(&self) -> usize {
        self.classes.values().map(|members| members.alive).sum()
    }
}

/// The first picture without a decoder that `Auto` makes one for, by pixels: libde265 takes 57 ms a
/// megapixel on two cores, libwebp ten.
pub(super) fn pays(kind: Kind, pixels: u64) -> bool {
    kind.codec != VideoCodec::Vp8 && pixels >= 2_000_000
}

/// After so many pictures of other classes, a class's decoders may end for those.
pub(super) const STALE: u64 = 64;

/// How many pictures in a row find no decoder before one is made for those that come.
pub(super) const PATIENCE: usize = 4;

/// A picture's need of decoders.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    pub(super) class: Class,
    /// Frames to decode.
    pub(super) frames: usize,
    /// The GPU's engines.
    pub(super) engines: usize,
    pub(super) pixels: u64,
    pub(super) choice: VideoDecoder,
}
