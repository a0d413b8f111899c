//! Single rows by key: the table is gone through once, because its index files are the POS's own.

use std::collections::HashMap;

use fluxion_model::row::{RowBatch, RowChange, RowKey};

use super::pass::{Choice, Pass, Taken};
use super::stream::no_rows;
use super::tables::Wish;
use super::trouble::Trouble;

/// The current rows of these keys; one that has none comes back as a delete.
pub(in crate::files) fn find_keys(wish: &Wish, keys: &[RowKey]) -> Result<RowBatch, Trouble> {
    let mut tables = wish.open()?;
    let mut pass = Pass::begin(wish, &mut tables, None)?;
    let wanted: std::collections::HashSet<u32> = keys.iter().map(super::index::short).collect();
    let mut found: HashMap<RowKey, RowChange> = HashMap::new();
    let (step, mut bytes, mut from) = (tables.parent.file.piece(), Vec::new(), 0);
    loop {
        let read = tables.parent.file.read(from, step, &mut bytes)?;
        if read == 0 {
            break;
        }
        let mut taken = Taken::default();
        pass.emit(
            &mut tables,
            from,
            &bytes,
            Choice::Touched(&wanted),
            &mut taken,
        )?;
        found.extend(
            taken
                .changes
                .into_iter()
                .map(|change| (change.key().clone(), change)),
        );
        from += read;
    }
    let changes = keys.iter().map(|key| {
        found
            .remove(key)
            .unwrap_or_else(|| RowChange::Delete { key: key.clone() })
    });
    let mut batch = no_rows(pass.shape);
    batch.changes = changes.collect();
    Ok(batch)
}
