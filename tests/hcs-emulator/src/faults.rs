//! Faults on order: which calls fail, and which are late.
//!
//! `HCS_EMULATOR_FAULTS` names a file that is read anew at every call: an array of rules. A rule is
//! spent after `Times` calls (for ever when 0), counted by each process for itself.
//!
//! ```json
//! [{"Call": "HcsStartComputeSystem", "Error": "0x80070005", "When": "Complete", "Times": 1},
//!  {"Call": "HcsCreateProcess", "DelayMs": 200}]
//! ```

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::Deserialize;

/// The variable that names the file.
pub const VARIABLE: &str = "HCS_EMULATOR_FAULTS";

/// When a call fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum When {
    /// At once: the call itself gives the error.
    Submit,
    /// Later: the operation does.
    #[default]
    Complete,
    /// When its work is done: of calls that no service hears of.
    After,
}

/// One rule.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Rule {
    /// Which function.
    pub call: String,
    /// What it gives, in hexadecimal; absent is only late.
    #[serde(default)]
    pub error: Option<String>,
    /// The error document.
    #[serde(default)]
    pub document: Option<serde_json::Value>,
    /// When it fails.
    #[serde(default)]
    pub when: When,
    /// How late the completion is.
    #[serde(default)]
    pub delay_ms: u64,
    /// For how many calls; 0 is for all.
    #[serde(default)]
    pub times: u32,
}

impl Rule {
    /// The result to give, if it is to fail.
    pub fn result(&self) -> Option<u32> {
        let text = self.error.as_deref()?;
        u32::from_str_radix(text.trim_start_matches("0x"), 16).ok()
    }
}

/// The rule for this call at this moment, if there is one that is not spent.
pub fn next(call: &str, when: When) -> Option<Rule> {
    static SPENT: Mutex<(String, Spent)> = Mutex::new((String::new(), Spent::new()));
    let path = std::env::var_os(VARIABLE)?;
    let text = std::fs::read_to_string(path).ok()?;
    let rules = serde_json::from_str::<Vec<Rule>>(&text).ok()?;
    let mut spent = SPENT.lock().ok()?;
    if spent.0 != text {
        // Other rules begin anew.
        *spent = (text, Spent::new());
    }
    choose(&rules, call, when, &mut spent.1)
}

/// How often each rule was used.
type Spent = BTreeMap<usize, u32>;

fn choose(rules: &[Rule], call: &str, when: When, spent: &mut Spent) -> Option<Rule> {
    let meant = |rule: &Rule| rule.call == call && rule.when == when;
    for (place, rule) in rules.iter().enumerate().filter(|(_, rule)| meant(rule)) {
        let used = spent.entry(place).or_default();
        if rule.times == 0 || *used < rule.times {
            *used += 1;
            return Some(rule.clone());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_spent_and_the_next_one_takes_over() {
        let text =
            r#"[{"Call": "A", "Error": "0x80070005", "Times": 1}, {"Call": "A", "DelayMs": 5}]"#;
        let rules = serde_json::from_str::<Vec<Rule>>(text).expect("rules");
        let mut spent = BTreeMap::new();
        assert_eq!(
            choose(&rules, "A", When::Complete, &mut spent).expect("first").result(),
            Some(0x8007_0005)
        );
        let second = choose(&rules, "A", When::Complete, &mut spent).expect("second");
        assert_eq!((second.result(), second.delay_ms), (None, 5));
        assert!(choose(&rules, "A", When::Submit, &mut spent).is_none());
        assert!(choose(&rules, "B", When::Complete, &mut spent).is_none());
    }
}
