//! What is in a file arrives as it is meant.

use fluxion_connectors::BatchLimit;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use serde_json::json;

use super::{Folder, follow, follow_by, products, sales, spec};
use crate::mirror::Mirror;

async fn read(name: &str, content: &[u8], source: serde_json::Value) -> (Folder, Mirror) {
    let folder = Folder::new();
    folder.write(name, content);
    let mut mirror = Mirror::default();
    follow(&mut mirror, folder.connector().as_ref(), &products(source))
        .await
        .unwrap();
    (folder, mirror)
}

#[tokio::test]
async fn a_till_of_windows_1252_with_commas_for_decimals_is_read_as_it_stands() {
    let (_folder, mirror) = read(
        "PRODUCTOS.CSV",
        include_bytes!("../../fixtures/files/productos-windows-1252.csv"),
        json!({}),
    )
    .await;
    assert_eq!(mirror.keys(), ["0007"]);
    assert_eq!(mirror.cell("0007", "name"), "Café añejo");
    assert_eq!(mirror.cell("0007", "price"), "1.234,56");
    assert_eq!(mirror.rows["0007"].position, Some(2));
}

#[tokio::test]
async fn a_dos_code_page_is_read_when_the_mapping_names_it() {
    let (_folder, mirror) = read(
        "productos.csv",
        b"code,name\n1,Pi\xa4a\n",
        json!({"encoding": "cp850"}),
    )
    .await;
    assert_eq!(mirror.cell("1", "name"), "Piña");
}

#[tokio::test]
async fn a_workbook_keeps_leading_zeros_numbers_and_dates() {
    let folder = Folder::new();
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet
        .write_row(0, 0, ["code", "name", "price", "since", ""])
        .unwrap();
    sheet.write(1, 0, "0007").unwrap();
    sheet.write(1, 1, "Café").unwrap();
    sheet.write(1, 2, 12.3).unwrap();
    let date = ExcelDateTime::from_ymd(2026, 2, 28).unwrap();
    sheet
        .write_with_format(1, 3, &date, &Format::new().set_num_format("dd/mm/yyyy"))
        .unwrap();
    sheet.write(3, 0, 8).unwrap();
    sheet.write(3, 1, "Pan").unwrap();
    book.save(folder.path().join("productos.xlsx")).unwrap();
    let mut mirror = Mirror::default();
    follow(
        &mut mirror,
        folder.connector().as_ref(),
        &products(json!({})),
    )
    .await
    .unwrap();
    assert_eq!(mirror.keys(), ["0007", "8"]);
    assert_eq!(mirror.cell("0007", "price"), "12.3");
    assert_eq!(mirror.cell("0007", "since"), "2026-02-28T00:00:00");
    assert_eq!(mirror.cell("8", "price"), "");
    assert_eq!(mirror.rows["8"].position, Some(4));
}

#[tokio::test]
async fn the_named_sheet_is_read_and_a_missing_one_is_named_in_the_report() {
    let folder = Folder::new();
    let mut book = Workbook::new();
    book.add_worksheet().set_name("Portada").unwrap();
    let sheet = book.add_worksheet().set_name("Datos").unwrap();
    sheet.write_row(0, 0, ["code", "name"]).unwrap();
    sheet.write_row(1, 0, ["1", "Pan"]).unwrap();
    book.save(folder.path().join("productos.xlsx")).unwrap();
    let mut mirror = Mirror::default();
    follow(
        &mut mirror,
        folder.connector().as_ref(),
        &products(json!({"sheet": "datos"})),
    )
    .await
    .unwrap();
    assert_eq!(mirror.cell("1", "name"), "Pan");

    book.save(folder.path().join("productos2.xlsx")).unwrap();
    folder.write(
        "productos2.xlsx",
        [
            std::fs::read(folder.path().join("productos2.xlsx")).unwrap(),
            vec![0],
        ]
        .concat(),
    );
    let other = products(json!({"sheet": "Precios", "pattern": "productos2.xlsx"}));
    follow(&mut mirror, folder.connector().as_ref(), &other)
        .await
        .unwrap();
    assert!(
        folder
            .report("failed")
            .contains("no sheet \"Precios\", only: Portada, Datos")
    );
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_reported_and_the_rest_go_on() {
    let (folder, mirror) = read(
        "productos.csv",
        include_bytes!("../../fixtures/files/productos-bad-rows.csv"),
        json!({}),
    )
    .await;
    assert_eq!(mirror.keys(), ["2", "5"]);
    let lines: Vec<_> = mirror
        .unreadable
        .iter()
        .map(|problem| problem.position.unwrap())
        .collect();
    assert_eq!(lines, [2, 4, 5]);
    let report = folder.report("processed");
    assert!(
        report.contains("Row 2") && report.contains("never closed") | report.contains("not closed"),
        "{report}"
    );
    assert!(report.contains("Row 5, code"), "{report}");
    assert!(
        folder
            .names("processed")
            .contains(&"productos.csv.rejected.csv".to_owned())
    );
}

#[tokio::test]
async fn lines_of_one_sale_become_one_document_even_when_a_batch_would_end_between_them() {
    let folder = Folder::new();
    folder.write(
        "ventas.csv",
        "number,total,product,quantity\n1,5,A,1\n1,5,B,2\n1,5,C,3\n2,1,A,1\n3,9,A,1\n3,9,B,1\n",
    );
    let mut mirror = Mirror::default();
    let limit = BatchLimit {
        rows: 1,
        ..BatchLimit::default()
    };
    follow_by(&mut mirror, folder.connector().as_ref(), &sales(), limit)
        .await
        .unwrap();
    assert_eq!(mirror.lines("1", "lines", "product"), ["A", "B", "C"]);
    assert_eq!(mirror.lines("3", "lines", "quantity"), ["1", "1"]);
    assert_eq!(
        (mirror.cell("3", "total"), mirror.delivered),
        ("9".into(), 3)
    );
    assert!(mirror.shape.position("product").is_none());
}

#[tokio::test]
async fn lines_of_one_sale_that_do_not_stand_together_are_gathered() {
    let folder = Folder::new();
    folder.write(
        "ventas.csv",
        "number,total,product,quantity\n1,5,A,1\n2,1,A,1\n1,5,B,2\n,,x,1\n2,1,C,4\n",
    );
    let mut mirror = Mirror::default();
    let limit = BatchLimit {
        rows: 1,
        ..BatchLimit::default()
    };
    follow_by(&mut mirror, folder.connector().as_ref(), &sales(), limit)
        .await
        .unwrap();
    assert_eq!(mirror.lines("1", "lines", "product"), ["A", "B"]);
    assert_eq!(mirror.lines("2", "lines", "product"), ["A", "C"]);
    assert_eq!((mirror.delivered, mirror.unreadable.len()), (2, 1));
}

#[tokio::test]
async fn a_column_that_is_missing_sends_the_file_to_failed_and_the_stream_goes_on() {
    let folder = Folder::new();
    folder.write("productos1.csv", "codigo;name\n1;Pan\n");
    folder.write("productos2.csv", "code;name\n2;Sal\n");
    let mut mirror = Mirror::default();
    follow(
        &mut mirror,
        folder.connector().as_ref(),
        &products(json!({"required_columns": ["name"]})),
    )
    .await
    .unwrap();
    assert_eq!(mirror.keys(), ["2"]);
    assert_eq!(
        folder.names("failed"),
        ["productos1.csv", "productos1.csv.report.txt"]
    );
    let report = folder.report("failed");
    assert!(
        report.contains("no column code") && report.contains("codigo, name"),
        "{report}"
    );
    assert!(
        mirror.unreadable[0].message.contains("productos1.csv"),
        "{:?}",
        mirror.unreadable
    );
}

#[tokio::test]
async fn the_catalog_lists_files_with_their_columns() {
    let folder = Folder::new();
    folder.write("a.csv", "code;name\n1;x\n");
    folder.write("empty.csv", "");
    let connector = folder.connector();
    let catalog = connector.catalog().await.unwrap();
    assert_eq!(catalog.tables.len(), 1);
    assert_eq!(catalog.tables[0].columns[1].name, "name");
    assert!(connector.probe().await.unwrap().product.contains("2 files"));
    let query = spec(json!({
        "name": "x", "key": ["id"], "capture": {"strategy": "diff"},
        "source": {"query": {"from": "t", "columns": {"id": "id"}}},
    }));
    let opened = connector
        .open(
            &query,
            fluxion_connectors::StartAt::Snapshot,
            Mirror::default().context(),
        )
        .await;
    assert!(opened.is_err());
}
