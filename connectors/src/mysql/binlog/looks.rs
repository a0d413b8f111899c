//! Keys on their way out, each twice: at once, and again when the change is surely visible.

use std::collections::VecDeque;
use std::time::Duration;

use fluxion_model::row::RowKey;
use tokio::time::Instant;

use super::follower::Item;
use super::place::Place;

/// How long the second look waits for a change to become visible.
const SECOND_LOOK: Duration = Duration::from_millis(1_500);

/// No more keys than this wait for their second look.
const MOST_WAITING: usize = 50_000;

/// Keys on their way out, each twice.
#[derive(Debug, Default)]
pub(super) struct Looks {
    first: Vec<RowKey>,
    /// What waits for its second look, and since when.
    second: VecDeque<(Instant, Item)>,
}

impl Looks {
    pub fn add(&mut self, items: Vec<Item>) {
        let now = Instant::now();
        for item in items {
            if let Item::Key(key) = &item {
                self.first.push(key.clone());
            }
            if let (Item::Place(_), Some((_, Item::Place(_)))) = (&item, self.second.back()) {
                self.second.pop_back();
            }
            self.second.push_back((now, item));
        }
    }

    /// Whether to give out some before more is read.
    pub fn is_enough(&self, limit: usize) -> bool {
        self.first.len() >= limit || self.is_full()
    }

    /// Whether nothing more can be taken before some had their second look.
    pub fn is_full(&self) -> bool {
        self.second.len() >= MOST_WAITING
    }

    pub fn has_more(&self) -> bool {
        self.second
            .front()
            .is_some_and(|(since, _)| since.elapsed() >= SECOND_LOOK)
    }

    /// Moves out what is due, and tells how far everything was looked at twice.
    pub fn give(&mut self, keys: &mut Vec<RowKey>, limit: usize) -> Option<Place> {
        keys.append(&mut self.first);
        let mut place = None;
        while let Some((since, item)) = self.second.pop_front() {
            match item {
                Item::Place(reached) => place = Some(reached),
                Item::Key(key) if since.elapsed() >= SECOND_LOOK && keys.len() < limit => {
                    keys.push(key)
                }
                Item::Key(key) => {
                    self.second.push_front((since, Item::Key(key)));
                    break;
                }
            }
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Item {
        Item::Key(RowKey(text.into()))
    }

    fn place(at: u64) -> Place {
        Place {
            file: "log.000001".to_owned(),
            at,
            gtids: None,
            begun: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_given_out_twice_and_the_place_moves_after_the_second_time() {
        let mut looks = Looks::default();
        looks.add(vec![key("1"), Item::Place(place(10))]);
        let mut keys = Vec::new();
        assert_eq!(looks.give(&mut keys, 100), None);
        assert_eq!(keys.len(), 1);
        tokio::time::advance(SECOND_LOOK).await;
        assert_eq!(looks.give(&mut keys, 100), Some(place(10)));
        assert_eq!(keys.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn transactions_that_concern_nobody_move_the_place_at_once() {
        let mut looks = Looks::default();
        looks.add(vec![Item::Place(place(10)), Item::Place(place(20))]);
        assert_eq!(looks.second.len(), 1, "only the last counts");
        assert_eq!(looks.give(&mut Vec::new(), 100), Some(place(20)));
    }
}
