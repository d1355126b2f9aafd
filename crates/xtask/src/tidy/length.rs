//! A report of what has grown long. A long file is not wrong, it is a question.

use super::sources::{Source, Sources};

/// A file longer than this, its tests left out, is named.
const LONG: usize = 350;

pub(super) fn report(sources: &Sources) {
    let mut files: Vec<(usize, &Source)> = sources
        .rust()
        .filter(|file| !file.path.ends_with("tests.rs"))
        .map(|file| (without_tests(&file.text), file))
        .collect();
    files.sort_by_key(|(lines, _)| std::cmp::Reverse(*lines));
    let lines: usize = files.iter().map(|(lines, _)| lines).sum();
    let median = files.get(files.len() / 2).map_or(0, |(lines, _)| *lines);
    println!("{} files, {lines} lines without tests, median {median}", files.len());
    for (lines, file) in files.iter().take_while(|(lines, _)| *lines > LONG) {
        println!("  long: {} ({lines} lines)", file.path.display());
    }
}

/// Lines above the unit tests.
fn without_tests(text: &str) -> usize {
    text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_tests_do_not_make_a_file_long() {
        assert_eq!(without_tests("a\nb\n#[cfg(test)]\nmod tests {\n}\n"), 2);
    }
}
