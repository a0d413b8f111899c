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

/// All pages of a list, three items at a time.
macro_rules! all {
    ($page:ident => $list:expr) => {{
        let (mut items, mut $page) = (
            Vec::new(),
            fluxion_ingest::views::page::PageRequest::first(3),
        );
        loop {
            let fluxion_ingest::views::page::Page {
                items: some,
                next_cursor,
            } = $list.await.unwrap();
            items.extend(some);
            let Some(cursor) = next_cursor else {
                break items;
            };
            $page.after = crate::chain::place_of(&cursor);
        }
    }};
}

mod agents;
mod carry;
mod chain;
mod delivery;
mod fleet;
mod http;
mod matching;
mod overview;
mod reads;
mod rejects;
mod releases;
mod resolutions;
mod schema;
mod webhooks;
