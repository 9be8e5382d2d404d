//! Numbered files.

use crate::{Error, Result};
use std::path::PathBuf;

/// The names of a sequence of files, as `frame_%04d.png`: one number, of any width, padded with
/// zeros or not. `%%` is a percent sign.
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
    /// The sequence that `pattern` names.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption) if it has not exactly one
    /// number.
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

    /// The file of this number.
    pub fn path(&self, number: u64) -> PathBuf {
        let Self { before, after, .. } = self;
        let width = self.width;
        PathBuf::from(match self.zeros {
            true => format!("{before}{number:0width$}{after}"),
            false => format!("{before}{number:width$}{after}"),
        })
    }

    /// The files of these numbers. Whether they are there shows when they are loaded.
    pub fn paths<N>(&self, numbers: N) -> impl Iterator<Item = PathBuf> + use<N>
    where
        N: IntoIterator<Item = u64>,
    {
        let this = self.clone();
        numbers.into_iter().map(move |number| this.path(number))
    }

    /// The files that are there from number `first` on, until one is missing.
    pub fn existing(&self, first: u64) -> impl Iterator<Item = PathBuf> + use<> {
        self.paths(first..=u64::MAX)
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
}
