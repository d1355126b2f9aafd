//! `target/bench.json`: a list of figures, kept by name.

use serde::{Deserialize, Serialize};

use crate::support::host::target;

/// One measured value.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Figure {
    name: String,
    value: f64,
    unit: String,
    /// What it was measured against.
    baseline: Option<f64>,
    /// What it should be at most; at least when the unit ends with "faster".
    limit: Option<f64>,
    /// Whether it is.
    holds: Option<bool>,
}

impl Figure {
    pub(super) fn new(name: &str, value: f64, unit: &str) -> Self {
        let (name, unit) = (name.to_owned(), unit.to_owned());
        Self { name, value, unit, baseline: None, limit: None, holds: None }
    }

    /// `value` in units of `baseline`.
    pub(super) fn ratio(name: &str, value: f64, baseline: f64, unit: &str) -> Self {
        Self { baseline: Some(baseline), ..Self::new(name, value / baseline, unit) }
    }

    pub(super) fn at_most(self, limit: f64) -> Self {
        Self { limit: Some(limit), holds: Some(self.value <= limit), ..self }
    }

    pub(super) fn at_least(self, limit: f64) -> Self {
        Self { limit: Some(limit), holds: Some(self.value >= limit), ..self }
    }

    /// Puts it into the list, in the place of an older one of its name.
    pub(super) fn record(self) {
        let file = std::env::var_os("TRANSOM_BENCH_JSON")
            .map_or_else(|| target().join("bench.json"), Into::into);
        let text = std::fs::read(&file).unwrap_or_else(|_| b"[]".to_vec());
        let mut list: Vec<Self> = serde_json::from_slice(&text).unwrap_or_default();
        list.retain(|other| other.name != self.name);
        println!("{self:?}");
        list.push(self);
        let text = serde_json::to_vec_pretty(&list).expect("figures are plain data");
        std::fs::write(file, text).expect("the target folder is ours");
    }
}
