//! Files of any kind, written from coefficients or samples.

mod arithmetic;
mod huffman;
mod lossless;
mod random;

pub(crate) use self::{
    arithmetic::Conditioning,
    lossless::Lossless,
    random::{Random, script},
};
use imagecuda_kernels::jpeg::{
    picture::{Color, Picture},
    scan::NATURAL,
};

/// A file of coefficients.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) size: (u16, u16),
    pub(crate) bits: u8,
    pub(crate) factors: Vec<(u32, u32)>,
    pub(crate) quantizer: u16,
    /// Of each component, with those that only fill MCUs, in natural order.
    pub(crate) blocks: Vec<Vec<[i16; 64]>>,
    pub(crate) progressive: bool,
    /// Huffman codes if there is none.
    pub(crate) conditioning: Option<Conditioning>,
    pub(crate) scans: Vec<MadeScan>,
}

#[derive(Clone, Debug)]
pub(crate) struct MadeScan {
    pub(crate) components: Vec<usize>,
    pub(crate) spectral: (u8, u8),
    pub(crate) approximation: (u8, u8),
    pub(crate) restart: u16,
}

/// What codes the blocks of a scan.
trait Coder {
    fn block(&mut self, scan: &MadeScan, component: usize, block: &[i16; 64]);

    /// Ends an interval. Returns its data.
    fn end(&mut self) -> Vec<u8>;
}

impl Made {
    pub(crate) fn picture(&self) -> Picture {
        let color = match self.factors.len() {
            1 => Color::Gray,
            3 => Color::Ycc,
            _ => Color::InvertedCmyk,
        };
        let (width, height) = (self.size.0.into(), self.size.1.into());
        Picture::new(width, height, &self.factors, color).unwrap()
    }

    fn marker(&self) -> u8 {
        match (self.conditioning.is_some(), self.progressive) {
            (false, false) => 0xc1,
            (false, true) => 0xc2,
            (true, false) => 0xc9,
            (true, true) => 0xca,
        }
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut file = vec![0xff, 0xd8];
        let quantizers: Vec<u8> = [self.quantizer.to_be_bytes(); 64].concat();
        segment(&mut file, 0xdb, &[&[0x10][..], &quantizers].concat());
        let components = (1..).zip(&self.factors);
        let components: Vec<_> = components
            .map(|(name, &(h, v))| (name, (h << 4 | v) as u8, 0))
            .collect();
        frame(&mut file, self.marker(), self.bits, self.size, &components);
        match self.conditioning {
            Some(conditioning) => segment(&mut file, 0xcc, &conditioning.segment()),
            None => segment(&mut file, 0xc4, &huffman::segment(15)),
        }
        for scan in &self.scans {
            segment(&mut file, 0xdd, &scan.restart.to_be_bytes());
            let mut head = vec![scan.components.len() as u8];
            head.extend(scan.components.iter().flat_map(|&i| [i as u8 + 1, 0]));
            head.extend([scan.spectral.0, scan.spectral.1]);
            head.push(scan.approximation.0 << 4 | scan.approximation.1);
            segment(&mut file, 0xda, &head);
            let mut coder: Box<dyn Coder> = match self.conditioning {
                Some(conditioning) => Box::new(arithmetic::Blocks::new(conditioning)),
                None => Box::new(huffman::Blocks::default()),
            };
            self.data(&mut file, scan, coder.as_mut());
        }
        file.extend([0xff, 0xd9]);
        file
    }

    fn data(&self, file: &mut Vec<u8>, scan: &MadeScan, coder: &mut dyn Coder) {
        let mcus = self.mcus(scan);
        let interval = match scan.restart {
            0 => mcus.len(),
            interval => interval.into(),
        };
        for (number, mcus) in mcus.chunks(interval).enumerate() {
            if number > 0 {
                file.extend([0xff, 0xd0 + ((number - 1) % 8) as u8]);
            }
            for &(component, place) in mcus.iter().flatten() {
                coder.block(scan, component, &self.blocks[component][place]);
            }
            file.extend(coder.end());
        }
    }

    /// The blocks of a scan, MCU by MCU: components, and places among their blocks.
    fn mcus(&self, scan: &MadeScan) -> Vec<Vec<(usize, usize)>> {
        let picture = self.picture();
        if let [index] = scan.components[..] {
            return self.used(index).map(|place| vec![(index, place)]).collect();
        }
        let all = (0..picture.mcus_y).flat_map(|y| (0..picture.mcus_x).map(move |x| (x, y)));
        let mcu = |(x, y): (u32, u32)| {
            let mut mcu = Vec::new();
            for &index in &scan.components {
                let part = &picture.component[index];
                for (v, h) in (0..part.v).flat_map(|v| (0..part.h).map(move |h| (v, h))) {
                    let place = (y * part.v + v) * part.blocks_x + x * part.h + h;
                    mcu.push((index, place as usize));
                }
            }
            mcu
        };
        all.map(mcu).collect()
    }

    /// The blocks of a component that do not only fill MCUs.
    pub(crate) fn used(&self, index: usize) -> impl Iterator<Item = usize> {
        let part = self.picture().component[index];
        let across = part.width.div_ceil(8);
        let down = part.height.div_ceil(8);
        let row = move |y| (0..across).map(move |x| (y * part.blocks_x + x) as usize);
        (0..down).flat_map(row)
    }
}

fn segment(file: &mut Vec<u8>, marker: u8, content: &[u8]) {
    file.extend([0xff, marker]);
    file.extend((content.len() as u16 + 2).to_be_bytes());
    file.extend(content);
}

/// A frame header; each component is its name, its factors and its table.
fn frame(
    file: &mut Vec<u8>,
    marker: u8,
    bits: u8,
    (width, height): (u16, u16),
    components: &[(u8, u8, u8)],
) {
    let mut content = vec![bits];
    content.extend(height.to_be_bytes());
    content.extend(width.to_be_bytes());
    content.push(components.len() as u8);
    content.extend(components.iter().flat_map(|&(a, b, c)| [a, b, c]));
    segment(file, marker, &content);
}

/// A coefficient of a place in zigzag order, without its lowest bits.
fn coefficient(block: &[i16; 64], k: u8, low: u8) -> i32 {
    let value = i32::from(block[usize::from(NATURAL[usize::from(k)])]);
    match k {
        0 => value >> low,
        _ => value.signum() * (value.abs() >> low),
    }
}

/// Puts a zero after each 0xff.
fn stuffed(data: Vec<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in data {
        out.push(byte);
        if byte == 0xff {
            out.push(0);
        }
    }
    out
}
