//! The written model for a service behind a wire: whatever a request leads to has happened before the next
//! one is made, and a refusal is a code. `lifecycle`'s own test, which sees each report come, has no use
//! for it; the tests of `shim` and of the built shim read it beside [`super::written`].

use super::Code;
use super::written::{Answer, Place, Written};

impl Written {
    /// Everything that follows from an end has followed.
    pub(crate) fn settle(&mut self) {
        if matches!(self.place(0), Some(Place::Ended(_))) {
            self.execs().into_iter().for_each(|at| self.ended(at, 0));
            self.torn_down();
        }
        self.execs().into_iter().for_each(|at| self.drained(at));
    }
}

/// How an answer comes over the wire.
pub(crate) fn code_of(answer: Answer) -> Option<Code> {
    match answer {
        Answer::Granted => None,
        Answer::NoSuchProcess | Answer::EndedBefore => Some(Code::NOT_FOUND),
        Answer::IdTaken => Some(Code::ALREADY_EXISTS),
        Answer::StartedBefore
        | Answer::StillRuns
        | Answer::FirstDoesNotRun
        | Answer::NotPaused
        | Answer::NoSuchSignal
        | Answer::AllAndOne => Some(Code::FAILED_PRECONDITION),
    }
}
