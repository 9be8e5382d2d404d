//! The names of numbered files.

use crate::{Error, Result};
use std::{
    fs,
    path::{PathBuf, is_separator},
};

/// The names of a sequence of files, such as `frame_%04d.png`: one number of any width, with or
/// without leading zeros. `%%` is a percent sign.
///
/// ```
/// # fn main() -> imagecuda::Result<()> {
/// use imagecuda::batch::Numbered;
///
/// let frames = Numbered::new("shot/frame_%04d.png")?;
/// assert_eq!(frames.path(7).to_str(), Some("shot/frame_0007.png"));
/// assert_eq!(frames.paths(8..=10).count(), 3);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    before: String,
    width: usize,
    zeros: bool,
    after: String,
}

impl Numbered {
    /// Parses `pattern`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption) unless the pattern has exactly
    /// one number.
    pub fn new(pattern: &str) -> Result<Self> {
        Self::parse(pattern).ok_or_else(|| {
            let reason = format!("'{pattern}' has not one number such as %04d");
            Error::option("pattern", reason)
        })
    }

    fn parse(pattern: &str) -> Option<Self> {
        let mut number = None;
        let (mut before, mut text, mut rest) = (String::new(), String::new(), pattern);
        while let Some((plain, after)) = rest.split_once('%') {
            text.push_str(plain);
            if let Some(after) = after.strip_prefix('%') {
                text.push('%');
                rest = after;
                continue;
            }
            let (width, after) = after.split_once('d')?;
            let is_width = width.len() <= 2 && width.bytes().all(|b| b.is_ascii_digit());
            if number.is_some() || !is_width {
                return None;
            }
            number = Some((width.starts_with('0'), width.parse().unwrap_or(0)));
            before = std::mem::take(&mut text);
            rest = after;
        }
        let (zeros, width) = number?;
        Some(Self {
            before,
            width,
            zeros,
            after: text + rest,
        })
    }

    /// The path of the file with this number.
    pub fn path(&self, number: u64) -> PathBuf {
        let Self { before, after, .. } = self;
        let width = self.width;
        PathBuf::from(match self.zeros {
            true => format!("{before}{number:0width$}{after}"),
            false => format!("{before}{number:width$}{after}"),
        })
    }

    /// The paths of the files with these numbers. Does not check whether they exist.
    pub fn paths<N>(&self, numbers: N) -> impl Iterator<Item = PathBuf> + use<N>
    where
        N: IntoIterator<Item = u64>,
    {
        let this = self.clone();
        numbers.into_iter().map(move |number| this.path(number))
    }

    /// The smallest number, `from` or larger, whose file exists. Lists the whole folder.
    ///
    /// ```
    /// # fn main() -> imagecuda::Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let pattern = folder.path().join("frame_%04d.png").display().to_string();
    /// # for number in 1..=3 { std::fs::write(imagecuda::batch::Numbered::new(&pattern)?.path(number), "")?; }
    /// use imagecuda::batch::Numbered;
    ///
    /// let frames = Numbered::new(&pattern)?; // of frame_0001.png to frame_0003.png
    /// assert_eq!(frames.first(0), Some(1));
    /// assert_eq!(frames.existing(0).count(), 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn first(&self, from: u64) -> Option<u64> {
        if self.path(from).exists() {
            return Some(from);
        }
        let (folder, prefix) = match self.before.rfind(is_separator) {
            Some(at) => self.before.split_at(at + 1),
            None => (".", &*self.before),
        };
        // The number may be in the name of a folder.
        let suffix = self.after.split(is_separator).next().unwrap_or_default();
        let names = fs::read_dir(folder).ok()?;
        names
            .filter_map(|entry| {
                let name = entry.ok()?.file_name().into_string().ok()?;
                let number = name.strip_prefix(prefix)?.strip_suffix(suffix)?;
                number.trim_start().parse().ok()
            })
            .filter(|&number| number >= from && self.path(number).exists())
            .min()
    }

    /// The paths of consecutive existing files, from the [`first`](Self::first) file whose number
    /// is at least `from`. Empty if there is none.
    pub fn existing(&self, from: u64) -> impl Iterator<Item = PathBuf> + use<> {
        let numbers = self.first(from).into_iter();
        self.paths(numbers.flat_map(|first| first..=u64::MAX))
            .take_while(|path| path.exists())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let path = |pattern, number| {
            let numbered = Numbered::new(pattern).unwrap();
            numbered.path(number).to_str().unwrap().to_owned()
        };
        assert_eq!(path("a_%04d.png", 12), "a_0012.png");
        assert_eq!(path("a_%04d.png", 123_456), "a_123456.png");
        assert_eq!(path("%d", 0), "0");
        assert_eq!(path("%3d.x", 7), "  7.x");
        assert_eq!(path("100%%/%02d%%.x", 3), "100%/03%.x");
        for wrong in ["a.png", "%s", "%", "%04", "%d_%d", "%-3d", "%123d", "100%%"] {
            assert!(Numbered::new(wrong).is_err(), "{wrong}");
        }
    }
    #[test]
    fn a_sequence_begins_with_the_first_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let numbered = |pattern: &str| {
            let pattern = folder.path().join(pattern);
            Numbered::new(pattern.to_str().unwrap()).unwrap()
        };
        let frames = numbered("a_%03d.x");
        assert_eq!(frames.first(0), None);
        assert_eq!(frames.existing(0).count(), 0);
        for number in [3, 4, 5, 9, 1000] {
            fs::write(frames.path(number), "").unwrap();
        }
        // Names of other sequences.
        for name in [
            "a_1.x",
            "b_001.x",
            "a_001.y",
            "a_+01.x",
            "a_.x",
            "a_00001.x",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = |from| -> Vec<_> { frames.existing(from).collect() };
        let paths = |numbers: &[u64]| -> Vec<_> { frames.paths(numbers.to_vec()).collect() };
        assert_eq!(found(0), paths(&[3, 4, 5]));
        assert_eq!(found(4), paths(&[4, 5]));
        assert_eq!(found(6), paths(&[9]));
        assert_eq!(found(10), paths(&[1000]));
        assert_eq!(found(1001), paths(&[]));
        // The number in a folder's name, and padded with spaces.
        let shots = numbered("shot%3d/frame.x");
        fs::create_dir(shots.path(6).parent().unwrap()).unwrap();
        fs::create_dir(shots.path(7).parent().unwrap()).unwrap();
        fs::write(shots.path(7), "").unwrap();
        assert_eq!(shots.first(0), Some(7));
    }
}
