//! What every engine promises, as one suite: [`all`] is run on each of them.
//!
//! A [`Fixture`] supplies what an engine cannot know: a document that it can create, and programs
//! to run. Each check makes its own compute system and leaves nothing behind. A check that waits
//! for what should come has [`PATIENCE`]; none sleeps.

mod processes;
mod systems;

use std::future::Future;
use std::time::Duration;

use schema::SystemId;
use schema::document::ComputeSystem;
use schema::process::ProcessParameters;
use schema::properties::{PropertyType, State};

use crate::{Engine, Process, System};

/// How long anything that must happen may take.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// What the suite runs on an engine.
pub trait Fixture: Send + Sync {
    /// A document that the engine can create under `id`. Called once for each system.
    fn document(&self, id: &SystemId) -> impl Future<Output = ComputeSystem> + Send;

    /// Gives back what [`Fixture::document`] acquired. Called after the system has ended.
    fn release(&self, id: &SystemId) -> impl Future<Output = ()> + Send;

    /// A command line that ends with `code`.
    fn exits(&self, code: u32) -> String;

    /// A command line that copies lines from stdin to stdout until its end, then ends with 0.
    fn echoes(&self) -> String;

    /// A command line that writes `text`, which is one word, to stderr and ends.
    fn complains(&self, text: &str) -> String;

    /// A command line that runs until it is ended, and whose streams stay open as long.
    fn lasts(&self) -> String;

    /// A command line that names no program.
    fn missing(&self) -> String;

    /// Such systems can be paused.
    fn can_pause(&self) -> bool {
        true
    }

    /// Their consoles keep the size that they are made with: another one is refused as not supported.
    fn consoles_keep_their_size(&self) -> bool {
        false
    }
}

/// Runs the whole suite, one check after the other.
pub async fn all<E: Engine, F: Fixture>(engine: &E, fixture: &F) {
    systems::a_created_system_is_open_to_all_until_it_has_ended(engine, fixture).await;
    systems::an_id_in_use_is_refused(engine, fixture).await;
    systems::a_refused_document_leaves_nothing_behind(engine, fixture).await;
    systems::start_is_granted_once(engine, fixture).await;
    systems::ending_may_be_repeated(engine, fixture).await;
    systems::a_shutdown_shows_in_wait(engine, fixture).await;
    systems::dropping_every_handle_lets_the_system_run_on(engine, fixture).await;
    if fixture.can_pause() {
        systems::a_paused_system_stands_still_until_it_is_resumed(engine, fixture).await;
    }
    systems::events_end_with_the_system(engine, fixture).await;
    processes::all_32_bits_of_an_exit_code_arrive(engine, fixture).await;
    processes::an_exit_code_is_told_every_time(engine, fixture).await;
    processes::stdin_goes_to_stdout_until_its_end(engine, fixture).await;
    processes::stderr_is_a_stream_of_its_own(engine, fixture).await;
    processes::streams_that_nobody_asked_for_are_not_there(engine, fixture).await;
    processes::a_missing_program_is_windows_error_2(engine, fixture).await;
    processes::no_process_starts_before_the_system(engine, fixture).await;
    processes::a_process_can_be_ended_with_any_code(engine, fixture).await;
    processes::an_ended_process_cannot_be_ended_or_signalled(engine, fixture).await;
    processes::only_a_console_can_be_resized(engine, fixture).await;
    processes::processes_are_listed_while_they_run(engine, fixture).await;
    processes::a_process_ends_with_its_system(engine, fixture).await;
}

/// A compute system for one check.
struct Subject<'a, E: Engine, F> {
    engine: &'a E,
    fixture: &'a F,
    id: SystemId,
    system: E::System,
}

impl<'a, E: Engine, F: Fixture> Subject<'a, E, F> {
    /// Created and not started.
    async fn created(engine: &'a E, fixture: &'a F, name: &str) -> Self {
        let id = id(name);
        let document = fixture.document(&id).await;
        let system = within(engine.create(&id, &document)).await.expect("create");
        Self { engine, fixture, id, system }
    }

    /// Created and started.
    async fn started(engine: &'a E, fixture: &'a F, name: &str) -> Self {
        let subject = Self::created(engine, fixture, name).await;
        within(subject.system.start()).await.expect("start");
        subject
    }

    async fn spawn(&self, command_line: String) -> <E::System as System>::Process {
        let parameters = ProcessParameters { command_line, ..ProcessParameters::default() };
        within(self.system.spawn(&parameters)).await.expect("spawn").0
    }

    async fn state(&self) -> State {
        within(self.system.properties(&[])).await.expect("properties").state
    }

    async fn listed_pids(&self) -> Vec<u32> {
        let query = [PropertyType::ProcessList];
        let answer = within(self.system.properties(&query)).await.expect("process list");
        let list = answer.process_list.expect("the process list was asked for");
        list.into_iter().map(|process| process.process_id).collect()
    }

    /// Ends the system and checks that nothing of it is left.
    async fn end(self) {
        within(self.system.terminate()).await.expect("terminate");
        assert_gone(self.engine, &self.id).await;
        self.fixture.release(&self.id).await;
    }
}

/// Ids of one run are told apart by the process, so that two runs on one host do not meet.
fn id(name: &str) -> SystemId {
    SystemId::new(format!("conformance-{}-{name}", std::process::id())).expect("a plain name")
}

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("this should not take so long")
}

async fn assert_gone<E: Engine>(engine: &E, id: &SystemId) {
    assert!(within(engine.open(id)).await.is_err(), "{id} can still be opened");
    let listed = within(engine.list(None)).await.expect("list");
    assert!(listed.iter().all(|found| found.id != id.as_str()), "{id} is still listed");
}

async fn code_of<P: Process>(process: &P) -> u32 {
    within(process.wait()).await.0
}
