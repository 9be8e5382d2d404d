//! Types that the decoders of animations share.

use super::Decode;
use crate::{Result, picture::Header};
use imagecuda_kernels::layout::Layout;
use std::sync::Arc;

/// The bytes of a file, shared by several decoders. They never change.
#[derive(Clone)]
pub(super) struct Bytes(Arc<Vec<u8>>);

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(bytes))
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A composed frame. Its header is that of the file's first picture, except for the layout.
pub(super) struct Composed<'a> {
    pub(super) first: Header,
    pub(super) layout: Layout,
    pub(super) canvas: &'a [u8],
}

impl Decode for Composed<'_> {
    fn header(&self) -> Header {
        Header {
            layout: self.layout,
            ..self.first
        }
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        out.copy_from_slice(self.canvas);
        Ok(())
    }
}
