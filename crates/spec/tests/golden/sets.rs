//! Which code answers for which set.

mod build;
mod hcsv1;
mod hns;
mod mounts;
mod settings;
mod small;

use crate::case::Case;
use crate::compare::Outcome;

/// Runs one case of a set.
pub(crate) type Set = fn(&Case) -> Outcome;

const SETS: &[(&str, Set)] = &[
    ("createrequest", settings::createrequest),
    ("createspec", build::createspec),
    ("credspec", build::credspec),
    ("devices", small::devices),
    ("env", small::env),
    ("escape", small::escape),
    ("hcsv1", hcsv1::hcsv1),
    ("hns", hns::hns),
    ("merge", settings::merge),
    ("misc", small::misc),
    ("mounts", mounts::mounts),
    ("ports", hns::ports),
    ("resources", small::resources),
    ("secretpaths", small::secretpaths),
    ("signal", small::signal),
    ("update", settings::update),
    ("verify", settings::verify),
];

pub(crate) fn find(name: &str) -> Option<Set> {
    SETS.iter().find(|(known, _)| *known == name).map(|(_, set)| *set)
}
