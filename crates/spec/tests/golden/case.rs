//! One golden case.

use std::path::Path;

use serde_json::Value;

/// One line of a set.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) input: Value,
    pub(crate) output: Option<Value>,
    pub(crate) error: Option<Value>,
}

impl Case {
    pub(crate) fn read_all(path: &Path) -> Vec<Self> {
        lines(path).iter().map(|line| Self::read(line)).collect()
    }

    pub(crate) fn count(path: &Path) -> usize {
        lines(path).len()
    }

    fn read(line: &str) -> Self {
        let mut value: Value = serde_json::from_str(line).expect("a golden line that is JSON");
        let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Self {
            name: text(&value, "name"),
            kind: text(&value, "kind"),
            output: value.get_mut("output").map(Value::take),
            error: value.get_mut("error").map(Value::take),
            input: value["input"].take(),
        }
    }
}

fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}
