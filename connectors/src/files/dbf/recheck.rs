//! The second look: a scan is whole only when every record still is what was read.
//!
//! What changed meanwhile is given out again, and looked at once more. A table that was packed or rebuilt under the
//! scan is nothing but a table of which everything changed.

use std::collections::HashSet;

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::index::Newest;
use super::pass::{Choice, Pass, Piece, Taken};
use super::tables::Tables;
use super::trouble::Trouble;
use crate::connector::BatchLimit;

/// Looks at a table that never stands still; then it counts as changed and nothing is removed.
pub(super) const LOOKS: u32 = 6;

/// A look under way.
pub(super) struct Recheck {
    /// Place among the pieces.
    at: usize,
    /// Keys of rows whose children changed.
    touched: HashSet<u32>,
    digest: Xxh3,
    stirred: bool,
}

/// What a step of a look found.
pub(super) enum Looked {
    /// Rows to give out, and more to look at.
    Rows(Taken),
    /// The look is over and found nothing; the hash of everything the tables hold.
    Quiet(String),
}

impl Pass {
    /// Looks on. Starts over as long as something changed.
    pub fn look(&mut self, tables: &mut Tables, limit: BatchLimit) -> Result<Looked, Trouble> {
        let mut recheck = match self.recheck.take() {
            Some(recheck) => recheck,
            None => self.begin_look(tables)?,
        };
        let mut taken = Taken::default();
        let mut bytes = Vec::new();
        while !taken.is_full(limit) {
            if !self.look_at(tables, &mut recheck, &mut bytes, &mut taken)? {
                return self.end_look(tables, recheck, taken);
            }
        }
        self.recheck = Some(recheck);
        Ok(Looked::Rows(taken))
    }

    fn begin_look(&mut self, tables: &mut Tables) -> Result<Recheck, Trouble> {
        self.rechecks += 1;
        let mut touched = HashSet::new();
        let mut stirred = false;
        for (index, opened) in self.children.iter_mut().zip(&mut tables.children) {
            stirred |= index.refresh(opened, &mut touched)?;
        }
        if let Some(newest) = &mut self.newest {
            let fresh = Newest::build(&mut tables.parent)?;
            fresh.compare(newest, &mut touched);
            *newest = fresh;
        }
        Ok(Recheck {
            at: 0,
            touched,
            digest: Xxh3::new(),
            stirred,
        })
    }

    /// Looks at the next piece. False behind the last.
    fn look_at(
        &mut self,
        tables: &mut Tables,
        recheck: &mut Recheck,
        bytes: &mut Vec<u8>,
        taken: &mut Taken,
    ) -> Result<bool, Trouble> {
        let known = self.pieces.get(recheck.at).copied();
        let from = known.map_or_else(
            || {
                self.pieces
                    .last()
                    .map_or(0, |last| last.from + last.records)
            },
            |piece| piece.from,
        );
        let wanted = known.map_or_else(|| tables.parent.file.piece(), |piece| piece.records);
        let records = tables.parent.file.read(from, wanted, bytes)?;
        recheck.digest.update(bytes);
        let now = Piece {
            from,
            records,
            hash: xxh3_64(bytes),
        };
        if records == 0 {
            recheck.stirred |= known.is_some();
            self.pieces.truncate(recheck.at);
            return Ok(false);
        }
        if known == Some(now) {
            if !recheck.touched.is_empty() {
                self.emit(
                    tables,
                    from,
                    bytes,
                    Choice::Touched(&recheck.touched),
                    taken,
                )?;
            }
        } else {
            recheck.stirred = true;
            if records < wanted {
                // The pieces behind it begin elsewhere now.
                self.pieces.truncate(recheck.at);
            }
            match self.pieces.get_mut(recheck.at) {
                Some(piece) => *piece = now,
                None => self.pieces.push(now),
            }
            self.emit(tables, from, bytes, Choice::All, taken)?;
        }
        recheck.at += 1;
        Ok(true)
    }

    fn end_look(
        &mut self,
        tables: &Tables,
        recheck: Recheck,
        taken: Taken,
    ) -> Result<Looked, Trouble> {
        if !recheck.stirred {
            let children = self.children.iter().map(|index| index.digest);
            let hashes = std::iter::once(recheck.digest.digest128()).chain(children);
            return Ok(Looked::Quiet(tables.state(hashes)));
        }
        self.stirred = true;
        self.restless = self.rechecks >= LOOKS;
        Ok(Looked::Rows(taken))
    }
}
