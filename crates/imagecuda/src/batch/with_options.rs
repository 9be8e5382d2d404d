//! Options of a loader's files, each file's own.

use super::Loader;
use crate::{ImageInfo, LoadOptions, Result, load::FileBytes};
use std::{fmt, path::Path, sync::Arc};

type Function = dyn Fn(usize, &ImageInfo, LoadOptions) -> LoadOptions + Send + Sync;

/// The function of [`Loader::options_by`].
#[derive(Clone)]
pub(super) struct OptionsBy(Arc<Function>);

impl fmt::Debug for OptionsBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a function")
    }
}

impl Loader {
    /// Lets a function say with which options each file is loaded. It gets the number of the source, from 0
    /// on, what the file is, and [the loader's options](Self::options). Threads call it in any order. Limits
    /// and the format are those of the loader's options until then.
    ///
    /// A random part of each picture, for training:
    ///
    /// ```
    /// # fn main() -> imagecuda::Result<()> {
    /// use imagecuda::{Device, TensorOptions, batch::Loader};
    ///
    /// # let device = Device::cpu();
    /// # let folder = tempfile::tempdir()?;
    /// # let files: Vec<_> = (0..3).map(|i| folder.path().join(format!("{i}.png"))).collect();
    /// # for file in &files { imagecuda::save(&imagecuda::Image::new(&device, 80, 60)?, file)?; }
    /// // Any generator that makes the same numbers of the same source will do.
    /// let random = |index: usize, below: u32| (index as u32).wrapping_mul(2_654_435_761) % below;
    /// let loader = Loader::new(&device).options_by(move |index, info, options| {
    ///     let (width, height) = (info.width().min(48), info.height().min(48));
    ///     let x = random(2 * index, info.width() - width + 1);
    ///     let y = random(2 * index + 1, info.height() - height + 1);
    ///     options.region(x, y, width, height)
    /// });
    /// for batch in loader.tensors(files, &TensorOptions::new().size(32, 32), 256) {
    ///     let batch = batch?;
    ///     # assert_eq!(batch.tensor().shape(), [3, 3, 32, 32]);
    ///     # assert!(batch.results().iter().all(|(_, size)| matches!(size, Ok((48, 48)))));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn options_by(
        mut self,
        options: impl Fn(usize, &ImageInfo, LoadOptions) -> LoadOptions + Send + Sync + 'static,
    ) -> Self {
        self.options_by = Some(OptionsBy(Arc::new(options)));
        self
    }

    /// The options of a source, if they are its own.
    pub(super) fn own_options(
        &self,
        index: usize,
        file: FileBytes<'_>,
        path: Option<&Path>,
    ) -> Result<Option<LoadOptions>> {
        let Some(OptionsBy(options)) = &self.options_by else {
            return Ok(None);
        };
        let info = self.options.info_of(file.bytes(), path)?;
        Ok(Some(options(index, &info, self.options.clone())))
    }
}
