//! Values of options, whose errors name the option.
#![allow(dead_code, reason = "each program needs some of it")]

use std::{error::Error, str::FromStr};

/// The value of `option`, which is the argument before.
pub(crate) fn value<T>(args: &mut lexopt::Parser, option: &str) -> Result<T, Box<dyn Error>>
where
    T: FromStr,
    T::Err: Into<Box<dyn Error + Send + Sync>>,
{
    value_with(args, option, T::from_str)
}

/// As [`value`], of what `parse` makes of the text.
pub(crate) fn value_with<T, E>(
    args: &mut lexopt::Parser,
    option: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, Box<dyn Error>>
where
    E: Into<Box<dyn Error + Send + Sync>>,
{
    use lexopt::ValueExt;
    // A value that is missing is an error that names the option already.
    let value = args.value()?.parse_with(parse);
    value.map_err(|error| format!("--{option}: {error}").into())
}
