//! What a server says of its log, and whether that will do.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};

use super::gtid::Gtids;
use super::layout::{Column, Kind, Layout};
use super::place::Place;
use super::statement::TableName;
use crate::connector::{Finding, Level, Said};

/// Less than this, and a long weekend offline costs a new snapshot.
const SHORT_RETENTION_SECONDS: u64 = 3 * 24 * 3600;

/// Whose log it is; they speak different dialects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    Mysql,
    Mariadb,
}

/// What a server says of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub flavour: Flavour,
    version: (u32, u32),
    is_on: bool,
    format: String,
    row_image: String,
    gtid_mode: String,
    is_compressed: bool,
    /// Whether events end in a checksum.
    pub has_checksums: bool,
    /// Seconds; none for ever or not known.
    retention: Option<u64>,
}

impl Facts {
    pub async fn ask(conn: &mut Conn) -> Result<Self, Error> {
        let version: Option<String> = conn.query_first("SELECT VERSION()").await?;
        let names = "'log_bin', 'binlog_format', 'binlog_row_image', 'gtid_mode', 'log_bin_compress', \
                     'binlog_checksum', 'expire_logs_days', 'binlog_expire_logs_seconds'";
        let settings: Vec<(String, String)> = conn
            .query(format!(
                "SHOW GLOBAL VARIABLES WHERE Variable_name IN ({names})"
            ))
            .await?;
        Ok(Self::of(&version.unwrap_or_default(), &settings))
    }

    fn of(version: &str, settings: &[(String, String)]) -> Self {
        let setting = |name: &str| {
            let found = settings
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            found
                .map(|(_, value)| value.to_ascii_uppercase())
                .unwrap_or_default()
        };
        let number = |name: &str| {
            setting(name)
                .parse::<f64>()
                .ok()
                .filter(|number| *number > 0.0)
        };
        let mut parts = version
            .split(['.', '-'])
            .map(|part| part.parse().unwrap_or(0));
        let seconds = number("binlog_expire_logs_seconds");
        let days = number("expire_logs_days").map(|days| days * 86_400.0);
        let is_on = |name: &str| matches!(setting(name).as_str(), "ON" | "1");
        Self {
            flavour: if version.contains("MariaDB") {
                Flavour::Mariadb
            } else {
                Flavour::Mysql
            },
            version: (parts.next().unwrap_or(0), parts.next().unwrap_or(0)),
            is_on: is_on("log_bin"),
            format: setting("binlog_format"),
            row_image: setting("binlog_row_image"),
            gtid_mode: setting("gtid_mode"),
            has_checksums: setting("binlog_checksum") == "CRC32",
            is_compressed: is_on("log_bin_compress"),
            retention: seconds.or(days).map(|seconds| seconds as u64),
        }
    }

    /// Where the log ends. None when it is off.
    pub async fn head(&self, conn: &mut Conn) -> Result<Option<Place>, Error> {
        let renamed = self.flavour == Flavour::Mysql && self.version >= (8, 2);
        let status = if renamed {
            "SHOW BINARY LOG STATUS"
        } else {
            "SHOW MASTER STATUS"
        };
        // The place first: ids read later are of it or beyond, and what is beyond comes by itself.
        let Some(row) = conn.query_first::<mysql_async::Row, _>(status).await? else {
            return Ok(None);
        };
        let (Some(file), Some(at)) = (row.get::<String, _>(0), row.get::<u64, _>(1)) else {
            return Ok(None);
        };
        let gtids = match self.flavour {
            Flavour::Mariadb => {
                let text: Option<String> = conn
                    .query_first("SELECT @@GLOBAL.gtid_binlog_pos")
                    .await
                    .ok()
                    .flatten();
                text.and_then(|text| text.parse().ok()).map(Gtids::Mariadb)
            }
            Flavour::Mysql if self.gtid_mode == "ON" => {
                let text: Option<String> =
                    conn.query_first("SELECT @@GLOBAL.gtid_executed").await?;
                text.and_then(|text| text.replace('\n', "").parse().ok())
                    .map(Gtids::Mysql)
            }
            Flavour::Mysql => None,
        };
        Ok(Some(Place {
            file,
            at,
            gtids,
            begun: None,
        }))
    }

    /// What keeps the log from being followed, and what to do about it.
    pub fn obstacle(&self) -> Option<(Said, Said)> {
        let old = self.flavour == Flavour::Mysql && self.version < (5, 5);
        if old {
            return Some((
                Said::new(
                    "The server is older than MySQL 5.5.",
                    "El servidor es anterior a MySQL 5.5.",
                ),
                Said::new(
                    "Use \"watermark\" or \"diff\".",
                    "Use \"watermark\" o \"diff\".",
                ),
            ));
        }
        if !self.is_on {
            return Some((
                Said::new(
                    "The server keeps no binary log, so changes are found by asking for them.",
                    "El servidor no lleva registro binario, así que los cambios se buscan preguntando.",
                ),
                Said::new(
                    "To see changes at once, set log_bin, binlog_format=ROW and server_id in my.cnf and restart the server.",
                    "Para ver los cambios al instante, ponga log_bin, binlog_format=ROW y server_id en my.cnf y reinicie el servidor.",
                ),
            ));
        }
        if self.format != "ROW" {
            return Some((
                Said::new(
                    format!(
                        "The binary log is written in the format {}, which does not tell the changed rows.",
                        self.format
                    ),
                    format!(
                        "El registro binario se escribe en el formato {}, que no dice qué filas cambiaron.",
                        self.format
                    ),
                ),
                Said::new(
                    "Set binlog_format=ROW in my.cnf and restart the server.",
                    "Ponga binlog_format=ROW en my.cnf y reinicie el servidor.",
                ),
            ));
        }
        if self.row_image == "MINIMAL" {
            return Some((
                Said::new(
                    "The binary log keeps only the changed columns (binlog_row_image=MINIMAL), so keys may be missing.",
                    "El registro binario guarda solo las columnas cambiadas (binlog_row_image=MINIMAL), así que pueden faltar claves.",
                ),
                Said::new("Set binlog_row_image=FULL.", "Ponga binlog_row_image=FULL."),
            ));
        }
        if self.is_compressed {
            return Some((
                Said::new(
                    "MariaDB compresses the binary log (log_bin_compress), which cannot be read.",
                    "MariaDB comprime el registro binario (log_bin_compress), que así no se puede leer.",
                ),
                Said::new("Set log_bin_compress=OFF.", "Ponga log_bin_compress=OFF."),
            ));
        }
        None
    }

    /// What a first look should tell.
    pub fn findings(&self) -> Vec<Finding> {
        if let Some((what, remedy)) = self.obstacle() {
            return vec![Finding {
                level: Level::Info,
                what,
                remedy: Some(remedy),
            }];
        }
        let Some(seconds) = self
            .retention
            .filter(|seconds| *seconds < SHORT_RETENTION_SECONDS)
        else {
            return Vec::new();
        };
        let hours = seconds / 3600;
        vec![Finding {
            level: Level::Warning,
            what: Said::new(
                format!(
                    "The server keeps its binary log for {hours} hours only; an agent that is off for longer reads everything again."
                ),
                format!(
                    "El servidor guarda su registro binario solo {hours} horas; un agente apagado por más tiempo vuelve a leer todo."
                ),
            ),
            remedy: Some(Said::new(
                "Set binlog_expire_logs_seconds (or expire_logs_days) to seven days.",
                "Ponga binlog_expire_logs_seconds (o expire_logs_days) en siete días.",
            )),
        }]
    }
}

/// How the columns of a table lie. None when there is no such table.
pub(super) async fn layout(conn: &mut Conn, name: &TableName) -> Result<Option<Layout>, Error> {
    // Asked before the columns: a change in the same second counts as later.
    let asked_at: Option<u64> = conn.query_first("SELECT UNIX_TIMESTAMP()").await?;
    let columns: Vec<(String, String, String, Option<String>)> = conn
        .exec(
            "SELECT CAST(COLUMN_NAME AS CHAR), CAST(DATA_TYPE AS CHAR), CAST(COLUMN_TYPE AS CHAR), \
             CAST(CHARACTER_SET_NAME AS CHAR) FROM information_schema.COLUMNS \
             WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION",
            (&name.database, &name.table),
        )
        .await?;
    if columns.is_empty() {
        return Ok(None);
    }
    let columns = columns
        .into_iter()
        .map(|(name, data_type, column_type, charset)| Column {
            name,
            kind: Kind::of(&data_type, &column_type, charset.as_deref()),
        })
        .collect();
    Ok(Some(Layout {
        columns,
        asked_at: asked_at.unwrap_or(u64::MAX),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(version: &str, settings: &[(&str, &str)]) -> Facts {
        let owned: Vec<_> = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Facts::of(version, &owned)
    }

    #[test]
    fn a_log_that_cannot_be_followed_says_what_to_set() {
        let off = facts("5.5.62-log", &[("log_bin", "OFF")]);
        assert!(off.obstacle().unwrap().1.en.contains("log_bin"));
        let mixed = facts(
            "10.11.14-MariaDB",
            &[("log_bin", "ON"), ("binlog_format", "MIXED")],
        );
        assert!(mixed.obstacle().unwrap().0.es.contains("MIXED"));
        let row = [("log_bin", "ON"), ("binlog_format", "ROW")];
        assert_eq!(facts("5.5.62-log", &row).obstacle(), None);
        let minimal = [row[0], row[1], ("binlog_row_image", "MINIMAL")];
        assert!(facts("8.4.0", &minimal).obstacle().is_some());
        let compressed = [row[0], row[1], ("log_bin_compress", "ON")];
        assert!(facts("10.6.1-MariaDB", &compressed).obstacle().is_some());
    }

    #[test]
    fn a_log_that_is_soon_deleted_is_a_warning() {
        let row = [
            ("log_bin", "ON"),
            ("binlog_format", "ROW"),
            ("expire_logs_days", "1"),
        ];
        assert_eq!(facts("5.6.1", &row).findings()[0].level, Level::Warning);
        let ever = [row[0], row[1], ("expire_logs_days", "0")];
        assert_eq!(facts("5.6.1", &ever).findings(), []);
    }
}
