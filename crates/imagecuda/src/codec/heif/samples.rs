//! Scales libheif's samples, of any depth and range, to those of the pixels.

use libheif_rs::Plane;

/// A sample of the output, at any address.
pub(super) trait Sample {
    const TOP: u32;
    fn get(&self) -> u32;
    fn set(&mut self, value: u32);
}

impl Sample for [u8; 1] {
    const TOP: u32 = 255;

    fn get(&self) -> u32 {
        self[0].into()
    }

    fn set(&mut self, value: u32) {
        self[0] = value.min(Self::TOP) as u8;
    }
}

impl Sample for [u8; 2] {
    const TOP: u32 = 65_535;

    fn get(&self) -> u32 {
        u16::from_ne_bytes(*self).into()
    }

    fn set(&mut self, value: u32) {
        *self = (value.min(Self::TOP) as u16).to_ne_bytes();
    }
}

/// For each sample of `bits`, the nearest equal share of `top`. In limited range the whole is from
/// 16 to 235 of 255 (ITU-T H.273); values outside are black or white.
pub(super) fn scale(bits: u8, top: u32, limited: bool) -> Vec<u32> {
    let bits = u32::from(bits.clamp(1, 16));
    let most = (1 << bits) - 1;
    let (black, white) = match limited && bits >= 8 {
        true => (16 << (bits - 8), 235 << (bits - 8)),
        false => (0, most),
    };
    let whole = white - black;
    let scaled = |sample: u32| ((sample.clamp(black, white) - black) * top + whole / 2) / whole;
    (0..=most).map(scaled).collect()
}

/// Writes a plane as one of the channels of `out`, with a table that [`scale`] made.
pub(super) fn put<S: Sample>(
    plane: &Plane<&[u8]>,
    table: &[u32],
    out: &mut [S],
    channel: usize,
    channels: usize,
) {
    let out_rows = out.chunks_exact_mut(plane.width as usize * channels);
    for (row, out) in plane.data.chunks(plane.stride).zip(out_rows) {
        let out = out.iter_mut().skip(channel).step_by(channels);
        // The table has an entry for every value of the bits.
        let value = |sample: u16| table[usize::from(sample) & (table.len() - 1)];
        if plane.bits_per_pixel > 8 {
            for (out, &sample) in out.zip(row.as_chunks().0) {
                out.set(value(u16::from_ne_bytes(sample)));
            }
        } else {
            for (out, &sample) in out.zip(row) {
                out.set(value(sample.into()));
            }
        }
    }
}

/// Expands limited range to full range, for samples that were scaled from `bits`.
pub(super) fn widen<'a, S: Sample + 'a>(samples: impl Iterator<Item = &'a mut S>, bits: u8) {
    let table = scale(bits, S::TOP, true);
    let most = table.len() as u32 - 1;
    for sample in samples {
        let coded = (sample.get() * most + S::TOP / 2) / S::TOP;
        sample.set(table[coded as usize]);
    }
}

/// Divides the colours of a pixel by its alpha, which is the last channel.
pub(super) fn unpremultiply<S: Sample>(pixel: &mut [S]) {
    if let Some((alpha, colours)) = pixel.split_last_mut()
        && alpha.get() != 0
    {
        let alpha = alpha.get();
        for colour in colours {
            colour.set((colour.get() * S::TOP + alpha / 2) / alpha);
        }
    }
}
