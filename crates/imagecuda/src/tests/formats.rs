//! The table of codecs agrees with [`Format`] and with docs/formats.md.

use super::source;
use crate::{
    Channels, Compression, Depth, Format,
    codec::{self, Alpha, Capabilities},
};
use std::{collections::BTreeMap, fs};

#[test]
fn every_format_that_is_turned_on_has_one_codec() {
    for &format in Format::ALL {
        let codecs = codec::all().filter(|codec| codec.format == format).count();
        assert_eq!(codecs, usize::from(format.can_load()), "{format}");
    }
}

#[test]
fn features_are_called_as_their_formats() {
    let manifest = fs::read_to_string(source().join("../Cargo.toml")).unwrap();
    for &format in Format::ALL {
        let name = format!("{format:?}").to_lowercase();
        let expected = if name == "avif" { "heif" } else { &name };
        assert_eq!(format.feature(), expected);
        assert!(
            manifest.contains(&format!("\n{expected} = [")),
            "{expected}"
        );
    }
}

#[test]
fn extensions_are_of_one_format_each() {
    for &format in Format::ALL {
        assert!(!format.extensions().is_empty());
        for extension in format.extensions() {
            assert_eq!(Format::from_extension(extension), Some(format));
            assert_eq!(**extension, extension.to_lowercase());
        }
    }
}

/// The rows of the table about saving, by format, and the cells of each by column.
fn saving_table(text: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim().trim_start_matches('|').trim_end_matches('|');
        line.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let mut lines = text
        .lines()
        .skip_while(|line| !line.starts_with("| | depths |"));
    let columns = cells(lines.next().expect("docs/formats.md has the table"));
    let mut table = BTreeMap::new();
    for row in lines
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(cells)
    {
        assert_eq!(row.len(), columns.len(), "{row:?}");
        for format in row[0].split(", ") {
            let named = columns.iter().cloned().zip(row.iter().cloned()).skip(1);
            table.insert(format.to_owned(), named.collect());
        }
    }
    table
}

/// The columns in which a row differs from a codec's capabilities.
fn differences(capabilities: &Capabilities, row: &BTreeMap<String, String>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |column: &str, holds: bool| {
        if !holds {
            wrong.push(format!("{column}: {:?}", row[column]));
        }
    };
    let names = |column: &str, all: &[&str], known: &[String]| {
        all.iter().all(|name| {
            let quoted = format!("`{name}`");
            row[column].contains(&quoted) == known.iter().any(|known| known == name)
        })
    };
    let depth = |depth: &Depth| match depth {
        Depth::U8 => "8-bit",
        Depth::U16 => "16-bit",
        Depth::F32 => "float",
    };
    let depths: Vec<&str> = capabilities.depths.iter().map(depth).collect();
    let said = row["depths"]
        .split(", ")
        .filter(|said| depths.contains(said));
    check("depths", said.count() == depths.len());
    let flattened = row["alpha"].contains("flattened");
    check(
        "alpha",
        flattened != matches!(capabilities.alpha, Alpha::Kept),
    );
    let channels: Vec<String> = debug(capabilities.channels);
    let all = debug(&[
        Channels::Auto,
        Channels::Gray,
        Channels::GrayAlpha,
        Channels::Rgb,
        Channels::Rgba,
    ]);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    check("`channels`", names("`channels`", &all, &channels));
    let compressions = debug(capabilities.compressions);
    let all = debug(&[
        Compression::Uncompressed,
        Compression::Fast,
        Compression::Balanced,
        Compression::Small,
        Compression::Lzw,
        Compression::PackBits,
    ]);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    check("`compression`", names("`compression`", &all, &compressions));
    for (column, has) in [
        ("`quality`", capabilities.quality),
        ("`subsampling`", capabilities.subsampling),
        ("`progressive`", capabilities.progressive),
        ("`optimize_huffman`", capabilities.optimize_huffman),
        ("`restart_interval`", capabilities.restart_interval),
        ("`lossless`", capabilities.lossless),
        ("`effort`", capabilities.effort),
        ("`metadata`", capabilities.metadata),
    ] {
        check(column, row[column].is_empty() != has);
    }
    wrong
}

fn debug<T: std::fmt::Debug>(items: &[T]) -> Vec<String> {
    items.iter().map(|item| format!("{item:?}")).collect()
}

#[test]
fn the_documentation_says_what_codecs_can_do() {
    let text = fs::read_to_string(source().join("../../../docs/formats.md")).unwrap();
    let table = saving_table(&text);
    for codec in codec::all() {
        let name = match codec.format {
            Format::Heif => "HEIF".to_owned(),
            other => other.to_string(),
        };
        let row = table
            .get(&name)
            .unwrap_or_else(|| panic!("no row for {name}"));
        let wrong = differences(&codec.capabilities, row);
        assert!(wrong.is_empty(), "{name}: {wrong:?}");
    }
}

#[cfg(all(feature = "png", feature = "qoi"))]
#[test]
fn a_wrong_row_is_found() {
    let text = fs::read_to_string(source().join("../../../docs/formats.md")).unwrap();
    let table = saving_table(&text);
    let png = codec::all()
        .find(|codec| codec.format == Format::Png)
        .unwrap();
    assert!(!differences(&png.capabilities, &table["QOI"]).is_empty());
    assert_eq!(differences(&png.capabilities, &table["PNG"]), [""; 0]);
}
