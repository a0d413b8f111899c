//! Which step of the way to the cloud fails, once a request has failed: the name, the line, the encryption, or who answers.

use std::time::Duration;

use reqwest::Url;
use rustls::CertificateError;

use super::{Report, host_and_port};
use crate::sender::{CloudError, tls_trouble};

/// A name or a line that takes longer is as good as none.
const STEP: Duration = Duration::from_secs(5);

/// Says which step of the way fails.
pub(super) async fn unreachable(
    report: &mut Report,
    url: &Url,
    proxy: Option<&Url>,
    error: &CloudError,
) {
    let (what, remedy) = match tls_trouble(error) {
        Some(trouble) => certificate(report, trouble),
        None if matches!(error, CloudError::ProxyLogin { .. }) => (
            report.say(
                "El proxy pide una contraseña",
                "The proxy asks for a password",
            ),
            report.say(
                "ponga `proxy_user` y `proxy_password = { secret = \"proxy\" }` en [network] de la configuración y guarde la contraseña con `fluxion-agent secret set proxy`",
                "put `proxy_user` and `proxy_password = { secret = \"proxy\" }` under [network] in the configuration and keep the password with `fluxion-agent secret set proxy`",
            ),
        ),
        None => step(report, proxy.unwrap_or(url), proxy.is_some()).await,
    };
    let what = format!("{what}: {} ({})", host_and_port(url), crate::chain(error));
    report.bad(&what, remedy);
}

async fn step(report: &Report, to: &Url, is_proxy: bool) -> (&'static str, &'static str) {
    let address = host_and_port(to);
    let found = tokio::time::timeout(STEP, tokio::net::lookup_host(address)).await;
    let Some(found) = found.ok().and_then(Result::ok) else {
        return (
            report.say("El nombre no se encuentra (DNS)", "The name is not found (DNS)"),
            report.say(
                "revise `server`, que haya Internet, y el DNS de la red; 1.1.1.1 u 8.8.8.8 sirven de prueba",
                "check `server`, that there is internet, and the network's DNS; 1.1.1.1 or 8.8.8.8 serve as a trial",
            ),
        );
    };
    let mut connected = false;
    for address in found.take(4) {
        let line = tokio::time::timeout(STEP, tokio::net::TcpStream::connect(address)).await;
        connected |= matches!(line, Ok(Ok(_)));
    }
    if !connected && is_proxy {
        return (
            report.say("El proxy no se alcanza (TCP)", "The proxy is not reached (TCP)"),
            report.say(
                "revise la dirección del proxy (network.proxy o HTTPS_PROXY) y que esté encendido, o ponga network.proxy = \"none\"",
                "check the proxy's address (network.proxy or HTTPS_PROXY) and that it runs, or set network.proxy = \"none\"",
            ),
        );
    }
    if !connected {
        return (
            report.say("El servidor no se alcanza (TCP)", "The server is not reached (TCP)"),
            report.say(
                "revise la conexión a Internet, el puerto en `server`, y que el cortafuegos o antivirus deje salir a fluxion-agent",
                "check the internet line, the port in `server`, and that firewall and antivirus let fluxion-agent out",
            ),
        );
    }
    (
        report.say(
            "La línea se abre, pero nadie contesta (HTTP)",
            "The line opens, but nobody answers (HTTP)",
        ),
        report.say(
            "revise `server` (https:// o http://, y el puerto) y que ningún antivirus o proxy corte la conexión",
            "check `server` (https:// or http://, and the port) and that no antivirus or proxy cuts the line",
        ),
    )
}

fn certificate(report: &Report, trouble: &rustls::Error) -> (&'static str, &'static str) {
    let rustls::Error::InvalidCertificate(why) = trouble else {
        return (
            report.say("No se acuerda el cifrado (TLS)", "No encryption is agreed on (TLS)"),
            report.say(
                "revise que `server` sea https:// con su puerto, y que ningún antivirus o proxy intervenga la conexión",
                "check that `server` is https:// with its port, and that no antivirus or proxy stands in the line",
            ),
        );
    };
    match why {
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            report.say(
                "El reloj de este equipo está atrasado: el certificado del servidor aún no vale en esta fecha (TLS)",
                "This computer's clock is behind: the server's certificate is not valid yet at this date (TLS)",
            ),
            report.say(
                "ponga la fecha y hora correctas en este equipo y active la sincronización; si vuelve a atrasarse, cambie la pila de la placa",
                "set the right date and time on this computer and have them kept by a time server; if it falls behind again, change the board's battery",
            ),
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            report.say(
                "El certificado del servidor no vale en esta fecha (TLS)",
                "The server's certificate is not valid at this date (TLS)",
            ),
            report.say(
                "ponga la fecha y hora correctas en este equipo; si están bien, avise a quien opera el servidor",
                "set the right date and time on this computer; if they are right, tell who runs the server",
            ),
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            report.say(
                "El certificado es de otro servidor (TLS)",
                "The certificate is another server's (TLS)",
            ),
            report.say(
                "revise `server`; en redes que piden iniciar sesión, hágalo antes en el navegador",
                "check `server`; in networks that ask for a login, log in by a browser first",
            ),
        ),
        _ => (
            report.say(
                "El certificado del servidor no es de confianza (TLS)",
                "The server's certificate is not trusted (TLS)",
            ),
            report.say(
                "actualice los certificados de este equipo; si un antivirus o proxy revisa el tráfico cifrado, excluya esta dirección",
                "update this computer's certificates; if an antivirus or proxy looks into encrypted traffic, except this address",
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Lang;
    use crate::cli::doctor::report::tests::printed;

    #[test]
    fn tls_trouble_is_found_where_io_errors_hide_it() {
        let inner = rustls::Error::InvalidCertificate(CertificateError::Expired);
        let hidden = std::io::Error::other(std::io::Error::other(inner));
        let found = tls_trouble(&hidden).unwrap();
        let said = printed(Lang::Es, |report| {
            let (what, remedy) = certificate(report, found);
            report.bad(what, remedy);
        });
        assert!(said.contains("fecha y hora correctas"), "{said}");
        let early = rustls::Error::InvalidCertificate(CertificateError::NotValidYet);
        let said = printed(Lang::En, |report| {
            let (what, remedy) = certificate(report, &early);
            report.bad(what, remedy);
        });
        assert!(said.contains("clock is behind"), "{said}");
        assert!(tls_trouble(&std::io::Error::other("no")).is_none());
    }
}
