//! Annotations whose values cannot be read.
//!
//! The originals warn and go on as if they were not there, and documents must not differ from theirs.
//! Whoever set one hears of it here.

use super::{names, values};
use crate::oci::Annotations;

/// How a value is read.
#[derive(Clone, Copy)]
enum Kind {
    Number,
    Unsigned,
    Truth,
    /// `true`, and everything else is not.
    Exactly,
}

const READ: [(&str, Kind); 14] = [
    (names::MEMORY, Kind::Unsigned),
    (names::PROCESSOR_COUNT, Kind::Number),
    (names::PROCESSOR_LIMIT, Kind::Number),
    (names::PROCESSOR_WEIGHT, Kind::Number),
    (names::STORAGE_BANDWIDTH, Kind::Number),
    (names::STORAGE_IOPS, Kind::Number),
    (names::DISABLE_UNSAFE, Kind::Truth),
    (names::GMSA_DISABLE, Kind::Truth),
    (names::HOST_PROCESS_DISABLE, Kind::Truth),
    (names::LCOW_PRIVILEGED, Kind::Truth),
    (names::NO_DIRECT_MAP, Kind::Truth),
    (names::NO_WRITABLE_SHARES, Kind::Truth),
    (names::HOST_PROCESS, Kind::Exactly),
    (names::HOST_PROCESS_INHERIT_USER, Kind::Exactly),
];

impl Kind {
    fn reads(self, text: &str) -> bool {
        match self {
            Self::Number => text.parse::<i32>().is_ok(),
            Self::Unsigned => values::parse_unsigned::<u64>(text).is_some(),
            Self::Truth => values::parse_boolean(text).is_some(),
            Self::Exactly => matches!(text, "true" | "false"),
        }
    }

    fn rule(self) -> &'static str {
        match self {
            Self::Number => "it must be a whole number of 32 bits, and counts as not given",
            Self::Unsigned => "it must be a whole number, and counts as not given",
            Self::Truth => "it must be true or false, and counts as not given",
            Self::Exactly => "it must be true or false, and counts as false",
        }
    }
}

/// A line for each of them: its name, its value and the rule.
pub fn misread(annotations: &Annotations) -> Vec<String> {
    let wrong = READ.iter().filter_map(|(name, kind)| {
        let value = values::text(annotations, name).filter(|value| !kind.reads(value))?;
        Some(format!("annotation `{name}`: {} (got `{value}`)", kind.rule()))
    });
    wrong.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_cannot_be_read_is_told_with_its_name_and_the_rule() {
        let of = |name: &str, value: &str| {
            misread(&Annotations::from([(name.to_owned(), value.to_owned())]))
        };
        for (name, value) in [
            (names::MEMORY, "512m"),
            (names::MEMORY, "-1"),
            (names::PROCESSOR_COUNT, "two"),
            (names::PROCESSOR_LIMIT, "5000000000"),
            (names::GMSA_DISABLE, "yes"),
            (names::HOST_PROCESS, "True"),
        ] {
            let [told] = &of(name, value)[..] else { panic!("{name}={value} is not told") };
            assert!(told.contains(name) && told.contains(value) && told.contains("must"), "{told}");
        }
        for (name, value) in [
            (names::MEMORY, "512"),
            (names::PROCESSOR_WEIGHT, "-1"),
            (names::GMSA_DISABLE, "T"),
            (names::HOST_PROCESS, "false"),
            (names::USER_NAME, "anything"),
        ] {
            assert_eq!(of(name, value), Vec::<String>::new(), "{name}={value}");
        }
    }
}
