//! Writes TGA: runs of equal pixels, which end with their row as the specification asks. Programs refuse
//! runs that go on in the next row.

use crate::{
    Error, Result, codec::check_sides, codec::contract::EncodeRequest, memory, picture::Pixels,
    sink::Sink,
};
use imagecuda_kernels::layout::Layout;

/// The most pixels of a packet.
const LONGEST: usize = 128;

/// The end of a file of version 2, without developer's or extension area. Some readers, such as Pillow, cannot
/// open files that are shorter than it.
const FOOTER: &[u8; 26] = b"\0\0\0\0\0\0\0\0TRUEVISION-XFILE.\0";

/// The type of pictures with colours in runs, and the bit that puts the first row at the top.
const RUNS_OF_COLORS: u8 = 10;
const TOP_DOWN: u8 = 0x20;

pub(super) fn encode(request: EncodeRequest<'_>, out: &mut dyn Sink) -> Result<()> {
    let pixels = request.pixels;
    check_sides(&pixels, 65_535)?;
    match pixels.layout {
        Layout::Rgb8 => write(pixels, 0, |[r, g, b]| [b, g, r], out),
        Layout::Rgba8 => write(pixels, 8, |[r, g, b, alpha]| [b, g, r, alpha], out),
        other => Err(Error::encode(format!("a TGA takes no {other:?}"))),
    }
}

fn write<const N: usize>(
    pixels: Pixels<'_>,
    alpha_bits: u8,
    stored: impl Fn([u8; N]) -> [u8; N],
    out: &mut dyn Sink,
) -> Result<()> {
    let mut header = [0; 18];
    header[2] = RUNS_OF_COLORS;
    header[12..14].copy_from_slice(&(pixels.width as u16).to_le_bytes());
    header[14..16].copy_from_slice(&(pixels.height as u16).to_le_bytes());
    header[16] = 8 * N as u8;
    header[17] = TOP_DOWN | alpha_bits;
    out.write_all(&header)?;

    let width = pixels.width as usize;
    let mut packets = Vec::new();
    memory::reserve(&mut packets, width * N + width.div_ceil(LONGEST))?;
    for row in pixels.data.as_chunks::<N>().0.chunks_exact(width) {
        packets.clear();
        put_row(row, &stored, &mut packets);
        out.write_all(&packets)?;
    }
    Ok(out.write_all(FOOTER)?)
}

/// Appends the packets of a row, which together are no longer than packets without runs.
fn put_row<const N: usize>(
    mut row: &[[u8; N]],
    stored: impl Fn([u8; N]) -> [u8; N],
    out: &mut Vec<u8>,
) {
    while let Some(&first) = row.first() {
        let most = row.len().min(LONGEST);
        let equal = row[..most].iter().take_while(|&&pixel| pixel == first);
        let equal = equal.count();
        let count = match equal {
            1 => {
                let pairs = row[..most].windows(2);
                let count = pairs.take_while(|pair| pair[0] != pair[1]).count();
                // The first pixel of an equal pair is one of the run after this packet.
                if count + 1 == most { most } else { count }
            }
            run => run,
        };
        let (packet, rest) = row.split_at(count);
        match equal {
            1 => {
                out.push((count - 1) as u8);
                out.extend(packet.iter().flat_map(|&pixel| stored(pixel)));
            }
            _ => {
                out.push(0x80 | (count - 1) as u8);
                out.extend(stored(first));
            }
        }
        row = rest;
    }
}
