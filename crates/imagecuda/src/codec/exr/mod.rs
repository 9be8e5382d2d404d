//! OpenEXR. The `exr` crate reads headers and decompresses blocks. This module decides which
//! channels form a picture, and converts luminance and chroma. The `image` crate writes files.

mod b44;
mod chroma;
mod file;
mod layers;
mod planes;

use self::{
    chroma::Chroma,
    file::{File, Part},
    layers::{Colors, Picture},
    planes::{Blocks, Line, Plane},
};
use super::{
    capabilities::{Capabilities, PLAIN},
    contract::{Codec, Decode, EncodeRequest, PayloadTarget, no_metadata, pixel_payload},
    image_crate,
};
use crate::{
    ColorPolicy, Depth, Error, Format, Limits, Result,
    color::{Chromaticities, REC_709},
    device::Payload,
    limits::check_limit,
    parallel::with_room,
    picture::Header,
    sink::Sink,
};
use exr::math::Vec2;
use image::codecs::openexr::OpenExrEncoder;
use imagecuda_kernels::{expand::Curve, layout::Layout};

pub(super) static CODEC: Codec = Codec {
    format: Format::Exr,
    open: |bytes, limits| open(bytes, None, limits, false),
    recover: |bytes, limits| open(bytes, None, limits, true),
    encode,
    metadata: no_metadata,
    sequence: None,
    capabilities: Capabilities {
        depths: &[Depth::F32],
        curve: Curve::Linear,
        layers: Some(|bytes, layer, limits, damaged| open(bytes, Some(layer), limits, damaged)),
        ..PLAIN
    },
};

/// A layer of a file. Its size is the display window's. Outside the data window samples are 0.
struct Exr<'a> {
    file: File<'a>,
    picture: Picture,
    header: Header,
    damaged: bool,
}

fn open<'a>(
    bytes: &'a [u8],
    layer: Option<&str>,
    limits: &Limits,
    damaged: bool,
) -> Result<Box<dyn Decode + 'a>> {
    check_attributes(bytes)?;
    let file = File::read(bytes)?;
    let picture = layers::choose(&file, layer)?;
    let part = &file.parts[picture.part];
    let Vec2(width, height) = part.header.shared_attributes.display_window.size;
    let layout = match (picture.colors, picture.alpha) {
        (Colors::Gray(_), None) => Layout::L32F,
        (Colors::Gray(_), Some(_)) => Layout::La32F,
        (_, None) => Layout::Rgb32F,
        (_, Some(_)) => Layout::Rgba32F,
    };
    let header = Header {
        width: width as u32,
        height: height as u32,
        layout,
        curve: Curve::Linear,
    };
    // This check precedes every access to blocks.
    super::check(&header, limits)?;
    part.check(limits)?;
    let exr = Exr {
        file,
        picture,
        header,
        damaged,
    };
    if exr.needs_planes() {
        let Vec2(width, height) = exr.part().header.layer_size;
        let samples = (width as u64).checked_mul(height as u64 * 16);
        check_limit("bytes", samples, limits.bytes)?;
    }
    Ok(Box::new(exr))
}

/// Refuses unknown compressions, and too many attributes: the crate keeps all of them, each in many times
/// its size in the file.
fn check_attributes(bytes: &[u8]) -> Result<()> {
    const MOST_ATTRIBUTES: usize = 10_000;
    let has_parts = bytes.get(5).is_some_and(|flags| flags & 0x10 != 0);
    let mut at = 8;
    for attributes in 0.. {
        // An empty name ends the attributes of a part, and an empty part ends the header.
        if has_parts && bytes.get(at) == Some(&0) {
            at += 1;
        }
        match past_attribute(bytes, at) {
            Some(_) if attributes == MOST_ATTRIBUTES => {
                return Err(Error::decode("the header has too many attributes"));
            }
            Some(next) => {
                // The crate calls compressions damaged that it does not know.
                if bytes[at..].starts_with(b"compression\0compression\0")
                    && let Some(number @ 12..) = bytes.get(next - 1)
                {
                    let what = format!("OpenEXR of compression {number}");
                    return Err(Error::unsupported(what));
                }
                at = next;
            }
            None => break,
        }
    }
    Ok(())
}

/// The end of the header attribute at `at`, if there is one: it has a name, a type, a length and a
/// value.
fn past_attribute(bytes: &[u8], at: usize) -> Option<usize> {
    let past_text = |at: usize| Some(at + bytes.get(at..)?.iter().position(|&b| b == 0)? + 1);
    if *bytes.get(at)? == 0 {
        return None;
    }
    let at = past_text(past_text(at)?)?;
    let length = i32::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
    (at + 4).checked_add(usize::try_from(length).ok()?)
}

impl Decode for Exr<'_> {
    fn header(&self) -> Header {
        self.header
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        self.read(out)
    }

    /// Converts primaries here, while colours are still linear light.
    fn payload(self: Box<Self>, target: PayloadTarget<'_>) -> Result<Payload> {
        let is_converted = target.color_policy != ColorPolicy::Raw;
        match self.chromaticities().and_then(Chromaticities::to_srgb) {
            Some(matrix) if is_converted && self.header.layout.channels() > 2 => {
                let layout = self.header.layout;
                let mut pixels = target.device.staging(self.header.bytes())?;
                self.read(&mut pixels)?;
                convert(&mut pixels, layout, matrix);
                Ok(Payload::Pixels(pixels))
            }
            _ => pixel_payload(self, target),
        }
    }
}

/// Applies a matrix to the colours of pixels.
fn convert(pixels: &mut [u8], layout: Layout, matrix: [[f64; 3]; 3]) {
    for pixel in pixels.chunks_exact_mut(layout.bytes_per_pixel()) {
        let (floats, _) = pixel.as_chunks_mut::<4>();
        let color = [0, 1, 2].map(|i| f64::from(f32::from_ne_bytes(floats[i])));
        for (float, row) in floats.iter_mut().zip(matrix) {
            let sum: f64 = row.iter().zip(color).map(|(m, v)| m * v).sum();
            *float = (sum as f32).to_ne_bytes();
        }
    }
}

impl Exr<'_> {
    fn part(&self) -> &Part {
        &self.file.parts[self.picture.part]
    }

    fn chromaticities(&self) -> Option<Chromaticities> {
        let found = self.part().header.shared_attributes.chromaticities?;
        let point = |Vec2(x, y): Vec2<f32>| [x.into(), y.into()];
        let points = [found.red, found.green, found.blue, found.white].map(point);
        Some(Chromaticities { points })
    }

    /// Whether samples need more than to be put to their places.
    fn needs_planes(&self) -> bool {
        let channels = &self.part().header.channels.list;
        let is_subsampled = |&channel: &usize| channels[channel].sampling != Vec2(1, 1);
        matches!(self.picture.colors, Colors::Luminance(_))
            || self.picture.channels().iter().any(is_subsampled)
    }

    fn read(&self, out: &mut [u8]) -> Result<()> {
        out.fill(0);
        let channels = self.picture.channels();
        let blocks = Blocks {
            file: &self.file,
            part: self.picture.part,
            channels: &channels,
            damaged: self.damaged,
        };
        let mut window = Window::new(self, out);
        if !self.needs_planes() {
            return blocks.read(
                |rect| window_needs(self, rect.y, rect.height),
                |line| window.put(&line),
            );
        }
        let planes = Plane::read_all(&blocks)?;
        let height = self.part().header.layer_size.1;
        match (self.picture.colors, &planes[..]) {
            (Colors::Luminance(_), [luminance, red, blue, alpha @ ..]) => {
                if luminance.sampling != (1, 1) {
                    return Err(Error::unsupported("subsampled luminance"));
                }
                let chromaticities = self.chromaticities().unwrap_or(REC_709);
                let weights = chromaticities.luminance().or(REC_709.luminance());
                let chroma = Chroma {
                    luminance,
                    red,
                    blue,
                    weights: weights.unwrap_or_default().map(|weight| weight as f32),
                };
                chroma.for_each_row(|y, row| {
                    for channel in 0..3 {
                        window.put_row(y, 0, channel, row.iter().map(|color| color[channel]));
                    }
                });
                for alpha in alpha {
                    (0..height).for_each(|y| window.put_plane(y, 3, alpha));
                }
            }
            (_, planes) => {
                for (channel, plane) in planes.iter().enumerate() {
                    (0..height).for_each(|y| window.put_plane(y, channel, plane));
                }
            }
        }
        Ok(())
    }
}

/// Whether rows of the data window are in the display window.
fn window_needs(exr: &Exr<'_>, y: usize, height: usize) -> bool {
    let header = &exr.part().header;
    let top = i64::from(header.own_attributes.layer_position.1)
        - i64::from(header.shared_attributes.display_window.position.1)
        + y as i64;
    top < i64::from(exr.header.height) && top + height as i64 > 0
}

/// The position of the display window relative to the data window.
struct Window<'a> {
    /// The position of its first pixel in the data window.
    left: i64,
    top: i64,
    width: usize,
    channels: usize,
    width_of_data: usize,
    pixels: &'a mut [[u8; 4]],
}

impl<'a> Window<'a> {
    fn new(exr: &Exr<'_>, out: &'a mut [u8]) -> Self {
        let header = &exr.part().header;
        let Vec2(x, y) = header.own_attributes.layer_position;
        let Vec2(display_x, display_y) = header.shared_attributes.display_window.position;
        Self {
            left: i64::from(x) - i64::from(display_x),
            top: i64::from(y) - i64::from(display_y),
            width: exr.header.width as usize,
            channels: exr.header.layout.channels(),
            width_of_data: header.layer_size.0,
            pixels: out.as_chunks_mut().0,
        }
    }

    fn put(&mut self, line: &Line<'_>) {
        let samples = line.samples.iter().copied();
        self.put_row(line.y, line.rect.x, line.channel, samples);
    }

    fn put_plane(&mut self, y: usize, channel: usize, plane: &Plane) {
        let samples = (0..self.width_of_data).map(|x| plane.at(x, y));
        self.put_row(y, 0, channel, samples);
    }

    /// Writes a row's samples, the first of which is at `x` of the data window, as far as they are
    /// visible.
    fn put_row(&mut self, y: usize, x: usize, channel: usize, samples: impl Iterator<Item = f32>) {
        let (x, y) = (self.left + x as i64, self.top + y as i64);
        let rows = (self.pixels.len() / self.channels / self.width) as i64;
        if !(0..rows).contains(&y) || x >= self.width as i64 {
            return;
        }
        let (skipped, x) = (x.min(0).unsigned_abs() as usize, x.max(0) as usize);
        let row = &mut self.pixels[y as usize * self.width * self.channels..];
        let row = &mut row[..self.width * self.channels];
        let out = row[x * self.channels + channel..].iter_mut();
        for (out, sample) in out.step_by(self.channels).zip(samples.skip(skipped)) {
            *out = sample.to_ne_bytes();
        }
    }
}

fn encode(request: EncodeRequest<'_>, out: &mut dyn Sink) -> Result<()> {
    with_room(|| image_crate::write(OpenExrEncoder::new(out), request.pixels))?
}
