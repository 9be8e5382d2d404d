//! Where the blocks of a picture begin in each scan, for kernels that decode them from there.
//!
//! Nothing else is recorded of AC scans: no values, no signs, no bits. Kernels read those.

use super::{
    Choice, Data, DcScan, Decoder, Share, Task,
    dc::{self, Samples},
    part::{Part, Starts},
    script::Script,
};
use crate::jpeg::file::{File, Huffman};
use imagecuda_kernels::jpeg::progressive::{
    Band, Start,
    jobs::{MOST_POSITION_BITS, MOST_POSITION_BLOCKS},
    symbols::Symbols,
};
use std::{
    array,
    ops::Range,
    sync::{PoisonError, RwLock},
};

/// A scan of AC coefficients.
#[derive(Debug)]
pub(crate) struct AcScan<'a> {
    pub(crate) component: usize,
    pub(crate) band: Band,
    huffman: &'a Huffman,
    /// Where its data are in the memory of all data.
    pub(crate) data: Range<usize>,
    /// The blocks of its component.
    pub(crate) blocks: usize,
}

impl AcScan<'_> {
    /// Its Huffman table.
    pub(crate) fn symbols(&self) -> Symbols {
        Symbols::new(&self.huffman.counts, &self.huffman.symbols)
    }

    /// Its data in words, the first byte lowest.
    pub(crate) fn words(&self, data: &[u8]) -> Vec<u32> {
        let (words, _) = data[self.data.clone()].as_chunks();
        words.iter().map(|&word| u32::from_le_bytes(word)).collect()
    }
}

/// A progressive file whose blocks are to be found.
#[derive(Debug)]
pub(crate) struct Positions<'a> {
    file: &'a File,
    bytes: &'a [u8],
    script: Script,
    /// Where the data of each scan are in the memory of all data.
    places: Vec<Range<usize>>,
}

impl<'a> Positions<'a> {
    /// `None` if the fast decoder cannot decode the file.
    pub(in crate::jpeg) fn of(file: &'a File, bytes: &'a [u8]) -> Option<Self> {
        let script = super::script(file)?;
        let places = super::places(file);
        let is_short = |place: &Range<usize>| place.len() < Start::MOST_BITS as usize / 8;
        places.iter().all(is_short).then_some(Self {
            file,
            bytes,
            script,
            places,
        })
    }

    /// The bytes of memory for the data of all scans.
    pub(crate) fn room(&self) -> usize {
        self.places.last().map_or(0, |last| last.end)
    }

    /// The numbers of the [scans](Self::scans) in the file.
    fn ac_numbers(&self) -> impl Iterator<Item = usize> {
        self.script.ac.iter().flatten().copied()
    }

    /// The scans of AC coefficients: those of the first component first, and then in the order of
    /// the file.
    pub(crate) fn scans(&self) -> impl Iterator<Item = AcScan<'_>> {
        self.ac_numbers().filter_map(|number| {
            let scan = self.file.scans.get(number)?;
            let from = scan.components.first()?;
            let component = self.file.picture.component.get(from.index)?;
            let blocks = component.width.div_ceil(8) * component.height.div_ceil(8);
            Some(AcScan {
                component: from.index,
                band: Band {
                    first: scan.spectral.0.into(),
                    last: scan.spectral.1.into(),
                    low: scan.approximation.1.into(),
                    refines: u32::from(scan.approximation.0 > 0),
                },
                huffman: from.ac.as_deref()?,
                data: self.places.get(number)?.clone(),
                blocks: blocks as usize,
            })
        })
    }

    /// Finds all blocks. Writes the scans' data without stuffing to `data`, which has
    /// [room](Self::room) for them; the DC coefficients of all blocks of the picture to `dc`; and for each
    /// of the scans where the blocks of its component begin. `None` if the file has any irregularity;
    /// the contents are then undefined.
    pub(crate) fn find(
        &self,
        data: &mut [u8],
        dc: &mut [i16],
        starts: Vec<&mut [Start]>,
    ) -> Option<()> {
        let data = self.unstuffed(data)?;
        let share = Share::of(self.file);
        let decoder = Decoder::build(self.file, &data, share.rows, true)?;
        Self::find_by(decoder, share.is_alone, dc, starts)
    }

    /// Whether a kernel can find where blocks begin: it knows no restart markers, and counts only so far.
    #[cfg_attr(not(feature = "cuda"), allow(dead_code, reason = "for a GPU"))]
    pub(crate) fn is_for_kernels(&self) -> bool {
        let most = MOST_POSITION_BITS as usize / 8;
        let fits = |number: usize| {
            let scan = self.file.scans.get(number);
            scan.is_some_and(|scan| scan.restarts.is_empty() && scan.data.len() < most)
        };
        let has_few_blocks = |scan: AcScan<'_>| scan.blocks < MOST_POSITION_BLOCKS as usize;
        self.ac_numbers().all(fits) && self.scans().all(has_few_blocks)
    }

    /// Finds the DC coefficients of all blocks of the picture, and leaves the blocks to a kernel. Writes the
    /// scans' data as [`find`](Self::find) does. Returns the bits that the data of each of the
    /// [scans](Self::scans) have. `None` if it finds an irregularity, or if the file is [not for
    /// kernels](Self::is_for_kernels); the contents are then undefined.
    #[cfg_attr(not(feature = "cuda"), allow(dead_code, reason = "for a GPU"))]
    pub(crate) fn find_dc(&self, data: &mut [u8], mut dc: &mut [i16]) -> Option<Vec<u32>> {
        let data = self.unstuffed(data)?;
        let picture = &self.file.picture;
        // Scans add bits to them.
        dc.fill(0);
        let mut samples: dc::Band<'_> = array::from_fn(|_| Samples::default());
        for (samples, component) in samples.iter_mut().zip(picture.parts()) {
            *samples = Samples::Given(dc.split_off_mut(..component.blocks())?);
        }
        for &number in &self.script.dc {
            let (scan, data) = (self.file.scans.get(number)?, data.scans.get(number)?);
            let mut scan = DcScan::new(self.file, scan, data)?;
            let rows = 0..picture.mcus_y as usize;
            Choice::best().run(Task::ReadDc(&mut scan, rows, &mut samples))?;
        }
        let bits = |number: usize| {
            let bits = data.scans.get(number)?.bits_without_restarts();
            bits.filter(|&bits| bits < MOST_POSITION_BITS)
        };
        self.ac_numbers().map(bits).collect()
    }

    pub(super) fn unstuffed<'m>(&self, data: &'m mut [u8]) -> Option<Data<'m>> {
        Data::unstuffed(self.file, self.script.clone(), self.bytes, data)
    }

    pub(super) fn find_by<'d>(
        mut decoder: Decoder<'d>,
        is_alone: bool,
        dc: &'d mut [i16],
        starts: Vec<&'d mut [Start]>,
    ) -> Option<()> {
        decoder.record_starts(dc, starts)?;
        match is_alone {
            true => decoder.one_by_one(|decoder, band| decoder.is_complete(band)),
            false => decoder.shared(|band| decoder.is_complete(band)),
        }
    }
}

impl<'d> Decoder<'d> {
    /// Gives scans the memory for the starts of blocks. DC coefficients go to `dc`.
    fn record_starts(&mut self, mut dc: &'d mut [i16], starts: Vec<&'d mut [Start]>) -> Option<()> {
        // Scans add bits to them.
        dc.fill(0);
        let picture = &self.file.picture;
        let mut starts = starts.into_iter();
        for (index, component) in picture.parts().iter().enumerate() {
            let (across, down) = (component.width.div_ceil(8), component.height.div_ceil(8));
            let scans = self.chains.get(index + 1)?.len();
            let mut own: Vec<_> = starts.by_ref().take(scans).collect();
            for band in 0..self.bands {
                let rows = self.rows(band);
                let (first, rows) = (rows.start as u32 * component.v, rows.len() as u32);
                let blocks = rows * component.v * component.blocks_x;
                let samples = dc.split_off_mut(..blocks as usize)?;
                exclusive(self.dc.get_mut(band)?)[index] = Samples::Given(samples);
                let rows = down.min(first + rows * component.v).saturating_sub(first);
                let blocks = (rows * across) as usize;
                let to = own.iter_mut().map(|starts| starts.split_off_mut(..blocks));
                let to: Vec<_> = to.collect::<Option<_>>()?;
                *exclusive(self.parts.get_mut(index)?.get_mut(band)?) = Part {
                    across: across as usize,
                    rows: rows as usize,
                    starts: Some(Starts {
                        nonzero: Vec::new(),
                        to: to.into_iter(),
                    }),
                    ..Part::default()
                };
            }
        }
        Some(())
    }

    /// Whether all scans have written where the blocks of a band begin.
    fn is_complete(&self, band: usize) -> Option<()> {
        let is_complete = |part: &Part<'_>| match &part.starts {
            Some(starts) => starts.to.len() == 0,
            None => false,
        };
        let mut parts = self.parts.iter();
        parts
            .all(|bands| {
                bands
                    .get(band)
                    .is_some_and(|part| is_complete(&super::read(part)))
            })
            .then_some(())
    }
}

/// What a lock protects, which nobody else uses.
fn exclusive<T>(lock: &mut RwLock<T>) -> &mut T {
    lock.get_mut().unwrap_or_else(PoisonError::into_inner)
}
