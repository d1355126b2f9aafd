//! Waiting for what has no report to wait on.

use std::time::{Duration, Instant};

/// How long anything may take that is not about time. Generous: CI machines are slow, and a test
/// that waits in vain has failed anyway.
pub(crate) const LONG: Duration = Duration::from_mins(1);

/// Asks again and again until there is an answer, and panics when there is none within `limit`.
pub(crate) fn within<T>(limit: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The same with the usual limit.
pub(crate) fn until<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    within(LONG, what, ask)
}

/// Looks again and again until several looks in a row see the same: that.
pub(crate) fn until_it_stays<T: PartialEq>(what: &str, mut look: impl FnMut() -> T) -> T {
    const LOOKS: u32 = 4;
    let (mut last, mut same) = (look(), 0);
    until(&format!("{what} that stays"), || {
        std::thread::sleep(Duration::from_millis(100));
        let now = look();
        same = if now == last { same + 1 } else { 0 };
        last = now;
        (same == LOOKS).then_some(())
    });
    last
}
