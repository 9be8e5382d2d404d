//! A picture and its components: where their coefficients and samples are in memory.

use super::upsample::Upsampling;
use bytemuck::{Pod, Zeroable};

/// Coefficients of a block, and samples.
pub const BLOCK: usize = 64;

/// One component of a picture: a plane of samples at its own resolution.
///
/// Its blocks are in rows, padded to whole MCUs. A block is 64 coefficients (`i16`) in natural
/// order. Its samples (`u8`) are in rows of [`stride`](Self::stride). They begin at the same index
/// among the picture's samples as its coefficients among the picture's coefficients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Component {
    /// Sampling factors, 1 to 4: blocks in an MCU of an interleaved scan, across and down.
    pub h: u32,
    /// See [`h`](Self::h).
    pub v: u32,
    /// Samples that belong to the picture: `ceil(width * h / h_max)`.
    pub width: u32,
    /// Rows of samples that belong to the picture.
    pub height: u32,
    /// Blocks in a row: `h` for each MCU.
    pub blocks_x: u32,
    /// Rows of blocks: `v` for each row of MCUs.
    pub blocks_y: u32,
    /// The blocks of the components before it.
    pub first_block: u32,
    /// An [`Upsampling`].
    pub upsampling: u32,
}

/// The colour model of the components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Color {
    /// One component.
    Gray = 0,
    /// Three components: red, green, blue.
    Rgb = 1,
    /// Three components: luma, Cb, Cr.
    Ycc = 2,
    /// Four components: cyan, magenta, yellow, black. 255 is full ink.
    Cmyk = 3,
    /// The same four, inverted: 255 is no ink.
    InvertedCmyk = 4,
    /// Four components, as Adobe's files have them: YCbCr of cyan, magenta and yellow, and inverted
    /// black.
    Ycck = 5,
}

/// The size of a picture and its components.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Picture {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// The largest of the components' sampling factors.
    pub h_max: u32,
    /// The largest of the components' sampling factors.
    pub v_max: u32,
    /// MCUs of an interleaved scan in a row.
    pub mcus_x: u32,
    /// Rows of MCUs of an interleaved scan.
    pub mcus_y: u32,
    /// 1, 3 or 4.
    pub components: u32,
    /// A [`Color`].
    pub color: u32,
    /// The components: the first [`components`](Self::components) of these.
    pub component: [Component; 4],
}

impl Component {
    /// Samples from the start of a row to that of the next.
    #[inline(always)]
    pub fn stride(&self) -> usize {
        self.blocks_x as usize * 8
    }

    /// All blocks.
    #[inline(always)]
    pub fn blocks(&self) -> usize {
        self.blocks_x as usize * self.blocks_y as usize
    }

    /// The index of its first sample, and of its first coefficient, among those of the picture.
    #[inline(always)]
    pub fn start(&self) -> usize {
        self.first_block as usize * BLOCK
    }
}

impl Picture {
    /// The picture of `width` by `height` pixels whose components have these sampling factors
    /// (across, down), or `None` if there are not 1, 3 or 4 of them, one is not from 1 to 4, or
    /// the picture is empty or has more than 2^32 - 1 blocks.
    pub fn new(width: u32, height: u32, factors: &[(u32, u32)], color: Color) -> Option<Self> {
        let range = 1..=4;
        let good = |&(h, v): &(u32, u32)| range.contains(&h) && range.contains(&v);
        if !matches!(factors.len(), 1 | 3 | 4) || !factors.iter().all(good) {
            return None;
        }
        if width == 0 || height == 0 {
            return None;
        }
        // The factors of a single component mean nothing.
        let single = [(1, 1)];
        let factors = if factors.len() == 1 { &single } else { factors };
        let h_max = factors.iter().map(|f| f.0).max()?;
        let v_max = factors.iter().map(|f| f.1).max()?;
        let mut picture = Self {
            width,
            height,
            h_max,
            v_max,
            mcus_x: width.div_ceil(8 * h_max),
            mcus_y: height.div_ceil(8 * v_max),
            components: factors.len() as u32,
            color: color as u32,
            component: [Component::default(); 4],
        };
        let share = |side: u32, of: u32, max: u32| {
            let share = u64::from(side) * u64::from(of);
            u32::try_from(share.div_ceil(u64::from(max))).ok()
        };
        let mut blocks = 0u32;
        for (component, &(h, v)) in picture.component.iter_mut().zip(factors) {
            *component = Component {
                h,
                v,
                width: share(width, h, h_max)?,
                height: share(height, v, v_max)?,
                blocks_x: picture.mcus_x.checked_mul(h)?,
                blocks_y: picture.mcus_y.checked_mul(v)?,
                first_block: blocks,
                upsampling: 0,
            };
            let own = component.blocks_x.checked_mul(component.blocks_y)?;
            blocks = blocks.checked_add(own)?;
        }
        for i in 0..factors.len() {
            let how = Upsampling::of(&picture.component[i], &picture);
            picture.component[i].upsampling = how as u32;
        }
        Some(picture)
    }

    /// The colour model of the components.
    #[inline(always)]
    pub fn color(&self) -> Color {
        match self.color {
            0 => Color::Gray,
            1 => Color::Rgb,
            2 => Color::Ycc,
            3 => Color::Cmyk,
            4 => Color::InvertedCmyk,
            _ => Color::Ycck,
        }
    }

    /// The number of pixels.
    pub fn pixels(&self) -> usize {
        self.width as usize * self.height as usize
    }

    /// The number of blocks of all components.
    pub fn blocks(&self) -> usize {
        self.parts().iter().map(Component::blocks).sum()
    }

    /// The component that a block of the picture belongs to, and the block's row and column among
    /// those of the component. Blocks after the picture's last one are below its last row.
    #[inline(always)]
    pub fn find_block(&self, block: u32) -> (usize, u32, u32) {
        let begins = |of: usize| {
            u32::from((of as u32) < self.components && block >= self.component[of].first_block)
        };
        let number = (begins(1) + begins(2) + begins(3)) as usize;
        let part = &self.component[number & 3];
        let at = block - part.first_block;
        (number, at / part.blocks_x, at % part.blocks_x)
    }

    /// The components of the picture.
    #[inline(always)]
    pub fn parts(&self) -> &[Component] {
        self.component
            .get(..self.components as usize)
            .unwrap_or(&self.component)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_of_odd_size() {
        let picture = Picture::new(17, 9, &[(2, 2), (1, 1), (1, 1)], Color::Ycc).unwrap();
        assert_eq!((picture.mcus_x, picture.mcus_y), (2, 1));
        let [luma, blue, red, _] = picture.component;
        assert_eq!(
            (luma.width, luma.height, luma.blocks_x, luma.blocks_y),
            (17, 9, 4, 2)
        );
        assert_eq!(
            (blue.width, blue.height, blue.blocks_x, blue.blocks_y),
            (9, 5, 2, 1)
        );
        assert_eq!((blue.first_block, red.first_block), (8, 10));
        assert_eq!(picture.blocks(), 12);
    }

    #[test]
    fn gray_has_one_block_an_mcu() {
        let picture = Picture::new(9, 8, &[(2, 2)], Color::Gray).unwrap();
        assert_eq!((picture.mcus_x, picture.mcus_y), (2, 1));
        assert_eq!(picture.component[0].width, 9);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(Picture::new(9, 8, &[(1, 1); 2], Color::Ycc).is_none());
        assert!(Picture::new(9, 8, &[(5, 1)], Color::Gray).is_none());
        assert!(Picture::new(9, 8, &[(0, 1)], Color::Gray).is_none());
        assert!(Picture::new(0, 8, &[(1, 1)], Color::Gray).is_none());
        let most = Picture::new(65_535, 65_535, &[(1, 1); 4], Color::Cmyk).unwrap();
        assert_eq!(most.blocks(), 8192 * 8192 * 4);
    }
}
