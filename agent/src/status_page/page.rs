//! The facts as one HTML page: no scripts, nothing loaded from elsewhere, readable on a phone and in the dark.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use fluxion_model::heartbeat::StreamPhase;

use super::words::Lang;
use super::{Facts, Verdict, facts::Stream};
use crate::spanish;
use crate::spool::Halt;

const STYLE: &str = include_str!("page.css");

/// The whole page. `nonce` is what the policy of this answer lets the style through by.
pub(super) fn page(facts: &Facts, lang: Lang, nonce: &str) -> String {
    let store = facts.store.as_deref().unwrap_or("Fluxion Sync");
    let mut out = format!(
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
         <meta http-equiv=\"refresh\" content=\"15\"><title>{} · {}</title><style nonce=\"{nonce}\">{STYLE}</style></head>\
         <body><main>",
        lang.code(),
        escape(headline(facts.verdict, lang)),
        escape(store),
    );
    head(&mut out, facts, lang);
    verdict(&mut out, facts, lang);
    measures(&mut out, facts, lang);
    to_do(&mut out, facts, lang);
    streams(&mut out, facts, lang);
    help(&mut out, lang);
    foot(&mut out, facts, lang);
    out.push_str("</main></body></html>");
    out
}

/// Adds text; writing to a `String` cannot fail.
fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).unwrap_or_default();
}

/// Whatever comes from a POS, the cloud or a person is text and nothing else.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Well => "well",
        Verdict::Watch => "watch",
        Verdict::Act => "act",
    }
}

fn headline(verdict: Verdict, lang: Lang) -> &'static str {
    match verdict {
        Verdict::Well => lang.say("Todo está en orden", "All is well"),
        Verdict::Watch => lang.say("Funciona, con avisos", "It works, with warnings"),
        Verdict::Act => lang.say("Hay algo que resolver", "Something has to be solved"),
    }
}

fn head(out: &mut String, facts: &Facts, lang: Lang) {
    let store = facts.store.as_deref().map_or_else(
        || {
            lang.say("Agente sin inscribir", "Agent not enrolled")
                .to_owned()
        },
        escape,
    );
    let company = facts.company.as_deref().map(escape).unwrap_or_default();
    let other = lang.other();
    put(
        out,
        format_args!(
            "<header><div><p class=\"company\">{company}</p><h1>{store}</h1></div>\
             <a class=\"lang\" href=\"/?lang={}\" hreflang=\"{0}\" lang=\"{0}\">{}</a></header>",
            other.code(),
            other.say("Español", "English"),
        ),
    );
}

fn verdict(out: &mut String, facts: &Facts, lang: Lang) {
    let mark = match facts.verdict {
        Verdict::Well => "✓",
        Verdict::Watch => "!",
        Verdict::Act => "✕",
    };
    let rest = match facts.verdict {
        Verdict::Well => lang.say(
            "El punto de venta se lee y la nube lo tiene todo.",
            "The point of sale is read, and the cloud has everything.",
        ),
        Verdict::Watch => lang.say(
            "Lo leído está a salvo en este equipo. Vea los avisos abajo.",
            "What was read is safe on this computer. See the warnings below.",
        ),
        Verdict::Act => lang.say(
            "Lo leído está a salvo en este equipo, pero algo no avanza hasta que alguien lo atienda.",
            "What was read is safe on this computer, but something stands still until somebody sees to it.",
        ),
    };
    let rest = if facts.verdict == Verdict::Well && facts.waiting > 0 {
        lang.say(
            "El punto de venta se lee y los envíos a la nube avanzan.",
            "The point of sale is read, and deliveries to the cloud go on.",
        )
    } else {
        rest
    };
    put(
        out,
        format_args!(
            "<section class=\"verdict {}\" role=\"status\"><span class=\"mark\" aria-hidden=\"true\">{mark}</span><div><h2>{}</h2>\
             <p>{rest}</p></div></section>",
            class(facts.verdict),
            headline(facts.verdict, lang),
        ),
    );
}

/// One tile: name, value, a word about it.
fn tile(out: &mut String, verdict: Verdict, name: &str, value: &str, about: &str) {
    put(
        out,
        format_args!(
            "<div class=\"tile {}\"><dt>{name}</dt><dd><strong>{}</strong><span>{}</span></dd></div>",
            class(verdict),
            escape(value),
            escape(about)
        ),
    );
}

fn measures(out: &mut String, facts: &Facts, lang: Lang) {
    out.push_str("<dl class=\"tiles\">");
    let judged = |fine: bool, otherwise: Verdict| if fine { Verdict::Well } else { otherwise };
    let cloud = &facts.cloud;
    let answered = cloud.last_answer.map(|at| lang.ago(at, facts.at));
    let (verdict, value) = if cloud.needs_person || !facts.is_enrolled() {
        (
            Verdict::Act,
            lang.say("No acepta el agente", "Does not accept it"),
        )
    } else if cloud.problem.is_some() {
        (Verdict::Watch, lang.say("No responde", "Does not answer"))
    } else if answered.is_some() {
        (Verdict::Well, lang.say("Conectada", "Connected"))
    } else {
        (Verdict::Well, lang.say("Conectando…", "Connecting…"))
    };
    let about = answered.map_or_else(String::new, |ago| match lang {
        Lang::Es => format!("respondió {ago}"),
        Lang::En => format!("answered {ago}"),
    });
    tile(
        out,
        verdict,
        lang.say("La nube", "The cloud"),
        value,
        &about,
    );

    let verdict = match (facts.is_full(), facts.waits_long()) {
        (true, _) => Verdict::Act,
        (false, true) => Verdict::Watch,
        (false, false) => Verdict::Well,
    };
    let about = match (facts.waiting, facts.waiting_since) {
        (0, _) => lang.say("nada espera", "nothing waits").to_owned(),
        (_, Some(since)) => {
            let ago = lang.ago(since, facts.at);
            let oldest = lang.say("el más antiguo,", "the oldest");
            format!("{}; {oldest} {ago}", lang.size(facts.waiting_bytes))
        }
        (_, None) => lang.size(facts.waiting_bytes),
    };
    let name = lang.say("Envíos en espera", "Waiting deliveries");
    tile(out, verdict, name, &lang.number(facts.waiting), &about);

    let free = facts
        .disk_free
        .map_or_else(|| "?".to_owned(), |free| lang.size(free));
    let name = lang.say("Espacio en disco", "Disk space");
    let about = lang.say("libres", "free");
    tile(
        out,
        judged(!facts.disk_is_low(), Verdict::Watch),
        name,
        &free,
        about,
    );

    let skew = cloud.clock_skew_seconds;
    let value = match (skew, facts.clock_is_wrong()) {
        (None, _) => "—".to_owned(),
        (Some(_), false) => lang.say("En hora", "Right").to_owned(),
        (Some(skew), true) => format!("{skew:+} s"),
    };
    let about = lang.moment(facts.at);
    tile(
        out,
        judged(!facts.clock_is_wrong(), Verdict::Watch),
        lang.say("Reloj", "Clock"),
        &value,
        &about,
    );
    out.push_str("</dl>");
}

/// One thing to see to; `detail` is what the agent itself says, in English.
fn item(out: &mut String, verdict: Verdict, what: &str, todo: &str, detail: &str) {
    put(
        out,
        format_args!("<li class=\"{}\"><h3>{}</h3>", class(verdict), escape(what)),
    );
    for (style, text) in [("", todo), (" class=\"detail\"", detail)] {
        if !text.is_empty() {
            put(
                out,
                format_args!("<p{style}>{}</p>", code(&escape(&sentence(text)))),
            );
        }
    }
    out.push_str("</li>");
}

/// Begins with a capital and ends with a full stop.
fn sentence(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let mut rest = text.chars();
    let first = rest
        .next()
        .map(|c| c.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{}.", rest.as_str())
}

/// What stands between backticks is a command or a setting.
fn code(escaped: &str) -> String {
    let mut out = String::with_capacity(escaped.len());
    for (at, part) in escaped.split('`').enumerate() {
        if at % 2 == 1 {
            put(&mut out, format_args!("<code>{part}</code>"));
        } else {
            out.push_str(part);
        }
    }
    out
}

fn to_do(out: &mut String, facts: &Facts, lang: Lang) {
    if facts.verdict == Verdict::Well {
        return;
    }
    put(
        out,
        format_args!(
            "<section><h2>{}</h2><ul class=\"todo\">",
            lang.say("Qué hacer", "What to do")
        ),
    );
    if !facts.is_enrolled() {
        let what = lang.say(
            "El agente no está inscrito en la nube",
            "The agent is not enrolled with the cloud",
        );
        let todo = lang.say(
            "Pida un código en el panel, en la página de la tienda, y ejecute `fluxion-agent enroll`.",
            "Get a code in the dashboard, on the page of the store, and run `fluxion-agent enroll`.",
        );
        item(out, Verdict::Act, what, todo, "");
    } else if let Some(problem) = &facts.cloud.problem {
        cloud(out, problem, facts.cloud.needs_person, lang);
    }
    for (pos, problem) in &facts.pos_problems {
        let what = match lang {
            Lang::Es => format!("{pos}: no se puede leer"),
            Lang::En => format!("{pos}: cannot be read"),
        };
        item(out, Verdict::Act, &what, problem, "");
    }
    for stream in &facts.streams {
        if let Some(halt) = &stream.halted {
            halted(out, stream, halt, lang);
        } else if let Some(error) = &stream.error {
            let what = match lang {
                Lang::Es => format!("{} / {}: se intenta de nuevo", stream.pos, stream.name),
                Lang::En => format!("{} / {}: is tried again", stream.pos, stream.name),
            };
            let todo = lang.say(
                "Revise que el equipo y el servicio del punto de venta estén encendidos.",
                "Check that the computer and the service of the point of sale are running.",
            );
            item(out, Verdict::Watch, &what, todo, error);
        }
    }
    set_aside(out, facts, lang);
    own(out, facts, lang);
    out.push_str("</ul></section>");
}

fn cloud(out: &mut String, problem: &str, needs_person: bool, lang: Lang) {
    let (verdict, what, todo) = if needs_person {
        (
            Verdict::Act,
            lang.say(
                "La nube no acepta este agente",
                "The cloud does not accept this agent",
            ),
            lang.say(
                "Pida un código nuevo en el panel y ejecute `fluxion-agent enroll`.",
                "Get a new code in the dashboard and run `fluxion-agent enroll`.",
            ),
        )
    } else {
        (
            Verdict::Watch,
            lang.say("La nube no responde", "The cloud does not answer"),
            lang.say(
                "Revise la conexión a Internet. Nada se pierde: se envía cuando vuelva.",
                "Check the internet line. Nothing is lost: it is sent when the line is back.",
            ),
        )
    };
    item(out, verdict, what, todo, problem);
}

fn halted(out: &mut String, stream: &Stream, halt: &Halt, lang: Lang) {
    let (waits, todo) = match lang {
        Lang::Es => (
            "espera a una persona",
            spanish::halted(&stream.pos, &stream.name, halt),
        ),
        Lang::En => ("waits for a person", halt.hint.clone().unwrap_or_default()),
    };
    let what = format!("{} / {}: {waits}", stream.pos, stream.name);
    item(out, Verdict::Act, &what, &todo, &halt.message);
}

fn set_aside(out: &mut String, facts: &Facts, lang: Lang) {
    let rejects: u64 = facts.streams.iter().map(|stream| stream.rejects).sum();
    if rejects == 0 {
        return;
    }
    let count = lang.number(rejects);
    let what = match lang {
        Lang::Es => format!("Registros apartados: {count}"),
        Lang::En => format!("Rows set aside: {count}"),
    };
    let todo = lang.say(
        "`fluxion-agent rejects` dice cuáles y por qué; el panel también. Los demás siguen su camino.",
        "`fluxion-agent rejects` says which and why; so does the dashboard. All others go their way.",
    );
    item(out, Verdict::Watch, &what, todo, "");
}

/// The computer's own troubles.
fn own(out: &mut String, facts: &Facts, lang: Lang) {
    if facts.is_full() {
        let what = lang.say("La cola está llena", "The queue is full");
        let todo = lang.say(
            "Restablezca la conexión con la nube o aumente `spool.max_size_mb`; mientras tanto no se lee el punto de venta.",
            "Bring the line to the cloud back or raise `spool.max_size_mb`; until then the point of sale is not read.",
        );
        item(out, Verdict::Act, what, todo, "");
    } else if facts.waits_long() {
        let what = lang.say(
            "Hay envíos que esperan más de un día",
            "Deliveries have waited for more than a day",
        );
        let todo = lang.say(
            "Vea si la nube responde; `fluxion-agent doctor` dice qué lo impide. Nada se pierde.",
            "See whether the cloud answers; `fluxion-agent doctor` says what is in the way. Nothing is lost.",
        );
        item(out, Verdict::Watch, what, todo, "");
    }
    if facts.disk_is_low() {
        let what = lang.say("Queda poco espacio en el disco", "The disk is nearly full");
        let todo = lang.say(
            "Libere espacio; sin él la lectura se detiene.",
            "Free some; without it reading stops.",
        );
        item(out, Verdict::Watch, what, todo, "");
    }
    if facts.clock_is_wrong() {
        let what = lang.say(
            "El reloj de este equipo difiere del de la nube",
            "The clock of this computer differs from the cloud's",
        );
        let todo = lang.say(
            "Ponga la hora correcta y active la sincronización con un servidor de hora.",
            "Set the right time and have it kept by a time server.",
        );
        item(out, Verdict::Watch, what, todo, "");
    }
}

fn streams(out: &mut String, facts: &Facts, lang: Lang) {
    let heads = [
        lang.say("Flujo", "Stream"),
        lang.say("Estado", "State"),
        lang.say("Última lectura", "Last read"),
        lang.say("Filas", "Rows"),
        lang.say("Apartadas", "Set aside"),
    ];
    put(
        out,
        format_args!(
            "<section><h2>{}</h2>",
            lang.say("Lo que se lee", "What is read")
        ),
    );
    if facts.streams.is_empty() {
        let none = lang.say(
            "Todavía no se lee nada. `fluxion-agent discover` busca el punto de venta.",
            "Nothing is read yet. `fluxion-agent discover` looks for the point of sale.",
        );
        put(out, format_args!("<p>{}</p></section>", code(none)));
        return;
    }
    out.push_str("<table><thead><tr>");
    for (at, head) in heads.iter().enumerate() {
        put(
            out,
            format_args!(
                "<th scope=\"col\"{}>{head}</th>",
                if at > 2 { " class=\"number\"" } else { "" }
            ),
        );
    }
    out.push_str("</tr></thead><tbody>");
    for stream in &facts.streams {
        let rows = [lang.number(stream.rows), lang.number(stream.rejects)];
        put(
            out,
            format_args!(
                "<tr><th scope=\"row\"><span class=\"pos\">{}</span> {}</th>\
                 <td data-head=\"{}\"><span class=\"state {}\">{}</span></td><td data-head=\"{}\"{}</td>\
                 <td class=\"number\" data-head=\"{}\">{}</td><td class=\"number\" data-head=\"{}\">{}</td></tr>",
                escape(&stream.pos),
                escape(&stream.name),
                heads[1],
                class(stream.verdict()),
                phase(stream, lang),
                heads[2],
                last(stream.last_success, facts.at, lang),
                heads[3],
                rows[0],
                heads[4],
                rows[1],
            ),
        );
    }
    out.push_str("</tbody></table></section>");
}

/// The end of an opening tag and what follows: the moment itself is shown where the pointer rests.
fn last(at: Option<DateTime<Utc>>, now: DateTime<Utc>, lang: Lang) -> String {
    match at {
        Some(at) => format!(" title=\"{}\">{}", lang.moment(at), lang.ago(at, now)),
        None => format!(">{}", lang.say("nunca", "never")),
    }
}

fn phase(stream: &Stream, lang: Lang) -> &'static str {
    if stream.halted.is_some() {
        return lang.say("detenido", "stopped");
    }
    match stream.phase {
        StreamPhase::Idle if stream.error.is_some() => lang.say("con error", "in error"),
        StreamPhase::Idle | StreamPhase::Other => lang.say("al día", "up to date"),
        StreamPhase::Snapshot => lang.say("leyendo todo", "reading everything"),
        StreamPhase::Following => lang.say("leyendo cambios", "reading changes"),
        StreamPhase::Retrying => lang.say("reintentando", "trying again"),
        StreamPhase::Halted => lang.say("detenido", "stopped"),
    }
}

fn help(out: &mut String, lang: Lang) {
    let title = lang.say("Cómo pedir ayuda", "How to get help");
    let text = lang.say(
        "En una consola de este equipo, `fluxion-agent doctor` revisa todo y dice qué hacer. \
         `fluxion-agent support-bundle` reúne en un archivo, sin contraseñas ni datos de ventas, lo que necesita quien ayuda \
         a distancia: envíelo a su proveedor.",
        "In a console of this computer, `fluxion-agent doctor` looks at everything and says what to do. \
         `fluxion-agent support-bundle` puts into one file, without passwords and without data of sales, what somebody needs \
         who helps from afar: send it to your provider.",
    );
    put(
        out,
        format_args!(
            "<section class=\"help\"><h2>{title}</h2><p>{}</p></section>",
            code(text)
        ),
    );
}

fn foot(out: &mut String, facts: &Facts, lang: Lang) {
    put(
        out,
        format_args!(
            "<footer><span>Fluxion Sync {}</span><span>{} {}</span><span>{}</span><a href=\"/status.json\">status.json</a></footer>",
            escape(&facts.version),
            lang.say("en marcha desde el", "running since"),
            lang.moment(facts.started),
            lang.say("se actualiza cada 15 s", "refreshed every 15 s"),
        ),
    );
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::live::CloudLive;

    pub fn facts() -> Facts {
        let at = Utc::now();
        let stream = |name: &str| Stream {
            pos: "caja".to_owned(),
            name: name.to_owned(),
            phase: StreamPhase::Idle,
            last_success: Some(at - TimeDelta::seconds(20)),
            rows: 12_345,
            rejects: 0,
            halted: None,
            error: None,
        };
        Facts {
            verdict: Verdict::Well,
            at,
            started: at,
            version: "1.2.3".to_owned(),
            store: Some("Tienda Centro".to_owned()),
            company: Some("Cadena".to_owned()),
            cloud: CloudLive {
                last_answer: Some(at),
                clock_skew_seconds: Some(1),
                ..CloudLive::default()
            },
            waiting: 0,
            waiting_bytes: 0,
            waiting_limit: 1_000_000_000,
            waiting_since: None,
            disk_free: Some(212_000_000_000),
            pos_problems: Vec::new(),
            streams: vec![stream("products"), stream("sales")],
        }
    }

    fn both(change: impl FnOnce(&mut Facts)) -> (Facts, String, String) {
        let mut facts = facts();
        change(&mut facts);
        facts.verdict = facts.judge();
        let (es, en) = (page(&facts, Lang::Es, "n"), page(&facts, Lang::En, "n"));
        (facts, es, en)
    }

    #[test]
    fn a_store_in_order_is_told_so_and_has_nothing_to_do() {
        let (facts, es, en) = both(|_| {});
        assert_eq!(facts.verdict, Verdict::Well);
        assert!(
            es.contains("Todo está en orden") && es.contains("12.345"),
            "{es}"
        );
        assert!(en.contains("All is well") && en.contains("12,345"), "{en}");
        assert!(!es.contains("Qué hacer") && !en.contains("What to do"));
        assert!(
            es.contains("support-bundle") && es.contains("lang=en"),
            "{es}"
        );
        assert!(en.contains("lang=es") && !en.contains("http://"), "{en}");
    }

    #[test]
    fn each_trouble_is_judged_and_told_with_what_to_do_in_both_languages() {
        type Change = fn(&mut Facts);
        let troubles: [(Change, Verdict, &str, &str); 9] = [
            (
                |f| f.store = None,
                Verdict::Act,
                "no está inscrito",
                "not enrolled",
            ),
            (
                |f| {
                    f.cloud.problem = Some("x".to_owned());
                    f.cloud.needs_person = true;
                },
                Verdict::Act,
                "no acepta este agente",
                "does not accept this agent",
            ),
            (
                |f| f.cloud.problem = Some("x".to_owned()),
                Verdict::Watch,
                "Internet",
                "internet line",
            ),
            (
                |f| {
                    f.pos_problems
                        .push(("caja".to_owned(), "no secret".to_owned()))
                },
                Verdict::Act,
                "no se puede leer",
                "cannot be read",
            ),
            (
                |f| {
                    f.streams[0].halted = Some(Halt {
                        code: "missing_column".to_owned(),
                        message: "column price is gone".to_owned(),
                        hint: Some("Correct the mapping.".to_owned()),
                        since: Utc::now(),
                    });
                },
                Verdict::Act,
                "corrija la columna en el mapeo",
                "Correct the mapping.",
            ),
            (
                |f| f.streams[1].rejects = 3,
                Verdict::Watch,
                "Registros apartados: 3",
                "Rows set aside: 3",
            ),
            (
                |f| f.waiting_bytes = f.waiting_limit,
                Verdict::Act,
                "cola está llena",
                "queue is full",
            ),
            (
                |f| f.disk_free = Some(1),
                Verdict::Watch,
                "poco espacio",
                "nearly full",
            ),
            (
                |f| f.cloud.clock_skew_seconds = Some(-600),
                Verdict::Watch,
                "reloj de este equipo",
                "-600 s",
            ),
        ];
        for (change, verdict, spanish, english) in troubles {
            let (facts, es, en) = both(change);
            assert_eq!(facts.verdict, verdict, "{english}");
            assert!(
                es.contains(spanish) && es.contains("Qué hacer"),
                "{spanish}: {es}"
            );
            assert!(en.contains(english), "{english}: {en}");
        }
    }

    #[test]
    fn what_comes_from_elsewhere_is_text_and_nothing_else() {
        let bad = "<script>alert(1)</script>\"'&";
        let (_, es, en) = both(|facts| {
            facts.store = Some(bad.to_owned());
            facts.company = Some(bad.to_owned());
            facts.cloud.problem = Some(bad.to_owned());
            facts.pos_problems.push((bad.to_owned(), bad.to_owned()));
            facts.streams[0].pos = bad.to_owned();
            facts.streams[0].error = Some(bad.to_owned());
            facts.streams[1].halted = Some(Halt {
                code: bad.to_owned(),
                message: bad.to_owned(),
                hint: Some(bad.to_owned()),
                since: Utc::now(),
            });
        });
        for text in [es, en] {
            assert!(!text.contains("<script"), "{text}");
            assert!(text.contains("&lt;script&gt;"), "{text}");
        }
    }
}
