//! TIFF files, tag by tag.

/// TIFFs of most kinds of samples, in strips, tiles and planes, of either byte order.
pub(crate) fn tiffs() -> Vec<Vec<u8>> {
    /// Bits, kind of numbers, photometric interpretation, samples, extra samples.
    const KINDS: [(u16, u16, u16, u16, &[u16]); 20] = [
        (1, 1, 0, 1, &[]),
        (1, 1, 1, 1, &[]),
        (4, 1, 1, 1, &[]),
        (6, 1, 2, 3, &[]),
        (8, 1, 0, 1, &[]),
        (8, 1, 1, 2, &[1]),
        (8, 1, 1, 2, &[2]),
        (8, 1, 2, 3, &[]),
        (8, 1, 2, 4, &[1]),
        (8, 1, 2, 5, &[0, 2]),
        (4, 1, 3, 1, &[]),
        (8, 1, 3, 1, &[]),
        (8, 1, 5, 4, &[]),
        (16, 1, 5, 4, &[]),
        (8, 1, 5, 5, &[2]),
        (8, 1, 6, 3, &[]),
        (32, 1, 2, 3, &[]),
        (16, 3, 1, 1, &[]),
        (32, 3, 2, 4, &[2]),
        (64, 3, 1, 1, &[]),
    ];
    let mut files = Vec::new();
    for (index, (bits, numbers, photometric, samples, extra)) in KINDS.into_iter().enumerate() {
        for planar in [1, 2] {
            let (width, height) = (9, 7);
            let bits_a_pixel = usize::from(bits * samples);
            let row = (width * bits_a_pixel).div_ceil(8);
            let data: Vec<u8> = (0..row * height + 64).map(|i| (i * 37) as u8).collect();
            let mut tags: Vec<(u16, u16, Vec<u32>)> = vec![
                (256, 3, vec![width as u32]),
                (257, 3, vec![height as u32]),
                (258, 3, vec![bits.into(); samples.into()]),
                (259, 3, vec![1]),
                (262, 3, vec![photometric.into()]),
                (266, 3, vec![1 + u32::from(index % 3 == 0)]),
                (274, 3, vec![index as u32 % 8 + 1]),
                (277, 3, vec![samples.into()]),
                (284, 3, vec![planar]),
                (339, 3, vec![numbers.into(); samples.into()]),
            ];
            if photometric == 3 {
                tags.push((320, 3, (0..3 << bits).map(|i| i * 91 % 65536).collect()));
            }
            if !extra.is_empty() {
                tags.push((338, 3, extra.iter().map(|&v| v.into()).collect()));
            }
            if photometric == 6 {
                tags.push((530, 3, vec![1, 1]));
            }
            let rows = 3;
            let strips = match planar {
                1 => height.div_ceil(rows),
                _ => height.div_ceil(rows) * usize::from(samples),
            };
            let length = match planar {
                1 => row * rows,
                _ => (width * usize::from(bits)).div_ceil(8) * rows,
            };
            tags.push((273, 4, vec![8; strips]));
            tags.push((278, 3, vec![rows as u32]));
            tags.push((279, 4, vec![length as u32; strips]));
            files.push(tiff(index % 2 == 0, &data, tags));
        }
    }
    // Tiles are wider than the picture.
    let tags = vec![
        (256, 3, vec![20]),
        (257, 3, vec![18]),
        (258, 3, vec![8; 3]),
        (259, 3, vec![1]),
        (262, 3, vec![2]),
        (277, 3, vec![3]),
        (322, 3, vec![16]),
        (323, 3, vec![16]),
        (324, 4, vec![8; 4]),
        (325, 4, vec![768; 4]),
    ];
    files.push(tiff(false, &[77; 768], tags));
    files.extend(coded_tiffs());
    files
}

/// TIFFs of other compressions, and of samples and colours that come with few of them. The data are
/// codes of some kind: what they mean is for the fuzzer.
fn coded_tiffs() -> Vec<Vec<u8>> {
    /// Bits, kind of numbers, photometric interpretation, samples, compression, options of Group 3.
    const KINDS: [(u16, u16, u16, u16, u16, u16); 22] = [
        (1, 1, 0, 1, 2, 0),
        (1, 1, 0, 1, 3, 0),
        (1, 1, 1, 1, 3, 1),
        (1, 1, 0, 1, 3, 5),
        (1, 1, 0, 1, 4, 0),
        (1, 1, 0, 1, 32_771, 0),
        (1, 1, 4, 1, 1, 0),
        (8, 2, 1, 1, 1, 0),
        (16, 2, 1, 1, 1, 0),
        (12, 1, 1, 1, 1, 0),
        (10, 1, 2, 3, 1, 0),
        (24, 1, 0, 1, 1, 0),
        (24, 3, 1, 1, 1, 0),
        (8, 1, 8, 3, 1, 0),
        (16, 1, 9, 3, 1, 0),
        (8, 1, 6, 3, 1, 0),
        (16, 1, 32_844, 1, 34_676, 0),
        (16, 1, 32_845, 3, 34_676, 0),
        (8, 1, 6, 3, 6, 0),
        (8, 1, 1, 1, 6, 0),
        (8, 1, 1, 1, 5, 0),
        (8, 1, 1, 1, 34_925, 0),
    ];
    let mut files = Vec::new();
    for (index, (bits, format, photometric, samples, compression, options)) in
        KINDS.into_iter().enumerate()
    {
        let data: Vec<u8> = (0..2048_u32).map(|i| (i * i / 7) as u8).collect();
        let data = match compression {
            // An old table of codes, cleared; and rows like those above.
            5 => [&[0, 1], &data[..]].concat(),
            4 => vec![0xff; 64],
            _ => data,
        };
        files.push(tiff(
            index % 2 == 0,
            &data,
            vec![
                (256, 3, vec![12]),
                (257, 3, vec![10]),
                (258, 3, vec![bits.into(); samples.into()]),
                (259, 3, vec![compression.into()]),
                (262, 3, vec![photometric.into()]),
                (273, 4, vec![8]),
                (277, 3, vec![samples.into()]),
                (278, 3, vec![10]),
                (279, 4, vec![data.len() as u32 & !1]),
                (292, 4, vec![options.into()]),
                (339, 3, vec![format.into(); samples.into()]),
                (519, 4, vec![8; samples.into()]),
                (520, 4, vec![80; samples.into()]),
                (521, 4, vec![300; samples.into()]),
            ],
        ));
    }
    files
}

/// A TIFF of one directory behind its data, which begin at 8: tags, types and values.
pub(crate) fn tiff(big_endian: bool, data: &[u8], mut tags: Vec<(u16, u16, Vec<u32>)>) -> Vec<u8> {
    let two = |v: u16| match big_endian {
        true => v.to_be_bytes(),
        false => v.to_le_bytes(),
    };
    let four = |v: u32| match big_endian {
        true => v.to_be_bytes(),
        false => v.to_le_bytes(),
    };
    tags.sort();
    let mut file = if big_endian { *b"MM\0*" } else { *b"II*\0" }.to_vec();
    let data = &data[..data.len() & !1];
    let directory = 8 + data.len();
    file.extend(four(directory as u32));
    file.extend(data);
    file.extend(two(tags.len() as u16));
    let mut behind = Vec::new();
    let start = directory + 2 + tags.len() * 12 + 4;
    for (tag, kind, values) in tags {
        let count = match kind {
            5 => values.len() / 2,
            _ => values.len(),
        };
        let mut value: Vec<u8> = match kind {
            2 => values.iter().map(|&v| v as u8).collect(),
            3 => values.iter().flat_map(|&v| two(v as u16)).collect(),
            _ => values.iter().flat_map(|&v| four(v)).collect(),
        };
        if value.len() > 4 {
            let at = start + behind.len();
            behind.extend(value);
            behind.resize(behind.len().next_multiple_of(2), 0);
            value = four(at as u32).to_vec();
        }
        value.resize(4, 0);
        file.extend(two(tag));
        file.extend(two(kind));
        file.extend(four(count as u32));
        file.extend(value);
    }
    file.extend(four(0));
    file.extend(behind);
    file
}
