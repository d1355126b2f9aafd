//! Why a spec could not be planned. Nothing was touched when one of these is returned.

use crate::host::LookupError;

/// Why a spec could not be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A field's value breaks a rule.
    #[error("`{field}`: {rule} (got `{value}`)")]
    Field {
        /// The field's path in the spec, or the annotation's name.
        field: String,
        /// Its value.
        value: String,
        /// What it breaks.
        rule: String,
    },
    /// The operator has forbidden this.
    #[error("`{field}`: {what}: operation denied")]
    Denied {
        /// The field that asks for it.
        field: String,
        /// What was denied.
        what: String,
    },
    /// This host, or this build of Windows, cannot do what a field asks for.
    #[error("`{field}` is not supported: {why}")]
    Unsupported {
        /// The field that asks for it.
        field: String,
        /// Why not, and what would.
        why: String,
    },
    /// Two fields exclude each other.
    #[error("{fields} exclude each other: {rule}")]
    Conflict {
        /// The fields and their values.
        fields: String,
        /// The rule that they break.
        rule: String,
    },
    /// A part of the spec is missing.
    #[error("`{field}` is missing: {why}")]
    Missing {
        /// The field.
        field: String,
        /// Who needs it.
        why: String,
    },
    /// Something that a field names could not be looked at.
    #[error("`{field}`: {cause}")]
    Lookup {
        /// The field.
        field: String,
        /// What was wrong with it. Told in the message itself, so it is no source: [`Self::Several`]
        /// has room for messages only.
        cause: LookupError,
    },
    /// A resource of the hosting VM is used up.
    #[error("`{field}`: the VM has no room for it: {why}")]
    Exhausted {
        /// The field that needs it.
        field: String,
        /// Which resource.
        why: String,
    },
    /// Several of the above, none of which hides another.
    #[error("{}", join(.0))]
    Several(Vec<PlanError>),
}

impl PlanError {
    /// A value that breaks a rule.
    #[expect(clippy::needless_pass_by_value, reason = "callers have texts, numbers and names")]
    pub fn field(field: impl Into<String>, value: impl ToString, rule: impl Into<String>) -> Self {
        Self::Field { field: field.into(), value: value.to_string(), rule: rule.into() }
    }

    /// Something that this host cannot do.
    pub fn unsupported(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Unsupported { field: field.into(), why: why.into() }
    }

    /// A missing part.
    pub fn missing(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Missing { field: field.into(), why: why.into() }
    }

    /// A failed look-up on behalf of `field`.
    pub fn lookup(field: impl Into<String>) -> impl FnOnce(LookupError) -> Self {
        let field = field.into();
        move |cause| Self::Lookup { field, cause }
    }
}

fn join(errors: &[PlanError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What planning returns.
pub type Result<T, E = PlanError> = std::result::Result<T, E>;
