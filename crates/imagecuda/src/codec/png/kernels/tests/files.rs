//! Files made for tests.

/// Numbers that look random (xorshift).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// One below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() >> 11) as usize % end
    }
}

/// A picture's header, and its rows with their filters.
pub(super) struct File {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) color: u8,
    pub(super) depth: u8,
    pub(super) rows: Vec<u8>,
    /// PLTE and tRNS.
    pub(super) others: Vec<([u8; 4], Vec<u8>)>,
}

fn channels(color: u8) -> usize {
    match color {
        2 => 3,
        4 => 2,
        6 => 4,
        _ => 1,
    }
}

impl File {
    pub(super) fn row_bytes(width: u32, color: u8, depth: u8) -> usize {
        (width as usize * channels(color) * usize::from(depth)).div_ceil(8)
    }

    /// What filters leave of a photograph, under filters in any order.
    pub(super) fn photo(
        random: &mut Random,
        (width, height): (u32, u32),
        color: u8,
        depth: u8,
    ) -> Self {
        let mut rows = Vec::new();
        let scale = 20.0 + random.below(60) as f64;
        for y in 0..height {
            rows.push(random.below(5) as u8);
            for x in 0..Self::row_bytes(width, color, depth) {
                let wave = (x as f64 / scale).sin() * (f64::from(y) / 31.0).cos();
                let noise = random.below(7) as i32 - 3;
                // Small numbers, and now and then something else.
                let byte = (wave * 12.0) as i32 + noise;
                rows.push(if random.below(200) == 0 {
                    77
                } else {
                    byte as u8
                });
            }
        }
        Self::of((width, height), color, depth, rows)
    }

    pub(super) fn of((width, height): (u32, u32), color: u8, depth: u8, rows: Vec<u8>) -> Self {
        let mut others = Vec::new();
        if color == 3 {
            let colors = (0..3 << depth).map(|i: usize| (i * 37) as u8).collect();
            others.push((*b"PLTE", colors));
        }
        Self {
            width,
            height,
            color,
            depth,
            rows,
            others,
        }
    }

    /// The file with this zlib data, in pieces of so many bytes.
    pub(super) fn with(&self, data: &[u8], piece: usize) -> Vec<u8> {
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        let mut header = [self.width.to_be_bytes(), self.height.to_be_bytes()].concat();
        header.extend([self.depth, self.color, 0, 0, 0]);
        chunk(&mut file, b"IHDR", &header);
        for (kind, data) in &self.others {
            chunk(&mut file, kind, data);
        }
        for piece in data.chunks(piece.max(1)) {
            chunk(&mut file, b"IDAT", piece);
        }
        chunk(&mut file, b"IEND", &[]);
        file
    }
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    file.extend((data.len() as u32).to_be_bytes());
    let start = file.len();
    file.extend(kind);
    file.extend(data);
    let sum = crc32fast::hash(&file[start..]);
    file.extend(sum.to_be_bytes());
}
