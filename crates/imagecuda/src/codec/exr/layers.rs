//! Decides which channels of a file are a picture.

use super::file::{File, Part};
use crate::{Error, Result};
use exr::meta::attribute::ChannelDescription;
use std::borrow::Cow;

/// Channels of one part that form a picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Picture {
    pub(super) part: usize,
    pub(super) colors: Colors,
    pub(super) alpha: Option<usize>,
}

/// The picture's kind, with the numbers of its channels.
#[derive(Clone, Copy, Debug)]
pub(super) enum Colors {
    Gray(usize),
    Rgb([usize; 3]),
    /// Luminance, and the differences of red and blue from it.
    Luminance([usize; 3]),
}

/// The possible names of a channel, in lower or upper case.
const RED: &[&str] = &["R", "Red"];
const GREEN: &[&str] = &["G", "Green"];
const BLUE: &[&str] = &["B", "Blue"];
const ALPHA: &[&str] = &["A", "Alpha"];
const LUMINANCE: &[&str] = &["Y", "Luminance"];

/// The names in error messages.
const MOST_TEXT: usize = 120;

fn name(channel: &ChannelDescription) -> Cow<'_, str> {
    String::from_utf8_lossy(channel.name.as_slice())
}

/// Splits a channel's name into its layer and its own name.
fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

fn part_name(part: &Part) -> String {
    let name = part.header.own_attributes.layer_name.as_ref();
    name.map_or(String::new(), |name| {
        String::from_utf8_lossy(name.as_slice()).into_owned()
    })
}

/// A layer that is a picture.
struct Layer {
    part_name: String,
    /// The start of its channels' names.
    prefix: String,
    picture: Picture,
}

impl Layer {
    fn has_name(&self, name: &str) -> bool {
        let Self {
            part_name, prefix, ..
        } = self;
        match name.strip_prefix(part_name.as_str()) {
            Some(rest) if rest.strip_prefix('.') == Some(prefix) => true,
            Some("") if prefix.is_empty() && !part_name.is_empty() => true,
            _ => name == prefix,
        }
    }

    fn name(&self) -> &str {
        match self.prefix.is_empty() {
            true => &self.part_name,
            false => &self.prefix,
        }
    }

    /// The order in which a layer is chosen if none is asked for: the first part's own picture; the
    /// one that Blender calls combined; a picture of any part; any layer. Colours come before gray.
    fn rank(&self) -> (u8, bool, usize) {
        let is_unnamed = self.prefix.is_empty();
        let combined = |name: &str| split(name).1.eq_ignore_ascii_case("combined");
        let rank = match self.picture.part {
            _ if combined(&self.prefix) || combined(&self.part_name) => 1,
            0 if is_unnamed => 0,
            _ if is_unnamed => 2,
            _ => 3,
        };
        let is_gray = matches!(self.picture.colors, Colors::Gray(_));
        (rank, is_gray, self.picture.part)
    }
}

/// All layers that are pictures, in the file's order.
fn layers(file: &File<'_>) -> Vec<Layer> {
    let mut layers = Vec::new();
    for (number, part) in file.parts.iter().enumerate() {
        let names: Vec<_> = part.header.channels.list.iter().map(name).collect();
        let mut by_prefix: Vec<(&str, &str, usize)> = names
            .iter()
            .enumerate()
            .map(|(i, name)| {
                let (prefix, own) = split(name);
                (prefix, own, i)
            })
            .collect();
        by_prefix.sort_by_key(|&(prefix, ..)| prefix);
        for channels in by_prefix.chunk_by(|a, b| a.0 == b.0) {
            if let Some((colors, alpha)) = picture_of(channels) {
                layers.push(Layer {
                    part_name: part_name(part),
                    prefix: channels[0].0.to_owned(),
                    picture: Picture {
                        part: number,
                        colors,
                        alpha,
                    },
                });
            }
        }
    }
    layers
}

/// The picture that the channels of one layer form, if any.
fn picture_of(channels: &[(&str, &str, usize)]) -> Option<(Colors, Option<usize>)> {
    let find = |known: &[&str]| {
        let is_known = |own: &str| known.iter().any(|known| known.eq_ignore_ascii_case(own));
        let found = channels.iter().find(|(_, own, _)| is_known(own));
        found.map(|&(.., number)| number)
    };
    let alpha = find(ALPHA);
    if let (Some(r), Some(g), Some(b)) = (find(RED), find(GREEN), find(BLUE)) {
        return Some((Colors::Rgb([r, g, b]), alpha));
    }
    let y = find(LUMINANCE)?;
    let colors = match (find(&["RY"]), find(&["BY"])) {
        (Some(ry), Some(by)) => Colors::Luminance([y, ry, by]),
        // A Y beside an X is a position or a direction.
        _ if find(&["X"]).is_some() => return None,
        _ => Colors::Gray(y),
    };
    Some((colors, alpha))
}

/// The layer or the channel with that name; without a name, the default one.
pub(super) fn choose(file: &File<'_>, wanted: Option<&str>) -> Result<Picture> {
    let layers = layers(file);
    let Some(wanted) = wanted else {
        let best = layers.iter().filter(|layer| {
            // Deep parts of a file with several parts are left out.
            file.parts.len() == 1 || !file.parts[layer.picture.part].header.deep
        });
        return match best.min_by_key(|layer| layer.rank()) {
            Some(layer) => Ok(layer.picture),
            None if file.parts.iter().all(|part| part.header.deep) => {
                Err(Error::unsupported("deep OpenEXR"))
            }
            None => Err(Error::unsupported(format!(
                "OpenEXR without a layer of R, G and B, or of Y; LoadOptions::layer chooses one of its channels: {}",
                list(channel_names(file))
            ))),
        };
    };
    if let Some(layer) = layers.iter().find(|layer| layer.has_name(wanted)) {
        return Ok(layer.picture);
    }
    channel(file, wanted).ok_or_else(|| {
        let layers = layers.iter().map(|layer| layer.name().to_owned());
        let names = list(
            layers
                .filter(|name| !name.is_empty())
                .chain(channel_names(file)),
        );
        let wanted = shown(wanted);
        Error::unsupported(format!(
            "there is no layer {wanted} in the file; there are {names}"
        ))
    })
}

/// The channel with that name, which may start with its part's name.
fn channel(file: &File<'_>, wanted: &str) -> Option<Picture> {
    for (part, Part { header, .. }) in file.parts.iter().enumerate() {
        let of_part = part_name(&file.parts[part]);
        let own = wanted.strip_prefix(of_part.as_str());
        let own = own.and_then(|own| own.strip_prefix('.'));
        let is_it = |channel: &ChannelDescription| {
            let name = name(channel);
            name == wanted || Some(&*name) == own
        };
        if let Some(number) = header.channels.list.iter().position(is_it) {
            return Some(Picture {
                part,
                colors: Colors::Gray(number),
                alpha: None,
            });
        }
    }
    None
}

fn channel_names(file: &File<'_>) -> impl Iterator<Item = String> {
    let channels = file
        .parts
        .iter()
        .flat_map(|part| &part.header.channels.list);
    channels.map(|channel| name(channel).into_owned())
}

/// Names for an error message, on one line, and not too many.
fn list(names: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    for name in names {
        if text.len() > MOST_TEXT {
            text.push_str(", …");
            break;
        }
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&shown(&name));
    }
    text
}

fn shown(name: &str) -> String {
    name.chars().take(60).flat_map(char::escape_debug).collect()
}
