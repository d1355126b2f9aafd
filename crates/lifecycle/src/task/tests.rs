//! The rows of hcsshim's `task_hcs_test.go`, and its orders of events.

use schema::process::ControlEvent;

use super::*;

const NOW: SystemTime = SystemTime::UNIX_EPOCH;
const SHUTDOWN: Result<Delivery, InvalidSignal> = Ok(Delivery::Control(ControlEvent::CtrlShutdown));

fn task() -> Task {
    Task::new(TaskId::new("t").unwrap(), Kind::Container).0
}

fn exec_id() -> ExecId {
    ExecId::new("e").unwrap()
}

fn e() -> Which {
    Which::Exec(exec_id())
}

/// A task whose first process runs as 4, and which has one created exec.
fn running_with_exec() -> Task {
    let mut task = task();
    task.start(&Which::Init).unwrap();
    task.on(Report::Started(Which::Init, Pid(4)), NOW);
    task.exec(&exec_id()).unwrap();
    task.on(Report::ExecReady(exec_id()), NOW);
    task
}

fn start_exec(task: &mut Task) {
    task.start(&e()).unwrap();
    task.on(Report::Started(e(), Pid(8)), NOW);
}

/// Carries every effect out at once, and gives the events in their order.
fn carry_out(task: &mut Task, mut effects: Vec<Effect>) -> Vec<Event> {
    let mut events = Vec::new();
    while !effects.is_empty() {
        let report = match effects.remove(0) {
            Effect::Drain(which) => Some(Report::Drained(which)),
            Effect::TearDown => Some(Report::TornDown),
            Effect::Freeze => Some(Report::Paused),
            Effect::Thaw => Some(Report::Resumed),
            Effect::Signal(which, _) => Some(Report::Exited(which, ExitCode(1067))),
            Effect::Spawn(which) => Some(Report::Started(which, Pid(4))),
            Effect::Watch(_) => None,
            Effect::Publish(event) => {
                events.push(event);
                None
            }
        };
        if let Some(report) = report {
            effects.extend(task.on(report, NOW));
        }
    }
    events
}

fn exit(pid: u32, code: u32) -> Exit {
    Exit { pid: Pid(pid), code: ExitCode(code), at: NOW }
}

#[test]
fn the_start_event_comes_before_the_process_is_watched() {
    let mut task = task();
    assert_eq!(task.start(&Which::Init), Ok(vec![Effect::Spawn(Which::Init)]));
    assert_eq!(
        task.on(Report::Started(Which::Init, Pid(4)), NOW),
        [Effect::Publish(Event::Started(Which::Init, Pid(4))), Effect::Watch(Which::Init)]
    );
}

#[test]
fn a_normal_run_is_told_in_order() {
    let (mut task, made) = Task::new(TaskId::new("t").unwrap(), Kind::Container);
    let mut events = carry_out(&mut task, made);
    let start = task.start(&Which::Init).unwrap();
    events.extend(carry_out(&mut task, start));
    let end = task.on(Report::Exited(Which::Init, ExitCode(3)), NOW);
    assert!(task.forget(&Which::Init).is_none(), "nothing was given back yet");
    events.extend(carry_out(&mut task, end));
    let (told, gone) = task.forget(&Which::Init).unwrap();
    events.extend(carry_out(&mut task, gone));
    assert_eq!(told, exit(4, 3));
    assert_eq!(
        events,
        [
            Event::Created,
            Event::Started(Which::Init, Pid(4)),
            Event::Exited(Which::Init, exit(4, 3)),
            Event::Deleted(Which::Init, exit(4, 3)),
        ]
    );
    assert_eq!(task.forget(&Which::Init), Some((exit(4, 3), vec![])), "told once");
}

#[test]
fn a_task_killed_before_its_start_ends_with_1_and_pid_0() {
    let mut task = task();
    let effects = task.kill(&Which::Init, SHUTDOWN, false, NOW).unwrap();
    assert_eq!(carry_out(&mut task, effects), [Event::Exited(Which::Init, exit(0, 1))]);
    assert_eq!(task.start(&Which::Init), Err(Denied::AlreadyStarted));
}

#[test]
fn a_task_that_cannot_start_ends_with_1_and_pid_0() {
    let mut task = task();
    task.start(&Which::Init).unwrap();
    let effects = task.on(Report::StartFailed(Which::Init), NOW);
    assert_eq!(carry_out(&mut task, effects), [Event::Exited(Which::Init, exit(0, 1))]);
}

#[test]
fn a_task_deleted_before_its_start_ends_with_0() {
    let mut task = task();
    let effects = task.delete(&Which::Init, NOW).unwrap();
    assert_eq!(carry_out(&mut task, effects), [Event::Exited(Which::Init, exit(0, 0))]);
    assert_eq!(task.forget(&Which::Init).unwrap().0, exit(0, 0));
}

#[test]
fn an_exec_that_never_ran_has_no_exit_event() {
    let mut task = running_with_exec();
    let effects = task.kill(&e(), SHUTDOWN, false, NOW).unwrap();
    assert_eq!(carry_out(&mut task, effects), []);
    assert_eq!(task.settled(&e()), Ok(Some(exit(0, 1))));
}

#[test]
fn a_signal_to_the_first_process_leaves_a_created_exec_alone() {
    let mut task = running_with_exec();
    let effects = task.kill(&Which::Init, SHUTDOWN, false, NOW).unwrap();
    assert_eq!(
        effects,
        [Effect::Signal(Which::Init, Delivery::Control(ControlEvent::CtrlShutdown))]
    );
    assert_eq!(task.status(&e()), Ok(Status::Created));
}

#[test]
fn a_signal_to_all_reaches_the_execs_too() {
    let mut task = running_with_exec();
    let effects = task.kill(&Which::Init, Ok(Delivery::Terminate), true, NOW).unwrap();
    carry_out(&mut task, effects);
    assert!(task.settled(&e()).unwrap().is_some());
    assert!(task.settled(&Which::Init).unwrap().is_some());
}

#[test]
fn a_signal_to_all_reaches_those_who_outlive_the_first_process() {
    let mut task = running_with_exec();
    start_exec(&mut task);
    task.on(Report::Exited(Which::Init, ExitCode(3)), NOW);
    let effects = task.kill(&Which::Init, Ok(Delivery::Terminate), true, NOW).unwrap();
    assert_eq!(effects, [Effect::Signal(e(), Delivery::Terminate)]);
    let refused = task.kill(&Which::Init, Ok(Delivery::Terminate), false, NOW);
    assert_eq!(refused, Err(Denied::AlreadyExited));
}

#[test]
fn a_wrong_signal_to_all_is_refused_and_no_exec_hears_of_it() {
    let mut task = running_with_exec();
    let wrong = InvalidSignal("77".to_owned());
    let refused = task.kill(&Which::Init, Err(wrong), true, NOW).unwrap_err();
    assert!(matches!(refused, Denied::InvalidSignal(_)), "{refused}");
    assert_eq!(task.status(&e()), Ok(Status::Created));
}

#[test]
fn all_and_an_exec_exclude_each_other() {
    let mut task = running_with_exec();
    assert_eq!(task.kill(&e(), SHUTDOWN, true, NOW), Err(Denied::AllAndExec));
}

#[test]
fn an_unknown_signal_matters_only_to_what_runs() {
    let bad = || Err(InvalidSignal("77".to_owned()));
    let mut task = running_with_exec();
    let refused = task.kill(&Which::Init, bad(), false, NOW);
    assert!(matches!(refused, Err(Denied::InvalidSignal(_))));
    assert!(task.kill(&e(), bad(), false, NOW).is_ok());
    assert_eq!(task.kill(&e(), bad(), false, NOW), Err(Denied::AlreadyExited));
}

#[test]
fn a_refused_delete_of_the_task_has_ended_its_execs() {
    let mut task = running_with_exec();
    start_exec(&mut task);
    let effects = task.end_execs(NOW);
    assert_eq!(effects, [Effect::Signal(e(), Delivery::Terminate)]);
    assert_eq!(task.delete(&Which::Init, NOW), Err(Denied::StillRuns));
}

#[test]
fn a_running_exec_is_not_deleted_and_an_ended_one_is_gone_after() {
    let mut task = running_with_exec();
    start_exec(&mut task);
    assert_eq!(task.delete(&e(), NOW), Err(Denied::StillRuns));
    let effects = task.on(Report::Exited(e(), ExitCode(7)), NOW);
    assert_eq!(carry_out(&mut task, effects), [Event::Exited(e(), exit(8, 7))]);
    task.delete(&e(), NOW).unwrap();
    assert_eq!(task.forget(&e()).unwrap().0, exit(8, 7));
    assert_eq!(task.delete(&e(), NOW), Err(Denied::NoSuchExec(exec_id())));
}

#[test]
fn an_exec_may_not_carry_the_tasks_id_or_anothers() {
    let mut task = running_with_exec();
    let own = ExecId::new("t").unwrap();
    assert_eq!(task.exec(&own), Err(Denied::ExecExists(own)));
    assert_eq!(task.exec(&exec_id()), Err(Denied::ExecExists(exec_id())));
}

#[test]
fn an_exec_that_comes_after_the_end_never_runs() {
    let mut task = running_with_exec();
    let late = ExecId::new("late").unwrap();
    task.exec(&late).unwrap();
    let mut effects = task.on(Report::Exited(Which::Init, ExitCode(0)), NOW);
    effects.extend(task.on(Report::ExecReady(late.clone()), NOW));
    carry_out(&mut task, effects);
    let status = task.settled(&Which::Exec(late)).unwrap();
    assert_eq!(status, Some(exit(0, 1)));
}

#[test]
fn a_paused_task_goes_on_to_be_ended() {
    let mut task = running_with_exec();
    let effects = task.pause().unwrap();
    assert_eq!(carry_out(&mut task, effects), [Event::Paused]);
    assert!(task.is_paused());
    let effects = task.kill(&Which::Init, Ok(Delivery::Terminate), false, NOW).unwrap();
    assert_eq!(effects[0], Effect::Thaw);
}

#[test]
fn what_comes_while_a_task_is_paused_is_delivered_when_it_goes_on() {
    let exec = Which::Exec(exec_id());
    let mut task = running_with_exec();
    task.start(&exec).unwrap();
    task.on(Report::Started(exec.clone(), Pid(8)), NOW);
    task.on(Report::Paused, NOW);
    assert_eq!(task.kill(&Which::Init, SHUTDOWN, false, NOW), Ok(Vec::new()));
    // Whoever ends an exec makes the container go on.
    let effects = task.kill(&exec, Ok(Delivery::Terminate), false, NOW).unwrap();
    assert_eq!(effects, [Effect::Thaw]);
    let signal = |which: &Which, how| Effect::Signal(which.clone(), how);
    let Ok(shutdown) = SHUTDOWN else { panic!("it is a signal") };
    assert_eq!(
        task.on(Report::Resumed, NOW),
        [
            Effect::Publish(Event::Resumed),
            signal(&Which::Init, shutdown),
            signal(&exec, Delivery::Terminate)
        ]
    );
    assert_eq!(task.on(Report::Resumed, NOW), [], "once");

    task.on(Report::Paused, NOW);
    task.kill(&exec, SHUTDOWN, false, NOW).unwrap();
    task.on(Report::Exited(exec, ExitCode(0)), NOW);
    assert_eq!(task.on(Report::Resumed, NOW), [Effect::Publish(Event::Resumed)]);
}

#[test]
fn a_crashed_container_ends_a_task_that_never_started() {
    let mut task = task();
    let effects = task.on(Report::SystemEnded, NOW);
    assert_eq!(carry_out(&mut task, effects), [Event::Exited(Which::Init, exit(0, 1))]);
}

/// hcsshim's `exec_wcow_podsandbox_test.go`: the fake sandbox.
#[test]
fn a_holder_ends_with_0_when_it_ran_and_1_when_not() {
    let (mut holder, _) = Task::new(TaskId::new("p").unwrap(), Kind::Holder);
    assert_eq!(holder.exec(&exec_id()), Err(Denied::Holder));
    let mut created = holder.clone();
    let effects = created.kill(&Which::Init, SHUTDOWN, false, NOW).unwrap();
    carry_out(&mut created, effects);
    assert_eq!(created.settled(&Which::Init), Ok(Some(exit(0, 1))));

    let mut deleted = holder.clone();
    let effects = deleted.delete(&Which::Init, NOW).unwrap();
    carry_out(&mut deleted, effects);
    assert_eq!(deleted.settled(&Which::Init), Ok(Some(exit(0, 1))), "the forced exit's status");

    holder.start(&Which::Init).unwrap();
    holder.on(Report::Started(Which::Init, Pid(1)), NOW);
    let any = Err(InvalidSignal("77".to_owned()));
    let effects = holder.kill(&Which::Init, any, false, NOW).unwrap();
    assert_eq!(carry_out(&mut holder, effects), [Event::Exited(Which::Init, exit(1, 0))]);
    assert_eq!(holder.kill(&Which::Init, SHUTDOWN, false, NOW), Err(Denied::AlreadyExited));
}
