//! Requests in any order against the built shim through ttrpc, on the real engine: every answer and
//! every state is that of the written model, which `lifecycle`'s own test and `shim`'s on the engine
//! in memory are held to, too. What a request leads to has happened before the next one is made.
//!
//! The events of all that are looked at by `random`, which a containerd takes part in.

#[path = "../../../../lifecycle/tests/model/written.rs"]
#[expect(dead_code, reason = "reports that cannot be told apart from outside are not used here")]
mod written;

#[path = "../../../../lifecycle/tests/model/settled.rs"]
mod settled;

use std::time::Duration;

use containerd_shim_protos::api::{
    CloseIORequest, DeleteRequest, ExecProcessRequest, KillRequest, StartRequest, StateRequest,
    Status, WaitRequest,
};
use containerd_shim_protos::protobuf::MessageField;
use containerd_shim_protos::ttrpc::{self, Code};

use crate::many::rounds;
use crate::support::chance::Chance;
use crate::support::container::BASE;
use crate::support::host;
use crate::support::leaks::Footprint;
use crate::support::probe::PROBE;
use crate::support::shim::{Shim, process, within};
use written::{Answer, Place, Signal, Written};

/// How many requests are made of one container at most.
const STEPS: u64 = 16;
const EXECS: [&str; 3] = ["", "e1", "e2"];
const SIGNALS: [Signal; 3] = [Signal::End, Signal::Ask, Signal::Unknown];

/// What a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    Ends,
    Waits,
    Missing,
}

const PROGRAMS: [Program; 4] = [Program::Waits, Program::Waits, Program::Ends, Program::Missing];

impl Program {
    fn line(self) -> &'static [&'static str] {
        match self {
            Self::Ends => &["cmd", "/c", "exit 3"],
            Self::Waits => &[PROBE, "nap"],
            Self::Missing => &["nosuch.exe"],
        }
    }
}

/// 0 is the first process, the others are execs.
#[derive(Debug, Clone, Copy)]
enum Step {
    Start(usize),
    Exec(usize, Program),
    Kill { target: usize, signal: Signal, all: bool },
    Delete(usize),
    CloseIo(usize),
}

impl Step {
    fn by(chance: &mut Chance) -> Self {
        let target = *chance.one_of(&[0, 1, 2]);
        match chance.below(12) {
            0..=3 => Self::Start(target),
            4..=7 => Self::Exec(*chance.one_of(&[1, 2]), *chance.one_of(&PROGRAMS)),
            8 | 9 => {
                let (signal, all) = (*chance.one_of(&SIGNALS), chance.below(5) == 0);
                Self::Kill { target, signal, all }
            }
            10 => Self::Delete(target),
            _ => Self::CloseIo(target),
        }
    }
}

#[test]
fn every_answer_of_the_real_shim_is_the_models_and_nothing_is_left() {
    let host = host::alone();
    host.transom(&["run", "--rm", BASE, "cmd", "/c", "exit"]).succeed();
    let before = Footprint::of(&host);
    let mut chance = Chance::new();
    for round in rounds(100, Duration::from_secs(15)) {
        let first = *chance.one_of(&PROGRAMS);
        println!("round {round}: {first:?}");
        let shim = Shim::standalone(&host, ID, first.line());
        let programs = [first, Program::Waits, Program::Waits];
        let mut run = Run { shim, written: Written::new(), programs };
        for _ in 0..=chance.below(STEPS) {
            let step = Step::by(&mut chance);
            println!("  {step:?}");
            run.step(step);
        }
        run.step(Step::Kill { target: 0, signal: Signal::End, all: true });
        run.step(Step::Delete(0));
        drop(run);
        before.expect_again(&host);
    }
}

const ID: &str = "model";

/// A shim, the model of its task, and what each process is.
struct Run<'h> {
    shim: Shim<'h>,
    written: Written,
    programs: [Program; 3],
}

impl Run<'_> {
    fn step(&mut self, step: Step) {
        let answer = self.ask(step);
        let expected = match step {
            Step::Start(at) => {
                let expected = self.written.start(at);
                if expected == Answer::Granted && self.begins(at) {
                    assert_eq!(code(&answer), Some(Code::UNKNOWN), "{step:?}: {answer:?}");
                    return self.check();
                }
                expected
            }
            Step::Exec(at, program) => self.added(at, program),
            Step::Kill { target, signal, all } => self.killed(target, signal, all),
            Step::Delete(at) => self.deleted(at, step),
            Step::CloseIo(at) if self.written.place(at).is_none() => Answer::NoSuchProcess,
            Step::CloseIo(_) => Answer::Granted,
        };
        assert_eq!(code(&answer), settled::code_of(expected), "{step:?}, {expected:?}: {answer:?}");
        self.check();
    }

    fn ask(&self, step: Step) -> ttrpc::Result<()> {
        let (tasks, id) = (self.shim.tasks(), ID.to_owned());
        let exec = |at: usize| EXECS[at].to_owned();
        match step {
            Step::Start(at) => {
                let request = StartRequest { id, exec_id: exec(at), ..Default::default() };
                tasks.start(within(), &request).map(drop)
            }
            Step::Exec(at, program) => {
                let spec = MessageField::some(process(program.line()));
                let exec_id = exec(at);
                let request = ExecProcessRequest { id, exec_id, spec, ..Default::default() };
                tasks.exec(within(), &request).map(drop)
            }
            Step::Kill { target, signal, all } => {
                let signal = match signal {
                    Signal::End => 9,
                    Signal::Ask => 15,
                    Signal::Unknown => 77,
                };
                let exec_id = exec(target);
                let request = KillRequest { id, exec_id, signal, all, ..Default::default() };
                tasks.kill(within(), &request).map(drop)
            }
            Step::Delete(at) => {
                let request = DeleteRequest { id, exec_id: exec(at), ..Default::default() };
                tasks.delete(within(), &request).map(drop)
            }
            Step::CloseIo(at) => {
                let exec_id = exec(at);
                let request = CloseIORequest { id, exec_id, stdin: true, ..Default::default() };
                tasks.close_io(within(), &request).map(drop)
            }
        }
    }

    /// A start was granted: `true` when there is no such program.
    fn begins(&mut self, at: usize) -> bool {
        let program = self.programs[at];
        match program {
            Program::Missing => self.written.ended(at, 1),
            Program::Ends => {
                self.written.started(at);
                self.written.ended(at, 3);
            }
            Program::Waits => self.written.started(at),
        }
        program == Program::Missing
    }

    fn added(&mut self, at: usize, program: Program) -> Answer {
        let expected = self.written.exec(at);
        if expected == Answer::Granted {
            self.programs[at] = program;
            self.written.joined(at, true);
        }
        expected
    }

    fn killed(&mut self, target: usize, signal: Signal, all: bool) -> Answer {
        let expected = self.written.kill(target, signal, all);
        if !matches!(expected, Answer::NoSuchProcess | Answer::AllAndOne) {
            let told = if all { self.written.execs() } else { Vec::new() };
            told.into_iter().chain([target]).for_each(|at| self.signalled(at, signal));
        }
        expected
    }

    fn deleted(&mut self, at: usize, step: Step) -> Answer {
        let expected = self.written.delete(at);
        if at == 0 {
            self.written.execs().into_iter().for_each(|at| self.signalled(at, Signal::End));
        }
        self.written.settle();
        if expected == Answer::Granted {
            assert!(self.written.forget(at), "{step:?}");
        }
        expected
    }

    /// All of these programs mind a signal, if it is one.
    fn signalled(&mut self, at: usize, signal: Signal) {
        if signal != Signal::Unknown {
            self.written.ended(at, 0);
        }
    }

    /// Waits for every end that is foretold, and looks at every process.
    fn check(&mut self) {
        self.written.settle();
        let tasks = self.shim.tasks();
        for (at, exec) in EXECS.iter().enumerate() {
            let (id, exec_id) = (ID.to_owned(), (*exec).to_owned());
            let place = self.written.place(at);
            if matches!(place, Some(Place::Ended(_))) {
                let (id, exec_id) = (id.clone(), exec_id.clone());
                let request = WaitRequest { id, exec_id, ..Default::default() };
                tasks.wait(within(), &request).unwrap_or_else(|error| panic!("{at}: {error}"));
            }
            let request = StateRequest { id, exec_id, ..Default::default() };
            let state = tasks.state(within(), &request);
            let expected = match place {
                None => {
                    assert_eq!(code(&state.map(drop)), Some(Code::NOT_FOUND), "process {at}");
                    continue;
                }
                Some(Place::Created) => Status::CREATED,
                Some(Place::Running) => Status::RUNNING,
                Some(Place::Ended(_)) => Status::STOPPED,
                Some(Place::Starting) => panic!("a start that was answered is over"),
            };
            let status = state.unwrap_or_else(|error| panic!("{at}: {error}")).status;
            assert_eq!(status.enum_value(), Ok(expected), "process {at}");
        }
    }
}

fn code(answer: &ttrpc::Result<()>) -> Option<Code> {
    match answer {
        Ok(()) => None,
        Err(ttrpc::Error::RpcStatus(status)) => Some(status.code()),
        Err(other) => panic!("the shim does not answer: {other}"),
    }
}
