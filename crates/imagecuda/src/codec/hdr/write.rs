//! Writes Radiance pictures. A scanline stores runs of each byte if readers know them at its
//! length, and plain pixels otherwise.

use super::rgbe::{Pixel, WITH_RUNS, of_light};
use crate::{Error, Result, memory, picture::Pixels, sink::Sink};
use imagecuda_kernels::layout::Layout;

/// The most bytes that a count may repeat, and the most that may follow it.
const MOST_REPEATED: usize = 127;
const MOST_PLAIN: usize = 128;

pub(super) fn write(pixels: Pixels<'_>, out: &mut dyn Sink) -> Result<()> {
    let Pixels {
        width,
        height,
        layout,
        data,
    } = pixels;
    if layout != Layout::Rgb32F {
        return Err(Error::encode(format!("the encoder takes no {layout:?}")));
    }
    let header = format!("#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {height} +X {width}\n");
    out.write_all(header.as_bytes())?;
    let width = width as usize;
    let mut scanline: Vec<Pixel> = memory::zeroed(width)?;
    let mut bytes: Vec<u8> = memory::zeroed(width)?;
    let mut runs = Vec::new();
    if WITH_RUNS.contains(&width) {
        memory::reserve(&mut runs, 4 + 4 * (width + width / MOST_PLAIN + 1))?;
    }
    for row in data.chunks_exact(width * layout.bytes_per_pixel()) {
        for (pixel, light) in scanline.iter_mut().zip(row.as_chunks::<12>().0) {
            *pixel = of_light(bytemuck::pod_read_unaligned(light));
        }
        if !WITH_RUNS.contains(&width) {
            out.write_all(scanline.as_flattened())?;
            continue;
        }
        runs.clear();
        runs.extend([2, 2]);
        runs.extend((width as u16).to_be_bytes());
        for number in 0..4 {
            for (byte, pixel) in bytes.iter_mut().zip(&scanline) {
                *byte = pixel[number];
            }
            put_runs(&bytes, &mut runs);
        }
        out.write_all(&runs)?;
    }
    Ok(())
}

/// Writes one of the four bytes of all pixels. Three equal bytes are a run: it never takes more
/// bytes than plain ones.
fn put_runs(mut bytes: &[u8], out: &mut Vec<u8>) {
    while !bytes.is_empty() {
        let is_run = |three: &[u8]| three[0] == three[1] && three[1] == three[2];
        let run = bytes.windows(3).position(is_run);
        let (plain, rest) = bytes.split_at(run.unwrap_or(bytes.len()));
        for part in plain.chunks(MOST_PLAIN) {
            out.push(part.len() as u8);
            out.extend(part);
        }
        bytes = rest;
        if let Some(&value) = bytes.first() {
            let repeated = bytes.iter().take(MOST_REPEATED);
            let count = repeated.take_while(|&&byte| byte == value).count();
            out.extend([MOST_PLAIN as u8 + count as u8, value]);
            bytes = &bytes[count..];
        }
    }
}
