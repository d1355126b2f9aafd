//! Building a silo: all of it, or nothing.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use schema::guest::Call;

use super::clients::Clients;
use super::ending::give_up;
use super::guests::{Awaited, Guests};
use super::host::{Host, Phase};
use super::processes::Processes;
use crate::error::ErrorKind;
use crate::sys::cgroup::{Cgroup, Gathering, OomWatch, Wanted};
use crate::sys::claim::Claim;
use crate::sys::disk::Server;
use crate::sys::idmap::IdMap;
use crate::sys::init::{self, Report, Setup};
use crate::sys::mounts::{EtcFiles, Ingredients};
use crate::sys::namespaces::Child;
use crate::sys::plan::SiloPlan;
use crate::sys::protocol::{Boot, GUEST, Refusal};
use crate::sys::seccomp::Filters;
use crate::sys::wire::{Conn, Descriptors, pair};

/// How long Wine and the guest may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(90);

/// Builds what `order` says. When the creator goes away meanwhile, so does what was built.
pub(super) fn boot(order: Boot, creator: &mut Conn) -> Result<Host, ErrorKind> {
    if creator.is_closed() {
        return Err(ErrorKind::io("build it", io::Error::other("its creator went away")));
    }
    let claim = Claim::take(&order.silos, &order.id, &order.plan.cgroup)?;
    let cgroup = match make_cgroup(&order.plan, claim.dir()) {
        Ok(made) => made,
        Err(kind) => return Err(give_back(claim, None, kind)),
    };
    let begun = open_cgroup(&order.plan, &cgroup)
        .and_then(|oom| Ok((fork_pid_one(&order.plan, &claim, &cgroup)?, oom)));
    match begun {
        Ok((forked, oom)) => {
            let mut host = forked.into_host(order, claim, cgroup, oom);
            match host.until_ready(creator) {
                Ok(()) => Ok(host),
                Err(kind) => {
                    host.abandon();
                    Err(kind)
                }
            }
        }
        Err(kind) => Err(give_back(claim, Some(&cgroup), kind)),
    }
}

fn give_back(claim: Claim, cgroup: Option<&Cgroup>, kind: ErrorKind) -> ErrorKind {
    // The first failure is the one to tell; what cannot be removed now is swept later.
    let _ = give_up(claim, cgroup.map_or(Ok(()), Cgroup::sweep));
    kind
}

fn make_cgroup(plan: &SiloPlan, silo: &Path) -> Result<Cgroup, ErrorKind> {
    let wanted = Wanted { own: &plan.cgroup, asked: plan.asked_cgroup.as_deref(), silo };
    Cgroup::create(wanted, &plan.limits, &plan.storage.scratch)
}

fn open_cgroup(plan: &SiloPlan, cgroup: &Cgroup) -> Result<OomWatch, ErrorKind> {
    for device in &plan.devices {
        cgroup.allow_device(device.major, device.minor)?;
    }
    cgroup.watch_oom()
}

/// Pid 1, and what the silo host keeps of its making.
struct Forked {
    pid_one: Child,
    link: Conn,
    guests: Guests,
    log: OwnedFd,
    platform: File,
    ids: IdMap,
    etc: EtcFiles,
    gathering: Option<Gathering>,
    /// Last: nothing of the making holds what they serve by then.
    servers: Vec<Server>,
}

fn fork_pid_one(plan: &SiloPlan, claim: &Claim, cgroup: &Cgroup) -> Result<Forked, ErrorKind> {
    let fail = |what: &'static str| move |e: rustix::io::Errno| ErrorKind::io(what, e);
    let ids = IdMap::container()?;
    let platform = hold_platform(plan)?;
    let (link, their_link) = pair().map_err(fail("make a socket pair"))?;
    let (guest, their_guest) = pair().map_err(fail("make a socket pair"))?;
    let log = memfd_create("boot-log", MemfdFlags::CLOEXEC).map_err(fail("make a log"))?;
    let etc = EtcFiles::create(claim.dir().join("etc"), plan)?;
    let network = plan.network.as_ref().map(|pin| {
        File::open(pin).map_err(|e| ErrorKind::io(format!("open {}", pin.display()), e))
    });
    let network = network.transpose()?;
    // Declared before what they serve: on a failure they are let go of after it.
    let mut servers = Vec::new();
    let stage = claim.dir().join("stage");
    std::fs::create_dir(&stage).map_err(|e| ErrorKind::io("make the stage", e))?;
    let mut ingredients = Ingredients::prepare(plan, &ids, claim.lease())?;
    servers.extend(ingredients.take_servers());
    let gathering = Gathering::of(cgroup);
    let setup = Setup {
        link: their_link,
        control: their_guest,
        log: log.try_clone().map_err(|e| ErrorKind::io("share the log", e))?,
        doors: cgroup.doors()?,
        gathering: gathering.as_ref().and_then(Gathering::door),
        network,
        user_namespace: ids.as_fd().try_clone_to_owned().map_err(|e| ErrorKind::io("share", e))?,
        host_name: plan.host_name.clone(),
        stage,
        ingredients,
        etc: etc.clone(),
        wine: plan.storage.wine.clone(),
        filters: Filters::compile()?,
    };
    let own_network = if plan.network.is_none() { libc::CLONE_NEWNET } else { 0 };
    let flags = libc::CLONE_NEWPID | libc::CLONE_NEWNS | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
    let mut setup = Some(setup);
    let pid_one = Child::fork(flags | own_network, || init::run(setup.take().expect("runs once")))
        .map_err(|e| ErrorKind::io("make the namespaces", e))?;
    drop(setup);
    let conn = |fd, take| Conn::new(fd, take).map_err(|e| ErrorKind::io("use a socket", e));
    Ok(Forked {
        pid_one,
        link: conn(link, Descriptors::Taken)?,
        guests: Guests::with_resident(conn(guest, Descriptors::Dropped)?),
        log,
        platform,
        ids,
        etc,
        gathering,
        servers,
    })
}

/// Keeps the platform layer from being removed while the silo lives.
fn hold_platform(plan: &SiloPlan) -> Result<File, ErrorKind> {
    let fail = |e| ErrorKind::io("hold the platform layer", e);
    let file = File::open(&plan.storage.in_use).map_err(fail)?;
    file.lock_shared().map_err(fail)?;
    Ok(file)
}

impl Forked {
    fn into_host(self, order: Boot, claim: Claim, cgroup: Cgroup, oom: OomWatch) -> Host {
        Host {
            id: order.id,
            plan: order.plan,
            claim,
            cgroup,
            oom,
            etc: self.etc,
            gathering: self.gathering,
            gathered_until: None,
            ids: self.ids,
            pid_one: self.pid_one,
            link: self.link,
            link_is_over: false,
            guests: self.guests,
            served: Vec::new(),
            reached: Vec::new(),
            servers: self.servers,
            consoles: std::collections::VecDeque::new(),
            processes: Processes::default(),
            standing: None,
            clients: Clients::default(),
            phase: Phase::Booting,
            created: SystemTime::now(),
            started: None,
            log: Some(self.log),
            _platform: self.platform,
            listeners: Vec::new(),
            explained_kills: 0,
            waiting: Vec::new(),
            terminating: Vec::new(),
        }
    }
}

impl Host {
    /// Waits for pid 1, for the guest, and for the guest to have written the registry.
    fn until_ready(&mut self, creator: &mut Conn) -> Result<(), ErrorKind> {
        let deadline = Instant::now() + READY_WITHIN;
        while self.phase == Phase::Booting {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut { what: "the guest's start", after: READY_WITHIN });
            }
            self.boot_step(creator, left)?;
        }
        self.log = None;
        self.clients.listen(self.claim.dir())
    }

    fn boot_step(&mut self, creator: &mut Conn, left: Duration) -> Result<(), ErrorKind> {
        // A guest that is gone says nothing; pid 1 will say why.
        let silent = self.pid_one.pidfd();
        let resident = self.guests.resident().unwrap_or(silent);
        let link = if self.link_is_over { silent } else { self.link.as_fd() };
        let mut watched = [
            PollFd::from_borrowed_fd(link, PollFlags::IN),
            PollFd::from_borrowed_fd(resident, PollFlags::IN),
            PollFd::from_borrowed_fd(self.pid_one.pidfd(), PollFlags::IN),
            PollFd::new(creator, PollFlags::IN),
        ];
        let left = Timespec::try_from(left).expect("less than two minutes");
        match poll(&mut watched, Some(&left)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(ErrorKind::io("wait for the guest", e)),
        }
        let [link, guest, ended, gone] = watched.map(|fd| !fd.revents().is_empty());
        if link {
            self.boot_report()?;
        }
        if guest {
            self.on_guest(Guests::RESIDENT);
            self.boot_progress()?;
        }
        if ended {
            self.boot_report()?;
            return Err(self.boot_failure(String::new()));
        }
        if gone {
            return Err(ErrorKind::io("build it", io::Error::other("its creator went away")));
        }
        Ok(())
    }

    fn boot_report(&mut self) -> Result<(), ErrorKind> {
        self.link_is_over = !self.link.fill().unwrap_or(false);
        while let Ok(Some(report)) = self.link.next() {
            match report {
                Report::Over(words) | Report::Failed(Refusal::Stillborn(words)) => {
                    return Err(self.boot_failure(words));
                }
                Report::Failed(refusal) => return Err(refusal.into()),
                Report::Up | Report::Console(_) => {}
            }
        }
        Ok(())
    }

    /// The registry follows readiness, and the system is there when it is written.
    fn boot_progress(&mut self) -> Result<(), ErrorKind> {
        if let Some(failure) = self.guests.take_boot_failure() {
            return Err(ErrorKind::Guest(failure));
        }
        if !self.guests.resident_is_ready() || self.phase != Phase::Booting {
            return Ok(());
        }
        let changes = std::mem::take(&mut self.plan.registry);
        if !changes.add_values.is_empty() || !changes.delete_keys.is_empty() {
            let call =
                Call::Registry { delete_keys: changes.delete_keys, add_values: changes.add_values };
            self.guests
                .ask(Guests::RESIDENT, call, vec![], Awaited::BootRegistry)
                .map_err(|_| ErrorKind::Disconnected(GUEST))?;
        }
        self.serve_pipes()?;
        let awaited = [Awaited::BootRegistry, Awaited::BootPipe];
        if !awaited.iter().any(|kind| self.guests.awaits(kind)) {
            self.phase = Phase::Created;
        }
        Ok(())
    }

    /// What Wine said before it ended, and how it ended.
    fn boot_failure(&self, words: String) -> ErrorKind {
        let mut text = vec![0; 2048];
        let count =
            self.log.as_ref().map_or(0, |log| rustix::io::pread(log, &mut text, 0).unwrap_or(0));
        let said = String::from_utf8_lossy(&text[..count]).trim().to_owned();
        let told: Vec<String> = [words, said].into_iter().filter(|part| !part.is_empty()).collect();
        if told.is_empty() {
            return ErrorKind::Stillborn("pid 1 was killed".to_owned());
        }
        ErrorKind::Stillborn(told.join(": "))
    }
}
