//! Annotations that stand for several others.

use super::names;
use super::values::parse_boolean;
use crate::error::{PlanError, Result};
use crate::oci::Annotations;

/// An annotation, and those that get its value.
const EXPANSIONS: &[(&str, &[&str])] = &[(
    names::DISABLE_UNSAFE,
    &[
        names::GMSA_DISABLE,
        names::NO_WRITABLE_SHARES,
        names::NO_DIRECT_MAP,
        names::HOST_PROCESS_DISABLE,
    ],
)];

/// Expands `annotations` and checks them against each other. Every conflict is reported, and what
/// does not conflict is expanded all the same.
pub fn expand(annotations: &mut Annotations) -> Result<()> {
    let mut errors = Vec::new();
    for (source, targets) in EXPANSIONS {
        let Some(value) = annotations.get(*source).cloned() else { continue };
        for target in *targets {
            match annotations.get(*target) {
                None => {
                    annotations.insert((*target).to_owned(), value.clone());
                }
                Some(other) if *other == value => {}
                Some(other) => errors.push(conflict(source, &value, target, other)),
            }
        }
    }
    errors.extend(host_process_conflict(annotations));
    match errors.len() {
        0 => Ok(()),
        1 => Err(errors.remove(0)),
        _ => Err(PlanError::Several(errors)),
    }
}

fn conflict(source: &str, value: &str, target: &str, other: &str) -> PlanError {
    PlanError::Conflict {
        fields: format!("`{source}` = `{value}` and `{target}` = `{other}`"),
        rule: "the first one sets the second".into(),
    }
}

fn host_process_conflict(annotations: &Annotations) -> Option<PlanError> {
    let (off, on) = (names::HOST_PROCESS_DISABLE, names::HOST_PROCESS);
    let is_true =
        |name: &str| annotations.get(name).is_some_and(|v| parse_boolean(v) == Some(true));
    (is_true(off) && is_true(on)).then(|| PlanError::Conflict {
        fields: format!("`{off}` and `{on}`"),
        rule: "host process containers are disabled".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[(&str, &str)]) -> Annotations {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn the_targets_get_the_very_same_text() {
        let mut annotations = set(&[(names::DISABLE_UNSAFE, "True")]);
        expand(&mut annotations).unwrap();
        assert_eq!(annotations[names::GMSA_DISABLE], "True");
        assert_eq!(annotations.len(), 5);
    }

    #[test]
    fn a_conflict_does_not_keep_the_others_from_being_expanded() {
        let mut annotations = set(&[(names::DISABLE_UNSAFE, "true"), (names::GMSA_DISABLE, "1")]);
        assert!(expand(&mut annotations).is_err());
        assert_eq!(annotations[names::NO_DIRECT_MAP], "true");
    }

    #[test]
    fn a_disabled_host_process_container_and_a_conflict_are_both_reported() {
        let mut annotations = set(&[
            (names::DISABLE_UNSAFE, "false"),
            (names::HOST_PROCESS_DISABLE, "true"),
            (names::HOST_PROCESS, "true"),
        ]);
        assert!(matches!(expand(&mut annotations), Err(PlanError::Several(all)) if all.len() == 2));
    }

    /// hcsshim's `internal/oci`: "disable-unsafe / disable-HPC / HPC combinations", each of which says all
    /// three.
    #[test]
    fn what_disables_and_what_is_disabled_may_not_contradict_each_other() {
        // What is disabled by one word contradicts what that word says of it, or what is asked for.
        let (fine, host_process, expansion) = ((false, false), (false, true), (true, false));
        for (all, off, on, (unsafe_differs, host_process_refused)) in [
            ("true", "true", "false", fine),
            ("false", "false", "true", fine),
            ("false", "false", "false", fine),
            ("true", "true", "true", host_process),
            ("true", "false", "false", expansion),
            ("false", "true", "false", expansion),
            ("true", "false", "true", expansion),
            ("false", "true", "true", (true, true)),
        ] {
            let mut annotations = set(&[
                (names::DISABLE_UNSAFE, all),
                (names::HOST_PROCESS_DISABLE, off),
                (names::HOST_PROCESS, on),
            ]);
            let told = match expand(&mut annotations) {
                Ok(()) => String::new(),
                Err(refused) => refused.to_string(),
            };
            let row = format!("{all}, {off}, {on}: {told}");
            assert_eq!(told.contains("the first one sets the second"), unsafe_differs, "{row}");
            let refused = told.contains("host process containers are disabled");
            assert_eq!(refused, host_process_refused, "{row}");
        }
    }

    /// hcsshim's `internal/oci`: "expansion", each target, with either value and with one that differs.
    #[test]
    fn each_target_gets_the_value_of_its_source_or_is_a_conflict() {
        let targets = [
            names::GMSA_DISABLE,
            names::NO_WRITABLE_SHARES,
            names::NO_DIRECT_MAP,
            names::HOST_PROCESS_DISABLE,
        ];
        for (value, other) in [("true", "false"), ("false", "true")] {
            let mut annotations = set(&[(names::DISABLE_UNSAFE, value)]);
            expand(&mut annotations).unwrap();
            for target in targets {
                assert_eq!(annotations[target], value, "{target}");
                let mut differs = set(&[(names::DISABLE_UNSAFE, value), (target, other)]);
                let refused = expand(&mut differs).unwrap_err().to_string();
                assert!(refused.contains(target) && refused.contains(other), "{refused}");
            }
        }
    }
}
