//! How the agent leaves the store's network.

use std::fmt;
use std::str::FromStr;

use fluxion_connectors::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the agent leaves the store's network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// The proxy towards the cloud: "system" takes what this computer has set for the agent's account (HTTPS_PROXY and
    /// NO_PROXY, and on Windows the account's own settings); "none" takes none; or its address, as in
    /// "http://proxy:3128". The service runs under an account of its own and does not see what a person has set in
    /// Windows: name the address then.
    pub proxy: ProxyChoice,
    /// Who logs in to the proxy, where it asks for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_user: Option<String>,
    /// The password for it. Keep it with `fluxion-agent secret set proxy` and refer to it as shown here; written as it
    /// is, everybody who may read this file can read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_password: Option<Password>,
}

/// A password of the agent's own settings. In connections the same reference is resolved before a connector sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "write { secret = \"NAME\" } and keep the password with `fluxion-agent secret set NAME`, or write it as a text"
)]
pub enum Password {
    /// Kept sealed under a name.
    Kept(SecretName),
    /// As it is.
    Plain(#[schemars(with = "String")] Secret),
}

/// `{ secret = "NAME" }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretName {
    /// The name it is kept under.
    pub secret: String,
}

/// Which proxy is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum ProxyChoice {
    /// What the system says.
    #[default]
    System,
    /// None.
    None,
    /// This one.
    At(reqwest::Url),
}

impl FromStr for ProxyChoice {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "system" => return Ok(Self::System),
            "none" => return Ok(Self::None),
            _ => {}
        }
        let url = reqwest::Url::parse(text).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(url) = url else {
            return Err(format!(
                "{text:?} is no proxy; write \"system\", \"none\" or an address such as \"http://proxy:3128\""
            ));
        };
        if url.username().is_empty() && url.password().is_none() {
            Ok(Self::At(url))
        } else {
            Err(
                "the address of the proxy carries a user or a password; put them into network.proxy_user and \
                 network.proxy_password"
                    .to_owned(),
            )
        }
    }
}

impl fmt::Display for ProxyChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::None => f.write_str("none"),
            Self::At(url) => f.write_str(url.as_str().trim_end_matches('/')),
        }
    }
}

impl TryFrom<String> for ProxyChoice {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ProxyChoice> for String {
    fn from(choice: ProxyChoice) -> Self {
        choice.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_named_by_its_address_and_never_with_a_password_in_it() {
        for text in ["system", "none", "http://proxy:3128"] {
            assert_eq!(text.parse::<ProxyChoice>().unwrap().to_string(), text);
        }
        for text in ["", "proxy:3128", "socks5://proxy", "http://"] {
            let said = text.parse::<ProxyChoice>().unwrap_err();
            assert!(said.contains("http://proxy:3128"), "{said}");
        }
        let said = "http://ana:s3cret@proxy"
            .parse::<ProxyChoice>()
            .unwrap_err();
        assert!(said.contains("proxy_password") && !said.contains("s3cret"));
    }

    #[test]
    fn the_password_of_the_proxy_is_a_text_or_the_name_of_a_secret() {
        let password = |text: &str| {
            let config: Result<NetworkConfig, _> = toml::from_str(text);
            config.map(|config| config.proxy_password.unwrap())
        };
        let plain = password("proxy_password = 's3cret'").unwrap();
        assert_eq!(plain, Password::Plain(Secret::new("s3cret")));
        assert!(!format!("{plain:?}").contains("s3cret"));
        let kept = password("proxy_password = { secret = 'proxy' }").unwrap();
        assert!(matches!(kept, Password::Kept(name) if name.secret == "proxy"));
        for wrong in ["{ secrt = 'proxy' }", "{ secret = 'a', more = 'b' }", "7"] {
            let said = password(&format!("proxy_password = {wrong}"));
            let said = said.unwrap_err().to_string();
            assert!(said.contains("secret set NAME"), "{said}");
        }
    }
}
