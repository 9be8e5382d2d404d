//! Calls of functions.

use super::{
    module::Module,
    text::{self, operands},
};

/// Lists the functions that `name` calls, and then itself.
pub(super) fn callees(
    module: &Module,
    name: &str,
    path: &mut Vec<String>,
    order: &mut Vec<String>,
) -> Result<(), String> {
    if order.iter().any(|known| known == name) {
        return Ok(());
    }
    if path.iter().any(|above| above == name) {
        return Err(format!("{name} calls itself"));
    }
    let function = module
        .functions
        .get(name)
        .ok_or_else(|| format!("no function {name}"))?;
    path.push(name.into());
    let body = &module.text[function.body.clone()];
    let statements = body
        .split(';')
        .map(|piece| text::strip_labels(piece, |_| ()));
    for call in statements.filter_map(|text| text.strip_prefix("call.uni")) {
        callees(module, Call::parse(call)?.function, path, order)?;
    }
    path.pop();
    order.push(name.into());
    Ok(())
}

/// The parts of `(retval0), f, (param0, param1)`.
pub(super) struct Call<'a> {
    pub(super) result: Option<&'a str>,
    pub(super) function: &'a str,
    pub(super) arguments: Vec<&'a str>,
}

impl<'a> Call<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, String> {
        let parts = operands(text);
        let inside = |part: &'a str| {
            part.strip_prefix('(')
                .and_then(|part| part.strip_suffix(')'))
        };
        let (result, rest) = match parts.first().copied().and_then(inside) {
            Some(result) => (Some(result), &parts[1..]),
            None => (None, &parts[..]),
        };
        let function = *rest.first().ok_or_else(|| format!("no function: {text}"))?;
        let arguments = rest.get(1).copied().and_then(inside).unwrap_or("");
        Ok(Self {
            result,
            function,
            arguments: operands(arguments),
        })
    }
}
