//! Files that somebody carried here: applied exactly once like what agents post, believed only as they were sealed.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method};
use fluxion_ingest::views::account::Role;
use fluxion_model::carry::{
    CarriedDelivery, CarriedPosSystem, CarryKey, Entry, Head, Manifest, Receipt, Sealer,
};
use fluxion_model::id::{AgentId, BatchSeq, Epoch, JobId, StreamName};
use serde_json::{Value, json};

use crate::chain::Chain;
use crate::http::cloud::{Answer, Cloud, Who};

on_both_engines!(
    a_file_is_applied_as_if_the_agent_had_posted_it_and_the_receipt_says_so,
    a_file_that_is_brought_again_changes_nothing,
    what_the_line_brought_meanwhile_is_passed_over,
    a_file_that_breaks_off_keeps_what_came_before_and_goes_on_when_it_is_brought_whole,
    what_was_changed_is_of_somebody_else_or_out_of_date_is_refused,
    a_gap_is_told_and_nothing_behind_it_is_applied,
    an_old_file_does_not_bring_an_old_mapping_back,
);

/// A store with its agent, and what the agent knows.
struct Store {
    cloud: Cloud,
    operator: Who,
    agent: Who,
    key: CarryKey,
    id: AgentId,
    store: String,
    epoch: Epoch,
}

/// What goes into a file.
struct Contents {
    epoch: Epoch,
    seqs: std::ops::RangeInclusive<u64>,
    mapping: u32,
}

impl Store {
    async fn new(chain: &Chain) -> Self {
        let cloud = Cloud::over(chain.database.clone(), chain.tenant).await;
        let admin = cloud.person(Role::Admin).await;
        let operator = cloud.person(Role::Operator).await;
        let (agent, store) = cloud.agent(&admin, "Cúa").await;
        let Who::Agent(token) = &agent else {
            panic!("no token")
        };
        let detail = cloud.get(&admin, &format!("/v1/stores/{store}")).await;
        Self {
            key: CarryKey::of_token(token),
            id: detail.json()["agents"][0]["id"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap(),
            epoch: Epoch::generate(),
            cloud,
            operator,
            agent,
            store,
        }
    }

    /// A file of these deliveries.
    fn file(&self, seqs: std::ops::RangeInclusive<u64>) -> Vec<u8> {
        self.file_of(&Contents {
            epoch: self.epoch,
            seqs,
            mapping: 3,
        })
    }

    fn file_of(&self, contents: &Contents) -> Vec<u8> {
        let head = Head::generate(self.id).unwrap();
        let mut sealer = Sealer::new(&self.key, &head).unwrap();
        let mut entries = vec![
            Entry::Manifest(Manifest {
                epoch: contents.epoch,
                first: BatchSeq(*contents.seqs.start()),
                last: BatchSeq(*contents.seqs.end()),
                made_at: chrono::Utc::now() - chrono::Duration::hours(1),
                version: "0.1.0".to_owned(),
            }),
            Entry::PosSystem(CarriedPosSystem {
                name: "caja".to_owned(),
                id: None,
                declaration: Some(
                    serde_json::from_value(json!({
                        "system_type": "systimax", "connector": "mysql", "mapping": {}, "mapping_name": "systimax-mysql",
                        "mapping_version": contents.mapping,
                    }))
                    .unwrap(),
                ),
            }),
        ];
        entries.extend(
            contents
                .seqs
                .clone()
                .map(|seq| Entry::Delivery(carried(seq))),
        );
        entries.push(Entry::End);
        let mut file = head.line().into_bytes();
        for entry in &entries {
            file.extend(sealer.seal(entry).unwrap());
        }
        file
    }

    async fn bring(&self, file: Vec<u8>) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "application/octet-stream".parse().unwrap());
        self.cloud
            .send(&self.operator, Method::POST, "/v1/carry", headers, file)
            .await
    }

    /// What the agent learns from the receipt: the last delivery that the cloud has.
    fn last_of(&self, answer: &Answer) -> (Option<u64>, Option<u64>) {
        let text = answer.json()["receipt"].as_str().unwrap().to_owned();
        let receipt = Receipt::verify(&text, &self.key).unwrap();
        assert_eq!(receipt.agent, self.id);
        (
            receipt.last_seq.map(|seq| seq.0),
            receipt.missing.map(|seq| seq.0),
        )
    }

    /// The ids of the customers that the cloud has.
    async fn customers(&self) -> Vec<String> {
        let list = self.cloud.get(&self.operator, "/v1/customers").await;
        let items = list.is(200).json()["items"].as_array().unwrap().clone();
        let mut ids: Vec<_> = items
            .iter()
            .map(|item| item["record"]["id"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    }
}

/// Delivery number N brings customer KN.
fn lines(seq: u64) -> String {
    let line: Value =
        json!({ "put": { "customer": { "id": format!("K{seq}"), "name": "María Ñáñez" } } });
    format!("{line}\n")
}

fn carried(seq: u64) -> CarriedDelivery {
    CarriedDelivery {
        pos: "caja".to_owned(),
        seq: BatchSeq(seq),
        made_at: "2026-11-20T12:00:00Z".parse().unwrap(),
        stream: StreamName::new("items").unwrap(),
        job: JobId::generate(),
        mapping_version: 3,
        lines: 1,
        body: zstd::encode_all(lines(seq).as_bytes(), 1).unwrap(),
    }
}

async fn a_file_is_applied_as_if_the_agent_had_posted_it_and_the_receipt_says_so(chain: Chain) {
    let store = Store::new(&chain).await;
    let answer = store.bring(store.file(1..=5)).await.is(200);
    let report = answer.json();
    assert_eq!(report["outcome"], "complete", "{report}");
    assert_eq!(
        (&report["applied"], &report["known"], &report["inserted"]),
        (&json!(5), &json!(0), &json!(5))
    );
    assert_eq!(report["store_id"], store.store);
    assert!(
        report["receipt_name"]
            .as_str()
            .unwrap()
            .starts_with("fluxion-cua-"),
        "{report}"
    );
    assert_eq!(store.last_of(&answer), (Some(5), None));
    assert_eq!(store.customers().await, ["K1", "K2", "K3", "K4", "K5"]);
    let audited = chain
        .column("select action as v from audit_log where action like '%carry%'")
        .await;
    assert_eq!(audited, [Some("store.carry_import".to_owned())]);
    // The agent hears the same when there is a line again.
    let held = store
        .cloud
        .get(&store.agent, "/v1/agents/resume-point")
        .await
        .json();
    assert_eq!(held["last_seq"], 5);
}

async fn a_file_that_is_brought_again_changes_nothing(chain: Chain) {
    let store = Store::new(&chain).await;
    let file = store.file(1..=3);
    store.bring(file.clone()).await.is(200);
    let again = store.bring(file).await.is(200);
    assert_eq!(again.json()["applied"], 0);
    assert_eq!(again.json()["known"], 3);
    assert_eq!(store.last_of(&again), (Some(3), None));
    // The next export holds everything that no receipt has covered.
    let more = store.bring(store.file(2..=4)).await.is(200);
    assert_eq!(
        (&more.json()["applied"], &more.json()["known"]),
        (&json!(1), &json!(2))
    );
}

async fn what_the_line_brought_meanwhile_is_passed_over(chain: Chain) {
    let store = Store::new(&chain).await;
    let file = store.file(1..=3);
    let pos = store.cloud.pos_system(&store.agent, "caja").await;
    for seq in 1..=2 {
        let line: Value = serde_json::from_str(&lines(seq)).unwrap();
        let body = crate::http::cloud::delivery(&pos, &store.epoch.to_string(), seq, &[line]);
        store.cloud.deliver(&store.agent, body).await.is(200);
    }
    let answer = store.bring(file).await.is(200);
    assert_eq!(
        (&answer.json()["applied"], &answer.json()["known"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(store.customers().await, ["K1", "K2", "K3"]);
}

async fn a_file_that_breaks_off_keeps_what_came_before_and_goes_on_when_it_is_brought_whole(
    chain: Chain,
) {
    let store = Store::new(&chain).await;
    let file = store.file(1..=4);
    // The last record is the end mark: four bytes of length, one of content, sixteen of seal.
    for cut in [21, 22, 21 + 150] {
        let answer = store.bring(file[..file.len() - cut].to_vec()).await.is(400);
        assert_eq!(answer.problem(), "invalid");
        let told = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(told.contains("cut off"), "{told}");
    }
    let answer = store.bring(file).await.is(200);
    assert_eq!(store.last_of(&answer), (Some(4), None));
    assert_eq!(store.customers().await.len(), 4);
}

async fn what_was_changed_is_of_somebody_else_or_out_of_date_is_refused(chain: Chain) {
    let store = Store::new(&chain).await;
    let file = store.file(1..=2);
    let refused = async |file: Vec<u8>, status, code: &str| {
        let answer = store.bring(file).await.is(status);
        assert_eq!(answer.problem(), code);
    };
    let mut changed = file.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    refused(changed, 400, "invalid").await;
    refused([file.clone(), vec![0]].concat(), 400, "invalid").await;
    refused(
        b"PK\x03\x04 a spreadsheet".to_vec(),
        415,
        "unsupported_media_type",
    )
    .await;
    refused(Vec::new(), 415, "unsupported_media_type").await;
    refused(b"FLUXION-CARRY 9 {}\n".to_vec(), 422, "unprocessable").await;

    let other = Store {
        id: AgentId::generate(),
        key: store.key.clone(),
        cloud: Cloud::over(chain.database.clone(), chain.tenant).await,
        operator: Who::Nobody,
        agent: Who::Nobody,
        store: String::new(),
        epoch: store.epoch,
    };
    refused(other.file(1..=2), 404, "not_found").await;
    let stranger = store
        .cloud
        .person_of(store.cloud.other_tenant().await, Role::Admin)
        .await;
    let elsewhere = Store {
        operator: stranger,
        id: store.id,
        ..other
    };
    assert_eq!(
        elsewhere.bring(file.clone()).await.is(404).problem(),
        "not_found"
    );
    let viewer = store.cloud.person(Role::Viewer).await;
    let looking = Store {
        operator: viewer,
        ..elsewhere
    };
    assert_eq!(
        looking.bring(file.clone()).await.is(403).problem(),
        "forbidden"
    );

    let before = Contents {
        epoch: Epoch::generate(),
        seqs: 1..=2,
        mapping: 3,
    };
    let newer = Contents {
        epoch: Epoch::generate(),
        seqs: 1..=2,
        mapping: 3,
    };
    store.bring(store.file_of(&newer)).await.is(200);
    refused(store.file_of(&before), 409, "conflict").await;

    store
        .cloud
        .database
        .revoke_agent(chain.tenant, store.id)
        .await
        .unwrap();
    refused(file, 410, "gone").await;
}

async fn a_gap_is_told_and_nothing_behind_it_is_applied(chain: Chain) {
    let store = Store::new(&chain).await;
    store.bring(store.file(1..=2)).await.is(200);
    let answer = store.bring(store.file(5..=6)).await.is(200);
    assert_eq!(answer.json()["outcome"], "gap");
    assert_eq!(answer.json()["missing"], 3);
    assert_eq!(store.last_of(&answer), (Some(2), Some(3)));
    assert_eq!(store.customers().await, ["K1", "K2"]);
}

async fn an_old_file_does_not_bring_an_old_mapping_back(chain: Chain) {
    let store = Store::new(&chain).await;
    let old = store.file_of(&Contents {
        epoch: store.epoch,
        seqs: 1..=2,
        mapping: 1,
    });
    // Declared over the line after the file was written, with version 3.
    store.cloud.pos_system(&store.agent, "caja").await;
    store.bring(old).await.is(200);
    let version = chain
        .column("select mapping_version as v from pos_systems where system_name = 'caja'")
        .await;
    assert_eq!(version, [Some("3".to_owned())]);
}
