//! Whether the protocol half of a stream makes sense, before anything is compiled.

use std::collections::BTreeMap;

use fluxion_model::stream::{Capture, ChildSpec, Source};
use fluxion_model::webhook::MAX_TYPE_BYTES;

use crate::compile::{has, join};
use crate::document::{Mapping, Stream};
use crate::error::MappingError;

/// That source, key, children and capture of a stream fit each other and the connector.
pub(crate) fn check_stream(mapping: &Mapping, stream: &Stream) -> Result<(), MappingError> {
    let error = |problem: String| {
        Err(MappingError::new(
            format!("stream {}", stream.name),
            problem,
        ))
    };
    if stream.key.is_empty() {
        return error("needs a key: the columns that identify a row".to_owned());
    }
    if stream.records.is_empty() {
        return error("needs at least one [[streams.records]]".to_owned());
    }
    match (&stream.source, &stream.capture, mapping.connector.as_str()) {
        (Source::Files(_), _, connector) if connector != "files" => {
            return error(format!(
                "reads files, so the mapping's connector must be \"files\" and not {connector:?}"
            ));
        }
        (Source::Http(_), _, connector) if connector != "rest" => {
            return error(format!(
                "asks an HTTP API, so the mapping's connector must be \"rest\" and not {connector:?}"
            ));
        }
        (Source::Event(_), _, connector) if connector != "webhook" => {
            return error(format!(
                "waits for events, so the mapping's connector must be \"webhook\" and not {connector:?}"
            ));
        }
        (
            Source::Query(_) | Source::Files(_) | Source::Table(_) | Source::Http(_),
            _,
            "webhook",
        ) => {
            return error(
                "needs a source of the form [streams.source.event], which is what \"webhook\" takes"
                    .to_owned(),
            );
        }
        (Source::Event(_), capture, _) if *capture != Capture::Push => {
            return error("waits for events, so its capture strategy is \"push\"".to_owned());
        }
        (Source::Event(_), _, _) if !stream.fallback.is_empty() => {
            return error("waits for events, so there is no `fallback` to \"push\"".to_owned());
        }
        (Source::Query(_) | Source::Files(_) | Source::Table(_), Capture::Push, _) => {
            return error(
                "is read and not called, so its capture strategy is not \"push\"".to_owned(),
            );
        }
        (Source::Query(_) | Source::Files(_) | Source::Table(_), _, "rest") => {
            return error(
                "needs a source of the form [streams.source.http], which is what \"rest\" reads"
                    .to_owned(),
            );
        }
        (Source::Http(source), Capture::Watermark { .. }, _) if source.since.is_none() => {
            return error("needs `since`, the parameter that asks for what changed, to be read by \"watermark\"".to_owned());
        }
        (Source::Http(_), Capture::Log | Capture::Outbox | Capture::Arrival | Capture::Push, _) => {
            return error(
                "asks an HTTP API, so its capture strategy is \"diff\" or \"watermark\"".to_owned(),
            );
        }
        (Source::Query(_), _, "files") => {
            return error("has a query, which the files connector cannot run".to_owned());
        }
        (Source::Table(_), _, connector) if connector != "files" => {
            return error(format!(
                "reads a table kept in a file, so the mapping's connector must be \"files\" and not {connector:?}"
            ));
        }
        (Source::Table(_), capture, _) if *capture != Capture::Diff => {
            return error(
                "reads a table kept in a file, so its capture strategy is \"diff\"".to_owned(),
            );
        }
        (Source::Files(_), Capture::Watermark { .. }, _) => {
            return error("reads files, so its capture strategy is \"arrival\"".to_owned());
        }
        (Source::Query(_), Capture::Arrival, _) => {
            return error(
                "has a query, so its capture strategy is \"diff\" or \"watermark\"".to_owned(),
            );
        }
        _ => {}
    }
    let columns = match &stream.source {
        Source::Query(query) => Some(&query.columns),
        Source::Http(source) => Some(&source.columns),
        Source::Event(source) => Some(&source.columns),
        Source::Files(_) | Source::Table(_) => None,
    };
    if let Some(columns) = columns
        && let Some(key) = stream.key.iter().find(|key| !has(columns.keys(), key))
    {
        return error(format!(
            "key {key:?} is none of its columns: {}",
            join(columns.keys())
        ));
    }
    stream
        .children
        .iter()
        .try_for_each(|child| check_child(stream, child))
}

/// That each event has a name and goes to one stream alone: a call is answered when that stream has kept it.
pub(crate) fn check_events(mapping: &Mapping) -> Result<(), MappingError> {
    let mut taken = BTreeMap::new();
    for stream in &mapping.streams {
        let Source::Event(source) = &stream.source else {
            continue;
        };
        let place = || format!("stream {}", stream.name);
        if source.event.trim().is_empty() || source.event.len() > MAX_TYPE_BYTES {
            let problem = format!(
                "needs `event`: the name of the event in at most {MAX_TYPE_BYTES} bytes, such as \"sale_completed\""
            );
            return Err(MappingError::new(place(), problem));
        }
        if let Some(other) = taken.insert(&source.event, &stream.name) {
            let problem = format!(
                "takes the event {:?} that stream {other} takes too; an event goes to one stream, which may make several \
                 records of it",
                source.event
            );
            return Err(MappingError::new(place(), problem));
        }
    }
    Ok(())
}

fn check_child(stream: &Stream, child: &ChildSpec) -> Result<(), MappingError> {
    let error = |problem: String| {
        Err(MappingError::new(
            format!("stream {}, children {}", stream.name, child.name),
            problem,
        ))
    };
    if let Source::Http(_) | Source::Event(_) = &stream.source {
        return match child.json {
            Some(_) => Ok(()),
            None => {
                error("needs `json`: where the list stands in the item, and its columns".to_owned())
            }
        };
    }
    if let Source::Table(_) = &stream.source {
        return match (&child.table, &child.query) {
            (Some(_), None) if child.parent.len() == stream.key.len() => Ok(()),
            (Some(_), None) => error(format!(
                "`parent` needs one column for each of the stream's key: {}",
                stream.key.join(", ")
            )),
            (None, _) | (Some(_), Some(_)) => {
                error("needs a `table` and no query: the file that holds its rows".to_owned())
            }
        };
    }
    if child.table.is_some() {
        return error("has a `table`, which only streams of tables can have".to_owned());
    }
    match (&stream.source, &child.query) {
        (Source::Query(_), None) => error("needs a query".to_owned()),
        (Source::Files(_), Some(_)) => error(
            "cannot have a query, because the stream reads files; name its columns instead"
                .to_owned(),
        ),
        (Source::Files(_), None) if child.columns.is_empty() => {
            error("needs `columns`: those of the file that belong to the line".to_owned())
        }
        (Source::Query(_), Some(_)) if child.parent.len() != stream.key.len() => error(format!(
            "`parent` needs one column for each of the stream's key: {}",
            stream.key.join(", ")
        )),
        (Source::Query(_), Some(query)) => match child
            .parent
            .iter()
            .chain(&child.order)
            .find(|c| !has(query.columns.keys(), c))
        {
            Some(column) => error(format!(
                "{column:?} is none of its columns: {}",
                join(query.columns.keys())
            )),
            None => Ok(()),
        },
        (Source::Files(_) | Source::Table(_) | Source::Http(_) | Source::Event(_), _) => Ok(()),
    }
}
