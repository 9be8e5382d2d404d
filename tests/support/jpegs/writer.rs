//! A writer of JPEG files that does whatever it is told, unlike an encoder.

use super::{
    huffman::{Bits, Table, standard},
    scans::{Coder, Scan, Token},
};
use crate::support::Noise;

#[derive(Clone)]
pub struct Component {
    pub id: u8,
    /// Its sampling factors, across and down.
    pub factors: [usize; 2],
    /// The numbers of its quantiser, and of its codes for DC and AC.
    pub quantiser: u8,
    pub tables: [u8; 2],
    /// Its coefficients in zigzag order, row by row, those that fill the last MCUs included.
    pub blocks: Vec<[i16; 64]>,
}

/// Where the codes come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Codes {
    Standard,
    /// The standard's, which the file does not have, as in motion JPEG.
    Implied,
    /// Made for the scan.
    Fitting,
    /// The same, with long codes for anything.
    Deep,
}

#[derive(Clone)]
pub struct Frame {
    pub size: [usize; 2],
    /// SOF0, 1 or 2.
    pub start: u8,
    pub components: Vec<Component>,
    /// In zigzag order.
    pub quantisers: Vec<[u16; 64]>,
    pub scans: Vec<Scan>,
    pub codes: Codes,
    pub jfif: bool,
    /// The transform in Adobe's segment.
    pub adobe: Option<u8>,
    pub oddities: Oddities,
}

/// What files have at times, and decoders must not mind.
#[derive(Clone, Copy, Debug, Default)]
pub struct Oddities {
    /// Fill bytes in front of markers.
    pub filled: bool,
    /// 16 bits for quantisers that need 8.
    pub wide: bool,
    /// A segment for each table, instead of one for all.
    pub apart: bool,
    /// Bytes between the last scan and the end marker.
    pub tail: bool,
    /// No end marker.
    pub endless: bool,
    /// Runs of blocks as long as a symbol can tell of, with all their correction bits.
    pub long_runs: bool,
}

impl Frame {
    /// The largest factors.
    pub fn most(&self) -> [usize; 2] {
        [0, 1].map(|i| self.components.iter().map(|c| c.factors[i]).max().unwrap())
    }

    pub fn mcus(&self) -> [usize; 2] {
        let most = self.most();
        [0, 1].map(|i| self.size[i].div_ceil(8 * most[i]))
    }

    /// The samples of a component, without what fills the last blocks.
    pub fn samples(&self, component: &Component) -> [usize; 2] {
        let most = self.most();
        [0, 1].map(|i| (self.size[i] * component.factors[i]).div_ceil(most[i]))
    }

    /// The blocks of a scan in order, as component and index, and how many an MCU has.
    fn units(&self, scan: &Scan) -> (usize, Vec<(usize, usize)>) {
        let [across, down] = self.mcus();
        if let &[only] = &scan.components[..] {
            let component = &self.components[only];
            let [width, height] = self.samples(component).map(|n| n.div_ceil(8));
            let row = across * component.factors[0];
            let all = (0..height).flat_map(|y| (0..width).map(move |x| (only, y * row + x)));
            return (1, all.collect());
        }
        let mut units = Vec::new();
        for mcu in 0..across * down {
            let (mx, my) = (mcu % across, mcu / across);
            for &i in &scan.components {
                let [h, v] = self.components[i].factors;
                for k in 0..h * v {
                    let (x, y) = (mx * h + k % h, my * v + k / h);
                    units.push((i, y * across * h + x));
                }
            }
        }
        (units.len() / (across * down), units)
    }

    pub fn write(&self, noise: &mut Noise) -> Vec<u8> {
        let mut file = vec![0xff, 0xd8];
        if self.jfif {
            self.segment(&mut file, 0xe0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0");
        }
        if let Some(transform) = self.adobe {
            let adobe = [&b"Adobe\0\x64\0\0\0\0"[..], &[transform]].concat();
            self.segment(&mut file, 0xee, &adobe);
        }
        self.tables(&mut file, 0xdb, self.quantisers());
        let [width, height] = self.size.map(|n| (n as u16).to_be_bytes());
        let mut start = vec![8];
        start.extend([height, width].as_flattened());
        start.push(self.components.len() as u8);
        for component in &self.components {
            let [h, v] = component.factors.map(|n| n as u8);
            start.extend([component.id, h << 4 | v, component.quantiser]);
        }
        self.segment(&mut file, self.start, &start);
        if self.codes == Codes::Standard {
            let tables = (0..4).map(|i| {
                let (class, number) = (i / 2, i % 2);
                let name = (class << 4 | number) as u8;
                [&[name][..], &standard()[class][number].segment()].concat()
            });
            self.tables(&mut file, 0xc4, tables.collect());
        }
        let mut restart = 0;
        for scan in &self.scans {
            if scan.restart != restart {
                restart = scan.restart;
                self.segment(&mut file, 0xdd, &restart.to_be_bytes());
            }
            self.scan(&mut file, scan, noise);
        }
        if self.oddities.tail {
            file.extend([0, 1, 2, 0x7f, 0]);
        }
        if !self.oddities.endless {
            self.marker(&mut file, 0xd9);
        }
        file
    }

    fn marker(&self, file: &mut Vec<u8>, marker: u8) {
        if self.oddities.filled {
            file.extend([0xff; 3]);
        }
        file.extend([0xff, marker]);
    }

    fn segment(&self, file: &mut Vec<u8>, marker: u8, content: &[u8]) {
        self.marker(file, marker);
        file.extend((content.len() as u16 + 2).to_be_bytes());
        file.extend(content);
    }

    fn tables(&self, file: &mut Vec<u8>, marker: u8, tables: Vec<Vec<u8>>) {
        if self.oddities.apart {
            for table in tables {
                self.segment(file, marker, &table);
            }
        } else if !tables.is_empty() {
            self.segment(file, marker, &tables.concat());
        }
    }

    fn quantisers(&self) -> Vec<Vec<u8>> {
        let tables = self.quantisers.iter().zip(0u8..);
        tables
            .map(|(table, number)| {
                let mut out = Vec::new();
                if self.oddities.wide || table.iter().any(|&q| q > 255) {
                    out.push(1 << 4 | number);
                    out.extend(table.iter().flat_map(|q| q.to_be_bytes()));
                } else {
                    out.push(number);
                    out.extend(table.iter().map(|&q| q as u8));
                }
                out
            })
            .collect()
    }

    fn tokens(&self, scan: &Scan) -> Vec<Token> {
        let mut coder = Coder::new(scan, self.start == 0xc2);
        if self.oddities.long_runs {
            coder.most_corrections = usize::MAX;
        }
        let (each, units) = self.units(scan);
        let interval = match scan.restart {
            0 => units.len(),
            n => usize::from(n) * each,
        };
        for (n, segment) in units.chunks(interval).enumerate() {
            if n > 0 {
                coder.restart();
            }
            for &(i, block) in segment {
                let component = &self.components[i];
                coder.block(i, component.tables, &component.blocks[block]);
            }
        }
        coder.finish()
    }

    fn scan(&self, file: &mut Vec<u8>, scan: &Scan, noise: &mut Noise) {
        let tokens = self.tokens(scan);
        let made;
        let tables: [&[Table]; 2] = match self.codes {
            Codes::Standard | Codes::Implied => [&standard()[0], &standard()[1]],
            Codes::Fitting | Codes::Deep => {
                made = self.fit(file, &tokens, noise);
                [&made[0], &made[1]]
            }
        };
        let mut head = vec![scan.components.len() as u8];
        for &i in &scan.components {
            let [dc, ac] = self.components[i].tables;
            head.extend([self.components[i].id, dc << 4 | ac]);
        }
        head.extend(scan.band.map(|k| k as u8));
        head.push(scan.approximation[0] << 4 | scan.approximation[1]);
        self.segment(file, 0xda, &head);

        let (mut bits, mut restarts) = (Bits::default(), 0);
        for token in tokens {
            match token {
                Token::Symbol {
                    table: [class, number],
                    symbol,
                    extra,
                } => {
                    let table = &tables[usize::from(class)][usize::from(number)];
                    let (code, len) = table.code(symbol);
                    bits.put(code, len);
                    bits.put(extra.0, extra.1);
                }
                Token::Bit(bit) => bits.put(bit, 1),
                Token::Restart => {
                    bits.pad();
                    self.marker(&mut bits.out, 0xd0 + restarts % 8);
                    restarts = (restarts + 1) % 8;
                }
            }
        }
        bits.pad();
        file.extend(bits.out);
    }

    /// Writes codes for the tokens.
    fn fit(&self, file: &mut Vec<u8>, tokens: &[Token], noise: &mut Noise) -> [Vec<Table>; 2] {
        let mut weights = [[[0; 256]; 4]; 2];
        let mut used = [[false; 4]; 2];
        for token in tokens {
            if let &Token::Symbol { table, symbol, .. } = token {
                let [class, number] = table.map(usize::from);
                weights[class][number][usize::from(symbol)] += 1;
                used[class][number] = true;
            }
        }
        let tables = weights.map(|class| {
            let table = |weights| match self.codes {
                Codes::Deep => Table::weighted(weights, Some(&mut *noise)),
                _ => Table::weighted(weights, None),
            };
            class.iter().map(table).collect::<Vec<_>>()
        });
        let mut segments = Vec::new();
        for (class, number) in (0..8).map(|i| (i / 4, i % 4)) {
            if used[class][number] {
                let name = (class << 4 | number) as u8;
                segments.push([&[name][..], &tables[class][number].segment()].concat());
            }
        }
        self.tables(file, 0xc4, segments);
        tables
    }
}
