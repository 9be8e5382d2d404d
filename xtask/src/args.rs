//! Command lines: flags, flags with a value, the rest, and what follows `--`.

use std::env;

use crate::Failure;

/// The arguments that nobody has taken yet.
#[derive(Debug)]
pub(crate) struct Args {
    own: Vec<String>,
    /// What follows `--`, for another program.
    pub(crate) rest: Vec<String>,
}

impl Args {
    pub(crate) fn from_env() -> Self {
        let args = env::args_os().skip(1);
        Self::new(args.map(|arg| arg.to_string_lossy().into_owned()).collect())
    }

    fn new(mut own: Vec<String>) -> Self {
        let rest = match own.iter().position(|arg| arg == "--") {
            Some(at) => own.drain(at..).skip(1).collect(),
            None => Vec::new(),
        };
        Self { own, rest }
    }

    /// The first argument.
    pub(crate) fn command(&mut self) -> Option<String> {
        (!self.own.is_empty()).then(|| self.own.remove(0))
    }

    /// Whether `name` is there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.own.len();
        self.own.retain(|arg| arg != name);
        self.own.len() != before
    }

    /// The value of `name VALUE` or `name=VALUE`.
    pub(crate) fn value(&mut self, name: &str) -> Result<Option<String>, Failure> {
        let joined = format!("{name}=");
        let Some(at) = self
            .own
            .iter()
            .position(|arg| arg == name || arg.starts_with(&joined))
        else {
            return Ok(None);
        };
        let arg = self.own.remove(at);
        if let Some(value) = arg.strip_prefix(&joined) {
            return Ok(Some(value.to_owned()));
        }
        if at == self.own.len() {
            return Err(format!("{name} needs a value"));
        }
        Ok(Some(self.own.remove(at)))
    }

    /// The next argument that is no flag.
    pub(crate) fn positional(&mut self) -> Option<String> {
        let at = self.own.iter().position(|arg| !arg.starts_with('-'))?;
        Some(self.own.remove(at))
    }

    /// Complains about whatever is left.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        match self.own.first() {
            None => Ok(()),
            Some(arg) => Err(format!("what is `{arg}`? See --help.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Args {
        Args::new(line.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn flags_values_and_the_rest() {
        let mut args = args("ptx --check --ptxas /a/b name --with=c -- --check");
        assert_eq!(args.command().as_deref(), Some("ptx"));
        assert!(args.flag("--check"));
        assert!(!args.flag("--check"));
        assert_eq!(args.value("--ptxas").unwrap().as_deref(), Some("/a/b"));
        assert_eq!(args.value("--with").unwrap().as_deref(), Some("c"));
        assert_eq!(args.value("--no").unwrap(), None);
        assert_eq!(args.positional().as_deref(), Some("name"));
        assert!(args.finish().is_ok());
        assert_eq!(args.rest, ["--check"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(args("--ptxas").value("--ptxas").is_err());
        assert!(args("--chekc").finish().is_err());
    }
}
