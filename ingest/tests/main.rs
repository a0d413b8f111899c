//! What a database of ours promises, on both engines: each test runs on SQLite and on a real PostgreSQL.
//!
//! A missing PostgreSQL fails the tests. `FLUXION_TEST_POSTGRES_URL` names one to share; without it each test starts
//! its own.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

/// Makes each of these tests run on both engines.
macro_rules! on_both_engines {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::chain::Chain::on_sqlite().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::chain::Chain::on_postgres().await).await;
            })*
        }
    };
}

mod agents;
mod chain;
mod delivery;
mod fleet;
mod http;
mod matching;
mod reads;
mod rejects;
mod resolutions;
mod schema;
