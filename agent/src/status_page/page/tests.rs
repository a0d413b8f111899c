//! The page of stores in order and not, in both languages.

use chrono::TimeDelta;

use super::*;
use crate::live::CloudLive;
use crate::spool::Halt;

fn facts() -> Facts {
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
        enrolment_waits: false,
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
    let troubles: [(Change, Verdict, &str, &str); 12] = [
        (
            |f| f.store = None,
            Verdict::Act,
            "no está inscrito",
            "not enrolled",
        ),
        (
            |f| {
                f.store = None;
                f.enrolment_waits = true;
            },
            Verdict::Watch,
            "El código está guardado",
            "The code is kept",
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
            |f| f.streams[0].error = Some("connection refused".to_owned()),
            Verdict::Watch,
            "caja / products: se intenta de nuevo",
            "is tried again",
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
            |f| f.waiting_since = Some(Utc::now() - TimeDelta::hours(25)),
            Verdict::Watch,
            "esperan más de un día",
            "more than a day",
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
        assert!(
            en.contains(english) && en.contains("What to do"),
            "{english}: {en}"
        );
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
