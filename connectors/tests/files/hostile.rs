//! Files that are cut, lie, or mean harm: each ends in `failed` with a reason, and none takes the memory.

use std::io::Write as _;

use fluxion_connectors::BatchLimit;
use fluxion_tests::sim::random::Random;
use serde_json::json;

use super::{Folder, follow, spec};
use crate::mirror::Mirror;

fn records(record: Option<&str>) -> fluxion_model::stream::StreamSpec {
    let mut files = json!({"pattern": "datos*"});
    if let Some(record) = record {
        files["record"] = record.into();
    }
    spec(json!({
        "name": "datos", "key": ["id"], "capture": {"strategy": "arrival"}, "source": {"files": files},
        "children": [{"name": "lines", "path": "items/item", "columns": ["x"]}],
    }))
}

async fn refused(name: &str, content: &[u8], record: Option<&str>) -> String {
    let folder = Folder::new();
    folder.write(name, content);
    let mut mirror = Mirror::default();
    follow(&mut mirror, folder.connector().as_ref(), &records(record))
        .await
        .unwrap();
    assert!(mirror.rows.is_empty(), "nothing of a broken file is sent");
    folder.report("failed")
}

#[tokio::test]
async fn what_cannot_be_trusted_is_refused_whole_with_a_reason() {
    let laughs = "<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY lol 'lol'><!ENTITY lol2 '&lol;&lol;&lol;'>]><a><r id='1'>&lol2;</r></a>";
    let outside = "<!DOCTYPE a SYSTEM 'file:///etc/passwd' [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a><r id='1'>&x;</r></a>";
    let deep_xml = format!("<a>{}</a>", "<r>".repeat(500));
    let deep_json = format!("[{}", "[".repeat(100_000));
    let page = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
    for (name, content, record, reason) in [
        ("datos.xml", laughs, None, "entities"),
        ("datos.xml", outside, None, "entities"),
        ("datos.xml", deep_xml.as_str(), None, "deep"),
        ("datos.xml", "<a><r id='1'/><r id='2'>", None, "cut short"),
        ("datos.xml", "<a><r id='1'/></b>", None, "well-formed"),
        ("datos.xml", "<a><r id='1'/></a><a/>", None, "second root"),
        ("datos.xml", "solo texto", None, "no element"),
        ("datos.xml", "<a><r id='1'/></a>", Some("x/y"), "a/r"),
        ("datos.json", page, None, "502 Bad Gateway"),
        ("datos.xml", page, None, "502 Bad Gateway"),
        ("datos.csv", page, None, "502 Bad Gateway"),
        ("datos.json", "<error/>", None, "no JSON"),
        ("datos.json", "[{\"id\": 1}, {\"id\": 2}", None, "cut short"),
        (
            "datos.json",
            "[{\"id\": 1}, {\"id\": \"2",
            None,
            "cut short",
        ),
        (
            "datos.json",
            "[{\"id\": 1}, {\"id\": [2}]",
            None,
            "brackets",
        ),
        ("datos.json", "[{\"id\": 1}] []", None, "after its end"),
        (
            "datos.json",
            "{\"error\": \"no autorizado\"}",
            None,
            "error message",
        ),
        (
            "datos.json",
            "{\"otros\": [{\"id\": 1}]}",
            Some("ventas"),
            "otros",
        ),
        ("datos.json", deep_json.as_str(), None, "deep"),
        ("datos.json", "   \n ", None, "empty"),
        ("datos.json", "{\"a\":1}\0\0", None, "zero bytes"),
    ] {
        let report = refused(name, content.as_bytes(), record).await;
        assert!(report.contains(reason), "{content:.80} -> {report}");
    }
}

#[tokio::test]
async fn a_text_or_record_without_end_is_refused_before_it_takes_the_memory() {
    for (name, begin, part, end) in [
        (
            "datos.xml",
            "<a><r id='1'>",
            "x".repeat(1 << 20),
            "</r></a>",
        ),
        ("datos.xml", "<a><!--", "x".repeat(1 << 20), "--></a>"),
        (
            "datos.xml",
            "<a><r id='1'>",
            "<y>1</y>".repeat(1 << 17),
            "</r></a>",
        ),
        ("datos.json", "[{\"id\": \"", "x".repeat(1 << 20), "\"}]"),
        (
            "datos.json",
            "[{\"id\": 1, \"n\": [",
            "1, ".repeat(1 << 19),
            "1]}]",
        ),
    ] {
        let folder = Folder::new();
        let mut file = std::fs::File::create(folder.path().join(name)).unwrap();
        file.write_all(begin.as_bytes()).unwrap();
        for _ in 0..20 {
            file.write_all(part.as_bytes()).unwrap();
        }
        file.write_all(end.as_bytes()).unwrap();
        drop(file);
        let mut mirror = Mirror::default();
        follow(&mut mirror, folder.connector().as_ref(), &records(None))
            .await
            .unwrap();
        let report = folder.report("failed");
        assert!(
            report.contains("longer than 16777216 bytes"),
            "{name} {begin}: {report:.300}"
        );
    }
}

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><d><r id=\"1\"><n>Caf\u{e9} &amp; t\u{e9}</n><items><item><x>1</x></item></items></r>\
                   <r id=\"2\"><n><![CDATA[a]]></n></r><r id=\"3\"/></d>";
const JSON: &str = r#"{"m": 1, "d": [{"id": 1, "n": "a\"b\\", "items": [{"x": 1.5}, {"x": -2e3}]}, {"id": 2, "n": null}, {"id": "3"}]}"#;
const LINES: &str =
    "{\"id\": 1, \"items\": [{\"x\": 1}]}\n{\"id\": 2}\n{\"id\": 3, \"n\": \"\u{f1}\"}\n";

/// Bytes changed, cut and added: no panic, no hang; each file is either taken or refused with a report.
#[tokio::test]
async fn no_file_however_damaged_makes_the_reader_stumble() {
    let folder = Folder::new();
    let count = 300;
    for seed in 0..count {
        let mut random = Random::new(seed).branch("damaged exports");
        let forms = [("xml", XML), ("json", JSON), ("ndjson", LINES)];
        let (ending, text) = *random.pick(&forms);
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..random.between(0, 4) {
            let at = random.index(bytes.len());
            match random.between(0, 3) {
                0 => bytes[at] = (random.bits() & 0x7f) as u8 | 1,
                1 => bytes[at] = *random.pick(b"<>\"{}[],:&/\\"),
                2 => {
                    bytes.remove(at);
                }
                _ => bytes.insert(at, *random.pick(b"<>\"{}[],:&/\\\xff")),
            }
        }
        folder.write(&format!("datos_{seed}.{ending}"), &bytes);
    }
    let mut mirror = Mirror::default();
    follow(&mut mirror, folder.connector().as_ref(), &records(None))
        .await
        .unwrap();
    assert!(folder.names("").is_empty(), "every file was dealt with");
    let files = |below: &str, is_report: bool| {
        let names = folder.names(below);
        let wanted = names
            .iter()
            .filter(|name| name.ends_with(".report.txt") == is_report);
        wanted
            .filter(|name| !name.ends_with(".rejected.csv"))
            .count() as u64
    };
    let (taken, refused) = (files("processed", false), files("failed", false));
    assert_eq!(taken + refused, count);
    assert_eq!(files("failed", true), refused);
    assert!(taken > 30 && refused > 30, "{taken} {refused}");
}

/// Cut anywhere before its end, no file is taken for a whole one.
#[tokio::test]
async fn a_document_cut_anywhere_is_refused() {
    for (name, text) in [("datos.xml", XML), ("datos.json", JSON)] {
        let folder = Folder::new();
        let count = text.len() - 1;
        let step = 3;
        for cut in (1..count).step_by(step) {
            folder.write(
                &format!("{cut}_{name}").replace("datos", "x"),
                &text.as_bytes()[..cut],
            );
        }
        let mut all = records(None);
        if let fluxion_model::stream::Source::Files(files) = &mut all.source {
            files.pattern = "*_x.*".to_owned();
        }
        let mut mirror = Mirror::default();
        follow(&mut mirror, folder.connector().as_ref(), &all)
            .await
            .unwrap();
        assert!(mirror.rows.is_empty(), "{name}: {:?}", mirror.keys());
        let failed = folder
            .names("failed")
            .iter()
            .filter(|name| !name.contains("report"))
            .count();
        assert_eq!(failed, (1..count).step_by(step).count());
    }
}

/// A large file is read a record at a time. The memory is the kernel's own count, so the test holds for this process
/// only when it runs alone, as nextest runs it.
#[tokio::test]
async fn a_large_export_takes_no_memory() {
    let folder = Folder::new();
    let mut file =
        std::io::BufWriter::new(std::fs::File::create(folder.path().join("datos.xml")).unwrap());
    write!(file, "<d>").unwrap();
    for id in 0..40_000 {
        write!(
            file,
            "<r id=\"{id}\"><n>{}</n><items><item><x>1</x></item><item><x>2</x></item></items></r>",
            "producto ".repeat(30)
        )
        .unwrap();
    }
    write!(file, "</d>").unwrap();
    file.flush().unwrap();
    drop(file);
    let connector = folder.connector();
    let mut stream = connector
        .open(
            &records(None),
            fluxion_connectors::StartAt::Snapshot,
            Mirror::default().context(),
        )
        .await
        .unwrap();
    let (mut rows, mut rests) = (0, 0);
    while rests < 50 {
        match stream.next(BatchLimit::default()).await.unwrap() {
            fluxion_connectors::Next::Batch(batch) => rows += batch.rows.changes.len(),
            _ if rows > 0 => break,
            _ => {
                rests += 1;
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    }
    assert_eq!(rows, 40_000);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").trim().parse().unwrap();
    assert!(
        peak < 90_000,
        "{peak} kB for a file of {} MB",
        40_000 * 330 / 1_000_000
    );
}
