//! `# check=skip=RULE,RULE;error=true;experimental=RULE`

use super::Rule;
use crate::dockerfile::Fault;
use crate::truth::truth;

/// What is asked of a check.
#[derive(Debug, Default)]
pub(super) struct Settings {
    skip: Vec<String>,
    experimental: Vec<String>,
    pub(super) error: bool,
}

impl Settings {
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let mut settings = Self::default();
        for option in text.split(';').map(str::trim).filter(|option| !option.is_empty()) {
            let bad = || Fault::new(0, format!("invalid check option \"{option}\""));
            let (key, value) = option.split_once('=').ok_or_else(bad)?;
            let names = || value.split(',').map(|name| name.trim().to_owned()).collect();
            match key.trim() {
                "skip" => settings.skip = names(),
                "experimental" => settings.experimental = names(),
                "error" => settings.error = truth(value.trim()).ok_or_else(bad)?,
                _ => return Err(bad()),
            }
        }
        Ok(settings)
    }

    pub(super) fn wants(&self, rule: Rule) -> bool {
        let names = |list: &[String]| {
            list.iter().any(|name| name == "all" || name.eq_ignore_ascii_case(rule.name()))
        };
        !names(&self.skip) && (!rule.is_experimental() || names(&self.experimental))
    }
}
