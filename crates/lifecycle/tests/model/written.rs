//! The written model: what each request must be answered with, and where each process is after it.
//! `shim`'s model test reads this file, too, and asks the same of the whole service.

use std::collections::{BTreeMap, BTreeSet};

/// Where a process is. The first process is 0, the others are execs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Created,
    Starting,
    Running,
    /// With this code.
    Ended(u32),
}

/// How a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Granted,
    NoSuchProcess,
    IdTaken,
    StartedBefore,
    EndedBefore,
    StillRuns,
    FirstDoesNotRun,
    NotPaused,
    NoSuchSignal,
    AllAndOne,
}

/// A signal, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    End,
    Ask,
    Unknown,
}

/// One task.
#[derive(Debug, Default)]
pub(crate) struct Written {
    places: BTreeMap<usize, Place>,
    joining: BTreeSet<usize>,
    settled: BTreeSet<usize>,
    pub(crate) paused: bool,
    gone: bool,
}

impl Written {
    pub(crate) fn new() -> Self {
        Self { places: BTreeMap::from([(0, Place::Created)]), ..Self::default() }
    }

    pub(crate) fn place(&self, at: usize) -> Option<Place> {
        self.places.get(&at).copied()
    }

    pub(crate) fn start(&mut self, at: usize) -> Answer {
        match self.place(at) {
            None => Answer::NoSuchProcess,
            Some(Place::Created) => self.granted(at, Place::Starting),
            Some(Place::Starting | Place::Running | Place::Ended(_)) => Answer::StartedBefore,
        }
    }

    pub(crate) fn exec(&mut self, at: usize) -> Answer {
        if self.places.contains_key(&at) || self.joining.contains(&at) {
            return Answer::IdTaken;
        }
        if self.place(0) != Some(Place::Running) {
            return Answer::FirstDoesNotRun;
        }
        self.joining.insert(at);
        Answer::Granted
    }

    pub(crate) fn kill(&mut self, at: usize, signal: Signal, all: bool) -> Answer {
        if self.place(at).is_none() {
            return Answer::NoSuchProcess;
        }
        if all && at != 0 {
            return Answer::AllAndOne;
        }
        if !all {
            return self.kill_one(at, signal);
        }
        // Of a wrong signal no exec hears; those who outlive the first process hear of others.
        if self.answer(at, signal) == Answer::NoSuchSignal {
            return Answer::NoSuchSignal;
        }
        let others = self.execs().into_iter().map(|exec| self.kill_one(exec, signal));
        let reached = others.filter(|answer| *answer == Answer::Granted).count() > 0;
        match self.kill_one(at, signal) {
            Answer::EndedBefore if reached => Answer::Granted,
            own => own,
        }
    }

    fn kill_one(&mut self, at: usize, signal: Signal) -> Answer {
        if self.place(at) == Some(Place::Created) {
            return self.granted(at, Place::Ended(1));
        }
        self.answer(at, signal)
    }

    fn answer(&self, at: usize, signal: Signal) -> Answer {
        match (self.place(at), signal) {
            (None, _) => Answer::NoSuchProcess,
            (Some(Place::Running), Signal::Unknown) => Answer::NoSuchSignal,
            (Some(Place::Created | Place::Starting | Place::Running), _) => Answer::Granted,
            (Some(Place::Ended(_)), _) => Answer::EndedBefore,
        }
    }

    /// Deleting the first process ends the others before it is looked at.
    pub(crate) fn delete(&mut self, at: usize) -> Answer {
        if at == 0 {
            self.execs().into_iter().for_each(|exec| _ = self.kill_one(exec, Signal::End));
        }
        match self.place(at) {
            None => Answer::NoSuchProcess,
            Some(Place::Created) => self.granted(at, Place::Ended(0)),
            Some(Place::Starting | Place::Running) => Answer::StillRuns,
            Some(Place::Ended(_)) => Answer::Granted,
        }
    }

    /// Completes a deletion that was granted; `false` when something is still to be told.
    pub(crate) fn forget(&mut self, at: usize) -> bool {
        if !self.settled.contains(&at) {
            return false;
        }
        if at == 0 {
            self.places.retain(|at, _| *at == 0);
            self.settled.retain(|at| *at == 0);
        } else {
            self.places.remove(&at);
            self.settled.remove(&at);
        }
        true
    }

    pub(crate) fn pause(&self) -> Answer {
        let runs = self.place(0) == Some(Place::Running);
        if runs { Answer::Granted } else { Answer::FirstDoesNotRun }
    }

    pub(crate) fn resume(&self) -> Answer {
        if self.paused { Answer::Granted } else { Answer::NotPaused }
    }

    pub(crate) fn joined(&mut self, at: usize, well: bool) {
        if !self.joining.remove(&at) || !well {
            return;
        }
        self.places.insert(at, Place::Created);
        if self.gone || self.place(0) != Some(Place::Running) {
            self.strand();
        }
    }

    pub(crate) fn started(&mut self, at: usize) {
        if self.place(at) == Some(Place::Starting) {
            self.places.insert(at, Place::Running);
        }
    }

    pub(crate) fn ended(&mut self, at: usize, code: u32) {
        if matches!(self.place(at), Some(Place::Starting | Place::Running)) {
            self.places.insert(at, Place::Ended(code));
        }
    }

    /// What an exec said has been passed on.
    pub(crate) fn drained(&mut self, at: usize) {
        if at != 0 && matches!(self.place(at), Some(Place::Ended(_))) {
            self.settled.insert(at);
        }
    }

    pub(crate) fn stilled(&mut self, still: bool) {
        if !self.gone {
            self.paused = still;
        }
    }

    /// The container has ended.
    pub(crate) fn gone(&mut self) {
        self.gone = true;
        self.paused = false;
        self.strand();
        if self.place(0) == Some(Place::Created) {
            self.places.insert(0, Place::Ended(1));
        }
    }

    /// It has, and everything was given back.
    pub(crate) fn torn_down(&mut self) {
        self.gone();
        if matches!(self.place(0), Some(Place::Ended(_))) {
            self.settled.insert(0);
        }
    }

    /// What never ran can run no more.
    fn strand(&mut self) {
        for exec in self.execs() {
            if self.place(exec) == Some(Place::Created) {
                self.places.insert(exec, Place::Ended(1));
            }
        }
    }

    pub(crate) fn execs(&self) -> Vec<usize> {
        self.places.keys().copied().filter(|at| *at != 0).collect()
    }

    fn granted(&mut self, at: usize, place: Place) -> Answer {
        self.places.insert(at, place);
        Answer::Granted
    }
}
