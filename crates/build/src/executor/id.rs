//! Ids of runs: they become names of files and of compute systems, and may come from outside.

use super::RunError;

/// How long a made-up id is.
const LENGTH: usize = 25;
/// The longest that may be given.
const LONGEST: usize = 64;

/// The id of a run: ASCII letters and digits only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId(String);

impl RunId {
    /// Takes over an id.
    pub fn new(text: &str) -> Result<Self, RunError> {
        if text.is_empty() {
            return Err(RunError::EmptyId);
        }
        if text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(RunError::BadId(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// One that nobody else has.
    pub fn random() -> Self {
        const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let mut left = uuid::Uuid::new_v4().as_u128();
        let digit = |_| {
            let digit = DIGITS[usize::try_from(left % 36).expect("it is below 36")];
            left /= 36;
            char::from(digit)
        };
        Self((0..LENGTH).map(digit).collect())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `BuildKit`'s `ValidContainerID`.
    #[test]
    fn letters_and_digits_are_an_id_and_nothing_else() {
        for good in ["abc123", "AbC123"] {
            assert_eq!(RunId::new(good).unwrap().as_str(), good);
        }
        assert_eq!(RunId::new("").unwrap_err().to_string(), "container id must not be empty");
        for bad in ["abc-123", "abc/123", "abc_123", "a.b", "ä"] {
            let said = RunId::new(bad).unwrap_err().to_string();
            let wanted =
                format!("invalid container id \"{bad}\": only letters and numbers are allowed");
            assert_eq!(said, wanted);
        }
    }

    #[test]
    fn random_ids_are_ids_and_differ() {
        let (one, other) = (RunId::random(), RunId::random());
        assert_eq!(RunId::new(one.as_str()).unwrap(), one);
        assert_eq!(one.as_str().len(), LENGTH);
        assert_ne!(one, other);
    }
}
