//! A size in an argument.

/// Width and height of text like `224x224`.
pub(crate) fn size(text: &str) -> Result<(u32, u32), String> {
    let sides = text.split_once('x').map(|(w, h)| (w.parse(), h.parse()));
    match sides {
        Some((Ok(width), Ok(height))) => Ok((width, height)),
        _ => Err(format!("{text} is not like 224x224")),
    }
}
