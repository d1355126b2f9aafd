//! What HCS tells of compute systems, in Transom's words.

use schema::properties::{ProcessDetails, Properties, State, Statistics};
use serde::Deserialize;

use crate::error::ErrorKind;

/// The answer to a query, as Windows writes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Told {
    id: String,
    #[serde(default)]
    system_type: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    stopped: bool,
    #[serde(default)]
    statistics: Option<Statistics>,
    #[serde(default)]
    process_list: Option<Vec<ProcessDetails>>,
}

impl From<Told> for Properties {
    fn from(told: Told) -> Self {
        let state = match told.state.as_str() {
            "Running" if !told.stopped => State::Running,
            "Paused" => State::Paused,
            "Created" => State::Created,
            _ => State::Stopped,
        };
        Self {
            id: told.id,
            system_type: told.system_type,
            owner: told.owner,
            state,
            created_unix: None,
            statistics: told.statistics,
            process_list: told.process_list,
        }
    }
}

pub(in super::super) fn read_list(text: &str) -> Result<Vec<Properties>, ErrorKind> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let told = serde_json::from_str::<Vec<Told>>(text).map_err(|error| unreadable(&error))?;
    // Virtual machines that somebody else runs are listed too, in states of their own.
    Ok(told.into_iter().map(Properties::from).filter(|one| one.state != State::Stopped).collect())
}

pub(super) fn read(text: &str) -> Result<Properties, ErrorKind> {
    serde_json::from_str::<Told>(text).map(Properties::from).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> ErrorKind {
    let source = std::io::Error::other(error.to_string());
    ErrorKind::io("read the Host Compute Service's answer", source)
}
