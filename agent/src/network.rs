//! How requests leave the store's network: straight, or through a proxy. The one place where HTTP clients towards the cloud
//! and towards updates begin.
//!
//! A service runs under an account of its own, so it does not see the proxy that a person has set for themselves; where a
//! store has one, the configuration names it.

use anyhow::Context;
use reqwest::{ClientBuilder, Proxy};

use crate::config::{NetworkConfig, ProxyChoice};
use crate::redact;

/// A client that leaves by the configured way and follows no redirects, because only login pages redirect.
///
/// # Errors
/// When the proxy's address or its password cannot be used.
pub fn client(network: &NetworkConfig) -> anyhow::Result<ClientBuilder> {
    let builder = reqwest::Client::builder()
        .user_agent(format!("fluxion-agent/{}", crate::VERSION))
        .redirect(reqwest::redirect::Policy::none());
    Ok(match &network.proxy {
        ProxyChoice::System => builder,
        ProxyChoice::None => builder.no_proxy(),
        ProxyChoice::At(address) => {
            let mut proxy = Proxy::all(address.clone())
                .with_context(|| format!("network.proxy = {address:?} cannot be used"))?;
            if let Some((user, password)) = login(network) {
                proxy = proxy.basic_auth(&user, &password);
            }
            // What is on this computer needs no proxy, and none could reach it.
            let here = reqwest::NoProxy::from_string("localhost,127.0.0.1,::1");
            builder.no_proxy().proxy(proxy.no_proxy(here))
        }
    })
}

/// Who logs in to the proxy. The one place where its password is resolved.
fn login(network: &NetworkConfig) -> Option<(String, String)> {
    let user = network.proxy_user.clone()?;
    let password = network.proxy_password.as_ref();
    let password = password.map_or("", |kept| kept.reveal());
    // From now on it is hidden in whatever the agent writes.
    redact::remember(password);
    Some((user, password.to_owned()))
}
