//! A task's events, in containerd's words.

use containerd_shim_protos::events::task::{
    TaskCreate, TaskDelete, TaskExecAdded, TaskExecStarted, TaskExit, TaskIO, TaskOOM, TaskPaused,
    TaskResumed, TaskStart,
};
use containerd_shim_protos::types::mount::Mount;
use lifecycle::{Event, Exit, Which};
use protobuf::well_known_types::any::Any;
use protobuf::{Message, MessageField, MessageFull};
use schema::Pid;

use crate::events::{Publisher, Receipt};
use crate::stdio::Ends;
use crate::wire::{message_any, timestamp};

/// Publishes what happens to one task.
pub(crate) struct TaskEvents {
    pub(crate) publisher: Publisher,
    pub(crate) id: String,
    pub(crate) bundle: String,
    /// As the request that created the task had them.
    pub(crate) rootfs: Vec<Mount>,
    pub(crate) ends: Ends,
}

impl TaskEvents {
    pub(super) fn publish(&self, event: Event) -> Receipt {
        let (topic, payload) = self.payload(event);
        self.publisher.publish(topic, payload)
    }

    fn payload(&self, event: Event) -> (&'static str, Any) {
        let id = self.id.clone();
        match event {
            Event::Created => ("/tasks/create", any(&self.created())),
            Event::Started(which, pid) => self.started(which, pid),
            Event::ExecAdded(exec) => {
                let exec_id = exec.into();
                let added = TaskExecAdded { container_id: id, exec_id, ..TaskExecAdded::default() };
                ("/tasks/exec-added", any(&added))
            }
            Event::Exited(which, exit) => ("/tasks/exit", any(&self.exited(which, exit))),
            Event::Deleted(which, exit) => ("/tasks/delete", any(&self.deleted(which, exit))),
            Event::Paused => {
                ("/tasks/paused", any(&TaskPaused { container_id: id, ..TaskPaused::default() }))
            }
            Event::Resumed => {
                ("/tasks/resumed", any(&TaskResumed { container_id: id, ..TaskResumed::default() }))
            }
            Event::OutOfMemory => {
                ("/tasks/oom", any(&TaskOOM { container_id: id, ..TaskOOM::default() }))
            }
        }
    }

    fn created(&self) -> TaskCreate {
        let io = TaskIO {
            stdin: self.ends.stdin.clone(),
            stdout: self.ends.stdout.clone(),
            stderr: self.ends.stderr.clone(),
            terminal: self.ends.terminal,
            ..TaskIO::default()
        };
        TaskCreate {
            container_id: self.id.clone(),
            bundle: self.bundle.clone(),
            // The same message by another name, which the bindings keep to themselves.
            rootfs: self.rootfs.iter().map(as_event).collect(),
            io: MessageField::some(io),
            ..TaskCreate::default()
        }
    }

    fn started(&self, which: Which, pid: Pid) -> (&'static str, Any) {
        let (container_id, pid) = (self.id.clone(), pid.0);
        match which {
            Which::Init => {
                ("/tasks/start", any(&TaskStart { container_id, pid, ..TaskStart::default() }))
            }
            Which::Exec(exec) => {
                let exec_id = exec.into();
                let started =
                    TaskExecStarted { container_id, exec_id, pid, ..TaskExecStarted::default() };
                ("/tasks/exec-started", any(&started))
            }
        }
    }

    fn exited(&self, which: Which, exit: Exit) -> TaskExit {
        TaskExit {
            container_id: self.id.clone(),
            id: match which {
                Which::Init => self.id.clone(),
                Which::Exec(exec) => exec.into(),
            },
            pid: exit.pid.0,
            exit_status: exit.code.0,
            exited_at: MessageField::some(timestamp(Some(exit.at))),
            ..TaskExit::default()
        }
    }

    fn deleted(&self, which: Which, exit: Exit) -> TaskDelete {
        TaskDelete {
            container_id: self.id.clone(),
            id: match which {
                Which::Init => String::new(),
                Which::Exec(exec) => exec.into(),
            },
            pid: exit.pid.0,
            exit_status: exit.code.0,
            exited_at: MessageField::some(timestamp(Some(exit.at))),
            ..TaskDelete::default()
        }
    }
}

fn any<M: MessageFull>(message: &M) -> Any {
    message_any(message)
}

fn as_event<M: Message>(mount: &Mount) -> M {
    let bytes = mount.write_to_bytes().expect("it was read from the wire");
    M::parse_from_bytes(&bytes).expect("both have the same fields")
}
