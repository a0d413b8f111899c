//! Pages of a list, and where the next one begins.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::ApiError;

/// A page of a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Give this back as `cursor` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Which page is wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// How many items at most, 1 to 1,000.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before; absent for the first page.
    pub cursor: Option<String>,
}

/// A page as the database is asked for it: the sort key of the last item seen, and how many to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Sort key of the last item of the page before, as the query wrote it; empty for the first page.
    pub after: Vec<String>,
    /// How many items.
    pub limit: u32,
}

impl PageParams {
    /// How many items when nobody says.
    pub const DEFAULT_LIMIT: u32 = 100;
    /// How many items at most.
    pub const MAX_LIMIT: u32 = 1000;

    /// Checks the wish. `parts` is how many texts the list's sort key has.
    ///
    /// # Errors
    /// When the limit is out of bounds or the cursor is not one that this list gave out.
    pub fn request(&self, parts: usize) -> Result<PageRequest, ApiError> {
        let limit = self.limit.unwrap_or(Self::DEFAULT_LIMIT);
        if limit == 0 || limit > Self::MAX_LIMIT {
            return Err(ApiError::invalid(
                "limit",
                format!("{limit} is out of bounds; ask for 1 to {}", Self::MAX_LIMIT),
            ));
        }
        let after = match self.cursor.as_deref() {
            None | Some("") => Vec::new(),
            Some(cursor) => decode_cursor(cursor).filter(|after| after.len() == parts).ok_or_else(|| {
                ApiError::invalid("cursor", "this is not a cursor of this list; leave it out to begin at the first page")
            })?,
        };
        Ok(PageRequest { after, limit })
    }
}

impl PageRequest {
    /// The first so many items.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self {
            after: Vec::new(),
            limit,
        }
    }

    /// How many rows to ask for so that one more than the page tells whether there is a next one.
    #[must_use]
    pub fn probe(&self) -> i64 {
        i64::from(self.limit) + 1
    }
}

impl<T> Page<T> {
    /// Cuts the row that was read beyond the page, if there is one, and names the place to go on from.
    #[must_use]
    pub fn cut(mut items: Vec<T>, request: &PageRequest, key: impl Fn(&T) -> Vec<String>) -> Self {
        let limit = request.limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items
            .last()
            .filter(|_| more)
            .map(|last| encode_cursor(&key(last)));
        Self { items, next_cursor }
    }
}

/// Opaque to callers: hexadecimal of a JSON array of texts.
#[must_use]
pub fn encode_cursor(parts: &[String]) -> String {
    use std::fmt::Write as _;
    let json = serde_json::to_string(parts).unwrap_or_default();
    json.bytes()
        .fold(String::with_capacity(json.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            write!(text, "{byte:02x}").ok();
            text
        })
}

fn decode_cursor(cursor: &str) -> Option<Vec<String>> {
    if cursor.len() > 4096 || !cursor.len().is_multiple_of(2) || !cursor.is_ascii() {
        return None;
    }
    let bytes: Option<Vec<u8>> = (0..cursor.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&cursor[i..i + 2], 16).ok())
        .collect();
    serde_json::from_slice(&bytes?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_given_out_and_nothing_else_does() {
        let parts = vec!["Café ñ".to_owned(), "000123".to_owned()];
        let params = PageParams {
            limit: None,
            cursor: Some(encode_cursor(&parts)),
        };
        assert_eq!(params.request(2).unwrap().after, parts);
        assert!(params.request(3).is_err(), "a cursor of another list");
        for hostile in ["zz", "é", "0", &"00".repeat(9000)] {
            assert!(
                PageParams {
                    limit: None,
                    cursor: Some(hostile.to_owned())
                }
                .request(2)
                .is_err(),
                "{hostile}"
            );
        }
        assert!(
            PageParams {
                limit: Some(0),
                cursor: None
            }
            .request(1)
            .is_err()
        );
        assert!(
            PageParams {
                limit: Some(1001),
                cursor: None
            }
            .request(1)
            .is_err()
        );
    }

    #[test]
    fn the_last_page_has_no_next() {
        let request = PageRequest::first(2);
        let page = Page::cut(vec![1, 2, 3], &request, |n| vec![n.to_string()]);
        assert_eq!(
            (page.items, page.next_cursor),
            (vec![1, 2], Some(encode_cursor(&["2".to_owned()])))
        );
        assert_eq!(
            Page::cut(vec![1, 2], &request, |n| vec![n.to_string()]).next_cursor,
            None
        );
    }
}
