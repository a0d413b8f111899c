//! The way to the cloud: name, line, encryption, what answers there, the clock, and whether the agent is accepted.
//!
//! The request itself decides, because the system may know proxies that nobody else sees. Only when it fails is each
//! step tried alone, to say which one it was.

mod way;

use std::net::IpAddr;

use chrono::TimeDelta;
use reqwest::{StatusCode, Url};

use super::report::Report;
use super::{enrolment, secrets};
use crate::cli::Lang;
use crate::config::{Loaded, NetworkConfig, ProxyChoice};
use crate::folder::{DataFolder, Identity};
use crate::sender::{Cloud, CloudError, Health};

const SKEW: TimeDelta = TimeDelta::seconds(120);
const SLOW: TimeDelta = TimeDelta::seconds(3);

pub(super) async fn cloud(report: &mut Report, loaded: &Loaded, folder: Option<&DataFolder>) {
    let server = &loaded.config.server;
    let Some(url) = address(report, server) else {
        return;
    };
    let identity = folder.and_then(|folder| enrolled(report, folder, server));
    let token = identity.map(|identity| identity.token);
    let is_enrolled = token.is_some();
    let network = &loaded.config.network;
    let cloud = match Cloud::new(server, token, network, &loaded.data_dir) {
        Ok(cloud) => cloud,
        Err(error) => {
            if let Some(problem) = error.downcast_ref() {
                secrets::missing(report, "network.proxy_password", problem);
                return;
            }
            let remedy = report.say(
                "revise los certificados de este equipo",
                "check the certificates of this computer",
            );
            report.bad(&format!("{error:#}"), remedy);
            return;
        }
    };
    let proxy = proxy(report, &url, network);
    match cloud.health().await {
        Ok(health) => {
            if !answers(report, server, &health) {
                return;
            }
            clock(report, &health);
            if is_enrolled {
                accepted(report, &cloud).await;
            }
        }
        Err(error) => way::unreachable(report, &url, proxy.as_ref(), &error).await,
    }
}

/// Which proxy is on the way, and who named it.
fn proxy(report: &mut Report, url: &Url, network: &NetworkConfig) -> Option<Url> {
    let (proxy, who) = match &network.proxy {
        ProxyChoice::None => {
            let what = report.say(
                "No se usa ningún proxy (network.proxy)",
                "No proxy is used (network.proxy)",
            );
            report.good(what);
            return None;
        }
        ProxyChoice::At(proxy) if is_this_computer(url) => {
            tracing::debug!(%proxy, "the server is on this computer, so the proxy is passed by");
            return None;
        }
        ProxyChoice::At(proxy) => (Some(proxy.clone()), "network.proxy"),
        ProxyChoice::System => (
            proxy_of(url, |name| std::env::var(name).ok()),
            "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY",
        ),
    };
    if let Some(proxy) = &proxy {
        let label = report.say("Se usa el proxy", "A proxy is used");
        report.good(&format!("{label}: {} ({who})", host_and_port(proxy)));
    }
    proxy
}

fn address(report: &mut Report, server: &str) -> Option<Url> {
    let url = Url::parse(server).ok().filter(Url::has_host);
    let Some(url) = url else {
        let what = report.say("`server` no es una dirección", "`server` is no address");
        let remedy = report.say(
            "escríbala como en `server = \"https://ingest.ejemplo.com\"`",
            "write it as in `server = \"https://ingest.example.com\"`",
        );
        report.bad(&format!("{what}: {server:?}"), remedy);
        return None;
    };
    if url.scheme() == "http" && !is_this_computer(&url) {
        let what = report.say(
            "La conexión con la nube no está cifrada (http://)",
            "The line to the cloud is not encrypted (http://)",
        );
        let remedy = report.say(
            "ponga https:// en `server`: sin cifrado cualquiera en el camino lee los datos y la clave del agente",
            "put https:// into `server`: without it anybody on the way reads the data and the agent's token",
        );
        report.odd(what, remedy);
    }
    Some(url)
}

fn is_this_computer(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn enrolled(report: &mut Report, folder: &DataFolder, server: &str) -> Option<Identity> {
    match folder.identity() {
        Ok(Some(identity)) => {
            let label = report.say("Inscrito en la tienda", "Enrolled in the store");
            let what = format!(
                "{label}: {} ({})",
                identity.store_name, identity.tenant_name
            );
            report.good(&what);
            if identity.server.trim_end_matches('/') != server.trim_end_matches('/') {
                let what = report.say(
                    "El agente fue inscrito en otro servidor",
                    "The agent was enrolled with another server",
                );
                let remedy = report.say(
                    "corrija `server`, o inscríbalo de nuevo si se mudó",
                    "correct `server`, or enrol it again if it moved",
                );
                report.odd(&format!("{what}: {}", identity.server), remedy);
            }
            enrolment::waiting(report, folder);
            Some(identity)
        }
        Ok(None) => {
            if !enrolment::waiting(report, folder) {
                enrolment::never(report);
            }
            None
        }
        Err(error) => {
            report.bad(
                &format!("{error:#}"),
                report.say("inscríbalo de nuevo", "enrol it again"),
            );
            None
        }
    }
}

/// Whether what answers may be the ingest service.
fn answers(report: &mut Report, server: &str, health: &Health) -> bool {
    let login_page = report.say(
        "abra una página en el navegador de este equipo: si la red pide iniciar sesión, hágalo o use otra red; si no, revise `server`",
        "open a page in this computer's browser: if the network asks for a login, log in or use another network; if not, check `server`",
    );
    let status = health.status;
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        let what = report.say(
            "El proxy pide una contraseña",
            "The proxy asks for a password",
        );
        let remedy = report.say(
            "ponga `proxy_user` y `proxy_password = { secret = \"proxy\" }` en [network] de la configuración y guarde la contraseña con `fluxion-agent secret set proxy`, o permita la dirección sin contraseña",
            "put `proxy_user` and `proxy_password = { secret = \"proxy\" }` under [network] in the configuration and keep the password with `fluxion-agent secret set proxy`, or allow the address without a password",
        );
        report.bad(what, remedy);
        return false;
    }
    if status.is_redirection() || status == StatusCode::NETWORK_AUTHENTICATION_REQUIRED {
        let what = report.say(
            "Otra página responde en lugar de la nube",
            "Another page answers instead of the cloud",
        );
        let to = health.location.as_deref().unwrap_or("?");
        report.bad(&format!("{what}: {server}: {status} -> {to}"), login_page);
        return false;
    }
    if status.is_success() && health.content_type.starts_with("text/html") {
        let what = report.say(
            "Una página web responde en lugar de la nube",
            "A web page answers instead of the cloud",
        );
        report.bad(&format!("{what}: {server}: {status}"), login_page);
        return false;
    }
    if status.is_server_error() {
        let what = report.say("La nube tiene problemas", "The cloud is in trouble");
        let remedy = report.say(
            "espere: lo leído queda en el disco y se envía después; si dura, avise a quien la opera",
            "wait: what was read stays on the disk and is sent later; if it lasts, tell who runs it",
        );
        report.bad(&format!("{what}: {server}: {status}"), remedy);
        return false;
    }
    let label = report.say("La nube responde", "The cloud answers");
    let what = format!("{label}: {server} ({} ms)", health.took.num_milliseconds());
    if health.took > SLOW {
        let remedy = report.say(
            "la línea es lenta; el agente trabaja igual, con retraso",
            "the line is slow; the agent works all the same, with a delay",
        );
        report.odd(&what, remedy);
    } else {
        report.good(&what);
    }
    true
}

fn clock(report: &mut Report, health: &Health) {
    let Some(skew) = health.skew else { return };
    if skew.abs() < SKEW {
        report.good(report.say("El reloj está en hora", "The clock is right"));
        return;
    }
    let seconds = skew.num_seconds();
    let what = match report.lang {
        Lang::Es => format!("El reloj de este equipo difiere {seconds} s del de la nube"),
        Lang::En => format!("This computer's clock differs from the cloud's by {seconds} s"),
    };
    let remedy = report.say(
        "ponga la hora correcta en este equipo y active la sincronización con un servidor de hora",
        "set the right time on this computer and have it kept by a time server",
    );
    report.odd(&what, remedy);
}

async fn accepted(report: &mut Report, cloud: &Cloud) {
    let error = match cloud.resume_point().await {
        Ok(_) => {
            report.good(report.say("La nube acepta el agente", "The cloud accepts the agent"));
            return;
        }
        Err(error) => error,
    };
    let (what, remedy) = match &error {
        CloudError::Unauthorized { .. } => (
            report.say("La nube no acepta este agente", "The cloud does not accept this agent"),
            report.say(
                "pida un código nuevo en el panel y ejecute `fluxion-agent enroll --server URL --code CÓDIGO`",
                "get a new code in the dashboard and run `fluxion-agent enroll --server URL --code CODE`",
            ),
        ),
        CloudError::Busy { .. } => (
            report.say("La nube está ocupada", "The cloud is busy"),
            report.say(
                "espere: lo leído queda en el disco y se envía después",
                "wait: what was read stays on the disk and is sent later",
            ),
        ),
        CloudError::Portal { .. } => (
            report.say(
                "La red pide iniciar sesión: una página web responde en lugar de la nube",
                "The network asks for a login: a web page answers instead of the cloud",
            ),
            report.say(
                "abra cualquier página en el navegador de este equipo e inicie sesión, o use otra red; nada se pierde",
                "open any page in this computer's browser and log in, or use another network; nothing is lost",
            ),
        ),
        CloudError::Garbage { .. } | CloudError::NotFound { .. } | CloudError::OutOfOrder(_) => (
            report.say(
                "Lo que responde no es el servicio de la nube",
                "What answers is not the cloud's service",
            ),
            report.say(
                "revise `server`, y que la red no pida iniciar sesión",
                "check `server`, and that the network asks for no login",
            ),
        ),
        CloudError::Unreachable { .. }
        | CloudError::Stalled { .. }
        | CloudError::ProxyLogin { .. }
        | CloudError::WrongDate { .. }
        | CloudError::Refused { .. } => (
            report.say("La nube no contesta bien", "The cloud does not answer well"),
            report.say(
                "revise la conexión a Internet y `server`; lo leído espera en el disco",
                "check the internet line and `server`; what was read waits on the disk",
            ),
        ),
    };
    report.bad(&format!("{what} ({})", crate::chain(&error)), remedy);
}

/// The proxy that the environment names for this address.
fn proxy_of(url: &Url, variable: impl Fn(&str) -> Option<String>) -> Option<Url> {
    let either = |name: &str| {
        let lower = variable(&name.to_lowercase()).filter(|value| !value.is_empty());
        lower.or_else(|| variable(name).filter(|value| !value.is_empty()))
    };
    let host = url.host_str()?.to_lowercase();
    let spared = either("NO_PROXY").is_some_and(|list| {
        list.split(',').map(str::trim).any(|name| {
            let name = name.trim_start_matches('.').to_lowercase();
            name == "*" || host == name || (!name.is_empty() && host.ends_with(&format!(".{name}")))
        })
    });
    if spared {
        return None;
    }
    let own = match url.scheme() {
        "https" => "HTTPS_PROXY",
        _ => "HTTP_PROXY",
    };
    let named = either(own).or_else(|| either("ALL_PROXY"))?;
    let whole = if named.contains("://") {
        named
    } else {
        format!("http://{named}")
    };
    Url::parse(&whole).ok()
}

/// Never with the password that an address may carry.
fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or("?");
    let port = url.port_or_known_default().unwrap_or(443);
    format!("{host}:{port}")
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::printed;
    use super::*;

    fn health(status: u16, content_type: &str, skew: i64) -> Health {
        Health {
            status: StatusCode::from_u16(status).unwrap(),
            content_type: content_type.to_owned(),
            location: Some("http://hotel.example/login".to_owned()),
            skew: Some(TimeDelta::seconds(skew)),
            took: TimeDelta::milliseconds(40),
        }
    }

    fn told(lang: Lang, health: &Health) -> String {
        printed(lang, |report| {
            if answers(report, "https://x", health) {
                clock(report, health);
            }
        })
    }

    #[test]
    fn what_stands_in_the_way_is_named_and_not_taken_for_the_cloud() {
        for (health, english, spanish) in [
            (health(302, "", 0), "hotel.example/login", "iniciar sesión"),
            (
                health(200, "text/html; charset=utf-8", 0),
                "A web page answers",
                "Una página web",
            ),
            (health(407, "", 0), "The proxy asks", "El proxy pide"),
            (health(511, "text/html", 0), "Another page", "Otra página"),
            (health(503, "", 0), "in trouble", "tiene problemas"),
        ] {
            let said = told(Lang::En, &health);
            assert!(said.contains("[FAIL]") && said.contains(english), "{said}");
            let said = told(Lang::Es, &health);
            assert!(
                said.contains("Qué hacer:") && said.contains(spanish),
                "{said}"
            );
        }
        let said = told(Lang::En, &health(200, "application/json", 1));
        assert!(
            said.contains("The clock is right") && said.ends_with("All is well.\n"),
            "{said}"
        );
    }

    #[test]
    fn a_clock_that_is_off_is_told_with_how_far() {
        let said = told(Lang::En, &health(200, "application/json", -4000));
        assert!(
            said.contains("[ !! ]") && said.contains("-4000 s"),
            "{said}"
        );
        assert!(told(Lang::Es, &health(200, "", 300)).contains("servidor de hora"));
    }

    #[test]
    fn doctor_says_which_proxy_is_used_and_who_named_it() {
        let url = Url::parse("https://ingest.example.com").unwrap();
        let told = |choice: &str, lang| {
            let network = NetworkConfig {
                proxy: choice.parse().unwrap(),
                ..NetworkConfig::default()
            };
            printed(lang, |report| {
                proxy(report, &url, &network);
            })
        };
        let said = told("http://squid.tienda:3128", Lang::Es);
        assert!(
            said.contains("Se usa el proxy: squid.tienda:3128 (network.proxy)"),
            "{said}"
        );
        assert!(told("none", Lang::En).contains("No proxy is used"));
    }

    #[test]
    fn the_proxy_of_the_environment_is_named_without_its_password() {
        let url = Url::parse("https://ingest.example.com").unwrap();
        let with = |no: &'static str| {
            move |name: &str| match name {
                "HTTPS_PROXY" => Some("http://ana:s3cret@proxy:3128".to_owned()),
                "NO_PROXY" => Some(no.to_owned()),
                _ => None,
            }
        };
        let proxy = proxy_of(&url, with("")).unwrap();
        assert_eq!(host_and_port(&proxy), "proxy:3128");
        assert_eq!(proxy_of(&url, with("localhost, .example.com")), None);
        assert!(proxy_of(&url, with("ample.com")).is_some());
        assert_eq!(proxy_of(&url, |_| None), None);
    }
}
