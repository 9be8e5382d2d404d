//! Pixels of a progressive picture, one band after another, as soon as all scans have read the
//! band.

use super::{
    super::{
        entropy::planes::{Data, Decoder, Share},
        file::File,
    },
    band::{Band, Blocks},
    bytes_of, vector,
    window::Window,
};
use crate::{memory::Reused, parallel::lock};
use std::{mem, ops::Range, sync::Mutex};

/// Makes all pixels; the window is the whole picture. `None` if the fast decoder cannot decode the file; the contents of `out` are
/// then undefined.
pub(super) fn read(file: &File, bytes: &[u8], window: &Window, mut out: &mut [u8]) -> Option<()> {
    let mut memory = Reused::for_overwrite(Data::room(file)?).ok()?;
    let data = Data::of(file, bytes, &mut memory)?;
    let share = Share::of(file);
    let decoder = Decoder::new(file, &data, share.rows)?;
    if share.is_alone {
        let (mut strip, mut band) = (Strip::new(file), Band::new(file, window, 0, 1));
        return decoder.one_by_one(|decoder, number| {
            strip.paint(decoder, decoder.rows(number), &mut band, &mut out)
        });
    }
    let mut parts = Vec::new();
    for rows in decoder.bands() {
        let rows = rows.start as u32..rows.end as u32;
        let own = out.split_off_mut(..bytes_of(window, &rows))?;
        parts.push(Mutex::new(own));
    }
    decoder.shared(|number| {
        let rows = decoder.rows(number);
        let out = &mut *lock(parts.get(number)?);
        let (mut strip, mut band) = (
            Strip::new(file),
            Band::new(file, window, rows.start as u32, 1),
        );
        if let Some(above) = rows.start.checked_sub(1) {
            strip.fill(&decoder, above)?;
            vector::begin_below(&mut band, strip.blocks());
        }
        strip.paint(&decoder, rows, &mut band, out)
    })
}

/// The coefficients of one row of MCUs.
struct Strip<'a> {
    file: &'a File,
    blocks: Vec<[i16; 64]>,
    /// Where each component's blocks begin.
    places: [Range<usize>; 4],
}

impl<'a> Strip<'a> {
    fn new(file: &'a File) -> Self {
        let mut end = 0;
        let places = file.picture.component.map(|component| {
            let start = end;
            end += (component.v * component.blocks_x) as usize;
            start..end
        });
        Self {
            file,
            blocks: vec![[0; 64]; end],
            places,
        }
    }

    fn fill(&mut self, decoder: &Decoder<'_>, row: usize) -> Option<()> {
        for (index, _) in self.file.picture.parts().iter().enumerate() {
            let out = self.blocks.get_mut(self.places[index].clone())?;
            decoder.blocks(index, row, out)?;
        }
        Some(())
    }

    fn blocks(&self) -> Blocks<'_> {
        Blocks {
            blocks: &self.blocks,
            starts: self.places.clone().map(|place| place.start),
        }
    }

    /// Makes the pixels of rows of MCUs at the start of `out`, and moves `out` past them.
    fn paint(
        &mut self,
        decoder: &Decoder<'_>,
        rows: Range<usize>,
        band: &mut Band<'_>,
        out: &mut &mut [u8],
    ) -> Option<()> {
        for row in rows {
            self.fill(decoder, row)?;
            let all = mem::take(out);
            let done = vector::paint(band, self.blocks(), 1, all);
            *out = all.split_at_mut(done).1;
        }
        Some(())
    }
}
