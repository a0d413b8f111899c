//! XML and JSON as programs really write them.

use fluxion_connectors::BatchLimit;
use fluxion_model::stream::StreamSpec;
use fluxion_model::value::Value;
use serde_json::json;

use super::{Folder, follow, follow_by, spec};
use crate::mirror::Mirror;

fn products() -> StreamSpec {
    spec(json!({
        "name": "products", "key": ["codigo"], "capture": {"strategy": "arrival"},
        "source": {"files": {"pattern": "productos*", "record": "productos/producto", "required_columns": ["nombre"]}},
    }))
}

fn sales() -> StreamSpec {
    spec(json!({
        "name": "sales", "key": ["factura"], "capture": {"strategy": "arrival"},
        "source": {"files": {"pattern": "ventas*", "record": "ventas/venta", "required_columns": ["factura", "codigo"]}},
        "children": [{"name": "lines", "path": "items/item", "columns": ["codigo", "cantidad", "precio"]}],
    }))
}

async fn read(spec: &StreamSpec, name: &str, content: impl AsRef<[u8]>) -> (Folder, Mirror) {
    let folder = Folder::new();
    folder.write(name, content);
    let mut mirror = Mirror::default();
    let limit = BatchLimit {
        rows: 2,
        ..BatchLimit::default()
    };
    follow_by(&mut mirror, folder.connector().as_ref(), spec, limit)
        .await
        .unwrap();
    (folder, mirror)
}

#[tokio::test]
async fn elements_and_attributes_are_columns_and_entities_are_characters() {
    let (folder, mirror) = read(
        &products(),
        "productos.xml",
        "<?xml version='1.0' encoding='UTF-8'?>\n<!-- export -->\n<export><productos>\
         <producto codigo=\"001\" activo='s&#237;'><nombre>Caf&#233; &amp; t\u{e9}</nombre><precio moneda=\"USD\">1.50</precio>\
         <barra>a</barra><barra>b</barra></producto>\
         <producto><codigo> 002 </codigo><nombre><![CDATA[<Pan>]]></nombre></producto>\
         </productos><pie><producto>no</producto></pie></export>",
    )
    .await;
    assert_eq!(mirror.keys(), ["001", "002"]);
    assert_eq!(mirror.cell("001", "nombre"), "Café & té");
    assert_eq!(mirror.cell("001", "activo"), "sí");
    assert_eq!(mirror.cell("001", "precio"), "1.50");
    assert_eq!(mirror.cell("001", "precio.moneda"), "USD");
    assert_eq!(mirror.cell("001", "barra"), "a;b");
    assert_eq!(mirror.cell("002", "nombre"), "<Pan>");
    assert_eq!(
        mirror.rows["002"].values[mirror.shape.position("precio").unwrap()],
        Value::Null
    );
    assert_eq!(folder.names("processed"), ["productos.xml"]);
}

#[tokio::test]
async fn a_sale_holds_its_lines_in_xml_and_in_every_form_of_json() {
    let xml = "<ventas><venta><factura>F1</factura><total>5.00</total><items><item><codigo>A</codigo><cantidad>1</cantidad></item>\
               <item codigo=\"B\" cantidad=\"2\"/></items></venta>\
               <venta><factura>F2</factura><items/></venta></ventas>";
    let list = r#"{"meta": {"n": [1, {"x": 2}]}, "ventas": [
        {"factura": "F1", "total": 5.00, "items": [{"codigo": "A", "cantidad": 1}, {"codigo": "B", "cantidad": 2}]},
        {"factura": "F2", "items": []}]}"#;
    let converted = r#"{"ventas": {"venta": [
        {"factura": "F1", "total": 5.00, "items": {"item": [{"codigo": "A", "cantidad": 1}, {"codigo": "B", "cantidad": 2}]}},
        {"factura": "F2", "items": null}]}}"#;
    let lines = "{\"factura\": \"F1\", \"total\": 5.00, \"items\": [{\"codigo\": \"A\", \"cantidad\": 1}, {\"codigo\": \"B\", \"cantidad\": 2}]}\n\n\
                 {\"factura\": \"F2\", \"items\": []}\n";
    let bare = r#"[{"factura": "F1", "total": 5.00, "items": [{"codigo": "A", "cantidad": 1}, {"codigo": "B", "cantidad": 2}]},
        {"factura": "F2"}]"#;
    for (name, content) in [
        ("ventas.xml", xml),
        ("ventas.json", list),
        ("ventas.json", converted),
        ("ventas.ndjson", lines),
        ("ventas.json", bare),
    ] {
        let (_folder, mirror) = read(&sales(), name, content).await;
        assert_eq!(mirror.keys(), ["F1", "F2"], "{content}");
        assert_eq!(mirror.cell("F1", "total"), "5.00", "{content}");
        assert_eq!(
            mirror.lines("F1", "lines", "codigo"),
            ["A", "B"],
            "{content}"
        );
        assert_eq!(
            mirror.lines("F1", "lines", "cantidad"),
            ["1", "2"],
            "{content}"
        );
        assert!(
            mirror.lines("F2", "lines", "codigo").is_empty(),
            "{content}"
        );
    }
}

#[tokio::test]
async fn numbers_of_json_are_taken_from_their_digits() {
    let (_folder, mirror) = read(
        &products(),
        "productos.json",
        r#"{"productos": [{"codigo": "1", "nombre": "ñ\u00e9\n", "a": 0.1, "b": 79228162514264337593543.95033, "c": 1e3,
            "d": 123456789012345678, "e": 1e999, "f": true, "g": null, "h": {"i": "x"}}]}"#,
    )
    .await;
    assert_eq!(mirror.cell("1", "a"), "0.1");
    assert_eq!(mirror.cell("1", "b"), "79228162514264337593543.95033");
    assert_eq!(mirror.cell("1", "c"), "1000");
    assert_eq!(mirror.cell("1", "d"), "123456789012345678");
    assert!(matches!(
        &mirror.rows["1"].values[mirror.shape.position("e").unwrap()],
        Value::Undecodable(_)
    ));
    assert_eq!(
        (mirror.cell("1", "f"), mirror.cell("1", "h.i")),
        ("true".into(), "x".into())
    );
    assert_eq!(mirror.cell("1", "nombre"), "ñé\n");
}

#[tokio::test]
async fn the_alphabet_is_declared_guessed_or_told_and_a_lie_is_seen_through() {
    let body = |declared: &str, name: &[u8]| {
        let mut text =
            format!("<?xml version=\"1.0\"{declared}?><productos><producto codigo=\"1\" nombre=\"")
                .into_bytes();
        text.extend(name);
        text.extend(b"\"/></productos>");
        text
    };
    let utf_16: Vec<u8> = std::iter::once(0xfeff)
        .chain(
            String::from_utf8(body(" encoding='UTF-16'", b"Pi~a"))
                .unwrap()
                .replace('~', "ñ")
                .encode_utf16(),
        )
        .flat_map(u16::to_le_bytes)
        .collect();
    for content in [
        body(" encoding='UTF-8'", "Piña".as_bytes()),
        body(" encoding=\"iso-8859-1\"", b"Pi\xf1a"),
        body("", b"Pi\xf1a"),
        // A lie of either kind.
        body(" encoding=\"UTF-8\"", b"Pi\xf1a"),
        body(" encoding=\"ISO-8859-1\"", "Piña".as_bytes()),
        utf_16,
    ] {
        let (_folder, mirror) = read(&products(), "productos.xml", &content).await;
        assert_eq!(
            mirror.cell("1", "nombre"),
            "Piña",
            "{}",
            String::from_utf8_lossy(&content)
        );
    }
    let mut told = products();
    if let fluxion_model::stream::Source::Files(files) = &mut told.source {
        files.encoding = Some("cp850".to_owned());
    }
    let (_folder, mirror) = read(&told, "productos.xml", body("", b"Pi\xa4a")).await;
    assert_eq!(mirror.cell("1", "nombre"), "Piña");
}

#[tokio::test]
async fn a_bad_record_is_told_alone_and_the_rest_go_on() {
    let (folder, mirror) = read(
        &products(),
        "productos.ndjson",
        "{\"codigo\": 1, \"nombre\": \"a\"}\n{\"codigo\": 2, \"nombre\": }\n{\"nombre\": \"sin codigo\"}\n7\n{\"codigo\": 5, \"nombre\": \"e\"}\n",
    )
    .await;
    assert_eq!(mirror.keys(), ["1", "5"]);
    let lines: Vec<_> = mirror
        .unreadable
        .iter()
        .map(|problem| problem.position.unwrap())
        .collect();
    assert_eq!(lines, [2, 3, 4]);
    assert!(folder.report("processed").contains("Line 2 cannot be read"));
    let (_folder, mirror) = read(
        &products(),
        "productos.xml",
        "<productos><producto codigo='1' nombre='a'/><producto><codigo>2</codigo><nombre>&eacute;</nombre></producto>\
         <producto codigo='3' nombre='c'/></productos>",
    )
    .await;
    assert_eq!(mirror.keys(), ["1", "3"]);
    assert!(
        mirror.unreadable[0].message.contains("&eacute;"),
        "{:?}",
        mirror.unreadable
    );
}

#[tokio::test]
async fn an_export_without_a_record_is_an_empty_export_and_not_a_broken_one() {
    let mut all = products();
    if let fluxion_model::stream::Source::Files(files) = &mut all.source {
        files.content = fluxion_model::stream::FileContent::Everything;
    }
    for (name, content) in [
        ("productos.xml", "<productos></productos>"),
        ("productos.json", "{\"productos\": []}"),
        ("productos.json", "[]"),
    ] {
        let (folder, mirror) = read(&all, name, content).await;
        assert_eq!(folder.names("failed"), [""; 0]);
        assert!(
            mirror.unreadable[0].message.contains("holds no row"),
            "{:?}",
            mirror.unreadable
        );
    }
}

#[tokio::test]
async fn a_file_is_processed_once_and_a_kill_in_the_middle_goes_on() {
    let folder = Folder::new();
    let body: String = (0..9)
        .map(|n| format!("<producto codigo='{n}' nombre='x'/>"))
        .collect();
    folder.write("productos.xml", format!("<productos>{body}</productos>"));
    let connector = folder.connector();
    let mut mirror = Mirror::default();
    let limit = BatchLimit {
        rows: 2,
        ..BatchLimit::default()
    };
    for _ in 0..20 {
        let mut stream = connector
            .open(&products(), mirror.start(), mirror.context())
            .await
            .unwrap();
        for _ in 0..10 {
            if mirror.step(stream.as_mut(), limit).await.unwrap() == crate::mirror::Step::Batch {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    assert_eq!((mirror.rows.len(), mirror.delivered), (9, 9));
    folder.write("productos.xml", format!("<productos>{body}</productos>"));
    follow(&mut mirror, connector.as_ref(), &products())
        .await
        .unwrap();
    assert_eq!(mirror.delivered, 9);
}
