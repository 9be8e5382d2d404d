//! One machine's part of a list.

use crate::{Error, Result};
use std::{env, fmt, str::FromStr};

/// Part `index` of `count` of a list: its elements `index`, `index + count`, and so on. Programs
/// that get the same list and different indices together process every element exactly once.
///
/// ```
/// use imagecuda::batch::Shard;
///
/// let shard: Shard = "1/3".parse().unwrap();
/// assert_eq!(shard.of(0..8).collect::<Vec<_>>(), [1, 4, 7]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shard {
    index: usize,
    count: usize,
}

impl Shard {
    /// The whole list.
    pub const ALL: Self = Self { index: 0, count: 1 };

    /// Creates part `index`, counted from 0, of `count` parts.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption) unless `index` is less than
    /// `count`.
    pub fn new(index: usize, count: usize) -> Result<Self> {
        if index >= count {
            let reason = format!("there is no part {index}/{count}: parts are counted from 0");
            return Err(Error::option("shard", reason));
        }
        Ok(Self { index, count })
    }

    /// Reads the part that a job scheduler assigned to this process. `None` if the variables are
    /// not set. Supports Slurm array jobs (`SLURM_ARRAY_TASK_ID`, `_MIN` and `_COUNT`) and indexed
    /// Kubernetes jobs (`JOB_COMPLETION_INDEX`, which Kubernetes sets, and `JOB_COMPLETIONS`, which
    /// the job must set to its `completions`).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption) if an index is set without a
    /// count, or the values are invalid. So a process never works on the whole list by mistake.
    pub fn from_env() -> Result<Option<Self>> {
        Self::from_variables(|name| env::var(name).ok())
    }

    fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        const SCHEDULERS: [[&str; 3]; 2] = [
            [
                "SLURM_ARRAY_TASK_ID",
                "SLURM_ARRAY_TASK_MIN",
                "SLURM_ARRAY_TASK_COUNT",
            ],
            ["JOB_COMPLETION_INDEX", "", "JOB_COMPLETIONS"],
        ];
        for [id, first, count] in SCHEDULERS {
            let Some(index) = get(id) else {
                continue;
            };
            let number = |name: &str, value: Option<String>| {
                let value = value.unwrap_or_default();
                value.parse::<usize>().map_err(|_| {
                    let reason = format!("{id} is set, and {name} is '{value}'");
                    Error::option("shard", reason)
                })
            };
            let first = match get(first) {
                Some(value) => number(first, Some(value))?,
                None => 0,
            };
            let index = number(id, Some(index))?;
            let count = number(count, get(count))?;
            return Self::new(index.wrapping_sub(first), count).map(Some);
        }
        Ok(None)
    }

    /// Whether the element at `position` belongs to this part.
    pub fn contains(self, position: usize) -> bool {
        position % self.count == self.index
    }

    /// The elements of `list` that belong to this part.
    pub fn of<I: IntoIterator>(self, list: I) -> impl Iterator<Item = I::Item> + use<I> {
        list.into_iter().skip(self.index).step_by(self.count)
    }
}

/// Parses `I/N`: `3/64` is part 3, counted from 0, of 64.
impl FromStr for Shard {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbers = text
            .split_once('/')
            .and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        let (index, count) = numbers
            .ok_or_else(|| Error::option("shard", format!("'{text}' is not I/N, as 3/64")))?;
        Self::new(index, count)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_all_of_it_and_none_twice() {
        for count in [1, 2, 3, 7, 64] {
            let mut seen = [0; 50];
            for index in 0..count {
                let shard = Shard::new(index, count).unwrap();
                for i in shard.of(0..50) {
                    seen[i] += 1;
                    assert!(shard.contains(i));
                }
            }
            assert!(seen.iter().all(|&n| n == 1));
        }
    }

    #[test]
    fn texts() {
        assert_eq!("3/64".parse::<Shard>().unwrap().to_string(), "3/64");
        for wrong in ["64/64", "0/0", "3", "a/b", "-1/2", "1/2/3", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn schedulers() {
        let from = |variables: &[(&str, &str)]| {
            Shard::from_variables(|name| {
                let found = variables.iter().find(|(n, _)| *n == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let shard = |index, count| Some(Shard { index, count });
        assert_eq!(from(&[]).unwrap(), None);
        let slurm = |id, min, count| {
            from(&[
                ("SLURM_ARRAY_TASK_ID", id),
                ("SLURM_ARRAY_TASK_MIN", min),
                ("SLURM_ARRAY_TASK_COUNT", count),
            ])
        };
        assert_eq!(slurm("1", "1", "8").unwrap(), shard(0, 8));
        assert_eq!(slurm("8", "1", "8").unwrap(), shard(7, 8));
        assert!(slurm("0", "1", "8").is_err() && slurm("9", "1", "8").is_err());
        let job = |count| from(&[("JOB_COMPLETION_INDEX", "2"), ("JOB_COMPLETIONS", count)]);
        assert_eq!(job("4").unwrap(), shard(2, 4));
        assert!(job("x").is_err() && from(&[("JOB_COMPLETION_INDEX", "2")]).is_err());
    }
}
