//! What may never change: the text that agents in the field have sent and still send.

use fluxion_model::command::{Action, Command, CommandOutcome};
use fluxion_model::delivery::{Ack, DeliveryHeader, Line};
use fluxion_model::entity::{EntityKind, Record};
use fluxion_model::fingerprint::Fingerprint;
use fluxion_model::heartbeat::{Heartbeat, StreamPhase};
use fluxion_model::id::{BatchSeq, CommandId};
use fluxion_model::wire::{self, WireError};

const FIRST_AGENT: &str = include_str!("wire/v1-first-agent.ndjson");
const NEWER_AGENT: &str = include_str!("wire/v1-newer-agent.ndjson");

#[test]
fn a_batch_of_the_first_agent_still_reads_and_writes_byte_for_byte() {
    let (header, lines) = wire::split(FIRST_AGENT.as_bytes()).unwrap();
    assert_eq!(header.seq, BatchSeq(12));

    let mut written = Vec::new();
    wire::write_line(&mut written, &header).unwrap();
    for line in &lines {
        wire::write_line(&mut written, &wire::read_line(line).unwrap()).unwrap();
    }
    // Byte equality is what keeps fingerprints, and so nothing is uploaded again after an update.
    assert_eq!(String::from_utf8(written).unwrap(), FIRST_AGENT);
}

#[test]
fn the_records_of_the_first_agent_mean_what_they_meant() {
    let (_, lines) = wire::split(FIRST_AGENT.as_bytes()).unwrap();
    let lines: Vec<Line> = lines
        .iter()
        .map(|line| wire::read_line(line).unwrap())
        .collect();

    let Line::Put(Record::StockLevel(stock)) = &lines[2] else {
        panic!("{:?}", lines[2])
    };
    assert_eq!(stock.on_hand.to_string(), "-2.5");
    let Line::Put(Record::Sale(sale)) = &lines[3] else {
        panic!("{:?}", lines[3])
    };
    assert_eq!(
        (
            sale.total.to_string().as_str(),
            sale.lines.len(),
            sale.payments.len()
        ),
        ("310.21", 1, 1)
    );
    let Line::Delete(gone) = &lines[5] else {
        panic!("{:?}", lines[5])
    };
    assert_eq!(
        (gone.entity, gone.id.as_str()),
        (EntityKind::Product, "000099")
    );
}

#[test]
fn a_newer_agent_is_understood_but_for_the_line_of_an_unknown_kind() {
    let (_, lines) = wire::split(NEWER_AGENT.as_bytes()).unwrap();
    let read: Vec<bool> = lines
        .iter()
        .map(|line| wire::read_line(line).is_ok())
        .collect();
    assert_eq!(read, [true, false, true]);
}

#[test]
fn a_body_that_was_cut_on_the_way_is_refused_whole() {
    let cut = &FIRST_AGENT.as_bytes()[..FIRST_AGENT.rfind("{\"job\"").unwrap()];
    assert!(matches!(
        wire::split(cut),
        Err(WireError::Cut {
            promised: 9,
            got: 8
        })
    ));
    assert!(matches!(wire::split(b""), Err(WireError::Empty)));
    assert!(matches!(wire::split(b"<html>"), Err(WireError::Header(_))));
    let doubled = format!("{FIRST_AGENT}{}", FIRST_AGENT.lines().last().unwrap());
    assert!(matches!(
        wire::split(doubled.as_bytes()),
        Err(WireError::Cut { .. })
    ));
}

#[test]
fn a_newer_wire_version_is_named_as_the_reason() {
    let newer = FIRST_AGENT.replacen("\"fluxion\":1", "\"fluxion\":2", 1);
    assert!(matches!(
        wire::split(newer.as_bytes()),
        Err(WireError::Version { got: 2 })
    ));
}

#[test]
fn money_on_the_wire_is_text_and_a_bare_number_is_refused() {
    let line = br#"{"put":{"price":{"id":"1","product":"1","currency":"USD","amount":1.1}}}"#;
    assert!(
        wire::read_line(line).is_err(),
        "a JSON number may have passed through a float"
    );
}

#[test]
fn the_fingerprint_of_a_line_is_the_same_for_ever() {
    let line = br#"{"put":{"stock_level":{"id":"000123","product":"000123","on_hand":"-2.5"}}}"#;
    assert_eq!(
        format!("{:?}", Fingerprint::of(line)),
        "4d2d60491f05d42867ee3d4abf4815c6"
    );
}

#[test]
fn a_record_is_told_from_another_by_what_it_says_and_not_by_when_it_was_touched() {
    let records = [
        r#"{"product":{"id":"1","sku":"1","name":"Café","updated_at":"2026-11-21T13:00:00Z"}}"#,
        r#"{"price":{"id":"1","product":"1","currency":"USD","amount":"1.1","updated_at":"2026-11-21T13:00:00.5Z"}}"#,
        r#"{"stock_level":{"id":"1","product":"1","on_hand":"-2.5","updated_at":"2026-11-21T13:00:00Z"}}"#,
        r#"{"sale":{"id":"88","number":"F1","at":"2026-11-21T12:59:10Z","kind":"sale","status":"completed","currency":"VES","total":"310.21","updated_at":"2026-11-21T13:00:00Z"}}"#,
    ];
    let written = |text: &str| {
        let record: Record = serde_json::from_str(text).unwrap();
        let (mut whole, mut line) = (b"before\n".to_vec(), b"before\n".to_vec());
        wire::write_line(&mut whole, &Line::Put(record.clone())).unwrap();
        let fingerprint = wire::write_record(&mut line, record).unwrap();
        assert_eq!(whole, line, "the line is the same either way");
        fingerprint
    };
    for text in records {
        let fingerprint = written(text);
        assert_eq!(fingerprint, written(&text.replace("T13:", "T14:")));
        let (without, _) = text.split_once(",\"updated_at\"").unwrap();
        assert_eq!(fingerprint, written(&format!("{without}}}}}")));
        assert_ne!(
            fingerprint,
            written(&text.replacen("\"1", "\"2", 1).replacen("88", "89", 1))
        );
    }
}

#[test]
fn a_heartbeat_of_a_newer_agent_is_read_without_what_is_unknown() {
    let text = r#"{"version":"9.0.0","now":"2026-11-21T13:00:00Z","epoch":"01997f10-6c1a-7d0e-8a44-3f5d5f1f0a01",
        "streams":[{"pos":"caja","stream":"items","phase":"dreaming","mood":"fine"}]}"#;
    let heartbeat: Heartbeat = serde_json::from_str(text).unwrap();
    assert_eq!(heartbeat.streams[0].phase, StreamPhase::Other);
    assert_eq!(heartbeat.queued_batches, 0);
}

#[test]
fn a_command_an_agent_does_not_know_is_unknown_and_not_an_error() {
    let id = CommandId::generate();
    let text = format!(r#"{{"id":"{id}","action":"brew_coffee","strength":3}}"#);
    assert_eq!(
        serde_json::from_str::<Command>(&text).unwrap(),
        Command {
            id,
            action: Action::Unknown
        }
    );

    let text = format!(r#"{{"id":"{id}","action":"sync"}}"#);
    let command: Command = serde_json::from_str(&text).unwrap();
    assert!(matches!(
        command.action,
        Action::Sync {
            pos: None,
            stream: None,
            ..
        }
    ));
    assert_eq!(
        serde_json::to_string(&CommandOutcome::Done).unwrap(),
        r#"{"outcome":"done"}"#
    );
}

#[test]
fn answers_to_a_delivery_read_as_written() {
    let ack = Ack::Applied {
        seq: BatchSeq(3),
        rejected: 1,
    };
    let text = serde_json::to_string(&ack).unwrap();
    assert_eq!(text, r#"{"result":"applied","seq":3,"rejected":1}"#);
    assert_eq!(
        serde_json::from_str::<Ack>(r#"{"result":"applied","seq":3}"#).unwrap(),
        Ack::Applied {
            seq: BatchSeq(3),
            rejected: 0
        }
    );
    assert!(
        serde_json::from_str::<Ack>("{}").is_err(),
        "any other 200, such as a captive portal's, is no acknowledgement"
    );
}

#[test]
fn entity_names_are_the_same_in_code_text_and_wire() {
    for kind in EntityKind::ALL {
        assert_eq!(kind.as_str().parse::<EntityKind>().unwrap(), *kind);
        assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{kind}\""));
    }
    assert_eq!(EntityKind::ALL.len(), 11);
}

#[test]
fn a_header_without_its_fields_is_refused() {
    assert!(serde_json::from_str::<DeliveryHeader>(r#"{"fluxion":1}"#).is_err());
}
