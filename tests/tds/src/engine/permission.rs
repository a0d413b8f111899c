//! Who may do what.

use super::bind::Runner;
use super::store::Database;
use crate::error::SqlError;
use crate::sql::ast::Grant;

/// What can be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    Select,
    Insert,
    Update,
    Delete,
    ViewChangeTracking,
    /// `ALTER`, `CREATE TABLE`, `CONTROL`: everything that defines.
    Alter,
    ViewDefinition,
    ViewServerState,
}

impl Permission {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "SELECT" => Self::Select,
            "INSERT" => Self::Insert,
            "UPDATE" => Self::Update,
            "DELETE" => Self::Delete,
            "VIEW CHANGE TRACKING" => Self::ViewChangeTracking,
            "ALTER" | "CONTROL" | "CREATE TABLE" | "CREATE TRIGGER" => Self::Alter,
            "VIEW DEFINITION" => Self::ViewDefinition,
            "VIEW SERVER STATE" | "VIEW DATABASE STATE" => Self::ViewServerState,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Select => "SELECT",
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::ViewChangeTracking => "VIEW CHANGE TRACKING",
            Self::Alter => "ALTER",
            Self::ViewDefinition => "VIEW DEFINITION",
            Self::ViewServerState => "VIEW SERVER STATE",
        }
    }
}

impl Runner<'_> {
    pub(super) fn is_allowed(
        &self,
        permission: Permission,
        database: &Database,
        object: Option<i64>,
    ) -> bool {
        // A trigger acts for the owner of its table.
        if self.locals.is_admin || !self.locals.firing.is_empty() {
            return true;
        }
        let Some(login) = self
            .state
            .logins
            .iter()
            .find(|login| login.name.eq_ignore_ascii_case(&self.locals.login))
        else {
            return false;
        };
        let mut granted = false;
        for (how, what, on) in login.permissions.iter().chain(&self.state.public) {
            let concerns = *what == permission
                && match on {
                    None => true,
                    Some((name, id)) => {
                        name.eq_ignore_ascii_case(&database.name) && Some(*id) == object
                    }
                };
            if concerns {
                match how {
                    Grant::Allow => granted = true,
                    Grant::Deny => return false,
                    Grant::Revoke => {}
                }
            }
        }
        granted
    }

    /// Fails with error 229 where the login may not.
    pub(super) fn may(
        &self,
        permission: Permission,
        database: &Database,
        object: i64,
        name: &str,
    ) -> Result<(), SqlError> {
        if self.is_allowed(permission, database, Some(object)) {
            return Ok(());
        }
        Err(SqlError::new(
            229,
            14,
            format!(
                "The {} permission was denied on the object '{name}', database '{}', schema 'dbo'.",
                permission.name(),
                database.name
            ),
        ))
    }

    /// Fails with error 262 where the login may not define anything.
    pub(super) fn may_define(&self, what: &str) -> Result<(), SqlError> {
        let database = self.state.database(&self.locals.database)?;
        if self.is_allowed(Permission::Alter, database, None) {
            return Ok(());
        }
        Err(SqlError::new(
            262,
            14,
            format!("{what} permission denied in database '{}'.", database.name),
        ))
    }
}
