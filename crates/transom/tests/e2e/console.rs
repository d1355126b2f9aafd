//! `--tty`: a real terminal at both ends.

use crate::support::container::{BASE, Container};
use crate::support::host;
use crate::support::probe::{self, PROBE};
use crate::support::terminal::Terminal;
use crate::support::wait;

#[test]
fn a_line_typed_into_cmd_is_run() {
    let host = host::shared();
    let mut terminal = Terminal::start(&host, &["run", "--rm", "-it", BASE, "cmd"]);
    terminal.wait_for(">");
    terminal.line("set /a 6*7");
    terminal.wait_for("42");
    terminal.line("exit 3");
    assert_eq!(terminal.end(), 3);
}

#[test]
fn the_console_has_the_size_of_the_terminal_and_follows_it() {
    let host = host::shared();
    let name = format!("size{}", std::process::id());
    let flags = ["run", "-it", "--name", &name, &probe::mount(), BASE, PROBE, "console"];
    let mut terminal = Terminal::start(&host, &flags);
    // The program would wait for lines for ever.
    let _container = Container::named(&host, &name);
    terminal.wait_for("size 100x25");
    terminal.resize(90, 40);
    // The program looks when a line comes, and the news may come after the first one.
    wait::until("the new size", || {
        terminal.line("");
        terminal.screen().contains("size 90x40").then_some(())
    });
}

#[test]
fn a_second_terminal_works_beside_the_first_program() {
    let host = host::shared();
    let container = Container::idle(&host);
    let mut terminal = Terminal::start(&host, &["exec", "-it", container.id(), "cmd"]);
    terminal.wait_for(">");
    terminal.line("echo be^side");
    terminal.wait_for("beside");
    terminal.line("exit");
    assert_eq!(terminal.end(), 0);
    assert_eq!(container.status(), "running");
}

#[test]
fn detach_keys_leave_the_container_running() {
    let host = host::shared();
    let name = format!("detach{}", std::process::id());
    let mut terminal = Terminal::start(&host, &["run", "-it", "--name", &name, BASE, "cmd"]);
    let container = Container::named(&host, &name);
    terminal.wait_for(">");
    terminal.press("\u{10}\u{11}");
    assert_eq!(terminal.end(), 0);
    assert_eq!(container.status(), "running");
}

#[test]
fn a_terminal_that_is_not_there_is_an_error() {
    let host = host::shared();
    let output = host.transom(&["run", "--rm", "-it", BASE, "cmd"]).fail();
    assert!(output.errors().to_lowercase().contains("tty"), "{output:?}");
}

#[test]
fn ctrl_c_reaches_the_program_at_the_terminal() {
    let host = host::shared();
    let flags = ["run", "--rm", "-it", &probe::mount(), BASE, PROBE, "control"];
    let mut terminal = Terminal::start(&host, &flags);
    terminal.wait_for("ready");
    terminal.press("\u{3}");
    terminal.wait_for("event 0");
    assert_eq!(terminal.end(), 40);
}
