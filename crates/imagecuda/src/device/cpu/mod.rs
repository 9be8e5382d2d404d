//! The CPU device: runs the kernels' bodies on host memory, on all cores.

mod file_pixels;
mod pixels;
mod planes;
mod sums;
pub(super) mod vector;

pub(super) use self::file_pixels::FilePixels;
pub(crate) use self::pixels::Pixels;
pub(super) use self::sums::Tap;

use super::{ExpandSpec, PngData};
use crate::jpeg::{GpuPlan, Jpeg};
use crate::{color::Conversion, parallel};
use imagecuda_kernels::jpeg::{
    cpu_emulation,
    picture::BLOCK,
    progressive::{self, Start, cpu_emulation::EmulatedScan},
};
use imagecuda_kernels::{
    expand::{Curve, Expand},
    host,
    layout::Layout,
    orient::Orientation,
    pack::{Background, Packing, PixelUsage},
    pixel::{Rgba8, RgbaF32},
    planes::Picture,
    png,
};

/// Pixels per task. Smaller images do not repay waking other threads.
pub(super) const TASK: usize = 64 * 1024;

/// Pixels that are expanded to floats at a time. They fit a core's cache.
const PIECE: usize = 1024;

pub(crate) fn expand<P: Expand + Send>(spec: ExpandSpec, src: &[u8], dst: &mut [P]) {
    let ExpandSpec { layout, curve, .. } = spec;
    expand_by(spec, src, dst, |src, dst| {
        vector::expand(layout, curve, src, dst);
    });
}

/// Expands pixels, and converts their colours.
pub(crate) fn expand_converted(
    spec: ExpandSpec,
    conversion: &Conversion,
    src: &[u8],
    dst: &mut [RgbaF32],
) {
    let pixels = FilePixels {
        bytes: src,
        spec,
        conversion: Some(conversion),
    };
    expand_by(spec, src, dst, |src, dst| pixels.expand(src, dst));
}

/// Turns pixels as `spec` says, and expands them by `expand`, which gets pieces that fit a core's cache.
fn expand_by<P: Send>(
    spec: ExpandSpec,
    src: &[u8],
    dst: &mut [P],
    expand: impl Fn(&[u8], &mut [P]) + Sync,
) {
    let bytes_per_pixel = spec.layout.bytes_per_pixel();
    if spec.is_stored() {
        let tasks = dst.chunks_mut(TASK).zip(src.chunks(TASK * bytes_per_pixel));
        return parallel::for_each(tasks, |(dst, src)| {
            let pieces = dst
                .chunks_mut(PIECE)
                .zip(src.chunks(PIECE * bytes_per_pixel));
            pieces.for_each(|(dst, src)| expand(src, dst));
        });
    }
    let (view, width) = (spec.view, spec.width as usize);
    let rows = (TASK / width).max(1);
    let tasks = dst.chunks_mut(rows * width).enumerate();
    let row = || vec![0; width * bytes_per_pixel];
    parallel::fold(tasks, row, |row, (task, dst)| {
        for (i, dst) in dst.chunks_mut(width).enumerate() {
            let y = task * rows + i;
            let row = match view.orientation {
                Orientation::Normal => {
                    let start = view.source(0, y) * bytes_per_pixel;
                    &src[start..start + width * bytes_per_pixel]
                }
                _ => {
                    host::orient_row(view, bytes_per_pixel, src, y, row);
                    &row[..]
                }
            };
            expand(row, dst);
        }
    });
}

/// Expands pixels of `layout` that are sRGB-encoded and need no orientation.
pub(crate) fn expand_encoded<P: Expand + Send>(layout: Layout, src: &[u8], dst: &mut [P]) {
    let texels = src.chunks(TASK * layout.bytes_per_pixel());
    parallel::for_each(dst.chunks_mut(TASK).zip(texels), |(dst, src)| {
        vector::expand(layout, Curve::Encoded, src, dst);
    });
}

/// Makes pixels of the planes in `memory`.
pub(super) fn expand_planes<P: Expand + Send>(picture: &Picture, memory: &[u8], dst: &mut [P]) {
    planes_by_piece(picture, dst, |x, y, dst| {
        vector::planes(picture, memory, x, y, dst);
    });
}

/// Makes pixels of the planes in `memory`, and converts their colours.
pub(super) fn expand_planes_converted(
    picture: &Picture,
    conversion: &Conversion,
    memory: &[u8],
    dst: &mut [RgbaF32],
) {
    planes_by_piece(picture, dst, |x, y, dst| {
        vector::planes(picture, memory, x, y, dst);
        convert_colors(conversion, dst);
    });
}

/// Fills each row of `dst` by `expand`, in pieces. It gets the column and the row of the first pixel.
fn planes_by_piece<P: Send>(
    picture: &Picture,
    dst: &mut [P],
    expand: impl Fn(u32, u32, &mut [P]) + Sync,
) {
    let width = picture.view.size[0] as usize;
    let piece = match picture.view.across {
        [_, 0] => PIECE,
        // A row is a column of the planes. The lines of memory that it reads serve the next rows too, if
        // they are still in the cache then.
        _ => 128,
    };
    let rows = (TASK / width).max(1);
    let tasks = dst.chunks_mut(rows * width).enumerate();
    parallel::for_each(tasks, |(task, dst)| {
        for x in (0..width).step_by(piece) {
            for (y, row) in (task * rows..).zip(dst.chunks_mut(width)) {
                let end = row.len().min(x + piece);
                expand(x as u32, y as u32, &mut row[x..end]);
            }
        }
    });
}

/// Converts the colours of pixels, on this thread.
fn convert_colors(conversion: &Conversion, pixels: &mut [RgbaF32]) {
    match conversion.shaper() {
        Some(shaper) => vector::shape_all(shaper, pixels),
        None => {
            for pixel in pixels {
                *pixel = conversion.apply(*pixel);
            }
        }
    }
}

/// Replaces each pixel by the result of `body`, which gets its x, its y and its value. Rows have
/// `width` pixels.
pub(crate) fn map<P: Copy + Send>(
    width: usize,
    pixels: &mut [P],
    body: impl Fn(u32, u32, P) -> P + Sync,
) {
    // Split by pixels, not by rows: one row may be the whole picture.
    let tasks = pixels.chunks_mut(TASK).enumerate();
    parallel::for_each(tasks, |(task, mut pixels)| {
        let start = task * TASK;
        let (mut x, mut y) = (start % width, start / width);
        while !pixels.is_empty() {
            let (row, rest) = pixels.split_at_mut(pixels.len().min(width - x));
            for (x, pixel) in (x..).zip(row) {
                *pixel = body(x as u32, y as u32, *pixel);
            }
            (x, y, pixels) = (0, y + 1, rest);
        }
    });
}

/// Decodes the coefficients of a picture with the algorithm of the GPU. `None` if the data are
/// damaged, or if parallel decoders do not synchronise.
pub(crate) fn decode_jpeg(jpeg: &Jpeg<'_>, plan: &GpuPlan) -> crate::Result<Option<Vec<i16>>> {
    let mut coefficients: Vec<i16> = crate::memory::zeroed(jpeg.picture().blocks() * BLOCK)?;
    for plan in &plan.scans {
        let (scan, segments) = (&plan.scan, &plan.segments[..]);
        let words =
            cpu_emulation::unstuff(scan, segments, &jpeg.bytes()[plan.data.clone()], &plan.kept);
        let input = cpu_emulation::Input {
            scan,
            tables: &plan.tables,
            words: &words,
            segments,
        };
        if cpu_emulation::decode(input, jpeg.picture(), &mut coefficients) != 0 {
            return Ok(None);
        }
    }
    Ok(Some(coefficients))
}

/// Decodes the coefficients of a progressive picture as a GPU does: the host finds where blocks begin,
/// and the kernel's function decodes them. `None` for other files, and for irregular ones.
pub(crate) fn decode_progressive(jpeg: &Jpeg<'_>) -> crate::Result<Option<Vec<i16>>> {
    let Some(positions) = jpeg.positions() else {
        return Ok(None);
    };
    let scans: Vec<_> = positions.scans().collect();
    let mut dc = crate::memory::zeroed(jpeg.picture().blocks())?;
    let mut starts = Vec::new();
    for scan in &scans {
        starts.push(crate::memory::zeroed::<Start>(scan.blocks)?);
    }
    let to = starts.iter_mut().map(|starts| &mut starts[..]).collect();
    let mut data = crate::memory::zeroed(positions.room())?;
    if positions.find(&mut data, &mut dc, to).is_none() {
        return Ok(None);
    }
    let tables: Vec<_> = scans.iter().map(|scan| scan.symbols()).collect();
    let words: Vec<_> = scans.iter().map(|scan| scan.words(&data)).collect();
    let parts = scans.iter().zip(&tables).zip(words.iter().zip(&starts));
    let emulated: Vec<_> = parts
        .map(|((scan, symbols), (data, starts))| EmulatedScan {
            component: scan.component,
            data,
            starts,
            symbols,
            band: scan.band,
        })
        .collect();
    let mut coefficients: Vec<i16> = crate::memory::zeroed(dc.len() * BLOCK)?;
    let (blocks, _) = coefficients.as_chunks_mut();
    progressive::cpu_emulation::blocks(jpeg.picture(), &dc, &emulated, blocks);
    Ok(Some(coefficients))
}

/// The pixels of a PNG, by the kernels' own way, in whole words; `None` if something is wrong with
/// its data, or it is not proven where each block begins.
#[cfg_attr(not(feature = "png"), allow(dead_code, reason = "for PNG"))]
pub(crate) fn decode_png(png: &PngData<'_>) -> Option<Vec<u32>> {
    let input = png::cpu_emulation::Input {
        picture: png.picture,
        pieces: &png.pieces,
        palette: &png.palette,
        backwards: false,
    };
    png::cpu_emulation::decode(input).ok()
}

pub(crate) fn pack(packing: Packing, background: Background, src: &[RgbaF32], dst: &mut [u8]) {
    let bytes = TASK * packing.layout().bytes_per_pixel();
    let tasks = dst.chunks_mut(bytes).zip(src.chunks(TASK));
    parallel::for_each(tasks, |(dst, src)| {
        vector::pack(packing, background, src, dst)
    });
}

/// Packs 8-bit pixels. The result equals that of [`pack`] on the same pixels as floats. Only
/// [`PIECE`] floats per thread exist at a time.
pub(crate) fn pack_u8(packing: Packing, background: Background, src: &[Rgba8], dst: &mut [u8]) {
    if packing == Packing::Rgba8 {
        dst.copy_from_slice(bytemuck::cast_slice(src));
        return;
    }
    let bytes = packing.layout().bytes_per_pixel();
    let tasks = dst.chunks_mut(TASK * bytes).zip(src.chunks(TASK));
    let floats = || vec![RgbaF32::default(); PIECE];
    parallel::fold(tasks, floats, |floats, (dst, src)| {
        for (dst, src) in dst.chunks_mut(PIECE * bytes).zip(src.chunks(PIECE)) {
            vector::pack(packing, background, normalized(src, floats), dst);
        }
    });
}

/// Expands 8-bit pixels to floats.
fn normalized<'a>(src: &[Rgba8], floats: &'a mut [RgbaF32]) -> &'a [RgbaF32] {
    let floats = &mut floats[..src.len()];
    let bytes = bytemuck::cast_slice(src);
    vector::expand(Layout::Rgba8, Curve::Encoded, bytes, floats);
    floats
}

/// Tells which channels 8-bit pixels need, as [`pixel_usage`] does for floats.
pub(crate) fn pixel_usage_u8(
    deep: bool,
    background: Option<Background>,
    src: &[Rgba8],
) -> PixelUsage {
    let state = || (PixelUsage::default(), vec![RgbaF32::default(); PIECE]);
    let all = parallel::fold(src.chunks(TASK), state, |(all, floats), src| {
        for src in src.chunks(PIECE) {
            *all = all.or(vector::pixel_usage(
                deep,
                background,
                normalized(src, floats),
            ));
        }
    });
    let all = all.into_iter().map(|(usage, _)| usage);
    all.fold(PixelUsage::default(), PixelUsage::or)
}

pub(crate) fn pixel_usage(
    deep: bool,
    background: Option<Background>,
    src: &[RgbaF32],
) -> PixelUsage {
    let all = parallel::fold(src.chunks(TASK), PixelUsage::default, |all, src| {
        *all = all.or(vector::pixel_usage(deep, background, src));
    });
    all.into_iter().fold(PixelUsage::default(), PixelUsage::or)
}
