//! A picture that is decoded at a reduced size, by inverse DCTs to fewer samples, as libjpeg's
//! `scale_denom` does.

use super::{picture::Picture, upsample::Upsampling};

/// A picture at a reduced size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scaled {
    /// The picture: its size, and the components' sizes and sampling factors, are the reduced ones.
    /// Its blocks and MCUs are those of the file.
    pub picture: Picture,
    /// Samples on a side of a block of a component that is not subsampled: 8, 4, 2 or 1.
    pub unit: u32,
    /// Samples on a side of the blocks of each component: the unit, or a multiple of it for
    /// subsampled components, which are less reduced then.
    pub sizes: [u32; 4],
}

impl Scaled {
    /// The picture at `unit` eighths of its size. `unit` is 8, 4, 2 or 1.
    pub fn new(full: &Picture, unit: u32) -> Self {
        let mut picture = *full;
        picture.width = share(full.width, unit, 8);
        picture.height = share(full.height, unit, 8);
        let mut sizes = [unit; 4];
        let parts = picture.component.iter_mut().zip(&mut sizes);
        for (component, size) in parts.take(full.components as usize) {
            let (h, v) = (component.h, component.v);
            let divides = |size: u32| {
                (full.h_max * unit).is_multiple_of(h * size)
                    && (full.v_max * unit).is_multiple_of(v * size)
            };
            while *size < 8 && divides(2 * *size) {
                *size *= 2;
            }
            component.h = h * *size / unit;
            component.v = v * *size / unit;
            component.width = share(full.width, h * *size, 8 * full.h_max);
            component.height = share(full.height, v * *size, 8 * full.v_max);
        }
        for i in 0..full.components as usize {
            let how = match Upsampling::of(&picture.component[i], &picture) {
                Upsampling::None => Upsampling::None,
                // libjpeg does not interpolate between means of blocks.
                _ if unit == 1 => Upsampling::Repeat,
                how => how,
            };
            picture.component[i].upsampling = how as u32;
        }
        Self {
            picture,
            unit,
            sizes,
        }
    }
}

/// `side * of / all`, rounded up.
fn share(side: u32, of: u32, all: u32) -> u32 {
    (u64::from(side) * u64::from(of)).div_ceil(u64::from(all)) as u32
}

#[cfg(test)]
mod tests {
    use super::super::picture::Color;
    use super::*;

    #[test]
    fn the_full_size_is_the_picture_itself() {
        for second in [(1, 1), (2, 1), (1, 2), (2, 2), (3, 1)] {
            let factors = [(2, 2), second, (1, 1)];
            let picture = Picture::new(1001, 333, &factors, Color::Ycc).unwrap();
            let scaled = Scaled::new(&picture, 8);
            assert_eq!((scaled.picture, scaled.sizes), (picture, [8; 4]));
        }
    }

    #[test]
    fn halved_chroma_of_a_halved_picture_is_whole() {
        let picture = Picture::new(101, 67, &[(2, 2), (1, 1), (1, 1)], Color::Ycc).unwrap();
        let half = Scaled::new(&picture, 4);
        assert_eq!(half.sizes[..3], [4, 8, 8]);
        assert_eq!((half.picture.width, half.picture.height), (51, 34));
        let [luma, blue, ..] = half.picture.component;
        assert_eq!((luma.width, luma.height), (51, 34));
        assert_eq!((blue.width, blue.height), (51, 34));
        assert_eq!(blue.upsampling, Upsampling::None as u32);
        // 4:2:2 cannot: its rows are not subsampled.
        let picture = Picture::new(101, 67, &[(2, 1), (1, 1), (1, 1)], Color::Ycc).unwrap();
        let half = Scaled::new(&picture, 4);
        assert_eq!(half.sizes[..3], [4, 4, 4]);
        assert_eq!(
            half.picture.component[1].upsampling,
            Upsampling::Across as u32
        );
        let eighth = Scaled::new(&picture, 1);
        assert_eq!(
            eighth.picture.component[1].upsampling,
            Upsampling::Repeat as u32
        );
        assert_eq!((eighth.picture.width, eighth.picture.height), (13, 9));
    }
}
