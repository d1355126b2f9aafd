//! Requests in any order, through the whole of the service: what `lifecycle`'s own model test does
//! to the machine, thinned.

use proptest::prelude::*;

use super::{Shim, process, within};
use crate::client::Stdio;

const KILL: u32 = 9;
const TERM: u32 = 15;

#[derive(Debug, Clone)]
enum Step {
    Start(usize),
    Exec(usize, &'static str),
    Kill { target: usize, signal: u32, all: bool },
    Delete(usize),
    Pause,
    Resume,
    CloseIo(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let target = 0..3_usize;
    let program = prop::sample::select(vec!["exit 3", "wait", "stubborn", "nosuch.exe"]);
    let signal = prop::sample::select(vec![KILL, TERM, 77]);
    let step = prop_oneof![
        3 => target.clone().prop_map(Step::Start),
        3 => (1..3_usize, program).prop_map(|(at, program)| Step::Exec(at, program)),
        2 => (target.clone(), signal, prop::bool::weighted(0.2))
            .prop_map(|(target, signal, all)| Step::Kill { target, signal, all }),
        1 => target.clone().prop_map(Step::Delete),
        1 => Just(Step::Pause),
        1 => Just(Step::Resume),
        1 => target.prop_map(Step::CloseIo),
    ];
    prop::collection::vec(step, 1..25)
}

/// 0 is the first process, the others are execs.
fn exec(target: usize) -> Option<&'static str> {
    [None, Some("e1"), Some("e2")][target]
}

/// A refusal is as good an answer as any; hanging is not.
async fn take(shim: &Shim, step: &Step) {
    let client = &shim.client;
    let answer = async {
        match *step {
            Step::Start(at) => client.start_process("c1", exec(at)).await.map(drop),
            Step::Exec(at, program) => {
                let id = exec(at).expect("the first process is no exec");
                client.exec("c1", id, &process(program), &Stdio::default()).await
            }
            Step::Kill { target, signal, all } => {
                client.kill("c1", exec(target), signal, all).await
            }
            Step::Delete(at) => client.delete("c1", exec(at)).await.map(drop),
            Step::Pause => client.pause("c1").await,
            Step::Resume => client.resume("c1").await,
            Step::CloseIo(at) => client.close_io("c1", exec(at)).await,
        }
    };
    let _ = within(answer).await;
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

/// shim.md 5.2.
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
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_is_asked_the_container_ends_and_everything_is_given_back(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut shim = Shim::standalone("c1").await;
            shim.create("c1", "wait").await;
            for step in &steps {
                take(&shim, step).await;
            }
            // Refused when it has ended already.
            let _ = within(shim.client.kill("c1", None, KILL, true)).await;
            within(shim.client.wait("c1", None)).await.unwrap();
            within(shim.client.delete("c1", None)).await.unwrap();
            assert_eq!(shim.held(), []);
            let events = shim.all_events().await;
            check(&told(&events, "c1"), true);
            check(&told(&events, "e1"), false);
            check(&told(&events, "e2"), false);
            assert_eq!(told(&events, "c1").last(), Some(&"delete"));
        });
    }
}
