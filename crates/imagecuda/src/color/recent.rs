//! The last profiles and their meanings. The files of a batch usually have the same profile.

use super::{Channels, Meaning};
use crate::memory::copied;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many are kept, and of how many bytes in all.
pub(super) const MOST: usize = 8;
const MOST_BYTES: usize = 32 << 20;

static RECENT: Mutex<Recent> = Mutex::new(Recent(Vec::new()));

/// The newest come last.
pub(super) struct Recent(Vec<Known>);

struct Known {
    icc: Vec<u8>,
    channels: Channels,
    meaning: Meaning,
}

impl Known {
    fn bytes(&self) -> usize {
        let conversion = match &self.meaning {
            Meaning::Other(conversion) => size_of_val(conversion.numbers()),
            Meaning::Srgb | Meaning::Nothing => 0,
        };
        self.icc.capacity() + conversion
    }
}

/// Forgets the oldest until at most `keep` bytes remain.
pub(crate) fn trim(keep: usize) {
    recent().trim(keep);
}

pub(super) fn recent() -> MutexGuard<'static, Recent> {
    RECENT.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recent {
    pub(super) fn find(&mut self, icc: &[u8], channels: Channels) -> Option<Meaning> {
        let same = |known: &Known| known.channels == channels && known.icc == icc;
        let at = self.0.iter().position(same)?;
        let found = self.0.remove(at);
        let meaning = found.meaning.clone();
        self.0.push(found);
        Some(meaning)
    }

    pub(super) fn add(&mut self, icc: &[u8], channels: Channels, meaning: &Meaning) {
        // What there is no memory for is not kept.
        let Ok(icc) = copied(icc) else { return };
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        self.0.push(Known {
            icc,
            channels,
            meaning: meaning.clone(),
        });
        self.trim(MOST_BYTES);
    }

    fn trim(&mut self, keep: usize) {
        while self.bytes() > keep {
            self.0.remove(0);
        }
    }

    fn bytes(&self) -> usize {
        self.0.iter().map(Known::bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::Conversion;
    use std::sync::Arc;

    fn has(recent: &mut Recent, icc: &[u8]) -> bool {
        recent.find(icc, Channels::Rgb).is_some()
    }

    #[test]
    fn the_last_ones_are_kept() {
        let recent = &mut Recent(Vec::new());
        let profiles: Vec<[u8; 3]> = (0..10).map(|i| [i; 3]).collect();
        for profile in &profiles {
            recent.add(profile, Channels::Rgb, &Meaning::Nothing);
            // One that is used stays.
            assert!(has(recent, &profiles[0]));
        }
        let kept: Vec<bool> = profiles.iter().map(|icc| has(recent, icc)).collect();
        let expected = [0, 3, 4, 5, 6, 7, 8, 9];
        assert_eq!(expected.map(|i| kept[i]), [true; MOST]);
        assert_eq!(kept.iter().filter(|&&kept| kept).count(), MOST);
        assert!(recent.find(&profiles[0], Channels::Gray).is_none());
    }

    #[test]
    fn bytes_are_counted() {
        let recent = &mut Recent(Vec::new());
        let conversion = Meaning::Other(Arc::new(Conversion::Table(vec![0.0; 1000])));
        recent.add(&[1; 500], Channels::Rgb, &conversion);
        recent.add(&[2; 100], Channels::Rgb, &Meaning::Srgb);
        assert_eq!(recent.bytes(), 4600);
        recent.trim(4600);
        assert!(has(recent, &[1; 500]) && has(recent, &[2; 100]));
        // The first was used before the second.
        recent.trim(4599);
        assert!(!has(recent, &[1; 500]) && has(recent, &[2; 100]));
        recent.trim(0);
        assert!(!has(recent, &[2; 100]));

        let large = vec![0; MOST_BYTES / 2 + 8];
        for i in 0..4 {
            recent.add(
                &[&large[i..], &[i as u8]].concat(),
                Channels::Rgb,
                &Meaning::Nothing,
            );
            assert!(recent.bytes() <= MOST_BYTES);
        }
        assert_eq!(recent.0.len(), 1);
    }
}
