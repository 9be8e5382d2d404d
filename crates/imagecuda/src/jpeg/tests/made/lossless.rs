//! A lossless encoder: Annex H of the standard.

use super::{frame, huffman, segment};
use imagecuda_kernels::jpeg::picture::{Color, Picture};

pub(crate) struct Lossless {
    pub(crate) size: (u16, u16),
    pub(crate) bits: u8,
    pub(crate) factors: Vec<(u32, u32)>,
    /// Of each component, in rows.
    pub(crate) samples: Vec<Vec<u16>>,
    pub(crate) predictor: u8,
    /// The low bits that are left out.
    pub(crate) transform: u8,
    /// Rows of MCUs between restarts, or 0.
    pub(crate) restart_rows: usize,
    /// Whether each component has a scan.
    pub(crate) apart: bool,
}

impl Lossless {
    pub(crate) fn picture(&self) -> Picture {
        let (width, height) = (self.size.0.into(), self.size.1.into());
        Picture::new(width, height, &self.factors, Color::Rgb).unwrap()
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let picture = self.picture();
        let mut file = vec![0xff, 0xd8];
        let components = (1..).zip(&self.factors);
        let components: Vec<_> = components
            .map(|(name, &(h, v))| (name, (h << 4 | v) as u8, 0))
            .collect();
        frame(&mut file, 0xc3, self.bits, self.size, &components);
        segment(&mut file, 0xc4, &huffman::segment(16));
        let all: Vec<usize> = (0..picture.parts().len()).collect();
        let scans: Vec<&[usize]> = match self.apart {
            true => all.chunks(1).collect(),
            false => vec![&all],
        };
        for components in scans {
            self.scan(&mut file, &picture, components);
        }
        file.extend([0xff, 0xd9]);
        file
    }

    fn scan(&self, file: &mut Vec<u8>, picture: &Picture, components: &[usize]) {
        let parts = components.iter().map(|&index| {
            let part = &picture.component[index];
            let (h, v) = match components.len() {
                1 => (1, 1),
                _ => (part.h as usize, part.v as usize),
            };
            (index, h, v, part.width as usize, part.height as usize)
        });
        let parts: Vec<_> = parts.collect();
        let (_, h, v, width, height) = parts[0];
        let (mut mcus_x, mut mcus_y) = (width.div_ceil(h), height.div_ceil(v));
        if parts.len() > 1 {
            mcus_x = (picture.width.div_ceil(picture.h_max)) as usize;
            mcus_y = (picture.height.div_ceil(picture.v_max)) as usize;
        }
        let interval = (self.restart_rows * mcus_x) as u16;
        segment(file, 0xdd, &interval.to_be_bytes());
        let mut head = vec![components.len() as u8];
        head.extend(components.iter().flat_map(|&i| [i as u8 + 1, 0]));
        head.extend([self.predictor, 0, self.transform]);
        segment(file, 0xda, &head);
        let mut bits = huffman::Bits::default();
        let rows = match self.restart_rows {
            0 => mcus_y,
            rows => rows,
        };
        for row in 0..mcus_y {
            if row > 0 && row % rows == 0 {
                file.extend(bits.end());
                file.extend([0xff, 0xd0 + ((row / rows - 1) % 8) as u8]);
            }
            for mcu in 0..mcus_x {
                for &(index, h, v, width, height) in &parts {
                    for (y, x) in (0..v).flat_map(|y| (0..h).map(move |x| (y, x))) {
                        let (x, y) = (mcu * h + x, row * v + y);
                        let difference = match x < width && y < height {
                            // The first row of all, or after a restart.
                            true => self.difference(index, width, x, y, y == row / rows * rows * v),
                            false => 0,
                        };
                        let size = huffman::size(difference);
                        bits.size(size);
                        if size < 16 {
                            bits.value(difference);
                        }
                    }
                }
            }
        }
        file.extend(bits.end());
    }

    /// What a sample is more than what is predicted, modulo 2^16.
    fn difference(&self, index: usize, width: usize, x: usize, y: usize, first: bool) -> i32 {
        let at =
            |x: usize, y: usize| i32::from(self.samples[index][y * width + x] >> self.transform);
        let predicted = match (x, first) {
            (0, true) => 1 << (self.bits - self.transform - 1),
            (_, true) => at(x - 1, y),
            (0, false) => at(x, y - 1),
            _ => {
                let (a, b, c) = (at(x - 1, y), at(x, y - 1), at(x - 1, y - 1));
                match self.predictor {
                    1 => a,
                    2 => b,
                    3 => c,
                    4 => a + b - c,
                    5 => a + ((b - c) >> 1),
                    6 => b + ((a - c) >> 1),
                    _ => (a + b) >> 1,
                }
            }
        };
        match i32::from((at(x, y) - predicted) as i16) {
            // Only 2^15 has a size of its own.
            -32_768 => 32_768,
            difference => difference,
        }
    }
}
