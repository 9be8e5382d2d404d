//! Where libcuda is linked plainly, the program does not start without it.

use crate::{LoadError, symbols::with_symbols};

pub(crate) fn load() -> Result<(), LoadError> {
    Ok(())
}

pub(crate) fn is_loaded() -> bool {
    true
}

pub(crate) fn has_symbol(name: &str) -> bool {
    macro_rules! names {
        ($($name:ident)*) => { [$(stringify!($name)),*] };
    }
    with_symbols!(names).contains(&name)
}
