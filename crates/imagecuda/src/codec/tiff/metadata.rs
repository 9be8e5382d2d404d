//! Writes metadata into a TIFF. EXIF consists of directories like those of a TIFF.

use crate::{
    Metadata,
    metadata::exif::{Entry, Tree},
    sink::Sink,
};
use tiff::{
    Directory, TiffResult,
    encoder::{DirectoryEncoder, DirectoryOffset, TiffEncoder, TiffKind},
    tags::{Tag, Type},
};

const INTEROPERABILITY: u16 = 40965;

/// The tags that the picture's own directory gets. The other directories are in the file already.
pub(super) struct Described<'a, K: TiffKind> {
    icc: Option<&'a [u8]>,
    main: Vec<Entry>,
    exif: Option<DirectoryOffset<K>>,
    gps: Option<DirectoryOffset<K>>,
}

type File<'a, K> = TiffEncoder<&'a mut dyn Sink, K>;
type Encoder<'a, 'b, K> = DirectoryEncoder<'a, &'b mut dyn Sink, K>;

impl<'a, K: TiffKind> Described<'a, K> {
    /// Writes the directories to which the picture's directory will point.
    pub(super) fn begin(metadata: &'a Metadata, file: &mut File<'_, K>) -> TiffResult<Self> {
        let mut described = Self {
            icc: metadata.icc_profile(),
            main: Vec::new(),
            exif: None,
            gps: None,
        };
        let Some(tree) = metadata.exif().and_then(Tree::read) else {
            return Ok(described);
        };
        let tree = tree.into_native();
        let inner = directory(file, &tree.interoperability, None)?;
        described.exif = directory(file, &tree.exif, inner)?;
        described.gps = directory(file, &tree.gps, None)?;
        described.main = tree.main;
        Ok(described)
    }

    pub(super) fn finish(self, picture: &mut Encoder<'_, '_, K>) -> TiffResult<()> {
        for entry in &self.main {
            put(picture, entry.tag, entry.kind, &entry.data)?;
        }
        if let Some(icc) = self.icc {
            put(picture, Tag::IccProfile.to_u16(), 7, icc)?;
        }
        for (tag, directory) in [
            (Tag::ExifDirectory, self.exif),
            (Tag::GpsDirectory, self.gps),
        ] {
            if let Some(directory) = directory {
                picture.write_tag(tag, directory.offset)?;
            }
        }
        Ok(())
    }
}

/// Writes a directory, which may point to an inner one, unless it is empty.
fn directory<K: TiffKind>(
    file: &mut File<'_, K>,
    entries: &[Entry],
    inner: Option<DirectoryOffset<K>>,
) -> TiffResult<Option<DirectoryOffset<K>>> {
    if entries.is_empty() && inner.is_none() {
        return Ok(None);
    }
    let mut directory = file.extra_directory()?;
    for entry in entries {
        put(&mut directory, entry.tag, entry.kind, &entry.data)?;
    }
    if let Some(inner) = inner {
        directory.write_tag(Tag::Unknown(INTEROPERABILITY), inner.offset)?;
    }
    directory.finish_with_offsets().map(Some)
}

fn put<K: TiffKind>(
    directory: &mut Encoder<'_, '_, K>,
    tag: u16,
    kind: u16,
    data: &[u8],
) -> TiffResult<()> {
    // A `Tree` contains no other types.
    let Some(kind) = Type::from_u16(kind) else {
        return Ok(());
    };
    let entry = directory.write_entry_bytes(kind, data)?;
    if data.len() % 2 == 1 {
        // Values start at even offsets.
        directory.write_data(&[0_u8][..])?;
    }
    let mut one = Directory::empty();
    one.extend([(Tag::from_u16_exhaustive(tag), entry)]);
    directory.extend_from(&one);
    Ok(())
}
