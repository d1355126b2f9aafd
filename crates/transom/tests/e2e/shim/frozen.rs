//! A paused container: what it is asked, and what is asked of it, on the real engine.

use containerd_shim_protos::api::{
    ExecProcessRequest, KillRequest, PauseRequest, PidsRequest, ResumeRequest, StartRequest,
    StateRequest, Status, WaitRequest,
};
use containerd_shim_protos::protobuf::MessageField;
use serde_json::json;

use crate::support::container::BASE;
use crate::support::host;
use crate::support::probe::PROBE;
use crate::support::shim::{Shim, process, within};

const ID: &str = "frozen";
const TERM: u32 = 15;
const KILL: u32 = 9;

/// A containerd that comes back takes a task without processes for one that is gone.
#[test]
fn a_paused_container_has_its_processes_and_hears_its_signals_when_it_goes_on() {
    let host = host::shared();
    host.transom(&["run", "--rm", BASE, "cmd", "/c", "exit"]).succeed();
    let shim = Shim::standalone(&host, ID, &[PROBE, "nap"]);
    let tasks = shim.tasks();
    let id = || ID.to_owned();
    let first = tasks.start(within(), &StartRequest { id: id(), ..Default::default() }).unwrap();
    for (exec, signal) in [("asked", TERM), ("ended", KILL)] {
        let (exec_id, spec) = (exec.to_owned(), MessageField::some(process(&[PROBE, "nap"])));
        let request = ExecProcessRequest { id: id(), exec_id, spec, ..Default::default() };
        tasks.exec(within(), &request).unwrap();
        let exec_id = exec.to_owned();
        let request = StartRequest { id: id(), exec_id, ..Default::default() };
        let second = tasks.start(within(), &request).unwrap();

        tasks.pause(within(), &PauseRequest { id: id(), ..Default::default() }).unwrap();
        let told = tasks.pids(within(), &PidsRequest { id: id(), ..Default::default() }).unwrap();
        let pids: Vec<u32> = told.processes.iter().map(|process| process.pid).collect();
        assert!(pids.contains(&first.pid) && pids.contains(&second.pid), "{exec}: {pids:?}");
        let exec_id = exec.to_owned();
        let request = KillRequest { id: id(), exec_id, signal, ..Default::default() };
        tasks.kill(within(), &request).unwrap();
        if signal == TERM {
            let state = StateRequest { id: id(), exec_id: exec.to_owned(), ..Default::default() };
            let state = tasks.state(within(), &state).unwrap();
            assert_eq!(state.status.enum_value(), Ok(Status::PAUSED), "it cannot have heard");
            tasks.resume(within(), &ResumeRequest { id: id(), ..Default::default() }).unwrap();
        }
        let request = WaitRequest { id: id(), exec_id: exec.to_owned(), ..Default::default() };
        tasks.wait(within(), &request).unwrap();
        let state = StateRequest { id: id(), ..Default::default() };
        let state = tasks.state(within(), &state).unwrap();
        assert_eq!(state.status.enum_value(), Ok(Status::RUNNING), "{exec}: it goes on");
    }
}

#[test]
fn an_update_that_would_not_hold_is_refused_with_the_field_and_the_rule() {
    let host = host::shared();
    host.transom(&["run", "--rm", BASE, "cmd", "/c", "exit"]).succeed();
    let shim = Shim::standalone(&host, "updated", &[PROBE, "nap"]);
    let linux = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";
    let windows = "types.containerd.io/opencontainers/runtime-spec/1/WindowsResources";
    for (kind, resources, words) in [
        (linux, json!({ "memory": { "limit": 1 } }), "at least 32 MiB"),
        (linux, json!({ "memory": { "limit": "1g" } }), "memory.limit"),
        (linux, json!({ "cpu": { "cpus": "0" } }), "linux.resources.cpu.cpus"),
        (windows, json!({ "memory": { "limit": 1 } }), "at least 32 MiB"),
        (windows, json!({ "storage": { "iops": 5 } }), "windows.resources.storage"),
        (windows, json!({ "cpu": { "maximum": 20_000 } }), "from 1 to 10000"),
    ] {
        let refused = shim.update("updated", kind, &resources).unwrap_err().to_string();
        assert!(refused.contains(words), "{resources}: {refused}");
    }
    shim.update("updated", linux, &json!({ "memory": { "limit": 256 << 20 } })).unwrap();
    shim.update("updated", linux, &json!({ "memory": { "limit": -1 } })).unwrap();
}
