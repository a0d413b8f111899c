//! The description's example, and signers that are not ours.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::{Shop, applied};
use crate::chain::Chain;

/// The lines of the API's description, run as they stand there, against a service that listens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_in_the_description_works_with_openssl_and_curl() {
    let shop = Shop::open(Chain::on_sqlite().await).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = shop.cloud.app.clone();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let description = fluxion_ingest::routes::openapi_json().unwrap();
    let description: Value = serde_json::from_str(&description).unwrap();
    let text = description["paths"]["/v1/webhooks/{pos_system_id}"]["post"]["description"]
        .as_str()
        .unwrap();
    let example = text
        .split("```sh\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let first = run("bash", &["-c", example], &shop, &address.to_string(), "").await;
    assert_eq!(first, applied(1));
    let again = run("bash", &["-c", example], &shop, &address.to_string(), "").await;
    assert_eq!(again, json!({ "result": "duplicate" }));
    // And a signer of another make.
    let python = r#"
import base64, hashlib, hmac, json, os, time, urllib.request
body = json.dumps({"type": "sale_completed", "data": {"number": "Ñ-1", "at": "2026-11-20T09:30:00Z", "total": 1,
    "lines": [], "payments": []}}, ensure_ascii=False).encode()
id, now = "evt_py", str(int(time.time()))
key = base64.b64decode(os.environ["SECRET"].removeprefix("whsec_"))
mac = hmac.new(key, id.encode() + b"." + now.encode() + b"." + body, hashlib.sha256).digest()
request = urllib.request.Request(os.environ["URL"], body, {"content-type": "application/json", "webhook-id": id,
    "webhook-timestamp": now, "webhook-signature": "v1," + base64.b64encode(mac).decode()})
print(urllib.request.urlopen(request).read().decode())
"#;
    let third = run("python3", &["-"], &shop, &address.to_string(), python).await;
    assert_eq!(third, applied(1));
    server.abort();
}

async fn run(program: &str, arguments: &[&str], shop: &Shop, address: &str, input: &str) -> Value {
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .env("SECRET", shop.secret.reveal())
        .env("URL", format!("http://{address}{}", shop.path))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .await
        .unwrap();
    let output = child.wait_with_output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
