//! What the options ask for: a part of a picture, or a smaller one.

use crate::{
    ColorPolicy, Error, Filter, Image, LoadOptions, Result,
    codec::{Decode, PayloadTarget},
    options::Reduction,
    picture::{Area, Header},
    resample::{Plan, Sampling},
};
use imagecuda_kernels::{
    expand::Curve,
    orient::{Orientation, View},
    resample::Input,
};

/// What is made of the pixels that a decoder gives.
pub(super) struct Wanted {
    /// Where the pixels that are used are among them.
    pub(super) view: View,
    /// How many are used, as viewed.
    pub(super) width: u32,
    pub(super) height: u32,
    /// How they become smaller.
    pub(super) resampling: Option<Resampling>,
}

/// How a picture becomes smaller once it is expanded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resampling {
    pub(super) sampling: Sampling,
    pub(super) filter: Filter,
    /// What becomes of pixels before they are summed.
    pub(super) input: Input,
}

impl Resampling {
    /// The size of the result.
    pub(crate) fn size(&self) -> (u32, u32) {
        self.sampling.size()
    }

    /// Checks that `to` has room for the result, and finds how it is made.
    pub(super) fn plan(&self, to: &Image) -> Result<Plan> {
        let (width, height) = self.size();
        to.check_fits(width, height)?;
        Plan::new(&self.sampling, self.filter, self.input, [0.0; 3])
    }

    /// Makes the result of an expanded picture.
    pub(crate) fn write(&self, from: &Image, to: &mut Image) -> Result<()> {
        let (plan, (width, height)) = (self.plan(to)?, self.size());
        to.buffer
            .resample_from(&from.buffer, from.dimensions(), &plan, (width, height))?;
        to.reshape(width, height)
    }
}

impl Wanted {
    /// Finds what the options ask for, and tells the decoder what it needs to decode.
    pub(super) fn of(
        options: &LoadOptions,
        decoder: &mut dyn Decode,
        orientation: Orientation,
        target: PayloadTarget<'_>,
    ) -> Result<Self> {
        let Header {
            width,
            height,
            curve,
            ..
        } = decoder.header();
        let size = orientation.size(width, height);
        let region = match options.region {
            Some(region) => checked(region, size)?,
            None => Area::whole(size),
        };
        let mut request = Request {
            decoder,
            orientation,
            target,
            stored: (width, height),
            region: region.size(),
            needed: region.stored(orientation, size),
            // Linear light that stays as it is stored is multiplied by alpha already.
            input: match (options.color_policy, curve) {
                (ColorPolicy::Raw, Curve::Linear) => Input::Sum,
                _ => Input::Straight,
            },
        };
        match options.reduction {
            Some(Reduction::Scale(scale)) => Ok(request.scaled(scale.divisor())),
            Some(Reduction::Fit(width, height)) => request.fitting((width, height)),
            None => Ok(request.part(request.needed)),
        }
    }

    /// The size of the result.
    pub(super) fn size(&self) -> (u32, u32) {
        match &self.resampling {
            Some(resampling) => resampling.sampling.size(),
            None => (self.width, self.height),
        }
    }
}

/// The region, if it has pixels, and all of them are in a picture of this size.
fn checked(region: Area, size: (u32, u32)) -> Result<Area> {
    let Area {
        x,
        y,
        width,
        height,
    } = region;
    if width == 0 || height == 0 {
        let reason = format!("a region of {width}x{height} is empty");
        return Err(Error::option("region", reason));
    }
    if !region.is_within(size) {
        let (of_width, of_height) = size;
        let reason = format!(
            "{width}x{height} at ({x}, {y}) is out of the bounds of a picture of \
             {of_width}x{of_height}"
        );
        return Err(Error::option("region", reason));
    }
    Ok(region)
}

/// A part of a picture that is asked for.
struct Request<'a, 'd> {
    decoder: &'a mut (dyn Decode + 'd),
    orientation: Orientation,
    target: PayloadTarget<'a>,
    /// The size of the whole picture, as stored.
    stored: (u32, u32),
    /// The size of the part, as viewed.
    region: (u32, u32),
    /// The part, as stored.
    needed: Area,
    input: Input,
}

/// What is taken of one side of the decoded pixels.
#[derive(Clone, Copy)]
struct Side {
    length: u32,
    begin: f64,
    end: f64,
}

impl Request<'_, '_> {
    /// An area of the pixels that the decoder has, as they are.
    fn part(&mut self, needed: Area) -> Wanted {
        let decoded = self.decoder.narrow(needed, self.target);
        let part = needed.within(decoded);
        let part = part.viewed(self.orientation, decoded.size());
        let (width, height) = self.orientation.size(decoded.width, decoded.height);
        Wanted {
            view: View {
                left: part.x,
                top: part.y,
                ..View::whole(self.orientation, width, height)
            },
            width: part.width,
            height: part.height,
            resampling: None,
        }
    }

    /// The picture with its sides divided by `divisor`.
    fn scaled(&mut self, divisor: u32) -> Wanted {
        let pixels = self.needed.divided(divisor);
        if self.decoder.reduce(divisor) {
            return self.part(pixels);
        }
        // Whole squares of pixels, but for those at the edges of the picture.
        let clipped = |start: u32, length: u32, side: u32| {
            let end = u64::from(start + length) * u64::from(divisor);
            (
                start * divisor,
                end.min(side.into()) as u32 - start * divisor,
            )
        };
        let (x, width) = clipped(pixels.x, pixels.width, self.stored.0);
        let (y, height) = clipped(pixels.y, pixels.height, self.stored.1);
        let squares = Area {
            x,
            y,
            width,
            height,
        };
        let side = |length: u32, count: u32| Side {
            length,
            begin: 0.0,
            end: f64::from(count) * f64::from(divisor),
        };
        let sides = [side(width, pixels.width), side(height, pixels.height)];
        let size = self.orientation.size(pixels.width, pixels.height);
        self.resampled(squares, sides, size, Filter::Box)
    }

    /// The picture in a size that is at most `most`.
    fn fitting(&mut self, most: (u32, u32)) -> Result<Wanted> {
        if most.0 == 0 || most.1 == 0 {
            let reason = format!("{}x{} pixels have no room for a picture", most.0, most.1);
            return Err(Error::option("fit", reason));
        }
        let size = fitted(self.region, most);
        if size == self.region {
            return Ok(self.part(self.needed));
        }
        let is_enough = |divisor: u32| {
            let enough = |side: u32, of: u32| u64::from(side) * u64::from(divisor) <= of.into();
            enough(size.0, self.region.0) && enough(size.1, self.region.1)
        };
        let divisor = [8, 4, 2].into_iter().find(|&divisor| is_enough(divisor));
        let needed = self.needed;
        let (pixels, divisor) = match divisor {
            Some(divisor) if self.decoder.reduce(divisor) => (needed.divided(divisor), divisor),
            _ => (needed, 1),
        };
        let side = |start: u32, length: u32, pixels: u32, first: u32| {
            let place = |at: u32| f64::from(at) / f64::from(divisor) - f64::from(first);
            Side {
                length: pixels,
                begin: place(start),
                end: place(start + length),
            }
        };
        let sides = [
            side(needed.x, needed.width, pixels.width, pixels.x),
            side(needed.y, needed.height, pixels.height, pixels.y),
        ];
        Ok(self.resampled(pixels, sides, size, Filter::Lanczos3))
    }

    /// An area that becomes a picture of the size `size`, as viewed. `sides` are as stored.
    fn resampled(
        &mut self,
        area: Area,
        [columns, rows]: [Side; 2],
        size: (u32, u32),
        filter: Filter,
    ) -> Wanted {
        let mut wanted = self.part(area);
        let mut sampling = Sampling::whole((wanted.width, wanted.height), size);
        let [columns, rows] = match self.orientation.swaps_sides() {
            true => [rows, columns],
            false => [columns, rows],
        };
        let [right_to_left, upside_down] = mirrored(self.orientation);
        (sampling.columns.begin, sampling.columns.end) = columns.range(right_to_left);
        (sampling.rows.begin, sampling.rows.end) = rows.range(upside_down);
        wanted.resampling = Some(Resampling {
            sampling,
            filter,
            input: self.input,
        });
        wanted
    }
}

impl Side {
    /// Where the side begins and ends, perhaps from its other end.
    fn range(&self, is_mirrored: bool) -> (f64, f64) {
        let length = f64::from(self.length);
        match is_mirrored {
            true => (length - self.end, length - self.begin),
            false => (self.begin, self.end),
        }
    }
}

/// Whether columns and rows of the oriented picture run against those of the file.
fn mirrored(orientation: Orientation) -> [bool; 2] {
    match orientation {
        Orientation::Normal | Orientation::Transpose => [false, false],
        Orientation::MirrorHorizontal | Orientation::Rotate90 => [true, false],
        Orientation::MirrorVertical | Orientation::Rotate270 => [false, true],
        Orientation::Rotate180 | Orientation::Transverse => [true, true],
    }
}

/// The largest size of the ratio of `size` that is at most `most`, and at most `size`. Sides are
/// rounded to the nearest pixel, and are at least 1.
fn fitted(size: (u32, u32), most: (u32, u32)) -> (u32, u32) {
    if size.0 <= most.0 && size.1 <= most.1 {
        return size;
    }
    let (by_width, by_height) = (
        u64::from(size.0) * u64::from(most.1),
        u64::from(size.1) * u64::from(most.0),
    );
    let rounded = |n: u64, d: u32| ((2 * n + u64::from(d)) / (2 * u64::from(d))) as u32;
    match by_width > by_height {
        true => (most.0, rounded(by_height, size.0).clamp(1, most.1)),
        false => (rounded(by_width, size.1).clamp(1, most.0), most.1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_fits_and_keeps_its_ratio() {
        let table = [
            ((4000, 3000), (512, 512), (512, 384)),
            ((3000, 4000), (512, 512), (384, 512)),
            ((100, 100), (512, 512), (100, 100)),
            ((100, 100), (100, 99), (99, 99)),
            ((1, 10_000), (64, 64), (1, 64)),
            ((10_000, 3), (64, 64), (64, 1)),
            ((1000, 10), (500, 10), (500, 5)),
            ((7, 5), (3, 9), (3, 2)),
        ];
        for (size, most, expected) in table {
            assert_eq!(fitted(size, most), expected, "{size:?} {most:?}");
        }
    }

    /// A row that runs against the file's begins at the file's end.
    #[test]
    fn the_sides_that_run_backwards_are_those_of_the_orientation() {
        for orientation in Orientation::ALL {
            let (width, height) = orientation.size(7, 4);
            let view = View::whole(orientation, width, height);
            let (start, right, below) = (view.source(0, 0), view.source(1, 0), view.source(0, 1));
            assert_eq!(mirrored(orientation), [right < start, below < start]);
        }
    }
}
