//! The identities that a request can carry.

use std::ops::Deref;

use chrono::{DateTime, Utc};
use fluxion_model::id::{TenantId, UserId};

use crate::views::account::Role;

/// A person who has logged in. Only the database builds one, from the hash of the session's cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// Whose data the person sees.
    pub tenant_id: TenantId,
    /// The company's name.
    pub tenant_name: String,
    /// Which person.
    pub user_id: UserId,
    /// E-mail address.
    pub email: String,
    /// Name to greet by.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// When the session ends by itself.
    pub expires_at: DateTime<Utc>,
}

impl Session {
    /// For the database, which has just looked the cookie up.
    #[must_use]
    pub(crate) fn new(
        (tenant_id, tenant_name): (TenantId, String),
        (user_id, email, name): (UserId, String, String),
        role: Role,
        expires_at: DateTime<Utc>,
    ) -> Self {
        Self {
            tenant_id,
            tenant_name,
            user_id,
            email,
            name,
            role,
            expires_at,
        }
    }

    /// The session as one that may read: every role may.
    #[must_use]
    pub fn viewer(self) -> Viewer {
        Viewer(self)
    }

    /// The session as one that may act.
    #[must_use]
    pub fn operator(self) -> Option<Operator> {
        (self.role >= Role::Operator).then_some(Operator(Viewer(self)))
    }

    /// The session as one that may administrate.
    #[must_use]
    pub fn admin(self) -> Option<Admin> {
        (self.role >= Role::Admin).then_some(Admin(Operator(Viewer(self))))
    }
}

/// A person who may read.
#[derive(Debug, Clone)]
pub struct Viewer(Session);

/// A person who may also act.
#[derive(Debug, Clone)]
pub struct Operator(Viewer);

/// A person who may also add stores and hand out codes.
#[derive(Debug, Clone)]
pub struct Admin(Operator);

impl Deref for Viewer {
    type Target = Session;
    fn deref(&self) -> &Session {
        &self.0
    }
}

impl Deref for Operator {
    type Target = Viewer;
    fn deref(&self) -> &Viewer {
        &self.0
    }
}

impl Deref for Admin {
    type Target = Operator;
    fn deref(&self) -> &Operator {
        &self.0
    }
}
