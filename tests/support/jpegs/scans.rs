//! Coefficients as the symbols of a scan, sequential or progressive.

/// What goes into entropy-coded data.
#[derive(Clone, Copy)]
pub enum Token {
    /// A symbol in the code of a class (0 DC, 1 AC) and number, and bits behind it.
    Symbol {
        table: [u8; 2],
        symbol: u8,
        extra: (u16, u8),
    },
    Bit(u16),
    Restart,
}

/// Which coefficients of which components.
#[derive(Clone, Debug)]
pub struct Scan {
    /// Indices into the frame's.
    pub components: Vec<usize>,
    /// The first and the last coefficient.
    pub band: [usize; 2],
    /// The bits that are left out by then, and by now.
    pub approximation: [u8; 2],
    /// Its restart interval.
    pub restart: u16,
}

/// What a scan's symbols are made from, block by block.
pub struct Coder<'a> {
    scan: &'a Scan,
    progressive: bool,
    pub tokens: Vec<Token>,
    before: [i32; 4],
    /// Blocks that have ended, which one symbol will tell of, its table, and the bits behind it.
    ended: u16,
    ac: u8,
    corrections: Vec<u16>,
    /// The most correction bits behind one symbol, but for those of the last block.
    pub most_corrections: usize,
}

impl<'a> Coder<'a> {
    pub fn new(scan: &'a Scan, progressive: bool) -> Self {
        Self {
            scan,
            progressive,
            tokens: Vec::new(),
            before: [0; 4],
            ended: 0,
            ac: 0,
            corrections: Vec::new(),
            // As libjpeg, whose buffer is not without end.
            most_corrections: 900,
        }
    }

    pub fn restart(&mut self) {
        self.end_blocks();
        self.tokens.push(Token::Restart);
        self.before = [0; 4];
    }

    pub fn finish(mut self) -> Vec<Token> {
        self.end_blocks();
        self.tokens
    }

    /// A block in zigzag order, of a component with these tables.
    pub fn block(&mut self, component: usize, [dc, ac]: [u8; 2], block: &[i16; 64]) {
        let [first, last] = self.scan.band;
        let [high, low] = self.scan.approximation;
        if first == 0 {
            let value = i32::from(block[0]) >> low;
            if high > 0 {
                self.tokens.push(Token::Bit(value as u16 & 1));
            } else {
                let extra = magnitude(value - self.before[component]);
                self.before[component] = value;
                self.symbol([0, dc], extra.1, extra);
            }
        }
        if last > 0 {
            self.ac = ac;
            let band = &block[first.max(1)..=last];
            match high {
                0 => self.first(band, low),
                _ => self.refine(band, low),
            }
        }
    }

    fn symbol(&mut self, table: [u8; 2], symbol: u8, extra: (u16, u8)) {
        self.tokens.push(Token::Symbol {
            table,
            symbol,
            extra,
        });
    }

    fn first(&mut self, band: &[i16], low: u8) {
        let mut run = 0;
        for &value in band {
            let value = i32::from(value);
            let value = (value.abs() >> low) * value.signum();
            if value == 0 {
                run += 1;
                continue;
            }
            self.end_blocks();
            while run > 15 {
                self.symbol([1, self.ac], 0xf0, (0, 0));
                run -= 16;
            }
            let extra = magnitude(value);
            self.symbol([1, self.ac], run << 4 | extra.1, extra);
            run = 0;
        }
        if run > 0 {
            self.ended += 1;
            // A sequential scan tells of each.
            if !self.progressive || self.ended == 0x7fff {
                self.end_blocks();
            }
        }
    }

    fn refine(&mut self, band: &[i16], low: u8) {
        let bits = |value: i16| value.unsigned_abs() >> low;
        let newest = band.iter().rposition(|&value| bits(value) == 1);
        let (mut run, mut corrections) = (0, Vec::new());
        for (k, &value) in band.iter().enumerate() {
            if bits(value) == 0 {
                run += 1;
                continue;
            }
            while run > 15 && newest.is_some_and(|newest| k <= newest) {
                self.end_blocks();
                self.symbol([1, self.ac], 0xf0, (0, 0));
                self.tokens.extend(corrections.drain(..).map(Token::Bit));
                run -= 16;
            }
            if bits(value) > 1 {
                corrections.push(bits(value) & 1);
                continue;
            }
            self.end_blocks();
            self.symbol([1, self.ac], run << 4 | 1, (u16::from(value > 0), 1));
            self.tokens.extend(corrections.drain(..).map(Token::Bit));
            run = 0;
        }
        if run > 0 || !corrections.is_empty() {
            self.ended += 1;
            self.corrections.extend(corrections);
            if self.ended == 0x7fff || self.corrections.len() > self.most_corrections {
                self.end_blocks();
            }
        }
    }

    fn end_blocks(&mut self) {
        if self.ended > 0 {
            let len = self.ended.ilog2() as u8;
            self.symbol([1, self.ac], len << 4, (self.ended, len));
            self.ended = 0;
        }
        self.tokens
            .extend(self.corrections.drain(..).map(Token::Bit));
    }
}

/// The bits that say which of the values of its length a value is, and the length.
fn magnitude(value: i32) -> (u16, u8) {
    let len = (32 - value.abs().leading_zeros()) as u8;
    let bits = if value < 0 { value - 1 } else { value };
    (bits as u16, len)
}
