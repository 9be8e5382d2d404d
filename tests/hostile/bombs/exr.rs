//! OpenEXR: giants, what inflates, and headers without an end.

use super::{Bomb, Fate, bomb, zeros};

fn attribute(name: &str, kind: &str, value: &[u8]) -> Vec<u8> {
    let size = (value.len() as u32).to_le_bytes();
    [name.as_bytes(), &[0], kind.as_bytes(), &[0], &size, value].concat()
}

/// An OpenEXR file of floats, whose first block is `data`.
fn exr(corner: [i32; 2], channels: &[u8], compression: u8, data: &[u8], more: &[u8]) -> Vec<u8> {
    seen_through(corner, corner, channels, compression, data, more)
}

/// The same, of which the window of `display` is seen.
fn seen_through(
    display: [i32; 2],
    corner: [i32; 2],
    channels: &[u8],
    compression: u8,
    data: &[u8],
    more: &[u8],
) -> Vec<u8> {
    let window = |[right, bottom]: [i32; 2]| [0, 0, right, bottom].map(i32::to_le_bytes).concat();
    let mut file = 20_000_630_u32.to_le_bytes().to_vec();
    file.extend([2, 0, 0, 0]);
    file.extend(attribute("channels", "chlist", channels));
    file.extend(attribute("compression", "compression", &[compression]));
    file.extend(attribute("dataWindow", "box2i", &window(corner)));
    file.extend(attribute("displayWindow", "box2i", &window(display)));
    file.extend(attribute("lineOrder", "lineOrder", &[0]));
    file.extend(attribute("pixelAspectRatio", "float", &1_f32.to_le_bytes()));
    file.extend(attribute("screenWindowCenter", "v2f", &[0; 8]));
    file.extend(attribute(
        "screenWindowWidth",
        "float",
        &1_f32.to_le_bytes(),
    ));
    file.extend(more);
    file.push(0);
    let at = file.len() as u64 + 8;
    file.extend(at.to_le_bytes());
    file.extend(0_i32.to_le_bytes());
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

/// Names of channels, each of floats.
fn channels<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let channel = |name: &str| {
        [
            name.as_bytes(),
            &[0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0],
        ]
        .concat()
    };
    let mut all: Vec<u8> = names.into_iter().flat_map(channel).collect();
    all.push(0);
    all
}

pub(super) fn all() -> Vec<Bomb> {
    const ZIP: u8 = 3;
    // Its decoder allocates the whole block first.
    const B44: u8 = 6;
    let rgb = channels(["B", "G", "R"]);
    let names: Vec<String> = (0..20_000).map(|i| format!("c{i:05}")).collect();
    let most = i32::MAX;
    vec![
        bomb(
            "giant",
            "(2²⁹)² pixels",
            "exr",
            exr([1 << 29; 2], &rgb, 0, &[0; 99], &[]),
            Fate::TooLarge,
        ),
        bomb(
            "giant of numbers that overflow",
            "(2³¹)² pixels",
            "exr",
            exr([most; 2], &rgb, ZIP, &[0; 99], &[]),
            Fate::Refused,
        ),
        bomb(
            "cut short at the limit",
            "8,192² pixels",
            "exr",
            exr([8191; 2], &rgb, ZIP, &zeros(999), &[]),
            Fate::NoMemory,
        ),
        bomb(
            "a block for which there is no memory",
            "16² pixels seen of 2²⁷ × 1",
            "exr",
            seen_through([15; 2], [(1 << 27) - 1, 0], &rgb, B44, &[0; 999], &[]),
            Fate::NoMemory,
        ),
        bomb(
            "blocks by their count",
            "1 × 2²⁹ pixels",
            "exr",
            exr([0, 1 << 29], &rgb, 0, &[0; 99], &[]),
            Fate::TooLarge,
        ),
        bomb(
            "a block and more",
            "16² pixels, 1 GB inflated",
            "exr",
            exr([15; 2], &rgb, ZIP, &zeros(1 << 30), &[]),
            Fate::Anything,
        ),
        bomb(
            "no bomb",
            "16² pixels",
            "exr",
            exr([15; 2], &rgb, ZIP, &zeros(16 * 16 * 12), &[]),
            Fate::Picture(16, 16),
        ),
        bomb(
            "channels of a large picture",
            "20,000 of 1,024² pixels",
            "exr",
            exr(
                [1023; 2],
                &channels(
                    ["B", "G", "R"]
                        .into_iter()
                        .chain(names.iter().map(String::as_str)),
                ),
                ZIP,
                &zeros(999),
                &[],
            ),
            Fate::Anything,
        ),
        bomb(
            "layers",
            "20,000 of one channel, 16² pixels",
            "exr",
            {
                let names: Vec<String> = (0..20_000).map(|i| format!("l{i:05}.Y")).collect();
                let names = channels(names.iter().map(String::as_str));
                exr([15; 2], &names, ZIP, &zeros(999), &[])
            },
            Fate::Refused,
        ),
        bomb(
            "luminance and chroma at the limit",
            "16,384² pixels",
            "exr",
            exr(
                [16_383; 2],
                &channels(["BY", "RY", "Y"]),
                ZIP,
                &zeros(999),
                &[],
            ),
            Fate::TooLarge,
        ),
        bomb(
            "an attribute by its length",
            "2 GB, not there",
            "exr",
            {
                let mut more = attribute("a", "string", b"");
                let at = more.len() - 4;
                more[at..].copy_from_slice(&most.to_le_bytes());
                exr([15; 2], &rgb, 0, &[0; 99], &more)
            },
            Fate::Refused,
        ),
        bomb(
            "attributes",
            "500,000 of them",
            "exr",
            {
                let more: Vec<u8> = (0..500_000)
                    .flat_map(|i| attribute(&format!("a{i}"), "float", &[0; 4]))
                    .collect();
                exr([15; 2], &rgb, 0, &[0; 99], &more)
            },
            Fate::Refused,
        ),
    ]
}
