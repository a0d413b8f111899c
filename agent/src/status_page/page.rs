//! The facts as one HTML page: no scripts, nothing loaded from elsewhere, readable on a phone and in the dark.

mod html;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use fluxion_model::heartbeat::StreamPhase;

use super::facts::Stream;
use super::findings::Finding;
use super::words::Lang;
use super::{Facts, Verdict};
use html::{code, escape, put, sentence};

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
    let (verdict, value) = if !facts.is_enrolled() && facts.enrolment_waits {
        (Verdict::Watch, lang.say("No responde", "Does not answer"))
    } else if cloud.needs_person || !facts.is_enrolled() {
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

fn to_do(out: &mut String, facts: &Facts, lang: Lang) {
    let findings = facts.findings();
    if findings.is_empty() {
        return;
    }
    put(
        out,
        format_args!(
            "<section><h2>{}</h2><ul class=\"todo\">",
            lang.say("Qué hacer", "What to do")
        ),
    );
    for finding in &findings {
        item(out, finding, lang);
    }
    out.push_str("</ul></section>");
}

fn item(out: &mut String, finding: &Finding<'_>, lang: Lang) {
    put(
        out,
        format_args!(
            "<li class=\"{}\"><h3>{}</h3>",
            class(finding.verdict()),
            escape(&finding.what(lang))
        ),
    );
    for (style, text) in [
        ("", finding.todo(lang).as_str()),
        (" class=\"detail\"", finding.detail()),
    ] {
        if !text.is_empty() {
            put(
                out,
                format_args!("<p{style}>{}</p>", code(&escape(&sentence(text)))),
            );
        }
    }
    out.push_str("</li>");
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
