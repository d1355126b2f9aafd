//! Ids, one type each, so that a task's cannot be passed where a compute system's is meant.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a string cannot be an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} id `{value}` is not valid: {rule}")]
pub struct InvalidId {
    kind: &'static str,
    value: String,
    rule: &'static str,
}

/// The rule of containerd's `identifiers` package, which is also safe as a file name.
fn check(kind: &'static str, value: &str, extra: &[char]) -> Result<(), InvalidId> {
    let refuse = |rule| Err(InvalidId { kind, value: value.to_owned(), rule });
    let mut chars = value.chars();
    match chars.next() {
        None => return refuse("it is empty"),
        Some(first) if !first.is_ascii_alphanumeric() => {
            return refuse("it must begin with a letter or a digit");
        }
        Some(_) => {}
    }
    if value.len() > 128 {
        return refuse("it is longer than 128 characters");
    }
    if !chars.all(|c| c.is_ascii_alphanumeric() || "._-".contains(c) || extra.contains(&c)) {
        return refuse("only letters, digits, `.`, `_` and `-` are allowed");
    }
    Ok(())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $extra:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and wraps `value`.
            pub fn new(value: impl Into<String>) -> Result<Self, InvalidId> {
                let value = value.into();
                check($kind, &value, $extra)?;
                Ok(Self(value))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(value: String) -> Result<Self, InvalidId> {
                Self::new(value)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(value: &str) -> Result<Self, InvalidId> {
                Self::new(value)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    };
}

id! {
    /// A compute system's id, as given to `HcsCreateComputeSystem`. A pod's utility VM is
    /// `<pod>@vm`, hence the `@`.
    SystemId, "compute system", &['@']
}
id! {
    /// A task's id: containerd's container id. A pod's id is its sandbox task's.
    TaskId, "task", &[]
}
id! {
    /// An exec's id within its task. The init process has none.
    ExecId, "exec", &[]
}

impl From<&TaskId> for SystemId {
    /// A container's compute system carries the task's id.
    fn from(task: &TaskId) -> Self {
        Self(task.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_leave_its_folder_is_refused() {
        for bad in ["", ".", "..", "../x", "a/b", "a\\b", "-x", "a\0b", "@vm"] {
            assert!(SystemId::new(bad).is_err(), "{bad:?} was taken");
        }
        assert!(TaskId::new("pod@vm").is_err());
    }

    #[test]
    fn an_ordinary_id_is_kept_as_it_is() {
        assert_eq!(SystemId::new("pod-1.a_b@vm").unwrap().as_str(), "pod-1.a_b@vm");
    }
}
