//! `--filter`: which networks and volumes are listed, and what is pruned.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;

use crate::settings::time;

/// What `ls` is asked for.
#[derive(Debug)]
pub(super) struct ListFilters<'a>(Vec<(&'a str, &'a str)>);

impl<'a> ListFilters<'a> {
    /// Reads `KEY=VALUE` texts, whose keys are among `known`.
    pub(super) fn parse(texts: &'a [String], known: &[&str]) -> Result<Self> {
        texts.iter().map(|text| one(text, known)).collect::<Result<_>>().map(Self)
    }

    /// Whether something with these labels is meant; `fits` judges every key but `label` and
    /// `dangling`. Of one key any filter will do, of several keys each must; every label must be
    /// there.
    pub(super) fn hold(
        &self,
        labels: &BTreeMap<String, String>,
        dangling: bool,
        fits: impl Fn(&str, &str) -> bool,
    ) -> bool {
        let fits = |(key, value): &(&str, &str)| match *key {
            "label" => has_label(labels, value),
            "dangling" => dangling == matches!(*value, "true" | "1"),
            key => fits(key, value),
        };
        self.0.iter().all(|filter| {
            let mut alike = self.0.iter().filter(|other| other.0 == filter.0);
            if filter.0 == "label" { fits(filter) } else { alike.any(fits) }
        })
    }
}

fn one<'a>(text: &'a str, known: &[&str]) -> Result<(&'a str, &'a str)> {
    let known_as = || format!("{} are known, as KEY=VALUE", known.join(", "));
    let (key, value) =
        text.split_once('=').with_context(|| format!("invalid filter '{text}': {}", known_as()))?;
    if !known.contains(&key) {
        bail!("invalid filter '{key}': {}", known_as());
    }
    let values: &[&str] = match key {
        "dangling" => &["true", "false", "1", "0"],
        "type" => &["custom", "builtin"],
        _ => return Ok((key, value)),
    };
    if !values.contains(&value) {
        bail!("invalid filter '{text}': {} or {} is wanted", values[0], values[1]);
    }
    Ok((key, value))
}

/// `NAME` or `NAME=VALUE`.
pub(super) fn has_label(labels: &BTreeMap<String, String>, wanted: &str) -> bool {
    match wanted.split_once('=') {
        Some((name, value)) => labels.get(name).is_some_and(|label| label == value),
        None => labels.contains_key(wanted),
    }
}

/// Labels as a table shows them.
pub(super) fn shown(labels: &BTreeMap<String, String>) -> String {
    let labels: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    labels.join(",")
}

/// What is pruned.
#[derive(Debug, Clone, Default)]
pub(super) struct PruneFilters {
    /// Only what has all these labels.
    pub(super) with: Vec<String>,
    /// Only what has none of these.
    pub(super) without: Vec<String>,
    /// Only what is older.
    pub(super) until: Option<Timestamp>,
    /// Of volumes and images, those with a name of their own too.
    pub(super) all: bool,
}

impl PruneFilters {
    /// Reads `--filter`, whose keys are among `known`.
    pub(super) fn parse(texts: &[String], known: &[&str]) -> Result<Self> {
        let mut filters = Self::default();
        for text in texts {
            let wrong = || format!("invalid filter '{text}': KEY=VALUE is wanted");
            let (key, value) = text.split_once('=').with_context(wrong)?;
            if !known.contains(&key) {
                bail!("invalid filter '{key}': {} are known", known.join(", "));
            }
            match key {
                "label" => filters.with.push(value.to_owned()),
                "label!" => filters.without.push(value.to_owned()),
                "until" => filters.until = Some(time::parse(value)?),
                "all" => filters.all = truth(text, value)?,
                // The other way round: only those without a name.
                _ => filters.all = !truth(text, value)?,
            }
        }
        Ok(filters)
    }

    /// Whether something with these labels, made then, is pruned.
    pub(super) fn hold(&self, labels: &BTreeMap<String, String>, made: Timestamp) -> bool {
        self.with.iter().all(|label| has_label(labels, label))
            && !self.without.iter().any(|label| has_label(labels, label))
            && self.until.is_none_or(|until| made < until)
    }
}

fn truth(filter: &str, value: &str) -> Result<bool> {
    match value {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        other => bail!("invalid filter '{filter}': \"{other}\" is neither true nor false"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(filters: &[&str], dangling: bool) -> bool {
        let texts: Vec<String> = filters.iter().map(|&text| text.to_owned()).collect();
        let filters = ListFilters::parse(&texts, &["label", "name", "dangling"]).unwrap();
        let labels = [("a", "1"), ("b", "2")].map(|(name, value)| (name.into(), value.into()));
        filters.hold(&labels.into(), dangling, |_, value| value == "own")
    }

    #[test]
    fn of_one_key_any_will_do_of_several_each_must() {
        assert!(holds(&["name=other", "name=own"], false));
        assert!(!holds(&["name=own", "dangling=true"], false));
        assert!(holds(&["dangling=0"], false) && holds(&["dangling=1"], true));
    }

    #[test]
    fn every_label_must_be_there() {
        assert!(holds(&["label=a", "label=b=2"], false));
        assert!(!holds(&["label=a", "label=b=1"], false));
    }

    #[test]
    fn what_is_pruned_is_told_by_labels_and_age() {
        let known = ["label", "label!", "until", "all", "dangling"];
        let parse = |texts: &[&str]| {
            PruneFilters::parse(
                &texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>(),
                &known,
            )
        };
        let labels = [("a", "1")].map(|(name, value)| (name.into(), value.into())).into();
        let (old, new) = (Timestamp::UNIX_EPOCH, Timestamp::now());
        let holds = |texts: &[&str], made| parse(texts).unwrap().hold(&labels, made);
        assert!(holds(&["label=a"], new) && !holds(&["label=a=2"], new));
        assert!(!holds(&["label!=a"], new) && holds(&["label!=a=2", "label!=b"], new));
        assert!(holds(&["until=1h"], old) && !holds(&["until=1h"], new));
        assert!(parse(&["all=1"]).unwrap().all && parse(&["dangling=false"]).unwrap().all);
        for wrong in ["all", "all=", "until=soon", "colour=red"] {
            assert!(parse(&[wrong]).is_err(), "{wrong}");
        }
        assert!(PruneFilters::parse(&["all=1".to_owned()], &["until"]).is_err());
    }

    #[test]
    fn a_filter_that_means_nothing_is_refused_with_those_that_do() {
        for wrong in ["name", "colour=red", "dangling=perhaps"] {
            let error = one(wrong, &["dangling", "name"]).unwrap_err().to_string();
            assert!(error.contains("invalid filter"), "{error}");
        }
    }
}
