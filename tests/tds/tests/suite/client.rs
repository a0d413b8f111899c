//! Tiberius, logged in.

use fluxion_tds::Server;
use tiberius::{AuthMethod, Client, Config, EncryptionLevel, Row};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

pub type Tiberius = Client<Compat<TcpStream>>;

pub fn config(server: &Server, password: &str) -> Config {
    let mut config = Config::new();
    config.host("127.0.0.1");
    config.port(server.port());
    config.authentication(AuthMethod::sql_server("sa", password));
    config.encryption(EncryptionLevel::NotSupported);
    config.trust_cert();
    config
}

pub async fn log_in(server: &Server, password: &str) -> tiberius::Result<Tiberius> {
    let socket = TcpStream::connect(server.address()).await.unwrap();
    Client::connect(config(server, password), socket.compat_write()).await
}

pub async fn client(server: &Server) -> Tiberius {
    log_in(server, "Secret-1").await.unwrap()
}

pub async fn rows(client: &mut Tiberius, sql: &str) -> tiberius::Result<Vec<Row>> {
    client.simple_query(sql).await?.into_first_result().await
}

pub async fn int(client: &mut Tiberius, sql: &str) -> i32 {
    rows(client, sql).await.unwrap()[0].get(0).unwrap()
}

/// The number of the error that this ends in.
pub async fn code(client: &mut Tiberius, sql: &str) -> u32 {
    match rows(client, sql).await {
        Err(tiberius::error::Error::Server(error)) => error.code(),
        other => panic!("{sql} should fail, but: {other:?}"),
    }
}
