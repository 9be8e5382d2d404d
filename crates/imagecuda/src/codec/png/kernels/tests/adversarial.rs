//! Files that are damaged, or made to deceive.

use super::{
    NOT_TAKEN, agree, by_host,
    deflate::{self, Symbol, Writer, flat_code, symbols},
    files::{File, Random},
    refused,
};
use imagecuda_kernels::png::decoder::work::status;

fn photo() -> File {
    File::photo(&mut Random(20), (300, 200), 2, 8)
}

#[test]
fn a_wrong_checksum() {
    let file = photo();
    let mut data = deflate::zlib(6, &file.rows);
    *data.last_mut().unwrap() ^= 1;
    let file = file.with(&data, 8192);
    assert_eq!(refused("checksum", &file), status::CHECKSUM);
    assert!(by_host(&file).is_none());
}

#[test]
fn a_distance_before_the_first_byte() {
    let file = photo();
    let mut all = symbols(&file.rows, 100);
    let at = all
        .iter()
        .position(|symbol| matches!(symbol, Symbol::Match(..)));
    let before: usize = all[..at.unwrap()]
        .iter()
        .map(|symbol| match *symbol {
            Symbol::Literal(_) => 1,
            Symbol::Match(length, _) => length as usize,
        })
        .sum();
    let Some(Symbol::Match(_, distance)) = at.map(|at| &mut all[at]) else {
        panic!("there is no match");
    };
    *distance = before as u32 + 1;
    let mut writer = Writer::new();
    writer.dynamic(&all, &flat_code(286), &flat_code(30), true);
    let file = file.with(&writer.finish(&file.rows), 8192);
    assert!(refused("distance", &file) & status::DISTANCE != 0);
    assert!(by_host(&file).is_none());
}

#[test]
fn more_and_fewer_rows_than_there_should_be() {
    let photo = photo();
    for rows in [100, 199, 201, 300] {
        let file = File::of((300, rows), 2, 8, Vec::new());
        let data = deflate::zlib(6, &photo.rows);
        assert_eq!(
            refused("rows", &file.with(&data, 8192)),
            status::LENGTH,
            "{rows}"
        );
    }
}

#[test]
fn a_bomb() {
    let file = File::of((30, 30), 2, 8, Vec::new());
    let data = deflate::zlib(9, &vec![0; 60 << 20]);
    assert_eq!(refused("bomb", &file.with(&data, 8192)), status::LENGTH);
}

#[test]
fn as_many_bytes_as_overflow_32_bits() {
    // 2^32 bytes more than the picture has.
    let rows = vec![0; 2804];
    let mut all = vec![Symbol::Literal(0)];
    let mut left = (1 << 32) + rows.len() as u64 - 1;
    while left > 0 {
        let length = match left {
            259..=260 => 130,
            _ => left.min(258),
        };
        all.push(Symbol::Match(length as u32, 1));
        left -= length;
    }
    let mut writer = Writer::new();
    let mut literals = vec![2; 3];
    literals.resize(286, 0);
    (literals[256], literals[266], literals[285]) = (3, 3, 1);
    (literals[0], literals[1], literals[2]) = (3, 4, 4);
    // Lengths of others are written in a block of their own.
    let is_one = |symbol: &Symbol| matches!(symbol, Symbol::Literal(_) | Symbol::Match(258, _));
    let last = all
        .iter()
        .position(|symbol| !is_one(symbol))
        .unwrap_or(all.len());
    literals[266] = 3;
    writer.dynamic(&all[..last], &literals, &[1], false);
    writer.fixed(&all[last..], true);
    let file = File::of((700, 4), 0, 8, rows);
    let file = file.with(&writer.finish(&file.rows), 1 << 20);
    assert_eq!(refused("overflow", &file), status::LENGTH);
}

#[test]
fn what_is_cut_short_or_goes_on() {
    let file = photo();
    let data = deflate::zlib(6, &file.rows);
    for cut in [1, 4, 5, 100, data.len() / 2, data.len() - 7, data.len() - 1] {
        refused("cut", &file.with(&data[..data.len() - cut], 8192));
    }
    for more in [1, 4, 1000] {
        let data = [&data[..], &vec![0; more]].concat();
        // The host takes it.
        refused("more", &file.with(&data, 8192));
    }
}

#[test]
fn blocks_behind_the_last_one() {
    let file = photo();
    let all = symbols(&file.rows, 1000);
    let (first, second) = all.split_at(all.len() / 2);
    let mut writer = Writer::new();
    // The first block says that it is the last one.
    writer.fixed(first, true);
    writer.fixed(second, true);
    let data = writer.finish(&file.rows);
    let file = file.with(&data, 8192);
    refused("two last blocks", &file);
    assert!(by_host(&file).is_none());
}

#[test]
fn other_headers() {
    let file = photo();
    let data = deflate::zlib(6, &file.rows);
    for header in [[0x79, 0x9c], [0x78, 0x9d], [0x88, 0x1c], [0x78, 0xbb]] {
        let data = [&header[..], &data[2..]].concat();
        assert_eq!(refused("header", &file.with(&data, 8192)), NOT_TAKEN);
    }
}

#[test]
fn a_filter_that_does_not_exist() {
    let mut file = photo();
    file.rows[901 * 7] = 5;
    let file = file.with(&deflate::zlib(6, &file.rows), 8192);
    assert_eq!(refused("filter", &file), status::FILTER);
    assert!(by_host(&file).is_none());
}

#[test]
fn damage_of_any_kind() {
    let random = &mut Random(21);
    let mut taken = 0;
    for round in 0..24 {
        let file = File::photo(random, (90, 60), [2, 6, 0, 3][round % 4], 8);
        let data = match round % 3 {
            0 => deflate::zlib(6, &file.rows),
            1 => deflate::with_flushes(9, &file.rows, 2000, flate2::FlushCompress::Sync),
            _ => {
                let all = symbols(&file.rows, 5000);
                let (first, second) = all.split_at(all.len() / 3);
                let mut writer = Writer::new();
                writer.fixed(first, false);
                writer.stored(&[], false);
                writer.dynamic(second, &flat_code(286), &flat_code(30), true);
                writer.finish(&file.rows)
            }
        };
        for damage in 0..25 {
            let mut data = data.clone();
            match random.below(5) {
                0 | 1 => {
                    let at = random.below(data.len());
                    data[at] ^= 1 << random.below(8);
                }
                2 => {
                    let at = random.below(data.len());
                    data[at] = random.next() as u8;
                }
                3 => data.truncate(random.below(data.len()).max(1)),
                _ => {
                    let (from, to) = (random.below(data.len() - 32), random.below(data.len() - 32));
                    data.copy_within(from..from + 32, to);
                }
            }
            let file = file.with(&data, 500);
            taken += u32::from(agree(&format!("round {round}, damage {damage}"), &file));
        }
    }
    // A byte may be replaced by itself.
    assert!(taken < 20, "{taken}");
}
