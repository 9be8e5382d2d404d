//! Where the blocks of a picture begin in each scan, for kernels that decode them from there.
//!
//! Nothing else is recorded of AC scans: no values, no signs, no bits. Kernels read those.

use super::{Data, Decoder, Share};
use crate::{
    jpeg::file::{File, Huffman},
    parallel::lock,
};
use imagecuda_kernels::jpeg::progressive::{Band, Start, symbols::Symbols};
use std::{ops::Range, sync::Mutex};

/// A scan of AC coefficients.
#[derive(Debug)]
pub(crate) struct AcScan<'a> {
    pub(crate) component: usize,
    pub(crate) band: Band,
    huffman: &'a Huffman,
    /// Its data without stuffing: intervals with zeros between them.
    pub(crate) data: &'a [u8],
    /// The blocks of its component.
    pub(crate) blocks: usize,
}

impl AcScan<'_> {
    /// Its Huffman table.
    pub(crate) fn symbols(&self) -> Symbols {
        Symbols::new(&self.huffman.counts, &self.huffman.symbols)
    }

    /// Its data in words, the first byte lowest.
    pub(crate) fn words(&self) -> Vec<u32> {
        let (words, rest) = self.data.as_chunks();
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        let words = words.iter().chain([&last]);
        words.map(|&word| u32::from_le_bytes(word)).collect()
    }
}

/// A progressive file whose blocks are to be found.
#[derive(Debug)]
pub(crate) struct Positions<'a> {
    file: &'a File,
    pub(super) data: Data,
}

impl<'a> Positions<'a> {
    /// `None` if the fast decoder cannot decode the file.
    pub(in crate::jpeg) fn of(file: &'a File, bytes: &[u8]) -> Option<Self> {
        let data = Data::of(file, bytes)?;
        let is_short = |data: &super::Intervals| data.bytes().len() < Start::MOST_BITS as usize / 8;
        data.1.iter().all(is_short).then_some(Self { file, data })
    }

    /// The scans of AC coefficients: those of the first component first, and then in the order of
    /// the file.
    pub(crate) fn scans(&self) -> impl Iterator<Item = AcScan<'_>> {
        let numbers = self.data.0.ac.iter().flatten().copied();
        numbers.filter_map(|number| {
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
                data: self.data.1.get(number)?.bytes(),
                blocks: blocks as usize,
            })
        })
    }

    /// Finds all blocks. Writes the DC coefficients of all blocks of the picture to `dc`, and for each
    /// of the scans where the blocks of its component begin. `None` if the file has any irregularity;
    /// the contents are then undefined.
    pub(crate) fn find(&self, dc: &mut [i16], starts: Vec<&mut [Start]>) -> Option<()> {
        let share = Share::of(self.file);
        let decoder = Decoder::new(self.file, &self.data, share.rows)?;
        self.find_by(decoder, share.is_alone, dc, starts)
    }

    pub(super) fn find_by(
        &self,
        mut decoder: Decoder<'_>,
        is_alone: bool,
        mut dc: &mut [i16],
        mut starts: Vec<&mut [Start]>,
    ) -> Option<()> {
        decoder.only_starts = true;
        let picture = &self.file.picture;
        let mut all: Vec<_> = decoder
            .bands()
            .map(|rows| Mutex::new(Out::new(rows)))
            .collect();
        let scans_of = self.data.0.ac.iter().map(Vec::len);
        let mut of_component = starts.iter_mut();
        for (component, scans) in picture.parts().iter().zip(scans_of) {
            let (across, down) = (component.width.div_ceil(8), component.height.div_ceil(8));
            let mut own: Vec<_> = of_component.by_ref().take(scans).collect();
            for band in &mut all {
                let out = band
                    .get_mut()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                let rows = out.rows.len() as u32;
                let blocks = rows * component.v * component.blocks_x;
                out.dc.push(dc.split_off_mut(..blocks as usize)?);
                let first = out.rows.start as u32 * component.v;
                let here = down.min(first + rows * component.v).saturating_sub(first);
                let blocks = (here * across) as usize;
                let parts = own.iter_mut().map(|starts| starts.split_off_mut(..blocks));
                out.starts.push(parts.collect::<Option<_>>()?);
            }
        }
        let finish = |decoder: &Decoder<'_>, band: usize| {
            let out = &mut *lock(all.get(band)?);
            decoder.copy_starts(band, out)
        };
        match is_alone {
            true => decoder.one_by_one(finish),
            false => decoder.shared(|band| finish(&decoder, band)),
        }
    }
}

/// Where the results of a band go.
struct Out<'a> {
    rows: Range<usize>,
    /// For each component.
    dc: Vec<&'a mut [i16]>,
    /// For each component and each of its scans.
    starts: Vec<Vec<&'a mut [Start]>>,
}

impl Out<'_> {
    fn new(rows: Range<usize>) -> Self {
        Self {
            rows,
            dc: Vec::new(),
            starts: Vec::new(),
        }
    }
}

impl Decoder<'_> {
    /// Copies what was recorded of a band, which all scans must have read.
    fn copy_starts(&self, band: usize, out: &mut Out<'_>) -> Option<()> {
        let dc = super::read(self.dc.get(band)?);
        for (to, from) in out.dc.iter_mut().zip(&*dc) {
            match &from[..] {
                [] => to.fill(0),
                from => to.copy_from_slice(from.get(..to.len())?),
            }
        }
        for (to, parts) in out.starts.iter_mut().zip(&self.parts) {
            let part = super::read(parts.get(band)?);
            let from = part.starts.iter().flatten();
            if to.len() != from.clone().count() {
                // A band of no blocks at all is never read.
                return to.iter().all(|to| to.is_empty()).then_some(());
            }
            for (to, from) in to.iter_mut().zip(from) {
                to.copy_from_slice(from.get(..to.len())?);
            }
        }
        Some(())
    }
}
