//! Whether the agent takes newer versions, and what became of the last one.

use super::report::Report;
use crate::config::Loaded;
use crate::folder::DataFolder;
use crate::update::this_build;
use crate::update::versions::Versions;

pub(super) fn updates(report: &mut Report, loaded: &Loaded, folder: &DataFolder) {
    let own = this_build::name();
    let label = report.say("Versión del agente", "Version of the agent");
    let by_hand = report.say(
        "instale las versiones nuevas a mano, con el instalador",
        "install new versions by hand, with the installer",
    );
    if this_build::release_key().is_none() {
        let what = report.say(
            "este programa se compiló sin clave y no recibe actualizaciones",
            "this program was built without a release key and takes no updates",
        );
        report.note(&format!("{label}: {own}; {what}"), by_hand);
        return;
    }
    if !loaded.config.update.enabled {
        let what = report.say(
            "las actualizaciones están desactivadas ([update] enabled = false)",
            "updates are switched off ([update] enabled = false)",
        );
        report.note(&format!("{label}: {own}; {what}"), by_hand);
        return;
    }
    let folder = Versions::in_data(folder.path());
    let versions = Versions::new(folder.clone(), this_build::release_key());
    let plan = match versions.plan() {
        Ok(plan) => plan,
        Err(error) => {
            let what = report.say("No se puede leer la carpeta", "The folder cannot be read");
            let remedy = report.say(
                "dé a la cuenta del agente permiso sobre esa carpeta",
                "give the agent's account the right to that folder",
            );
            report.bad(&format!("{what} {}: {error}", folder.display()), remedy);
            return;
        }
    };
    let rejected = plan
        .rejected
        .last()
        .filter(|last| last.version > *this_build::version());
    if let Some(rejected) = rejected {
        let what = report.say(
            "no funcionó aquí y no se usa",
            "did not work here and is not used",
        );
        let remedy = report.say(
            "avise a quien publica las versiones; una más nueva se prueba sola",
            "tell whoever publishes versions; a newer one is tried by itself",
        );
        report.odd(
            &format!("{} {what}: {}", rejected.version, rejected.reason),
            remedy,
        );
    }
    let running = plan.active.map_or(own, |active| active.version.to_string());
    let what = report.say("recibe actualizaciones", "takes updates");
    report.good(&format!("{label}: {running}; {what}"));
}
