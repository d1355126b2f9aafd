//! Requests and reports in any order, against a small [written] model.
//!
//! The world here is a list of effects that were asked for and not yet carried out; a step is a
//! request, or one of them coming true. Whatever the order, every answer and every state must be the
//! model's, the events that come out must be in hcsshim's order, and nothing may be forgotten.

mod written;

use std::time::SystemTime;

use lifecycle::signals::{Delivery, InvalidSignal};
use lifecycle::task::Kind;
use lifecycle::{Denied, Effect, Event, Report, Status, Task, Which};
use proptest::prelude::*;
use schema::process::ControlEvent;
use schema::{ExecId, ExitCode, Pid, TaskId};
use written::{Answer, Place, Signal, Written};

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

/// What a client or the world may do next.
#[derive(Debug, Clone)]
enum Step {
    Start(usize),
    Exec(usize),
    ExecReady(usize, bool),
    Kill {
        target: usize,
        signal: Signal,
        all: bool,
    },
    Delete(usize),
    Pause,
    Resume,
    /// Carry out one of the open effects, well or badly.
    Happen {
        which: usize,
        well: bool,
    },
    /// A process ends by itself.
    Exit(usize, u32),
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let target = 0..4_usize;
    let signal = prop::sample::select(vec![Signal::End, Signal::Ask, Signal::Unknown]);
    let step = prop_oneof![
        3 => target.clone().prop_map(Step::Start),
        2 => target.clone().prop_map(Step::Exec),
        3 => (target.clone(), prop::bool::weighted(0.9)).prop_map(|(at, well)| Step::ExecReady(at, well)),
        3 => (target.clone(), signal, any::<bool>())
            .prop_map(|(target, signal, all)| Step::Kill { target, signal, all }),
        2 => target.clone().prop_map(Step::Delete),
        1 => Just(Step::Pause),
        1 => Just(Step::Resume),
        12 => (0..8_usize, prop::bool::weighted(0.8))
            .prop_map(|(which, well)| Step::Happen { which, well }),
        2 => (target, 0..4_u32).prop_map(|(at, code)| Step::Exit(at, code)),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 1..80)
}

/// 0 is the first process, the others are execs.
fn which(target: usize) -> Which {
    if target == 0 { Which::Init } else { Which::Exec(exec(target)) }
}

fn exec(target: usize) -> ExecId {
    ExecId::new(format!("e{target}")).expect("a plain name")
}

fn number(which: &Which) -> usize {
    match which {
        Which::Init => 0,
        Which::Exec(id) => id.as_str()[1..].parse().expect("as `exec` made it"),
    }
}

fn answer<T>(outcome: &Result<T, Denied>) -> Answer {
    match outcome {
        Ok(_) => Answer::Granted,
        Err(Denied::NoSuchExec(_)) => Answer::NoSuchProcess,
        Err(Denied::ExecExists(_)) => Answer::IdTaken,
        Err(Denied::AlreadyStarted) => Answer::StartedBefore,
        Err(Denied::AlreadyExited) => Answer::EndedBefore,
        Err(Denied::StillRuns) => Answer::StillRuns,
        Err(Denied::TaskNotRunning) => Answer::FirstDoesNotRun,
        Err(Denied::NotPaused) => Answer::NotPaused,
        Err(Denied::InvalidSignal(_)) => Answer::NoSuchSignal,
        Err(Denied::AllAndExec) => Answer::AllAndOne,
        Err(
            other @ (Denied::NoSuchTask(_)
            | Denied::TaskExists(_)
            | Denied::PodNotRunning { .. }
            | Denied::Holder),
        ) => panic!("a container's task answers with {other:?}"),
    }
}

/// A task, the model of it, what is open, and what came out.
struct Run {
    task: Task,
    written: Written,
    open: Vec<Effect>,
    events: Vec<Event>,
    pids: u32,
    /// How often the container was torn down.
    torn_down: usize,
}

impl Run {
    fn new() -> Self {
        let (task, effects) = Task::new(TaskId::new("t").expect("plain"), Kind::Container);
        let written = Written::new();
        let (open, events) = (Vec::new(), Vec::new());
        let mut run = Self { task, written, open, events, pids: 0, torn_down: 0 };
        run.take(effects);
        run
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Publish(event) => self.events.push(event),
                Effect::TearDown => {
                    self.torn_down += 1;
                    self.open.push(Effect::TearDown);
                }
                other => self.open.push(other),
            }
        }
    }

    /// Compares the answer with the model's, and takes what was granted.
    fn answered(&mut self, outcome: Result<Vec<Effect>, Denied>, expected: Answer) {
        assert_eq!(answer(&outcome), expected, "{outcome:?}");
        self.take(outcome.unwrap_or_default());
    }

    fn report(&mut self, report: Report) {
        match &report {
            Report::Started(which, _) => self.written.started(number(which)),
            Report::StartFailed(which) => self.written.ended(number(which), 1),
            Report::Exited(which, code) => self.written.ended(number(which), code.0),
            Report::Drained(which) => self.written.drained(number(which)),
            Report::ExecReady(id) => self.written.joined(number(&Which::Exec(id.clone())), true),
            Report::ExecFailed(id) => self.written.joined(number(&Which::Exec(id.clone())), false),
            Report::SystemEnded => self.written.gone(),
            Report::TornDown => self.written.torn_down(),
            Report::Paused => self.written.stilled(true),
            Report::Resumed => self.written.stilled(false),
            Report::OutOfMemory => {}
        }
        let effects = self.task.on(report, NOW);
        self.take(effects);
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Start(at) => {
                let outcome = self.task.start(&which(at));
                let expected = self.written.start(at);
                self.answered(outcome, expected);
            }
            // The first process is no exec.
            Step::Exec(0) | Step::ExecReady(0, _) => {}
            Step::Exec(at) => {
                let outcome = self.task.exec(&exec(at));
                assert_eq!(answer(&outcome), self.written.exec(at));
            }
            Step::ExecReady(at, true) => self.report(Report::ExecReady(exec(at))),
            Step::ExecReady(at, false) => self.report(Report::ExecFailed(exec(at))),
            Step::Kill { target, signal, all } => {
                let how = match signal {
                    Signal::End => Ok(Delivery::Terminate),
                    Signal::Ask => Ok(Delivery::Control(ControlEvent::CtrlC)),
                    Signal::Unknown => Err(InvalidSignal("77".to_owned())),
                };
                let outcome = self.task.kill(&which(target), how, all, NOW);
                let expected = self.written.kill(target, signal, all);
                self.answered(outcome, expected);
            }
            Step::Delete(at) => self.delete(at),
            Step::Pause => {
                let outcome = self.task.pause();
                let expected = self.written.pause();
                self.answered(outcome, expected);
            }
            Step::Resume => {
                let outcome = self.task.resume();
                let expected = self.written.resume();
                self.answered(outcome, expected);
            }
            Step::Happen { which, well } => self.happen(which, well),
            Step::Exit(at, code) => self.report(Report::Exited(which(at), ExitCode(code))),
            Step::Crash => self.report(Report::SystemEnded),
        }
        self.check();
    }

    fn delete(&mut self, at: usize) {
        if at == 0 {
            let effects = self.task.end_execs(NOW);
            self.take(effects);
        }
        let outcome = self.task.delete(&which(at), NOW);
        let expected = self.written.delete(at);
        self.answered(outcome, expected);
        let forgotten = self.task.forget(&which(at));
        assert_eq!(forgotten.is_some(), self.written.forget(at));
        self.take(forgotten.map(|(_, effects)| effects).unwrap_or_default());
    }

    fn happen(&mut self, at: usize, well: bool) {
        if self.open.is_empty() {
            return;
        }
        let effect = self.open.remove(at % self.open.len());
        let report = match effect {
            Effect::Spawn(which) if well => {
                self.pids += 4;
                Report::Started(which, Pid(self.pids))
            }
            Effect::Spawn(which) => Report::StartFailed(which),
            Effect::Watch(which) => Report::Exited(which, ExitCode(3)),
            Effect::Signal(which, Delivery::Terminate) => Report::Exited(which, ExitCode(1067)),
            Effect::Drain(which) => Report::Drained(which),
            Effect::TearDown => Report::TornDown,
            Effect::Freeze if well => Report::Paused,
            Effect::Thaw if well => Report::Resumed,
            // A control event need not end anything.
            Effect::Signal(_, Delivery::Control(_)) | Effect::Freeze | Effect::Thaw => return,
            Effect::Publish(_) => unreachable!("published at once"),
        };
        self.report(report);
    }

    /// Carries out what is open until nothing is.
    fn settle(&mut self) {
        while !self.open.is_empty() {
            self.happen(0, true);
            self.check();
        }
    }

    /// What holds at every moment.
    fn check(&self) {
        assert!(self.torn_down <= 1, "torn down {} times", self.torn_down);
        assert_eq!(self.task.is_paused(), self.written.paused);
        for at in 0..4 {
            self.check_place(at);
            check_order(&self.told(&which(at)), at == 0);
        }
    }

    fn check_place(&self, at: usize) {
        let place = match self.task.status(&which(at)) {
            Err(_) => None,
            Ok(Status::Running(_)) => Some(Place::Running),
            Ok(Status::Exited(exit)) => Some(Place::Ended(exit.code.0)),
            // From outside a start that is under way is not to be seen.
            Ok(Status::Created) => Some(Place::Created),
        };
        let written = self.written.place(at);
        let seen = if written == Some(Place::Starting) { Some(Place::Created) } else { written };
        assert_eq!(place, seen, "process {at}");
    }

    /// The events of one process, in order.
    fn told(&self, wanted: &Which) -> Vec<&'static str> {
        let name = |event: &Event| match event {
            Event::Created if *wanted == Which::Init => Some("create"),
            Event::Started(which, _) if which == wanted => Some("start"),
            Event::ExecAdded(id) if *wanted == Which::Exec(id.clone()) => Some("added"),
            Event::Exited(which, _) if which == wanted => Some("exit"),
            Event::Deleted(which, _) if which == wanted => Some("delete"),
            Event::Created
            | Event::Started(..)
            | Event::ExecAdded(_)
            | Event::Exited(..)
            | Event::Deleted(..)
            | Event::Paused
            | Event::Resumed
            | Event::OutOfMemory => None,
        };
        self.events.iter().filter_map(name).collect()
    }
}

/// The model: which event may follow which. An exec's id may be used again.
fn check_order(told: &[&str], init: bool) {
    let mut last = "";
    for event in told {
        let follows = match (*event, last) {
            // The first process' end is told also when it never ran.
            ("create", "") | ("exit", "create") => init,
            ("added", "" | "delete") | ("delete", "added") => !init,
            ("start", "create" | "added") | ("exit", "start") | ("delete", "exit") => true,
            _ => false,
        };
        assert!(follows, "{event} after `{last}` in {told:?}");
        last = event;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn events_come_in_order_whatever_happens(steps in steps()) {
        let mut run = Run::new();
        for step in &steps {
            run.step(step);
        }
    }

    /// However it was left, ending the first process ends everything, once, and it can be deleted.
    #[test]
    fn every_life_can_be_brought_to_its_end(steps in steps()) {
        let mut run = Run::new();
        for step in &steps {
            run.step(step);
        }
        run.settle();
        run.step(&Step::Kill { target: 0, signal: Signal::End, all: true });
        run.settle();
        prop_assert!(run.task.settled(&Which::Init).unwrap().is_some());
        prop_assert_eq!(run.torn_down, 1);
        run.delete(0);
        prop_assert_eq!(run.task.execs().count(), 0);
        let told = run.told(&Which::Init);
        prop_assert_eq!(told.last(), Some(&"delete"));
    }

    /// A report that comes twice changes nothing.
    #[test]
    fn a_repeated_report_changes_nothing(steps in steps(), code in 0..9_u32) {
        let mut run = Run::new();
        for step in &steps {
            run.step(step);
        }
        run.settle();
        let before = run.events.len();
        for report in [Report::TornDown, Report::Exited(Which::Init, ExitCode(code))] {
            run.report(report.clone());
            run.settle();
            let once = run.events.len();
            run.report(report);
            run.settle();
            prop_assert_eq!(run.events.len(), once);
        }
        prop_assert!(run.events.len() >= before);
    }
}
