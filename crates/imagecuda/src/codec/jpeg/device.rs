//! What a device needs of a file to decode it by itself.

use super::{Jpeg, plan::Plan};
use imagecuda_kernels::jpeg::picture::{BLOCK, Picture};

impl Jpeg<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes
    }

    pub(crate) fn picture(&self) -> &Picture {
        &self.file.picture
    }

    pub(crate) fn quantizers(&self) -> &[[u16; BLOCK]; 4] {
        &self.file.quantizers
    }

    /// How the kernels decode the file, if it is one for them.
    pub(crate) fn plan(&self) -> Option<Plan> {
        match self.damaged {
            true => None,
            false => Plan::new(&self.file, self.bytes),
        }
    }
}
