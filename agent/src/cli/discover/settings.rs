//! What a pack must be told about a store because no table says it: its settings, and the country.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::bail;
use fluxion_mappings::document::Setting;
use fluxion_mappings::{Country, Mapping, Scalar};

use crate::cli::Lang;

/// A country whose rules are known.
pub(super) fn country(code: &str) -> Result<Country, String> {
    serde_json::from_value(code.to_uppercase().into())
        .map_err(|_| format!("{code:?} is none of VE, MX, AR and PA"))
}

/// The settings of a section: what the names of tables tell, and over it what the person says. What has a default and is
/// not said stays out.
///
/// # Errors
/// When the pack needs one that nobody said, or has none of a name.
pub(super) fn settings(
    pack: &str,
    mapping: &Mapping,
    from_tables: &BTreeMap<String, Vec<String>>,
    given: &[String],
    lang: Lang,
) -> anyhow::Result<BTreeMap<String, Scalar>> {
    let mut settings = BTreeMap::new();
    for (name, values) in from_tables {
        if let Some(value) = values.first() {
            settings.insert(name.clone(), Scalar::Text(value.clone()));
        }
    }
    for one in given {
        let Some((name, value)) = one.split_once('=') else {
            match lang {
                Lang::Es => bail!("--setting {one:?} debe ser NOMBRE=VALOR"),
                Lang::En => bail!("--setting {one:?} must be NAME=VALUE"),
            }
        };
        let (name, value) = (name.trim(), value.trim());
        if !mapping.settings.contains_key(name) {
            bail!("{}", unknown(pack, mapping, name, lang));
        }
        settings.insert(name.to_owned(), Scalar::Text(value.to_owned()));
    }
    let required = mapping.settings.iter();
    let missing: Vec<_> = required
        .filter(|(name, setting)| setting.default.is_none() && !settings.contains_key(*name))
        .collect();
    if missing.is_empty() {
        return Ok(settings);
    }
    let mut said = match lang {
        Lang::Es => {
            format!("el paquete {pack} necesita saber algo de esta tienda; agregue a la orden:")
        }
        Lang::En => {
            format!("the pack {pack} needs to be told about this store; add to the command:")
        }
    };
    for (name, setting) in missing {
        write!(said, "\n         {}", wanted(name, setting))?;
    }
    bail!(said)
}

fn unknown(pack: &str, mapping: &Mapping, name: &str, lang: Lang) -> String {
    let known: Vec<_> = mapping.settings.keys().map(String::as_str).collect();
    let known = known.join(", ");
    match lang {
        Lang::Es if known.is_empty() => format!("el paquete {pack} no tiene ajustes"),
        Lang::En if known.is_empty() => format!("the pack {pack} has no settings"),
        Lang::Es => format!("el paquete {pack} no tiene el ajuste {name:?}; tiene: {known}"),
        Lang::En => format!("the pack {pack} has no setting {name:?}; it has: {known}"),
    }
}

/// `--setting location_id=…    The location_id of this store in the stock table`
fn wanted(name: &str, setting: &Setting) -> String {
    let one_of: Vec<_> = setting.one_of.iter().map(ToString::to_string).collect();
    let one_of = if one_of.is_empty() {
        "…".to_owned()
    } else {
        one_of.join("|")
    };
    format!("--setting {name}={one_of}    {}", setting.description)
}

#[cfg(test)]
mod tests {
    use fluxion_mappings::packs;

    use super::*;

    fn given(pack: &str, settings: &[&str]) -> Result<BTreeMap<String, Scalar>, String> {
        let given: Vec<_> = settings.iter().map(|one| (*one).to_owned()).collect();
        let mapping = packs::find(pack).unwrap();
        super::settings(pack, &mapping, &BTreeMap::new(), &given, Lang::En)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_setting_that_nobody_said_is_asked_for_with_what_it_means() {
        let said = given("systimax-mysql", &[]).unwrap_err();
        let line = "--setting location_id=…    The location_id of this store in the stock table";
        assert!(said.contains(line), "{said}");
        let told = given("systimax-mysql", &["location_id = 3"]).unwrap();
        assert_eq!(told["location_id"], Scalar::Text("3".to_owned()));
    }

    #[test]
    fn a_setting_that_the_pack_does_not_have_is_answered_with_those_it_has() {
        let said = given("systimax-mysql", &["locaton_id=3"]).unwrap_err();
        assert!(said.contains("it has: location_id"), "{said}");
        let said = given("systimax-mysql", &["location_id"]).unwrap_err();
        assert!(said.contains("NAME=VALUE"), "{said}");
    }

    #[test]
    fn a_country_is_known_in_small_letters_too() {
        assert_eq!(country("ve"), Ok(Country::Venezuela));
        assert!(country("US").unwrap_err().contains("VE, MX, AR"));
    }
}
