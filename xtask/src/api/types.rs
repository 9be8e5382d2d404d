//! Types as rustdoc's JSON has them, as text.

use serde_json::Value;

/// The last name of a path, with what is in angle brackets.
pub(super) fn path(path: &Value) -> String {
    let name = path["path"].as_str().unwrap_or_default();
    let name = name.rsplit("::").next().unwrap_or_default();
    let args = list(&path["args"]["angle_bracketed"]["args"], |arg| {
        match arg["lifetime"].as_str() {
            Some(lifetime) => lifetime.to_owned(),
            None => text(&arg["type"]),
        }
    });
    match args.is_empty() {
        true => name.to_owned(),
        false => format!("{name}<{args}>"),
    }
}

/// A type; `_` for a kind that no public trait of the library names.
pub(super) fn text(of: &Value) -> String {
    let kind = of.as_object().and_then(|of| of.iter().next());
    let Some((kind, inner)) = kind else {
        return "_".to_owned();
    };
    match &**kind {
        "resolved_path" => path(inner),
        "primitive" | "generic" => inner.as_str().unwrap_or_default().to_owned(),
        "slice" => format!("[{}]", text(inner)),
        "tuple" => format!("({})", list(inner, text)),
        "borrowed_ref" => {
            let lifetime = inner["lifetime"].as_str().map(|name| format!("{name} "));
            let mutable = if inner["is_mutable"] == true {
                "mut "
            } else {
                ""
            };
            let lifetime = lifetime.unwrap_or_default();
            format!("&{lifetime}{mutable}{}", text(&inner["type"]))
        }
        _ => "_".to_owned(),
    }
}

fn list(items: &Value, text: impl Fn(&Value) -> String) -> String {
    let items = items.as_array().into_iter().flatten();
    items.map(text).collect::<Vec<_>>().join(", ")
}
