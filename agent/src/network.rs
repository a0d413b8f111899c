//! How requests leave the store's network: straight, or through a proxy. The one place where HTTP clients towards the cloud
//! and towards updates begin.
//!
//! A service runs under an account of its own, so it does not see the proxy that a person has set for themselves; where a
//! store has one, the configuration names it.

use std::path::Path;

use anyhow::Context;
use reqwest::{ClientBuilder, Proxy};

use crate::config::{NetworkConfig, Password, ProxyChoice};
use crate::redact;
use crate::secrets::{SecretError, Secrets};

/// A client that leaves by the configured way and follows no redirects, because only login pages redirect. The proxy's
/// password may be a secret of this data folder.
///
/// # Errors
/// When the proxy's address or its password cannot be used; a [`SecretError`] where the secret cannot be had.
pub fn client(network: &NetworkConfig, data_dir: &Path) -> anyhow::Result<ClientBuilder> {
    let builder = reqwest::Client::builder()
        .user_agent(format!("fluxion-agent/{}", crate::VERSION))
        .redirect(reqwest::redirect::Policy::none());
    Ok(match &network.proxy {
        ProxyChoice::System => builder,
        ProxyChoice::None => builder.no_proxy(),
        ProxyChoice::At(address) => {
            let mut proxy = Proxy::all(address.clone())
                .with_context(|| format!("network.proxy = {address:?} cannot be used"))?;
            let login = login(network, data_dir)
                .context("the password of the proxy (network.proxy_password) cannot be had")?;
            if let Some((user, password)) = login {
                proxy = proxy.basic_auth(&user, &password);
            }
            // What is on this computer needs no proxy, and none could reach it.
            let here = reqwest::NoProxy::from_string("localhost,127.0.0.1,::1");
            builder.no_proxy().proxy(proxy.no_proxy(here))
        }
    })
}

/// Who logs in to the proxy. The one place where its password is resolved.
fn login(
    network: &NetworkConfig,
    data_dir: &Path,
) -> Result<Option<(String, String)>, SecretError> {
    let Some(user) = network.proxy_user.clone() else {
        return Ok(None);
    };
    let password = match &network.proxy_password {
        Some(Password::Kept(name)) => Secrets::load(data_dir)?.open(&name.secret)?,
        Some(Password::Plain(password)) => password.reveal().to_owned(),
        None => String::new(),
    };
    // From now on it is hidden in whatever the agent writes.
    redact::remember(&password);
    Ok(Some((user, password)))
}
