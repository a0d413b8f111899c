//! Logging in where a person said, and nowhere else: a password goes to one server, or to one data source.

use anyhow::{Context as _, bail};
use fluxion_connectors::{ConnectorKind, registry};
use serde_json::{Value as Json, json};

use super::super::Lang;
use super::super::lang::say;
use super::super::outbox::told;
use super::super::password::{ask_password, password_in};
use super::{CATALOG, Discover, Source, probe};
use crate::redact;

/// Databases of one server that are looked into.
const DATABASES: usize = 50;

/// The database that was named, or all that the account may enter.
pub(super) async fn databases(
    found: &[probe::Server],
    wish: &Discover,
    user: &str,
    lang: Lang,
) -> anyhow::Result<Vec<Source>> {
    let (kind, server) = meant(found, wish)?;
    let mut connection = json!({ "host": server.host.to_string(), "port": server.port });
    let password = identify(&mut connection, wish, user, lang)?;
    let secret = with_password(&connection, &password);
    let names = match &wish.database {
        Some(name) => vec![name.clone()],
        None => {
            let list = tokio::time::timeout(CATALOG, registry::databases(kind, &secret)).await;
            let list = list.context("the server does not answer in time")?;
            list.map_err(|error| told(&error))?
        }
    };
    if wish.database.is_none() {
        let what = say(lang, "bases de datos", "databases");
        println!("[ OK ] {}: {} {what}", server.host, names.len());
    }
    if names.len() > DATABASES {
        let rest = say(
            lang,
            "no se miran todas; nombre una con --database",
            "not all are looked into; name one with --database",
        );
        println!("[ !! ] {rest}");
    }
    let named = |settings: &Json, name: &str| {
        let mut settings = settings.clone();
        settings["database"] = Json::from(name);
        settings
    };
    let sources = names.iter().take(DATABASES).map(|name| {
        Ok(Source {
            kind,
            title: format!("{} {name}", server.host),
            connector: registry::build(kind, &named(&secret, name))?,
            connection: named(&connection, name),
            password: Some(password.clone()),
        })
    });
    sources.collect()
}

/// A data source of ODBC, with an account where one is given.
pub(super) fn data_source(wish: &Discover, dsn: &str, lang: Lang) -> anyhow::Result<Source> {
    let mut connection = json!({ "dsn": dsn });
    let password = match &wish.user {
        Some(user) => Some(identify(&mut connection, wish, user, lang)?),
        None => None,
    };
    let secret = match &password {
        Some(password) => with_password(&connection, password),
        None => connection.clone(),
    };
    Ok(Source {
        kind: ConnectorKind::Odbc,
        title: dsn.to_owned(),
        connector: registry::build(ConnectorKind::Odbc, &secret)?,
        connection,
        password,
    })
}

/// The one server that is meant. A password goes to no other.
fn meant<'a>(
    found: &'a [probe::Server],
    wish: &Discover,
) -> anyhow::Result<(ConnectorKind, &'a probe::Server)> {
    let meant: Vec<_> = found
        .iter()
        .filter(|server| server.port.is_some())
        .filter(|server| {
            wish.connector
                .is_none_or(|kind| kind.as_str() == server.connector)
        })
        .collect();
    let [server] = meant.as_slice() else {
        bail!(
            "{} servers could be meant, and a password goes to one\nhint: name it with --host, --port and --connector",
            meant.len()
        );
    };
    let kind = server.connector.parse().map_err(anyhow::Error::msg)?;
    Ok((kind, server))
}

/// Adds the account to the connection, and returns its password.
fn identify(
    connection: &mut Json,
    wish: &Discover,
    user: &str,
    lang: Lang,
) -> anyhow::Result<String> {
    connection["user"] = Json::from(user);
    let password = match &wish.password_file {
        Some(path) => password_in(path)?,
        None => ask_password(user, lang)?,
    };
    redact::remember(&password);
    Ok(password)
}

/// The connection as it is used now.
fn with_password(connection: &Json, password: &str) -> Json {
    let mut secret = connection.clone();
    secret["password"] = Json::from(password);
    secret
}
