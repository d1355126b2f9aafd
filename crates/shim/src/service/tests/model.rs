//! Requests in any order, through the whole of the service, against the model that `lifecycle`'s own
//! test is held to. Thinned: what a request leads to has happened before the next one is made, so
//! that every answer can be foretold.

#[path = "../../../../lifecycle/tests/model/written.rs"]
#[expect(dead_code, reason = "reports that cannot be told apart from outside are not used here")]
mod written;

#[path = "../../../../lifecycle/tests/model/settled.rs"]
mod settled;

use proptest::prelude::*;
use ttrpc::Code;

use super::{Shim, process, within};
use crate::client::{ClientError, Stdio, TaskStatus};
use written::{Answer, Place, Signal, Written};

const KILL: u32 = 9;
const TERM: u32 = 15;

/// What a process is: the in-memory engine's programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    Ends,
    Waits,
    /// Minds no shutdown.
    Stays,
    Missing,
}

impl Program {
    fn line(self) -> &'static str {
        match self {
            Self::Ends => "exit 3",
            Self::Waits => "wait",
            Self::Stays => "stubborn",
            Self::Missing => "nosuch.exe",
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Start(usize),
    Exec(usize, Program),
    Kill { target: usize, signal: Signal, all: bool },
    Delete(usize),
    CloseIo(usize),
}

fn steps() -> impl Strategy<Value = (Program, Vec<Step>)> {
    use Program::{Ends, Missing, Stays, Waits};
    let target = 0..3_usize;
    let first = prop::sample::select(vec![Waits, Waits, Waits, Stays, Ends, Missing]);
    // One that minds nothing would keep its container for half a minute: only the first is such.
    let program = prop::sample::select(vec![Ends, Waits, Missing]);
    let signal = prop::sample::select(vec![Signal::End, Signal::Ask, Signal::Unknown]);
    let step = prop_oneof![
        4 => target.clone().prop_map(Step::Start),
        4 => (1..3_usize, program).prop_map(|(at, program)| Step::Exec(at, program)),
        2 => (target.clone(), signal, prop::bool::weighted(0.2))
            .prop_map(|(target, signal, all)| Step::Kill { target, signal, all }),
        1 => target.clone().prop_map(Step::Delete),
        1 => target.prop_map(Step::CloseIo),
    ];
    (first, prop::collection::vec(step, 1..25))
}

/// 0 is the first process, the others are execs.
fn exec(target: usize) -> Option<&'static str> {
    [None, Some("e1"), Some("e2")][target]
}

/// A shim, the model of its task, and what each process is.
struct Run {
    shim: Shim,
    written: Written,
    programs: [Program; 3],
}

impl Run {
    async fn step(&mut self, step: &Step) {
        let client = self.shim.client.clone();
        let (answer, expected) = match *step {
            Step::Start(at) => {
                let answer = within(client.start_process("c1", exec(at))).await.map(drop);
                let expected = self.written.start(at);
                if expected == Answer::Granted && self.begins(at) {
                    assert_eq!(answer.unwrap_err().code(), Some(Code::UNKNOWN), "{step:?}");
                    return self.check().await;
                }
                (answer, expected)
            }
            Step::Exec(at, program) => {
                let id = exec(at).expect("the first process is no exec");
                let (process, stdio) = (process(program.line()), Stdio::default());
                let answer = within(client.exec("c1", id, &process, &stdio)).await;
                let expected = self.written.exec(at);
                if expected == Answer::Granted {
                    self.programs[at] = program;
                    self.written.joined(at, true);
                }
                (answer, expected)
            }
            Step::Kill { target, signal, all } => {
                let number = match signal {
                    Signal::End => KILL,
                    Signal::Ask => TERM,
                    Signal::Unknown => 77,
                };
                let answer = within(client.kill("c1", exec(target), number, all)).await;
                let expected = self.written.kill(target, signal, all);
                let refused = matches!(expected, Answer::NoSuchProcess | Answer::AllAndOne);
                if !refused && (!all || expected == Answer::Granted) {
                    let told = if all { self.written.execs() } else { vec![target] };
                    told.into_iter().chain([target]).for_each(|at| self.signalled(at, signal));
                }
                (answer, expected)
            }
            Step::Delete(at) => {
                let answer = within(client.delete("c1", exec(at))).await.map(drop);
                let expected = self.written.delete(at);
                if at == 0 {
                    self.written.execs().into_iter().for_each(|at| self.signalled(at, Signal::End));
                }
                self.written.settle();
                if expected == Answer::Granted {
                    assert!(self.written.forget(at), "{step:?}");
                }
                (answer, expected)
            }
            Step::CloseIo(at) => {
                let answer = within(client.close_io("c1", exec(at))).await;
                let there = self.written.place(at).is_some();
                (answer, if there { Answer::Granted } else { Answer::NoSuchProcess })
            }
        };
        compare(step, &answer, expected);
        self.check().await;
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
            Program::Waits | Program::Stays => self.written.started(at),
        }
        program == Program::Missing
    }

    /// What was signalled ends if it minds the signal.
    fn signalled(&mut self, at: usize, signal: Signal) {
        let minds = match signal {
            Signal::End => true,
            Signal::Ask => self.programs[at] != Program::Stays,
            Signal::Unknown => false,
        };
        if minds {
            self.written.ended(at, 0);
        }
    }

    /// Waits for every end that is foretold, and looks at every process.
    async fn check(&mut self) {
        self.written.settle();
        for at in 0..3 {
            let client = &self.shim.client;
            let Some(place) = self.written.place(at) else {
                assert!(
                    within(client.state("c1", exec(at))).await.unwrap_err().is_not_found(),
                    "{at}"
                );
                continue;
            };
            if matches!(place, Place::Ended(_)) {
                within(client.wait("c1", exec(at))).await.unwrap();
            }
            let status = within(client.state("c1", exec(at))).await.unwrap().status;
            let expected = match place {
                Place::Created => TaskStatus::Created,
                Place::Running => TaskStatus::Running,
                Place::Ended(_) => TaskStatus::Stopped,
                Place::Starting => panic!("a start that was answered is over"),
            };
            assert_eq!(status, expected, "process {at}");
        }
    }
}

fn compare(step: &Step, answer: &Result<(), ClientError>, expected: Answer) {
    let got = answer.as_ref().err().and_then(ClientError::code);
    assert_eq!(got, settled::code_of(expected), "{step:?}, {expected:?}: {answer:?}");
}

/// The events of one process, without their numbers.
fn told<'a>(events: &'a [String], subject: &str) -> Vec<&'a str> {
    let of = |event: &&'a String| {
        let about = event.split(' ').nth(1).unwrap_or_default();
        let first = ["c1", "c1/", "c1/c1"];
        if subject == "c1" { first.contains(&about) } else { about == format!("c1/{subject}") }
    };
    let events = events.iter().filter(of);
    events.map(|event| event.split(' ').next().unwrap_or_default()).collect()
}

/// hcsshim's order of events.
fn check(told: &[&str], first: bool) {
    let mut last = "";
    for event in told {
        let follows = match (*event, last) {
            ("create", "") | ("exit", "create") => first,
            ("exec-added", "" | "delete") | ("delete", "exec-added") => !first,
            ("start", "create")
            | ("exec-started", "exec-added")
            | ("exit", "start" | "exec-started")
            | ("delete", "exit") => true,
            _ => false,
        };
        assert!(follows, "{event} after `{last}` in {told:?}");
        last = event;
    }
}

proptest! {
    // What takes too long is a failure as it is: to make it smaller would take as long again, often.
    #![proptest_config(ProptestConfig { max_shrink_time: 120_000, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn every_answer_is_the_models_and_everything_is_given_back((first, steps) in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let shim = Shim::standalone("c1").await;
            shim.create("c1", first.line()).await;
            let programs = [first, Program::Waits, Program::Waits];
            let mut run = Run { shim, written: Written::new(), programs };
            for step in &steps {
                run.step(step).await;
            }
            run.step(&Step::Kill { target: 0, signal: Signal::End, all: true }).await;
            run.step(&Step::Delete(0)).await;
            assert_eq!(run.shim.held(), []);
            let events = within(run.shim.all_events()).await;
            check(&told(&events, "c1"), true);
            check(&told(&events, "e1"), false);
            check(&told(&events, "e2"), false);
            assert_eq!(told(&events, "c1").iter().filter(|event| **event == "exit").count(), 1);
        });
    }
}
