//! The kernels' tables of Huffman codes.

use super::super::file::Huffman;
use imagecuda_kernels::jpeg::{huffman::Table, jobs::MAX_TABLES};
use std::sync::{Arc, Mutex, PoisonError};

/// The codes of a table. Those for DC with the number of the AC table after them.
type Codes = (Arc<Huffman>, Option<u8>);

/// A scan's codes, and the tables that were made of them.
type Made = (Vec<Codes>, Arc<[Table]>);

/// The tables of the last scans. It takes longer to make tables than to plan the rest of a small
/// file, and many files have the tables that the standard proposes.
static RECENT: Mutex<Vec<Made>> = Mutex::new(Vec::new());
const MOST_RECENT: usize = 8;

/// The different tables of a scan.
#[derive(Default)]
pub(super) struct Tables {
    codes: Vec<Codes>,
}

impl Tables {
    /// The number of a table: of one for AC, or of one for DC whose AC table is `others`.
    pub(super) fn number(&mut self, table: &Arc<Huffman>, others: Option<u8>) -> Option<u8> {
        let same = |(known, behind): &Codes| *behind == others && Arc::ptr_eq(known, table);
        let number = self.codes.iter().position(same).unwrap_or_else(|| {
            self.codes.push((Arc::clone(table), others));
            self.codes.len() - 1
        });
        (number < MAX_TABLES).then_some(number as u8)
    }

    /// The tables in the order of their numbers; `None` if the kernels cannot have one of them.
    pub(super) fn build(self) -> Option<Arc<[Table]>> {
        let recent = || RECENT.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |made: &Made| made.0 == self.codes;
        if let Some((_, tables)) = recent().iter().find(|made| known(made)) {
            return Some(Arc::clone(tables));
        }
        let mut tables: Vec<Table> = Vec::with_capacity(self.codes.len());
        for (table, others) in &self.codes {
            let behind = others.and_then(|number| tables.get(usize::from(number)));
            tables.push(Table::new(&table.counts, &table.symbols, behind)?);
        }
        let tables: Arc<[Table]> = tables.into();
        let mut recent = recent();
        if recent.len() == MOST_RECENT {
            recent.remove(0);
        }
        recent.push((self.codes, Arc::clone(&tables)));
        Some(tables)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(first: u8) -> Arc<Huffman> {
        let mut counts = [0; 16];
        counts[1] = 3;
        let symbols = vec![first, 1, 2];
        Arc::new(Huffman { counts, symbols })
    }

    fn tables(first: u8) -> Arc<[Table]> {
        let (dc, ac) = (codes(first), codes(17));
        let mut tables = Tables::default();
        let number = tables.number(&ac, None).unwrap();
        assert_eq!(tables.number(&dc, Some(number)), Some(1));
        assert_eq!(tables.number(&ac, None), Some(number));
        tables.build().unwrap()
    }

    #[test]
    fn equal_codes_have_the_same_tables() {
        let (first, other) = (tables(5), tables(6));
        // Other tests may have made tables since, and pushed these out.
        let again = tables(5);
        assert!(first[..] == again[..] && first[..] != other[..]);
    }
}
