//! Processes that Wine loses before they begin.

use schema::guest::Failure;

/// `ERROR_INTERNAL_ERROR`: what Wine says of a new process that has gone before it was one. On a busy
/// host one in thousands does.
const LOST: u32 = 1359;

/// Starts a process, and once more one that was lost: nothing of it has run.
pub(crate) fn started<T>(mut start: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    match start() {
        Err(failure) if failure.code == LOST => start(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_that_was_lost_is_started_again_and_only_once() {
        for (codes, tries) in [(vec![], 1), (vec![2], 1), (vec![LOST], 2), (vec![LOST, LOST], 2)] {
            let (mut left, mut tried) = (codes.clone().into_iter(), 0);
            let outcome = started(|| {
                tried += 1;
                left.next().map_or(Ok(()), |code| Err(Failure { code, message: String::new() }))
            });
            assert_eq!(tried, tries, "{codes:?}");
            assert_eq!(outcome.is_ok(), codes.len() < tries, "{codes:?}");
        }
    }
}
