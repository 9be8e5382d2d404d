//! Radiance HDR.

mod header;
mod rgbe;
mod write;

use super::{
    capabilities::{Alpha, Capabilities, PLAIN},
    contract::{Codec, Decode, EncodeRequest},
    double_decode::DoubleDecode,
};
use crate::{
    Depth, Format, Limits, Result, memory, metadata::embedded::Embedded, picture::Header,
    sink::Sink,
};
use imagecuda_kernels::{expand::Curve, layout::Layout};

pub(super) static CODEC: Codec = Codec {
    format: Format::Hdr,
    open,
    recover: |bytes, limits| DoubleDecode::open(open, bytes, limits),
    encode,
    metadata,
    sequence: None,
    capabilities: Capabilities {
        depths: &[Depth::F32],
        alpha: Alpha::Flattened,
        curve: Curve::Linear,
        ..PLAIN
    },
};

struct Hdr<'a> {
    text: header::Header<'a>,
    header: Header,
}

fn open<'a>(bytes: &'a [u8], _: &Limits) -> Result<Box<dyn Decode + 'a>> {
    let text = header::Header::read(bytes)?;
    let header = Header {
        width: text.pixels,
        height: text.scanlines,
        layout: Layout::Rgb32F,
        curve: Curve::Linear,
    };
    Ok(Box::new(Hdr { text, header }))
}

fn metadata(bytes: &[u8]) -> Embedded {
    let orientation = header::Header::read(bytes).map(|text| text.orientation);
    Embedded {
        orientation: orientation.ok(),
        ..Embedded::default()
    }
}

impl Decode for Hdr<'_> {
    fn header(&self) -> Header {
        self.header
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        let mut data = self.text.data;
        let mut scanline = memory::zeroed(self.text.pixels as usize)?;
        let row = self.text.pixels as usize * self.header.layout.bytes_per_pixel();
        for out in out.chunks_exact_mut(row) {
            rgbe::read_scanline(&mut data, &mut scanline)?;
            for (out, &pixel) in out.as_chunks_mut::<12>().0.iter_mut().zip(&scanline) {
                let mut light = rgbe::light(pixel);
                if self.text.is_xyz {
                    light = rgbe::of_xyz(light);
                }
                let samples = light.map(f32::to_ne_bytes);
                out.copy_from_slice(samples.as_flattened());
            }
        }
        Ok(())
    }
}

fn encode(request: EncodeRequest<'_>, out: &mut dyn Sink) -> Result<()> {
    write::write(request.pixels, out)
}

#[cfg(test)]
mod tests;
