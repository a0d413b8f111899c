//! `mapping check`: prints what each row of a sample becomes, before anything is sent anywhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use fluxion_connectors::{
    BatchLimit, Connector, ConnectorKind, Marks, Next, OpenContext, SourceError, StartAt, registry,
};
use fluxion_mappings::{Context, Country, Mapping, Rules, Scalar, StreamRules, packs, sample};
use fluxion_model::pattern::Pattern;
use fluxion_model::row::RowBatch;
use fluxion_model::stream::{FileContent, FileSource, Source, StreamSpec};

use super::{MappingCommand, Place};
use crate::capture::{PosSystem, read_mapping_file};

/// A file counts as complete when it has stood still for a moment; then it must have been read.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn mapping(place: &Place, command: &MappingCommand) -> anyhow::Result<ExitCode> {
    match command {
        MappingCommand::Schema => {
            println!(
                "{}",
                serde_json::to_string_pretty(&fluxion_mappings::schema())?
            );
            Ok(ExitCode::SUCCESS)
        }
        MappingCommand::Check {
            mapping: path,
            sample,
            pos,
            stream,
            rows,
            ..
        } => {
            let mapping = find(path)?;
            let plan = match pos {
                Some(pos) => of_pos(place, pos, path)?,
                None => of_options(&mapping, command)?,
            };
            println!(
                "{} version {} is sound: {} streams.",
                mapping.name,
                mapping.version,
                plan.rules.streams().count()
            );
            let streams: Vec<&StreamRules> = plan
                .rules
                .streams()
                .filter(|rules| {
                    stream
                        .as_ref()
                        .is_none_or(|name| rules.spec().name == *name)
                })
                .collect();
            if streams.is_empty() {
                bail!(
                    "the mapping has no such stream; it has: {}",
                    names(&plan.rules)
                );
            }
            match (sample, &plan.connector) {
                (Some(file), _) => from_file(&plan, &streams, file, *rows).await,
                (None, Some(connector)) => {
                    from_pos(&plan, &streams, connector.as_ref(), *rows).await
                }
                (None, None) => Ok(ExitCode::SUCCESS),
            }
        }
    }
}

struct Plan {
    rules: Rules,
    context: Context,
    connector: Option<Arc<dyn Connector>>,
}

fn names(rules: &Rules) -> String {
    rules
        .streams()
        .map(|stream| stream.spec().name.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

fn find(path: &Path) -> anyhow::Result<Mapping> {
    if !path.exists()
        && let Some(pack) = path.to_str().and_then(packs::find)
    {
        return Ok(pack);
    }
    Ok(read_mapping_file(path)?)
}

fn of_pos(place: &Place, name: &str, path: &Path) -> anyhow::Result<Plan> {
    let loaded = place.load()?;
    let Some(config) = loaded.config.pos.iter().find(|pos| pos.name == name) else {
        bail!("the configuration has no POS system {name:?}");
    };
    let mut config = config.clone();
    config.streams.clear();
    if path.exists() {
        config.pack = None;
        config.mapping = Some(std::path::absolute(path)?);
    } else {
        config.mapping = None;
        config.pack = path.to_str().map(str::to_owned);
    }
    let pos = PosSystem::prepare(&loaded, &config)?;
    Ok(Plan {
        rules: pos.rules,
        context: pos.context,
        connector: Some(pos.connector),
    })
}

fn of_options(mapping: &Mapping, command: &MappingCommand) -> anyhow::Result<Plan> {
    let MappingCommand::Check {
        time_zone,
        currency,
        country,
        settings,
        ..
    } = command
    else {
        bail!("not a check");
    };
    let mut given = BTreeMap::new();
    for setting in settings {
        let Some((name, value)) = setting.split_once('=') else {
            bail!("--setting {setting:?} must be NAME=VALUE");
        };
        given.insert(name.to_owned(), Scalar::Text(value.to_owned()));
    }
    // A check of the mapping alone must not ask for settings of a store.
    for (name, setting) in &mapping.settings {
        if setting.default.is_none() && !given.contains_key(name) {
            let stand_in = setting
                .one_of
                .first()
                .cloned()
                .unwrap_or(Scalar::Text("1".to_owned()));
            println!(
                "note: setting {name} is taken to be {stand_in}; give the real one with --setting {name}=…"
            );
            given.insert(name.clone(), stand_in);
        }
    }
    let country: Option<Country> = match country {
        Some(code) => Some(
            serde_json::from_value(code.to_uppercase().into())
                .context("--country is VE, MX, AR or PA")?,
        ),
        None => None,
    };
    let context = Context::new(mapping, *time_zone, *currency, country, &given)?;
    Ok(Plan {
        rules: Rules::compile(mapping, &context)?,
        context,
        connector: None,
    })
}

/// Copies the file into a folder of its own, because reading an export folder files it away.
async fn from_file(
    plan: &Plan,
    streams: &[&StreamRules],
    file: &Path,
    rows: usize,
) -> anyhow::Result<ExitCode> {
    let Some(name) = file.file_name() else {
        bail!("{} is not a file", file.display())
    };
    let folder = std::env::temp_dir().join(format!(
        "fluxion-check-{}",
        fluxion_model::id::Epoch::generate()
    ));
    std::fs::create_dir_all(&folder)?;
    let result = read_copy(plan, streams, file, &folder, &name.to_string_lossy(), rows).await;
    if let Err(error) = std::fs::remove_dir_all(&folder) {
        tracing::debug!(%error, "the copy of the sample could not be deleted");
    }
    result
}

async fn read_copy(
    plan: &Plan,
    streams: &[&StreamRules],
    file: &Path,
    folder: &Path,
    name: &str,
    rows: usize,
) -> anyhow::Result<ExitCode> {
    let mut shown = 0;
    let mut rejected = 0;
    let mut unfit = Vec::new();
    for rules in meant_for(streams, name) {
        let (own, spec) = match in_place(rules.spec(), file, name) {
            Some(found) => found,
            None => {
                let own = folder.join(rules.spec().name.as_str());
                std::fs::create_dir_all(&own)?;
                std::fs::copy(file, own.join(name))
                    .with_context(|| format!("cannot read {}", file.display()))?;
                (own, for_file(rules.spec(), name))
            }
        };
        let connection = serde_json::json!({ "folder": own.to_string_lossy() });
        let connector = registry::build(ConnectorKind::Files, &connection)?;
        match read(plan, connector.as_ref(), &spec, rows).await {
            Ok(batches) => match show(rules, &batches, rows) {
                Ok(count) => {
                    shown += 1;
                    rejected += count;
                }
                Err(missing) => unfit.push(missing.to_string()),
            },
            Err(error) => unfit.push(explain(&error)),
        }
    }
    if shown == 0 {
        bail!("the sample fits no stream:\n{}", unfit.join("\n"));
    }
    Ok(if rejected == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    })
}

/// The streams that would take a file of this name; where none would, the sample is tried on all of them.
fn meant_for<'a>(streams: &[&'a StreamRules], name: &str) -> Vec<&'a StreamRules> {
    let takes = |rules: &&&StreamRules| match &rules.spec().source {
        Source::Files(files) => Pattern::new(&files.pattern).matches(name),
        Source::Table(table) => {
            let stem = |name: &str| name.to_lowercase().trim_end_matches(".dbf").to_owned();
            is_table(name) && stem(&table.name) == stem(name)
        }
        Source::Query(_) | Source::Http(_) | Source::Event(_) => false,
    };
    let named: Vec<_> = streams.iter().filter(takes).copied().collect();
    if named.is_empty() {
        streams.to_vec()
    } else {
        named
    }
}

async fn from_pos(
    plan: &Plan,
    streams: &[&StreamRules],
    connector: &dyn Connector,
    rows: usize,
) -> anyhow::Result<ExitCode> {
    let mut rejected = 0;
    for rules in streams {
        let batches = match read(plan, connector, rules.spec(), rows).await {
            Ok(batches) => batches,
            Err(error) => bail!("stream {}: {}", rules.spec().name, explain(&error)),
        };
        rejected += show(rules, &batches, rows)?;
    }
    Ok(if rejected == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    })
}

fn is_table(name: &str) -> bool {
    name.to_lowercase().ends_with(".dbf")
}

/// A table is read where it stands, beside its memos and the tables of its lines; reading changes nothing there.
fn in_place(spec: &StreamSpec, file: &Path, name: &str) -> Option<(PathBuf, StreamSpec)> {
    let mut spec = spec.clone();
    let Source::Table(table) = &mut spec.source else {
        return None;
    };
    if !is_table(name) {
        return None;
    }
    name.clone_into(&mut table.name);
    let folder = std::path::absolute(file).ok()?.parent()?.to_owned();
    Some((folder, spec))
}

/// The stream as if it read this one file.
fn for_file(spec: &StreamSpec, name: &str) -> StreamSpec {
    let mut spec = spec.clone();
    spec.source = match spec.source {
        Source::Files(mut files) => {
            name.clone_into(&mut files.pattern);
            files.done_marker = None;
            Source::Files(files)
        }
        Source::Query(_) | Source::Table(_) | Source::Http(_) | Source::Event(_) => {
            Source::Files(FileSource {
                pattern: name.to_owned(),
                format: None,
                sheet: None,
                record: None,
                delimiter: None,
                encoding: None,
                skip_lines: 0,
                content: FileContent::Changes,
                required_columns: Vec::new(),
                done_marker: None,
            })
        }
    };
    spec.capture = fluxion_model::stream::Capture::Arrival;
    spec
}

async fn read(
    plan: &Plan,
    connector: &dyn Connector,
    spec: &StreamSpec,
    rows: usize,
) -> Result<Vec<RowBatch>, SourceError> {
    let context = OpenContext {
        settings: plan.context.settings.clone(),
        marks: Arc::new(NoMarks),
    };
    let mut stream = connector.open(spec, StartAt::Snapshot, context).await?;
    let begun = std::time::Instant::now();
    let mut batches = Vec::new();
    let mut count = 0;
    // Nothing is settled here, so nothing at the source is filed away.
    while count < rows {
        match stream
            .next(BatchLimit {
                rows: rows.max(1),
                ..BatchLimit::default()
            })
            .await?
        {
            Next::Batch(batch) => {
                for problem in &batch.unreadable {
                    println!("  ✗ {}", problem.message);
                }
                count += batch.rows.changes.len();
                let done = batch.rows.changes.is_empty() && batch.unreadable.is_empty();
                batches.push(batch.rows);
                if done {
                    break;
                }
            }
            Next::ScanComplete { .. } => break,
            Next::CaughtUp { look_again, .. } => {
                if count > 0
                    || begun.elapsed() > PATIENCE
                    || !matches!(spec.source, Source::Files(_))
                {
                    break;
                }
                tokio::time::sleep(look_again.min(Duration::from_secs(2))).await;
            }
        }
    }
    Ok(batches)
}

/// Prints, and counts what was rejected.
fn show(
    rules: &StreamRules,
    batches: &[RowBatch],
    rows: usize,
) -> Result<usize, fluxion_mappings::MissingColumns> {
    let mut rejected = 0;
    let mut left = rows;
    for batch in batches {
        let mut batch = batch.clone();
        batch.changes.truncate(left);
        left -= batch.changes.len();
        if batch.changes.is_empty() {
            continue;
        }
        let explained = sample::explain(rules, &batch)?;
        rejected += explained.rejected();
        println!("{explained}");
    }
    Ok(rejected)
}

fn explain(error: &SourceError) -> String {
    let text = crate::chain(error);
    match &error.remedy {
        fluxion_connectors::Remedy::AskOperator { hint, .. } => format!("{text}\nhint: {hint}"),
        fluxion_connectors::Remedy::Retry | fluxion_connectors::Remedy::Resnapshot => text,
    }
}

struct NoMarks;

impl Marks for NoMarks {
    fn contains(&self, _: &str) -> bool {
        false
    }
}
