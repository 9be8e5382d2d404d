//! OpenEXR files, written sample by sample, without compression.

#[derive(Clone, Copy)]
pub enum Type {
    Uint = 0,
    Half = 1,
    Float = 2,
}

/// A channel: its name, its type, how far its samples are apart, and what they are by x and y.
pub type Channel<'a> = (&'a str, Type, i32, &'a dyn Fn(i32, i32) -> f64);

pub struct Part<'a> {
    pub name: Option<&'a str>,
    pub kind: &'a str,
    /// Left, top, right, bottom.
    pub data: [i32; 4],
    pub display: [i32; 4],
    /// In the order of the alphabet.
    pub channels: Vec<Channel<'a>>,
    pub more: Vec<u8>,
}

const SIZE: [i32; 4] = [0, 0, 5, 3];

pub fn part(channels: Vec<Channel<'_>>) -> Part<'_> {
    Part {
        name: None,
        kind: "scanlineimage",
        data: SIZE,
        display: SIZE,
        channels,
        more: Vec::new(),
    }
}

pub fn attribute(name: &str, kind: &str, value: &[u8]) -> Vec<u8> {
    let size = (value.len() as u32).to_le_bytes();
    [name.as_bytes(), &[0], kind.as_bytes(), &[0], &size, value].concat()
}

/// A number that half precision has.
pub fn half(v: f64) -> u16 {
    let bits = (v as f32).to_bits();
    let exponent = (bits >> 23 & 255) as i32 - 127;
    match v {
        0.0 => 0,
        _ => {
            (bits >> 16 & 0x8000) as u16
                | ((exponent + 15) << 10) as u16
                | (bits >> 13 & 0x3ff) as u16
        }
    }
}

pub fn header(part: &Part<'_>, compression: u8, blocks: i32) -> Vec<u8> {
    let mut list = Vec::new();
    for (name, kind, sampling, _) in &part.channels {
        list.extend(name.as_bytes());
        list.push(0);
        list.extend(
            [*kind as i32, 0, *sampling, *sampling]
                .map(i32::to_le_bytes)
                .concat(),
        );
    }
    list.push(0);
    let int = |v: i32| v.to_le_bytes();
    let float = 1_f32.to_le_bytes();
    let mut out = [
        attribute("channels", "chlist", &list),
        attribute("compression", "compression", &[compression]),
        attribute("dataWindow", "box2i", &part.data.map(int).concat()),
        attribute("displayWindow", "box2i", &part.display.map(int).concat()),
        attribute("lineOrder", "lineOrder", &[0]),
        attribute("pixelAspectRatio", "float", &float),
        attribute("screenWindowCenter", "v2f", &[0; 8]),
        attribute("screenWindowWidth", "float", &float),
        part.more.clone(),
    ]
    .concat();
    if let Some(name) = part.name {
        out.extend(attribute("name", "string", name.as_bytes()));
        out.extend(attribute("type", "string", part.kind.as_bytes()));
        out.extend(attribute("chunkCount", "int", &blocks.to_le_bytes()));
    }
    out.push(0);
    out
}

/// The file, without compression: a block is a row.
pub fn file(parts: &[Part<'_>]) -> Vec<u8> {
    let has_parts = parts[0].name.is_some();
    let mut out = b"\x76\x2f\x31\x01\x02".to_vec();
    out.extend([if has_parts { 0x14 } else { 0x04 }, 0, 0]);
    for part in parts {
        out.extend(header(part, 0, part.data[3] - part.data[1] + 1));
    }
    if has_parts {
        out.push(0);
    }
    let rows = |part: &Part<'_>| part.data[1]..=part.data[3];
    let mut at = out.len()
        + parts
            .iter()
            .map(|part| 8 * rows(part).count())
            .sum::<usize>();
    let (mut table, mut blocks) = (Vec::new(), Vec::new());
    for (number, part) in parts.iter().enumerate() {
        for y in rows(part) {
            let mut samples = Vec::new();
            for (_, kind, sampling, sample) in &part.channels {
                let xs = (part.data[0]..=part.data[2]).filter(|x| x % sampling == 0);
                for x in xs.filter(|_| y % sampling == 0) {
                    let v = sample(x, y);
                    match kind {
                        Type::Uint => samples.extend((v as u32).to_le_bytes()),
                        Type::Half => samples.extend(half(v).to_le_bytes()),
                        Type::Float => samples.extend((v as f32).to_le_bytes()),
                    }
                }
            }
            let mut block = Vec::new();
            if has_parts {
                block.extend((number as i32).to_le_bytes());
            }
            block.extend(y.to_le_bytes());
            block.extend((samples.len() as u32).to_le_bytes());
            block.extend(samples);
            table.extend((at as u64).to_le_bytes());
            at += block.len();
            blocks.extend(block);
        }
    }
    [out, table, blocks].concat()
}
