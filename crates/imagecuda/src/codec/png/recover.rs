//! Recovers the rows of a PNG before its data end. Checksums are ignored. An interlaced PNG gives
//! the coarse picture that its passes have made by then.

use super::{
    chunks::{Data, Head, chunks},
    decode,
};
use crate::{Error, Limits, Result, codec::Decode, picture::Header};
use ::png::{InterlaceInfo, Reader, Transformations, splat_interlaced_row};

struct Png<'a> {
    reader: Reader<decode::Stream<'a>>,
    header: Header,
}

pub(in crate::codec) fn open<'a>(bytes: &'a [u8], _: &Limits) -> Result<Box<dyn Decode + 'a>> {
    let head = Head::read_damaged(bytes)?;
    let mut data = Data::default();
    for chunk in chunks(bytes).filter(|chunk| chunk.kind == b"IDAT") {
        data.push(&chunk, 0);
    }
    let header = decode::header(&head);
    let size = (head.width, head.height);
    let reader = decode::reader(&head, size, data, Transformations::EXPAND, false)?;
    decode::check_row(
        &reader,
        header.width as usize * header.layout.bytes_per_pixel(),
    )?;
    Ok(Box::new(Png { reader, header }))
}

impl Decode for Png<'_> {
    fn header(&self) -> Header {
        self.header
    }

    fn read_into(mut self: Box<Self>, out: &mut [u8]) -> Result<()> {
        out.fill(0);
        let pixel = self.header.layout.bytes_per_pixel();
        let stride = self.header.width as usize * pixel;
        let mut row = vec![0; stride];
        let mut rows = 0;
        // An error ends the picture, as the last row does.
        while let Ok(Some(place)) = self.reader.read_row(&mut row) {
            match place {
                InterlaceInfo::Null(_) => {
                    let Some(to) = out.chunks_exact_mut(stride).nth(rows) else {
                        break;
                    };
                    to.copy_from_slice(&row);
                }
                InterlaceInfo::Adam7(place) => {
                    splat_interlaced_row(out, stride, &row, &place, pixel as u8 * 8);
                }
            }
            rows += 1;
        }
        if rows == 0 {
            return Err(Error::nothing_decoded());
        }
        if self.header.layout.bits() == 16 {
            decode::native(out);
        }
        Ok(())
    }
}
