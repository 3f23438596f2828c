//! Reads the sources of a configuration and lays them over each other: file, environment, flags.
//!
//! The `config` crate reads each source; the layers are joined here, key by key, because a refused value
//! must name the source it came from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{Environment, File, FileFormat, Source as _, Value, ValueKind};

use super::error::{ConfigError, Source};

/// Environment variables of this prefix are configuration; `__` also separates section and key.
pub const ENV_PREFIX: &str = "KV__";

/// What a configuration is made from, beside the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A TOML or YAML file.
    pub file: Option<PathBuf>,
    /// Environment variables; those without [`ENV_PREFIX`] are ignored.
    pub environment: BTreeMap<String, String>,
    /// Keys, values and the flag they came with, the last of a key counts.
    pub flags: Vec<(String, String, &'static str)>,
}

/// Every key given, with the text of the source that counts.
pub(super) type Layers = BTreeMap<String, Given>;

/// A value as it was given.
#[derive(Debug, Clone)]
pub(super) struct Given {
    /// The value; `None` for one that is no single value.
    pub(super) text: Option<String>,
    /// Where it came from.
    pub(super) source: Source,
}

/// Joins the sources, the later over the earlier.
pub(super) fn gather(sources: &Sources) -> Result<Layers, ConfigError> {
    let mut layers = Layers::new();
    if let Some(path) = &sources.file {
        for (key, value) in sorted(read_file(path)?) {
            flatten(key, value, &mut layers, &|_key| Source::File(path.clone()));
        }
    }
    for (key, value) in sorted(read_environment(&sources.environment)?) {
        flatten(key, value, &mut layers, &|key| Source::Environment(variable(key)));
    }
    for (key, value, flag) in &sources.flags {
        let given = Given { text: Some(value.clone()), source: Source::Flag(flag) };
        layers.insert(key.clone(), given);
    }
    Ok(layers)
}

/// In an order that does not change from run to run.
fn sorted(table: config::Map<String, Value>) -> BTreeMap<String, Value> {
    table.into_iter().collect()
}

/// The environment variable that sets `key`.
fn variable(key: &str) -> String {
    format!("{ENV_PREFIX}{}", key.replace('.', "__").to_uppercase())
}

fn read_file(path: &Path) -> Result<config::Map<String, Value>, ConfigError> {
    let format = match path.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => FileFormat::Toml,
        Some("yaml" | "yml") => FileFormat::Yaml,
        _ => {
            return Err(ConfigError::UnknownFormat { path: path.to_owned() });
        }
    };
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    File::from_str(&text, format).collect().map_err(|error| ConfigError::Syntax {
        path: path.to_owned(),
        reason: error.to_string().trim_end().to_owned(),
    })
}

fn read_environment(
    environment: &BTreeMap<String, String>,
) -> Result<config::Map<String, Value>, ConfigError> {
    let ours = environment
        .iter()
        .filter_map(|(name, value)| {
            Some((name.strip_prefix(ENV_PREFIX)?.to_owned(), value.clone()))
        })
        .collect();
    Environment::default()
        .separator("__")
        .source(Some(ours))
        .collect()
        .map_err(|error| ConfigError::NotText { name: error.to_string() })
}

/// Turns nested tables into dotted keys.
fn flatten(key: String, value: Value, layers: &mut Layers, source: &dyn Fn(&str) -> Source) {
    match value.kind {
        ValueKind::Table(table) => {
            for (inner, value) in sorted(table) {
                flatten(format!("{key}.{inner}"), value, layers, source);
            }
        }
        // A YAML section whose keys are all commented out.
        ValueKind::Nil => {}
        ValueKind::Array(_) => {
            layers.insert(key.clone(), Given { text: None, source: source(&key) });
        }
        _ => {
            let given = Given { text: value.into_string().ok(), source: source(&key) };
            layers.insert(key, given);
        }
    }
}
