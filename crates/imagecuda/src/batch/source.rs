//! The sources that a batch loads.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where the bytes of a file are.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Content<'a> {
    /// In the file at this path.
    File(&'a Path),
    /// In memory.
    Bytes(&'a [u8]),
}

/// A source for a batch: a path, the bytes of a file, or a pair of one of these with a value of any
/// type that the image is returned with.
pub trait Source: Send + 'static {
    /// Where the bytes of the file are.
    fn content(&self) -> Content<'_>;
}

macro_rules! sources {
    ($($source:ty => $kind:ident;)*) => {$(
        impl Source for $source {
            fn content(&self) -> Content<'_> {
                Content::$kind(self.as_ref())
            }
        }
    )*};
}

sources! {
    PathBuf => File;
    &'static Path => File;
    String => File;
    &'static str => File;
    Vec<u8> => Bytes;
    Arc<[u8]> => Bytes;
    Arc<Vec<u8>> => Bytes;
    &'static [u8] => Bytes;
}

impl<S: Source, T: Send + 'static> Source for (S, T) {
    fn content(&self) -> Content<'_> {
        self.0.content()
    }
}
