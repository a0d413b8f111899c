//! What is the agent's own: its folder, the disk, what waits in the spool, and its timetable.

use chrono::{DateTime, TimeDelta, Timelike, Utc};

use super::report::Report;
use crate::cli::Lang;
use crate::config::{Loaded, PosConfig};
use crate::folder::DataFolder;
use crate::spool::{FILE_NAME, Peek, StreamSummary};

const LITTLE_SPACE: u64 = 2_000_000_000;
/// The outbox of a line that was down for so long should be looked at.
const LONG_WAIT: TimeDelta = TimeDelta::hours(24);
/// Deletes that nobody hears of for longer surprise people.
const LONG_BETWEEN_SWEEPS: TimeDelta = TimeDelta::days(8);
const SHORT_BETWEEN_SWEEPS: TimeDelta = TimeDelta::hours(1);
/// When a store is open, in its own time.
const OPEN: std::ops::Range<u32> = 9..20;
const SLOW_ROWS: u32 = 20;

/// The folder, if it can be used.
pub(super) fn data_folder(report: &mut Report, loaded: &Loaded) -> Option<DataFolder> {
    let remedy = report.say(
        "dé a la cuenta del agente permiso de escritura sobre esa carpeta, o nombre otra con --data-dir o `data_dir`",
        "give the agent's account the right to write in that folder, or name another with --data-dir or `data_dir`",
    );
    let path = loaded.data_dir.display();
    let folder = match DataFolder::open(&loaded.data_dir) {
        Ok(folder) => folder,
        Err(error) => {
            let what = report.say(
                "La carpeta de datos no se puede crear",
                "The data folder cannot be created",
            );
            report.bad(&format!("{what}: {error:#}"), remedy);
            return None;
        }
    };
    match folder.check_writable() {
        Ok(()) => {
            let what = report.say("Carpeta de datos escribible", "Data folder is writable");
            report.good(&format!("{what}: {path}"));
        }
        Err(error) => {
            let what = report.say(
                "No se puede escribir en la carpeta de datos",
                "The data folder cannot be written",
            );
            report.bad(&format!("{what}: {error:#}"), remedy);
        }
    }
    at_work(report, &folder);
    spool(report, loaded, &folder);
    Some(folder)
}

fn at_work(report: &mut Report, folder: &DataFolder) {
    match folder.try_lock() {
        Ok(None) => {
            report.good(report.say("El agente está trabajando", "The agent is at work"));
        }
        Ok(Some(lock)) => {
            drop(lock);
            let what = report.say("El agente no está trabajando", "The agent is not at work");
            let remedy = report.say(
                "inicie el servicio, o ejecute `fluxion-agent run`",
                "start the service, or run `fluxion-agent run`",
            );
            report.note(what, remedy);
        }
        // The folder cannot be written, which was said.
        Err(error) => tracing::debug!(%error, "the lock cannot be tried"),
    }
}

/// What the spool tells.
struct Spooled {
    batches: u64,
    bytes: u64,
    oldest: Option<DateTime<Utc>>,
    streams: Vec<StreamSummary>,
}

fn spool(report: &mut Report, loaded: &Loaded, folder: &DataFolder) {
    let limit = loaded.config.spool.max_size_mb.saturating_mul(1_000_000);
    let on_disk = std::fs::metadata(folder.path().join(FILE_NAME)).map_or(0, |file| file.len());
    let least = loaded.config.spool.min_free_mb.saturating_mul(1_000_000);
    disk(
        report,
        folder.free_bytes(),
        limit.saturating_sub(on_disk),
        least,
    );
    let found = Peek::open(folder.path()).and_then(|peek| {
        let Some(peek) = peek else { return Ok(None) };
        let (batches, bytes) = peek.waiting()?;
        let oldest = peek.deliveries(1)?.into_iter().next();
        let oldest = oldest.and_then(|first| DateTime::parse_from_rfc3339(&first.made_at).ok());
        Ok(Some(Spooled {
            batches,
            bytes,
            oldest: oldest.map(|at| at.to_utc()),
            streams: peek.streams()?,
        }))
    });
    match found {
        Ok(Some(spooled)) => waiting(report, &spooled, limit),
        Ok(None) => {
            let what = report.say("Aún no se ha leído nada", "Nothing was read yet");
            report.good(what);
        }
        Err(error) => {
            let what = report.say(
                "La cola en disco no se puede leer",
                "The spool cannot be read",
            );
            let remedy = report.say(
                "inicie el agente: reemplaza un archivo dañado y lee todo de nuevo",
                "start the agent: it replaces a damaged file and reads everything again",
            );
            let what = format!("{what}: {}", crate::chain(&error));
            report.bad(&what, remedy);
        }
    }
}

fn disk(report: &mut Report, free: Option<u64>, may_grow: u64, least: u64) {
    let Some(free) = free else { return };
    let label = report.say("Espacio libre en disco", "Free disk space");
    let what = format!("{label}: {}", size(free));
    if free < least {
        let remedy = report.say(
            "libere espacio: por debajo de `spool.min_free_mb` no se lee el POS; lo leído se sigue enviando y la lectura continúa sola",
            "free some: below `spool.min_free_mb` the POS is not read; what was read is still sent, and reading goes on by itself",
        );
        report.bad(&what, remedy);
    } else if free < LITTLE_SPACE {
        let remedy = report.say(
            "libere espacio; sin él la lectura se detiene",
            "free some; without it reading stops",
        );
        report.odd(&what, remedy);
    } else if free < may_grow {
        let limit = size(may_grow);
        let remedy = match report.lang {
            Lang::Es => format!(
                "libere espacio o reduzca `spool.max_size_mb`: con Internet caído la cola puede crecer {limit} más"
            ),
            Lang::En => format!(
                "free some or lower `spool.max_size_mb`: while the line is down the spool may grow by {limit}"
            ),
        };
        report.odd(&what, &remedy);
    } else {
        report.good(&what);
    }
}

fn waiting(report: &mut Report, spooled: &Spooled, limit: u64) {
    let label = report.say("Envíos en espera", "Deliveries that wait");
    let what = format!(
        "{label}: {} ({} / {})",
        spooled.batches,
        size(spooled.bytes),
        size(limit)
    );
    let old = spooled.oldest.filter(|at| Utc::now() - *at > LONG_WAIT);
    if spooled.bytes >= limit {
        let remedy = report.say(
            "restablezca la conexión con la nube o aumente `spool.max_size_mb`; mientras tanto no se lee el POS",
            "bring the line to the cloud back or raise `spool.max_size_mb`; until then the POS is not read",
        );
        report.bad(&what, remedy);
    } else if spooled.bytes >= limit / 5 * 4 {
        let remedy = report.say(
            "restablezca la conexión con la nube o aumente `spool.max_size_mb`, antes de que se detenga la lectura",
            "bring the line to the cloud back or raise `spool.max_size_mb`, before reading stops",
        );
        report.odd(&what, remedy);
    } else if let Some(at) = old {
        let since = report.say("el más antiguo es del", "the oldest is of");
        let what = format!("{what}; {since} {}", at.format("%Y-%m-%d %H:%M UTC"));
        let remedy = report.say(
            "inicie el agente y vea abajo si la nube responde; nada se pierde",
            "start the agent and see below whether the cloud answers; nothing is lost",
        );
        report.odd(&what, remedy);
    } else {
        report.good(&what);
    }
    for stream in &spooled.streams {
        halted(report, stream);
    }
}

fn halted(report: &mut Report, stream: &StreamSummary) {
    let name = format!("{}/{}", stream.pos, stream.stream);
    if let Some(halt) = &stream.halted {
        let waits = report.say(
            "espera a una persona desde",
            "has waited for a person since",
        );
        let since = halt.since.format("%Y-%m-%d %H:%M UTC");
        let what = format!("{name}: {waits} {since}: {}", halt.message);
        let hint = halt.hint.as_deref().unwrap_or_default();
        let remedy = match report.lang {
            Lang::Es => crate::spanish::halted(&stream.pos, &stream.stream, halt),
            Lang::En if hint.is_empty() => "see the log of the agent".to_owned(),
            Lang::En => hint.to_owned(),
        };
        report.bad(&what, &remedy);
    }
    if stream.rejects > 0 {
        let aside = report.say("registros apartados", "rows set aside");
        let what = format!("{name}: {aside}: {}", stream.rejects);
        let remedy = report.say(
            "`fluxion-agent rejects` dice cuáles y por qué",
            "`fluxion-agent rejects` says which and why",
        );
        report.odd(&what, remedy);
    }
}

/// Whether the timetable of a POS system makes sense.
pub(super) fn timetable(report: &mut Report, pos: &PosConfig, now: DateTime<Utc>) {
    let name = &pos.name;
    if let Some(schedule) = &pos.schedule
        && schedule.next_after(now, pos.time_zone).is_none()
    {
        let never = report.say(
            "la expresión de `schedule` no nombra ningún momento futuro",
            "`schedule` names no moment to come",
        );
        let remedy = report.say(
            "corríjala, o use `every = \"15s\"`",
            "correct it, or use `every = \"15s\"`",
        );
        let what = format!("{name}: {never}");
        report.bad(&what, remedy);
    }
    if let Some(every) = pos.every.filter(|every| every.0.as_secs() > 86_400) {
        let rare = report.say("se lee solo cada", "is read only every");
        let remedy = report.say("reduzca `every`", "lower `every`");
        let what = format!("{name}: {rare} {every}");
        report.odd(&what, remedy);
    }
    if (1..SLOW_ROWS).contains(&pos.rows_per_second) {
        let slow = report.say(
            "`rows_per_second` es muy bajo; la primera lectura puede durar días",
            "`rows_per_second` is very low; the first load may take days",
        );
        let remedy = report.say("auméntelo", "raise it");
        let what = format!("{name}: {slow}");
        report.odd(&what, remedy);
    }
    if pos.time_zone == chrono_tz::Tz::UTC && pos.country.is_some() {
        let utc = report.say(
            "la zona horaria es UTC: las fechas del POS se entenderían corridas varias horas",
            "the time zone is UTC: dates of the POS would be taken hours off",
        );
        let remedy = report.say(
            "ponga `time_zone`, como en \"America/Caracas\"",
            "set `time_zone`, as in \"America/Caracas\"",
        );
        let what = format!("{name}: {utc}");
        report.odd(&what, remedy);
    }
    sweep(report, pos, now);
}

fn sweep(report: &mut Report, pos: &PosConfig, now: DateTime<Utc>) {
    let name = &pos.name;
    let first = pos.sweep.next_after(now, pos.time_zone);
    let second = first.and_then(|first| pos.sweep.next_after(first, pos.time_zone));
    let (Some(first), Some(second)) = (first, second) else {
        let never = report.say(
            "`sweep` no nombra momentos futuros, así que no se notarían eliminaciones",
            "`sweep` names no moments to come, so deletes would not be noticed",
        );
        let remedy = report.say(
            "corríjalo, como en `sweep = \"0 30 2 * * *\"` (cada día a las 02:30)",
            "correct it, as in `sweep = \"0 30 2 * * *\"` (every day at 02:30)",
        );
        let what = format!("{name}: {never}");
        report.bad(&what, remedy);
        return;
    };
    let local = first.with_timezone(&pos.time_zone);
    let label = report.say("comparación completa", "full comparison");
    let what = format!("{name}: {label}: {}", local.format("%Y-%m-%d %H:%M (%Z)"));
    let remedy = if second - first > LONG_BETWEEN_SWEEPS {
        report.say(
            "póngala al menos una vez por semana: lo eliminado se nota entonces a más tardar",
            "have it at least once a week: deletes are noticed then at the latest",
        )
    } else if second - first < SHORT_BETWEEN_SWEEPS {
        report.say(
            "una vez al día basta: lee todo, y más seguido carga el POS",
            "once a day is enough: it reads everything, and more often burdens the POS",
        )
    } else if OPEN.contains(&local.hour()) {
        report.say(
            "póngala de noche, cuando la tienda está cerrada, como en `sweep = \"0 30 2 * * *\"`",
            "have it at night, while the store is closed, as in `sweep = \"0 30 2 * * *\"`",
        )
    } else {
        report.good(&what);
        return;
    };
    report.odd(&what, remedy);
}

fn size(bytes: u64) -> String {
    if bytes >= 10_000_000_000 {
        format!("{} GB", bytes / 1_000_000_000)
    } else {
        format!("{} MB", bytes.div_ceil(1_000_000))
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::printed;
    use super::*;

    const LEAST: u64 = 500_000_000;

    fn pos(more: &str) -> PosConfig {
        let text = format!(
            "name = \"caja\"\nconnector = \"mysql\"\npack = \"x\"\ncurrency = \"VES\"\n{more}\n[connection]\n"
        );
        toml::from_str(&text).unwrap()
    }

    fn told(lang: Lang, more: &str) -> String {
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        printed(lang, |report| timetable(report, &pos(more), now))
    }

    #[test]
    fn a_sensible_timetable_is_well() {
        let said = told(
            Lang::En,
            "time_zone = \"America/Caracas\"\ncountry = \"VE\"",
        );
        assert!(said.contains("2026-03-02 02:30"), "{said}");
        assert!(said.ends_with("All is well.\n"), "{said}");
    }

    #[test]
    fn timetables_that_make_no_sense_are_named_with_a_better_one() {
        for (more, english, spanish) in [
            ("sweep = \"0 0 12 * * *\"", "at night", "de noche"),
            ("sweep = \"0 * * * * *\"", "once a day", "una vez al día"),
            ("sweep = \"0 0 3 1 1 *\"", "once a week", "por semana"),
            ("sweep = \"0 0 3 1 1 * 2001\"", "[FAIL]", "eliminaciones"),
            (
                "schedule = \"0 0 3 1 1 * 2001\"",
                "no moment to come",
                "momento futuro",
            ),
            ("every = \"3d\"", "only every 3d", "solo cada 3d"),
            ("rows_per_second = 2", "very low", "muy bajo"),
            (
                "country = \"MX\"",
                "time zone is UTC",
                "zona horaria es UTC",
            ),
        ] {
            let said = told(Lang::En, more);
            assert!(said.contains(english), "{more}: {said}");
            let said = told(Lang::Es, more);
            assert!(
                said.contains(spanish) && said.contains("Qué hacer"),
                "{more}: {said}"
            );
        }
    }

    #[test]
    fn a_disk_that_the_spool_could_fill_is_said() {
        let said = printed(Lang::En, |report| {
            disk(report, Some(5_000_000_000), 9_000_000_000, LEAST)
        });
        assert!(said.contains("max_size_mb"), "{said}");
        let said = printed(Lang::Es, |report| {
            disk(report, Some(1_000_000_000), 1, LEAST)
        });
        assert!(said.contains("libere espacio"), "{said}");
        let said = printed(Lang::Es, |report| disk(report, Some(400_000_000), 1, LEAST));
        assert!(
            said.contains("[FAIL]") && said.contains("la lectura continúa sola"),
            "{said}"
        );
        let said = printed(Lang::Es, |report| {
            disk(report, Some(50_000_000_000), 1, LEAST)
        });
        assert!(said.contains("[ OK ]"), "{said}");
    }

    #[test]
    fn a_full_spool_does_not_work_and_an_old_one_is_odd() {
        let spooled = |bytes, hours| Spooled {
            batches: 3,
            bytes,
            oldest: Some(Utc::now() - TimeDelta::hours(hours)),
            streams: Vec::new(),
        };
        let told = |spooled| printed(Lang::En, |report| waiting(report, &spooled, 1_000_000));
        assert!(told(spooled(1_000_000, 1)).contains("[FAIL]"));
        assert!(told(spooled(900_000, 1)).contains("[ !! ]"));
        assert!(told(spooled(10, 30)).contains("the oldest is of"));
        assert!(told(spooled(10, 1)).contains("[ OK ]"));
    }
}
