//! From row events to keys: where the key's columns stand in an event's images, and what they hold.

use fluxion_model::row::RowKey;
use mysql_async::binlog::events::{OptionalMetadataField, RowsEventData, TableMapEvent};
use mysql_async::binlog::row::BinlogRow;
use mysql_async::binlog::value::BinlogValue;
use mysql_async::consts::ColumnType;

use super::layout::{Kind, Layout, NotUnderstood};
use super::statement::TableName;

/// A table of [`StreamSpec.changes`](fluxion_model::stream::StreamSpec::changes).
#[derive(Debug, Clone)]
pub(super) struct Followed {
    pub name: TableName,
    /// Its columns that hold the stream's key; several where the mapping names the table several times.
    pub keys: Vec<Vec<String>>,
    /// None after the table was altered, until it is asked for again.
    pub layout: Option<Layout>,
    /// Whether rows were read by the positions of this layout, without names from the log itself.
    pub was_used: bool,
}

/// Where the keys of a table stand in the events of one table id.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Located {
    /// Which of the followed tables.
    pub table: usize,
    keys: Vec<Vec<Spot>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Spot {
    column: usize,
    kind: Kind,
    logged: ColumnType,
}

/// The event's columns are not those of the layout: the table was altered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stale;

/// Whether positions come from the log's own names or from the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Names,
    Positions,
}

/// Finds the key's columns of a table.
pub(super) fn locate(
    map: &TableMapEvent<'_>,
    table: usize,
    followed: &Followed,
) -> Result<(Located, By), Stale> {
    let layout = followed.layout.as_ref().ok_or(Stale)?;
    let count = usize::try_from(map.columns_count()).map_err(|_| Stale)?;
    let logged: Vec<ColumnType> = (0..count)
        .map(|at| map.get_column_type(at).ok().flatten().ok_or(Stale))
        .collect::<Result<_, _>>()?;
    let names = names(map).filter(|names| names.len() == count);
    let by = if names.is_some() {
        By::Names
    } else {
        By::Positions
    };
    let is_same = || {
        let fit =
            |(column, logged): (&super::layout::Column, &ColumnType)| column.kind.fits(*logged);
        layout.columns.len() == count && layout.columns.iter().zip(&logged).all(fit)
    };
    if names.is_none() && !is_same() {
        return Err(Stale);
    }
    let spot = |name: &String| {
        let own = layout
            .columns
            .iter()
            .position(|column| column.name.eq_ignore_ascii_case(name))
            .ok_or(Stale)?;
        let column = match &names {
            Some(names) => names
                .iter()
                .position(|logged| logged.eq_ignore_ascii_case(name))
                .ok_or(Stale)?,
            None => own,
        };
        let (kind, logged) = (layout.columns[own].kind, logged[column]);
        kind.fits(logged)
            .then_some(Spot {
                column,
                kind,
                logged,
            })
            .ok_or(Stale)
    };
    let keys = followed
        .keys
        .iter()
        .map(|key| key.iter().map(spot).collect())
        .collect::<Result<_, _>>()?;
    Ok((Located { table, keys }, by))
}

/// The column names, where the log has them (`binlog_row_metadata=FULL`).
fn names(map: &TableMapEvent<'_>) -> Option<Vec<String>> {
    map.iter_optional_meta().find_map(|field| match field {
        Ok(OptionalMetadataField::ColumnName(names)) => names
            .iter_names()
            .map(|name| name.ok().map(|name| name.name().into_owned()))
            .collect(),
        _ => None,
    })
}

/// The keys of the rows before and after, one after the other; a row without a usable key has none.
pub(super) fn keys(
    event: &RowsEventData<'_>,
    map: &TableMapEvent<'_>,
    located: &Located,
    mut each: impl FnMut(RowKey),
) -> Result<(), NotUnderstood> {
    let broken =
        |error: std::io::Error| NotUnderstood(format!("a row in the log cannot be read ({error})"));
    let ranks = |image: Option<Vec<bool>>| -> Option<Vec<Option<usize>>> {
        let mut rank = 0;
        Some(
            image?
                .into_iter()
                .map(|present| {
                    rank += usize::from(present);
                    present.then(|| rank - 1)
                })
                .collect(),
        )
    };
    let present = |image: Option<_>| image.map(bits);
    let before_ranks = ranks(present(event.columns_before_image()));
    let after_ranks = ranks(present(event.columns_after_image()));
    for row in event.rows(map) {
        let (before, after) = row.map_err(broken)?;
        let before = Image::new(before.as_ref(), before_ranks.as_deref());
        let after = Image::new(after.as_ref(), after_ranks.as_deref());
        for key in &located.keys {
            // A column that the image after lacks did not change.
            for images in [[&before, &before], [&after, &before]] {
                if images[0].row.is_none() {
                    continue;
                }
                if let Some(key) = key_of(key, images)? {
                    each(key);
                }
            }
        }
    }
    Ok(())
}

/// A row's values, and where each column of the table stands among them.
struct Image<'a> {
    row: Option<&'a BinlogRow>,
    ranks: &'a [Option<usize>],
}

impl<'a> Image<'a> {
    fn new(row: Option<&'a BinlogRow>, ranks: Option<&'a [Option<usize>]>) -> Self {
        Self {
            row,
            ranks: ranks.unwrap_or_default(),
        }
    }

    fn value(&self, column: usize) -> Option<&BinlogValue<'_>> {
        self.row?.as_ref((*self.ranks.get(column)?)?)
    }
}

fn key_of(key: &[Spot], images: [&Image<'_>; 2]) -> Result<Option<RowKey>, NotUnderstood> {
    let mut parts = Vec::with_capacity(key.len());
    for spot in key {
        let value = images.iter().find_map(|image| image.value(spot.column));
        let Some(value) = value else {
            let why = "the log does not hold the key of a changed row; set binlog_row_image=FULL on the server";
            return Err(NotUnderstood(why.to_owned()));
        };
        let BinlogValue::Value(value) = value else {
            return Err(NotUnderstood("a key column holds JSON".to_owned()));
        };
        match spot.kind.key_part(value, spot.logged)? {
            Some(part) => parts.push(part),
            None => return Ok(None),
        }
    }
    Ok(Some(RowKey::join(parts)))
}

fn bits<'a, B>(image: B) -> Vec<bool>
where
    B: IntoIterator,
    B::Item: std::ops::Deref<Target = bool> + 'a,
{
    image.into_iter().map(|bit| *bit).collect()
}
