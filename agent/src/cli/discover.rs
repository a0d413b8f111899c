//! `discover`: which databases and tables stand here, which packs read them, and the `[[pos]]` section that would.
//!
//! It changes nothing but the configuration, and that only when told to, at its end. A password is sent to one server,
//! which a person named; never to whatever happens to answer.

mod login;
mod places;
mod probe;
mod settings;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use fluxion_connectors::{Connector, ConnectorKind};
use fluxion_mappings::recognise::{Match, Missing, recognise};
use fluxion_mappings::{Country, Scalar, packs};
use serde::Serialize;
use serde_json::Value as Json;

use super::doctor::of_this_computer;
use super::lang::say;
use super::outbox::told;
use super::{Lang, Place};
use crate::capture::{PosSystem, choose};
use crate::config::{Config, Loaded, PosConfig, name_of};
use crate::folder::DataFolder;
use crate::secrets::{Secrets, name_after};

/// A catalog may take so long, on a server that is busy.
const CATALOG: Duration = Duration::from_secs(60);

/// Where to look, and with which login.
#[derive(Args)]
pub(super) struct Discover {
    /// Looks at this computer instead of the one it runs on; may be given several times.
    #[arg(long)]
    host: Vec<String>,
    /// Looks at every computer of a private segment, /22 at most: 192.168.1.0/24.
    #[arg(long, value_name = "SEGMENT", conflicts_with_all = ["host", "user"])]
    lan: Option<String>,
    /// Asks this port instead of the usual ones; may be given several times.
    #[arg(long)]
    port: Vec<u16>,
    /// Where the SQL Server Browser listens; 1434 when neither this nor --port is given.
    #[arg(long, value_name = "PORT")]
    browser_port: Option<u16>,
    /// Looks into this folder, and the folders in it, for DBF tables, exports and Firebird databases; may be given several
    /// times.
    #[arg(long)]
    folder: Vec<PathBuf>,
    /// Logs in with this account, which needs to read and nothing else. The password is asked for.
    #[arg(long)]
    user: Option<String>,
    /// Reads the password from this file, which holds nothing else, instead of asking for it.
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// The database to look at; every one that the account may enter when absent.
    #[arg(long, requires = "user")]
    database: Option<String>,
    /// The ODBC data source to look at, instead of a server.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["database", "host", "lan"])]
    dsn: Option<String>,
    /// Which of the servers that were found, where there are several: sqlserver, mysql, postgres or firebird.
    #[arg(long)]
    connector: Option<ConnectorKind>,
    /// Takes this pack, where several fit.
    #[arg(long)]
    pack: Option<String>,
    /// Name of the POS system in the configuration; the pack's name when absent.
    #[arg(long)]
    name: Option<String>,
    /// Currency of amounts that carry none.
    #[arg(long)]
    currency: Option<fluxion_model::money::Currency>,
    /// Time zone of the dates in the POS.
    #[arg(long)]
    time_zone: Option<chrono_tz::Tz>,
    /// Country whose rules on taxes and tax ids apply: VE, MX, AR or PA.
    #[arg(long, value_name = "CODE", value_parser = settings::country)]
    country: Option<Country>,
    /// A setting of the pack, such as the store's number in the POS; may be given several times. What the pack needs and
    /// nobody said is asked for by name; `fluxion-agent packs show NAME` explains all of them.
    #[arg(long = "setting", value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// Adds the section to the end of the configuration, changes nothing else in it, and keeps the password sealed in the data
    /// folder.
    #[arg(long, requires_all = ["currency", "time_zone"])]
    write: bool,
    /// Language; when absent, that of this computer.
    #[arg(long, value_enum)]
    lang: Option<Lang>,
}

/// Something whose tables can be read.
struct Source {
    kind: ConnectorKind,
    title: String,
    /// As the configuration will say it, without a secret in it.
    connection: Json,
    password: Option<String>,
    connector: Box<dyn Connector>,
}

/// A system that was recognised.
struct Found {
    /// Its section of the configuration.
    section: String,
    /// The name by which the section refers to the password, and the password.
    secret: Option<(String, String)>,
}

/// A section as it will stand in the configuration.
#[derive(Serialize)]
struct Section<'a> {
    name: &'a str,
    connector: &'a str,
    pack: &'a str,
    time_zone: &'a str,
    currency: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<Country>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    streams: Vec<String>,
    connection: &'a Json,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    settings: BTreeMap<String, Scalar>,
}

pub(super) async fn discover(place: &Place, wish: &Discover) -> anyhow::Result<ExitCode> {
    let lang = wish.lang.unwrap_or_else(of_this_computer);
    let found = probe::look(hosts(wish).await?, ports(wish)).await;
    show(&found, lang);
    places::show_data_sources(lang);
    let mut sources = places::folders(wish, lang);
    if let Some(dsn) = &wish.dsn {
        sources.push(login::data_source(wish, dsn, lang)?);
    } else if let Some(user) = &wish.user {
        sources.extend(login::databases(&found.servers, wish, user, lang).await?);
    } else if !found.servers.is_empty() {
        let next = say(
            lang,
            "Para reconocer el POS: --user CUENTA, con --database, --host, --port o --connector si hay varios.",
            "To recognise the POS: --user ACCOUNT, with --database, --host, --port or --connector where there are several.",
        );
        println!("{next}");
    }
    let mut sections = Vec::new();
    let mut failed = false;
    for source in sources {
        let title = source.title.clone();
        match look_into(place, wish, source, lang).await {
            Ok(section) => sections.extend(section),
            // One place that cannot be read does not hide the others.
            Err(error) => {
                failed = true;
                println!("[FAIL] {title}: {error:#}");
            }
        }
    }
    if wish.write {
        let [found] = sections.as_slice() else {
            if failed && sections.is_empty() {
                // It was said what is missing.
                return Ok(ExitCode::FAILURE);
            }
            bail!(
                "{} systems were recognised, so nothing was written\nhint: narrow the search to one",
                sections.len()
            );
        };
        append(place, found)?;
        println!(
            "{}: {}",
            say(lang, "Escrito en", "Written to"),
            place.config_path().display()
        );
    } else {
        for found in sections {
            println!("\n{}", found.section);
        }
    }
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn show(found: &probe::Found, lang: Lang) {
    if found.servers.is_empty() {
        let none = say(lang, "Ningún servidor responde.", "No server answers.");
        println!("{none}");
    }
    for server in &found.servers {
        let port = server.port.map_or_else(
            || say(lang, "sin TCP/IP: actívelo", "no TCP/IP: switch it on").to_owned(),
            |port| port.to_string(),
        );
        println!(
            "[ OK ] {} {port}: {} ({})",
            server.host, server.product, server.connector
        );
    }
    if found.unseen > 0 {
        let late = say(
            lang,
            "equipos quedaron sin mirar; use un segmento más pequeño",
            "computers were not looked at in time; name a smaller segment",
        );
        println!("[ !! ] {} {late}", found.unseen);
    }
}

async fn hosts(wish: &Discover) -> anyhow::Result<Vec<IpAddr>> {
    if let Some(segment) = &wish.lan {
        return probe::segment(segment);
    }
    if wish.host.is_empty() {
        return Ok(vec![Ipv4Addr::LOCALHOST.into()]);
    }
    let mut hosts = Vec::new();
    for host in &wish.host {
        let found = tokio::net::lookup_host((host.as_str(), 0)).await;
        let mut found = found.with_context(|| format!("there is no computer {host}"))?;
        hosts.extend(found.next().map(|address| address.ip()));
    }
    Ok(hosts)
}

fn ports(wish: &Discover) -> probe::Wish {
    let usual = wish.port.is_empty().then_some(1434);
    probe::Wish {
        ports: wish.port.clone(),
        browser: wish.browser_port.or(usual),
    }
}

/// Reads the names of tables and columns, and says which pack they fit.
async fn look_into(
    place: &Place,
    wish: &Discover,
    source: Source,
    lang: Lang,
) -> anyhow::Result<Option<Found>> {
    let catalog = tokio::time::timeout(CATALOG, source.connector.catalog()).await;
    let catalog = catalog
        .with_context(|| format!("{} does not answer in time", source.title))?
        .map_err(|error| told(&error))?;
    if catalog.tables.is_empty() {
        return Ok(None);
    }
    let tables: Vec<_> = catalog
        .tables
        .into_iter()
        .map(|table| {
            let columns = table.columns.into_iter().map(|column| column.name);
            (table.name, columns.collect())
        })
        .collect();
    let count = say(lang, "tablas o archivos", "tables or files");
    println!("[ OK ] {}: {} {count}", source.title, tables.len());
    let matches = recognise(&tables);
    let mut best = None;
    for found in &matches {
        let other_way = found.connector != source.kind.as_str();
        report(found, other_way, lang);
        let wanted = wish.pack.as_ref().is_none_or(|name| *name == found.pack);
        if best.is_none() && found.fits() && !other_way && wanted {
            best = Some(found);
        }
    }
    let Some(best) = best else {
        println!(
            "[ !! ] {}",
            say(
                lang,
                "Ningún paquete encaja: escriba un mapeo propio; `fluxion-agent packs show NOMBRE --toml` da un comienzo.",
                "No pack fits: write a mapping of your own; `fluxion-agent packs show NAME --toml` is a beginning.",
            )
        );
        return Ok(None);
    };
    section(place, wish, source, best, lang).await.map(Some)
}

fn report(found: &Match, other_way: bool, lang: Lang) {
    let pack = found.pack;
    if other_way {
        let why = say(lang, "se lee con", "is read by");
        println!("[ !! ] {pack} {}%: {why} {}", found.score, found.connector);
    } else if found.fits() {
        let fits = say(lang, "encaja; flujos", "fits; streams");
        let names: Vec<_> = found.streams.iter().map(ToString::to_string).collect();
        println!("[ OK ] {pack}: {fits} {}", names.join(", "));
    } else {
        let lacks = say(lang, "no se usa, falta", "refused, it lacks");
        println!(
            "[ !! ] {pack} {}%: {lacks} {}",
            found.score,
            list(&found.missing)
        );
    }
    for (stream, missing) in &found.left_out {
        let without = say(lang, "queda fuera, falta", "is left out, it lacks");
        println!("       {stream} {without} {}", list(missing));
    }
}

fn list(missing: &[Missing]) -> String {
    let one = |missing: &Missing| match missing.columns.as_slice() {
        [] => missing.table.clone(),
        columns => format!("{} ({})", missing.table, columns.join(", ")),
    };
    missing.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// The section, with the way of noticing changes that the system allows today as comments: the agent looks again by
/// itself, so nothing is pinned.
async fn section(
    place: &Place,
    wish: &Discover,
    source: Source,
    found: &Match,
    lang: Lang,
) -> anyhow::Result<Found> {
    let mapping = packs::find(found.pack).context("the pack is gone")?;
    let settings = settings::settings(found.pack, &mapping, &found.settings, &wish.settings, lang)?;
    let streams = if found.left_out.is_empty() {
        Vec::new()
    } else {
        found.streams.iter().map(ToString::to_string).collect()
    };
    let section = Section {
        name: wish.name.as_deref().unwrap_or(found.pack),
        connector: source.kind.as_str(),
        pack: found.pack,
        time_zone: wish.time_zone.map_or("UTC", chrono_tz::Tz::name),
        currency: wish
            .currency
            .map_or_else(|| "USD".to_owned(), |own| own.to_string()),
        country: wish.country,
        streams,
        connection: &source.connection,
        settings,
    };
    let mut text = toml::to_string(&BTreeMap::from([("pos", vec![&section])]))?;
    let mut comments = String::new();
    if wish.currency.is_none() || wish.time_zone.is_none() {
        let check = say(
            lang,
            "# Revise time_zone y currency.",
            "# Check time_zone and currency.",
        );
        writeln!(comments, "{check}")?;
    }
    if wish.country.is_none() {
        let none = say(
            lang,
            "# Sin country no se aplican las reglas de impuestos ni de RIF, RFC, CUIT o RUC.",
            "# Without country no rules on taxes and on RIF, RFC, CUIT or RUC apply.",
        );
        writeln!(comments, "{none}")?;
    }
    let path = place.config_path();
    let data_dir = place.folder_path();
    let secret = source.password.map(|password| {
        let kept = Secrets::load(&data_dir);
        let name = kept.map_or_else(
            |_| name_after(section.name, "password"),
            |kept| kept.name_for(section.name, "password", &password),
        );
        (name, password)
    });
    if let Some((name, _)) = &secret {
        let head = "[pos.connection]\n";
        text = text.replace(
            head,
            &format!("{head}password = {{ secret = \"{name}\" }}\n"),
        );
        if !wish.write {
            let keep = say(
                lang,
                "# Guarde la contraseña, sellada:",
                "# Keep the password, sealed:",
            );
            writeln!(comments, "{keep} fluxion-agent secret set {name}")?;
        }
    }
    let loaded = Loaded {
        config: toml::from_str(&format!("server = \"http://localhost\"\n{text}"))?,
        base: path.parent().map_or_else(PathBuf::new, Path::to_path_buf),
        path,
        data_dir: PathBuf::new(),
    };
    let config: &PosConfig = loaded.config.pos.first().context("no section was made")?;
    let pos = PosSystem::with_connector(&loaded, config, source.connector.into())?;
    for rules in pos.streams() {
        let spec = rules.spec();
        let choice = choose(&pos, spec).await.map_err(|error| told(&error))?;
        writeln!(comments, "# {}: {}", spec.name, name_of(&choice.capture))?;
        for (way, why) in &choice.passed_over {
            let why = say(lang, &why.es, &why.en).replace('\n', " ");
            writeln!(comments, "#   {}: {why}", name_of(way))?;
        }
    }
    Ok(Found {
        section: format!("{comments}{text}"),
        secret,
    })
}

/// Adds the section at the end, after the whole was checked.
fn append(place: &Place, found: &Found) -> anyhow::Result<()> {
    let path = place.config_path();
    let before = std::fs::read_to_string(&path).with_context(|| {
        format!(
            "cannot read {}; begin it with a line: server = \"https://…\"",
            path.display()
        )
    })?;
    let addition = format!("\n\n{}", found.section);
    let whole = format!("{}{addition}", before.trim_start_matches('\u{feff}'));
    let config: Config =
        toml::from_str(&whole).with_context(|| format!("{} would not be valid", path.display()))?;
    let mut names: Vec<_> = config.pos.iter().map(|pos| &pos.name).collect();
    names.sort();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        bail!("the configuration has a POS system of that name\nhint: give another with --name");
    }
    if let Some((name, password)) = &found.secret {
        let folder = DataFolder::open(&place.folder_path())?;
        Secrets::load(folder.path())?.set(name, password)?;
    }
    let mut file = OpenOptions::new().append(true).open(&path)?;
    file.write_all(addition.as_bytes())?;
    Ok(file.sync_all()?)
}
