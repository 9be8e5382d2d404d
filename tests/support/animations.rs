//! Animations made by hand, and the naive way to show them.

use super::Noise;
use imagecuda::{Device, Format, ImageU8, Layout, SaveOptions};

/// What becomes of a frame's part of the canvas afterwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Dispose {
    Keep,
    Clear,
    Restore,
}

/// A frame as files have it: a part of the canvas.
#[derive(Clone, Debug)]
pub struct Part {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
    /// RGBA, as PNG stores it.
    pub pixels: Vec<u8>,
    pub dispose: Dispose,
    pub over: bool,
    pub delay: u16,
}

/// Frames of all kinds. `alphas` are the alphas of their pixels; clear ones are black.
pub fn parts(seed: u64, [width, height]: [u32; 2], count: usize, alphas: &[u8]) -> Vec<Part> {
    let mut noise = Noise::new(seed);
    let mut below = |limit: u32| (noise.next() >> 33) as u32 % limit;
    let mut parts = Vec::new();
    for index in 0..count {
        // WebP has even corners only; PNG wants the first to be all of the canvas.
        let (x, y) = match index {
            0 => (0, 0),
            _ => (below(width / 2) & !1, below(height / 2) & !1),
        };
        let (w, h) = match index {
            0 => (width, height),
            _ => (1 + below(width - x), 1 + below(height - y)),
        };
        let pixels = (0..w * h).flat_map(|_| {
            let alpha = alphas[below(alphas.len() as u32) as usize];
            match alpha {
                0 => [0; 4],
                // Few colours, so that they fit a palette.
                _ => {
                    [below(3) * 100, below(3) * 100, below(2) * 255, alpha.into()].map(|v| v as u8)
                }
            }
        });
        let pixels = pixels.collect();
        parts.push(Part {
            x,
            y,
            width: w,
            height: h,
            pixels,
            dispose: [Dispose::Keep, Dispose::Clear, Dispose::Restore][below(3) as usize],
            over: below(2) == 0,
            delay: below(500) as u16,
        });
    }
    parts
}

/// What is to be seen: every frame drawn on a canvas of floats, by the book.
pub fn composed([width, height]: [u32; 2], parts: &[Part]) -> Vec<Vec<u8>> {
    let mut canvas = vec![0; (width * height * 4) as usize];
    let mut shown = Vec::new();
    for part in parts {
        let before = canvas.clone();
        for y in 0..part.height {
            for x in 0..part.width {
                let from = ((y * part.width + x) * 4) as usize;
                let to = (((y + part.y) * width + x + part.x) * 4) as usize;
                let [above, below] = [&part.pixels[from..], &canvas[to..]]
                    .map(|p| [p[0], p[1], p[2], p[3]].map(|v| f64::from(v) / 255.0));
                let weights = [above[3], below[3] * (1.0 - above[3])];
                let alpha = weights[0] + weights[1];
                for channel in 0..4 {
                    let blended = match channel {
                        3 => alpha,
                        _ if alpha == 0.0 => below[channel],
                        _ => (above[channel] * weights[0] + below[channel] * weights[1]) / alpha,
                    };
                    let value = if part.over { blended } else { above[channel] };
                    canvas[to + channel] = (value * 255.0).round() as u8;
                }
            }
        }
        shown.push(canvas.clone());
        match part.dispose {
            Dispose::Keep => {}
            Dispose::Clear => {
                // Only its own part, of what is there now.
                for y in part.y..part.y + part.height {
                    let row = ((y * width + part.x) * 4) as usize;
                    canvas[row..row + part.width as usize * 4].fill(0);
                }
            }
            Dispose::Restore => canvas = before,
        }
    }
    shown
}

/// A GIF; `repeat` is what its NETSCAPE block says, if it has one.
pub fn gif_file([width, height]: [u32; 2], parts: &[Part], repeat: Option<gif::Repeat>) -> Vec<u8> {
    let mut encoder = gif::Encoder::new(Vec::new(), width as u16, height as u16, &[]).unwrap();
    if let Some(repeat) = repeat {
        encoder.set_repeat(repeat).unwrap();
    }
    for part in parts {
        let mut pixels = part.pixels.clone();
        let (w, h) = (part.width as u16, part.height as u16);
        let mut frame = gif::Frame::from_rgba_speed(w, h, &mut pixels, 10);
        (frame.left, frame.top) = (part.x as u16, part.y as u16);
        frame.delay = part.delay;
        frame.dispose = match part.dispose {
            Dispose::Keep => gif::DisposalMethod::Keep,
            Dispose::Clear => gif::DisposalMethod::Background,
            Dispose::Restore => gif::DisposalMethod::Previous,
        };
        encoder.write_frame(&frame).unwrap();
    }
    encoder.into_inner().unwrap()
}

/// How a PNG holds its pixels.
#[derive(Clone, Copy)]
pub struct Png {
    pub depth: u8,
    pub color: u8,
    pub interlaced: bool,
    /// A picture for viewers that know no animations.
    pub stand_in: bool,
    pub plays: u32,
}

pub const RGBA8: Png = Png {
    depth: 8,
    color: 6,
    interlaced: false,
    stand_in: false,
    plays: 0,
};

/// An animated PNG, uncompressed. Delays are in hundredths, the last one's without saying so.
pub fn png_file([width, height]: [u32; 2], parts: &[Part], png: Png) -> Vec<u8> {
    let pixel = parts[0].pixels.len() / (parts[0].width * parts[0].height) as usize;
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([png.depth, png.color, 0, 0, png.interlaced.into()]);
    png_chunk(&mut file, b"IHDR", &header);
    let control = [parts.len() as u32, png.plays].map(u32::to_be_bytes);
    png_chunk(&mut file, b"acTL", &control.concat());
    if png.stand_in {
        let picture = vec![0x55; (width * height) as usize * pixel];
        png_chunk(
            &mut file,
            b"IDAT",
            &zlib(&scanlines(&picture, width, pixel, png)),
        );
    }
    let mut sequence = 0_u32;
    let mut number = || {
        sequence += 1;
        (sequence - 1).to_be_bytes()
    };
    for (index, part) in parts.iter().enumerate() {
        let numbers = [part.width, part.height, part.x, part.y].map(u32::to_be_bytes);
        let denominator = if index + 1 == parts.len() { 0 } else { 100_u16 };
        let mut control = number().to_vec();
        control.extend(numbers.concat());
        control.extend(part.delay.to_be_bytes());
        control.extend(denominator.to_be_bytes());
        control.extend([part.dispose as u8, part.over.into()]);
        png_chunk(&mut file, b"fcTL", &control);
        let data = zlib(&scanlines(&part.pixels, part.width, pixel, png));
        if index == 0 && !png.stand_in {
            png_chunk(&mut file, b"IDAT", &data);
        } else {
            png_chunk(&mut file, b"fdAT", &[&number()[..], &data].concat());
        }
    }
    png_chunk(&mut file, b"IEND", &[]);
    file
}

pub fn scanlines(pixels: &[u8], width: u32, pixel: usize, png: Png) -> Vec<u8> {
    let width = width as usize;
    let height = pixels.len() / pixel / width;
    // Where a pass begins, and its steps.
    const ADAM7: [[usize; 4]; 7] = [
        [0, 0, 8, 8],
        [4, 0, 8, 8],
        [0, 4, 4, 8],
        [2, 0, 4, 4],
        [0, 2, 2, 4],
        [1, 0, 2, 2],
        [0, 1, 1, 2],
    ];
    let passes: &[_] = if png.interlaced {
        &ADAM7
    } else {
        &[[0, 0, 1, 1]]
    };
    let mut lines = Vec::new();
    for &[x0, y0, dx, dy] in passes {
        for y in (y0..height).step_by(dy) {
            if x0 < width {
                lines.push(0); // no filter
            }
            for x in (x0..width).step_by(dx) {
                lines.extend(&pixels[(y * width + x) * pixel..][..pixel]);
            }
        }
    }
    lines
}

/// Stored, not compressed.
pub fn zlib(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let blocks = data.chunks(0xffff);
    let last = blocks.len() - 1;
    for (index, block) in blocks.enumerate() {
        let length = block.len() as u16;
        out.push((index == last).into());
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    let adler = data.iter().fold([1_u32, 0], |[a, b], &byte| {
        let a = (a + u32::from(byte)) % 65_521;
        [a, (a + b) % 65_521]
    });
    out.extend((adler[1] << 16 | adler[0]).to_be_bytes());
    out
}

pub fn png_chunk(out: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    let crc = kind.iter().chain(data).fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    });
    out.extend((data.len() as u32).to_be_bytes());
    out.extend(kind);
    out.extend(data);
    out.extend((!crc).to_be_bytes());
}

/// A lossless animated WebP, the pictures of which the library compresses. It knows no
/// [`Dispose::Restore`].
pub fn webp_file([width, height]: [u32; 2], parts: &[Part], plays: u16) -> Vec<u8> {
    let three = |v: u32| v.to_le_bytes()[..3].to_vec();
    let chunk = |kind: &[u8], data: &[u8]| {
        let length = (data.len() as u32).to_le_bytes();
        let mut chunk = [kind, &length, data].concat();
        chunk.resize(chunk.len().next_multiple_of(2), 0);
        chunk
    };
    let header = [vec![0x12, 0, 0, 0], three(width - 1), three(height - 1)].concat();
    let loops = [&[0; 4][..], &plays.to_le_bytes()].concat();
    let mut body = [
        &b"WEBP"[..],
        &chunk(b"VP8X", &header),
        &chunk(b"ANIM", &loops),
    ]
    .concat();
    for part in parts {
        let image = ImageU8::from_pixels(
            &Device::cpu(),
            part.width,
            part.height,
            Layout::Rgba8,
            &part.pixels,
        );
        let still = SaveOptions::new().encode_u8(&image.unwrap(), Format::WebP);
        let still = still.unwrap();
        assert_eq!(&still[12..16], b"VP8L");
        let mut frame = [part.x / 2, part.y / 2, part.width - 1, part.height - 1]
            .map(three)
            .concat();
        frame.extend(three(part.delay.into()));
        frame.push(u8::from(!part.over) << 1 | u8::from(part.dispose == Dispose::Clear));
        frame.extend(&still[12..]);
        body.extend(chunk(b"ANMF", &frame));
    }
    chunk(b"RIFF", &body)
}
