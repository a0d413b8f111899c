use crate::{Context, Rules, packs};
use std::collections::BTreeMap;

#[test]
fn every_pack_can_be_read_and_compiled() {
    for name in packs::names() {
        let mapping = crate::Mapping::from_toml(packs::text(name).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(mapping.name, name);
        let given = mapping
            .settings
            .iter()
            .filter(|(_, s)| s.default.is_none())
            .map(|(n, _)| (n.clone(), crate::Scalar::Text("1".into())))
            .collect::<BTreeMap<_, _>>();
        let context = Context::new(
            &mapping,
            chrono_tz::America::Caracas,
            "VES".parse().unwrap(),
            None,
            &given,
        )
        .unwrap();
        Rules::compile(&mapping, &context).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
