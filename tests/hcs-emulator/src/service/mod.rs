//! The service behind the DLLs: it holds compute systems, and outlives those who call it.
//!
//! A thread for each connection reads requests in their order; each is carried out on a thread of its
//! own, since calls wait for one another. It ends when nobody has been connected, and nothing has run,
//! for a while.

#![expect(unsafe_code, reason = "processes, jobs and pipes are Windows calls")]

mod calls;
mod census;
mod console;
mod guards;
mod job;
mod launch;
mod link;
mod network;
mod pipes;
mod process;
mod properties;
mod system;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::windows::fs::OpenOptionsExt as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use windows_sys::Win32::System::Console::SetConsoleCtrlHandler;

pub(crate) use crate::client::locked;
use crate::networks::Networks;
use crate::wire::{self, PORT_FILE, Request};

use self::link::Link;
use self::system::System;

/// How long it stays without anything to do.
const IDLE: Duration = Duration::from_secs(20);

/// All that the service holds.
#[derive(Default)]
pub(crate) struct Service {
    systems: Mutex<BTreeMap<String, Arc<System>>>,
    /// Credential guard instances, by id.
    guards: Mutex<BTreeMap<String, String>>,
    networks: Mutex<Networks>,
    /// Who is told of networks that come and go.
    watchers: Mutex<Vec<(Arc<Link>, u64)>>,
    /// Who is connected.
    links: Mutex<Vec<Arc<Link>>>,
    connections: AtomicUsize,
}

impl Service {
    fn systems(&self) -> MutexGuard<'_, BTreeMap<String, Arc<System>>> {
        locked(&self.systems)
    }

    /// The connection that a caller's handle came by: its DLLs have one each, and Windows takes a
    /// handle of one in a call of another.
    fn link_of(&self, link: &Arc<Link>, handle: u64) -> Arc<Link> {
        if link.has(handle) {
            return Arc::clone(link);
        }
        let links = locked(&self.links);
        let other = links.iter().find(|other| other.pid == link.pid && other.has(handle));
        Arc::clone(other.unwrap_or(link))
    }

    fn is_idle(&self) -> bool {
        self.connections.load(Ordering::SeqCst) == 0 && self.systems().is_empty()
    }
}

/// Serves until there is nothing to do. A second service ends at once.
pub fn run() -> io::Result<()> {
    let folder = std::env::temp_dir();
    std::fs::create_dir_all(&folder)?;
    let lock = folder.join("hcs-emulator.lock");
    let Ok(_only) = OpenOptions::new().create(true).append(true).share_mode(0).open(lock) else {
        return Ok(());
    };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let fresh = folder.join("hcs-emulator.port.new");
    std::fs::write(&fresh, listener.local_addr()?.port().to_string())?;
    std::fs::rename(fresh, folder.join(PORT_FILE))?;
    allow_interrupts();
    let service = Arc::new(Service::default());
    std::thread::spawn({
        let service = Arc::clone(&service);
        move || end_when_idle(&service)
    });
    for connection in listener.incoming().filter_map(Result::ok) {
        let service = Arc::clone(&service);
        service.connections.fetch_add(1, Ordering::SeqCst);
        std::thread::spawn(move || {
            // A client that breaks off is a client that is gone.
            let _ = serve(&service, connection);
            service.connections.fetch_sub(1, Ordering::SeqCst);
        });
    }
    Ok(())
}

/// Lets programs that are started here take Ctrl+C: a service in a group of its own has it turned off,
/// and that is handed down.
fn allow_interrupts() {
    // SAFETY: no handler: only the flag is set.
    unsafe { SetConsoleCtrlHandler(None, 0) };
}

fn end_when_idle(service: &Service) {
    let mut since = Instant::now();
    loop {
        std::thread::sleep(Duration::from_millis(500));
        if !service.is_idle() {
            since = Instant::now();
        } else if since.elapsed() > IDLE {
            std::process::exit(0);
        }
    }
}

fn serve(service: &Arc<Service>, connection: TcpStream) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut requests = BufReader::new(connection.try_clone()?);
    let Some(hello) = wire::receive::<Request>(&mut requests)? else { return Ok(()) };
    wire::send(&mut (&connection), &wire::GREETING)?;
    let link = Arc::new(Link::new(connection, u32::try_from(hello.number).unwrap_or_default()));
    locked(&service.links).push(Arc::clone(&link));
    while let Ok(Some(request)) = wire::receive::<Request>(&mut requests) {
        if request.call == "Close" {
            service.link_of(&link, request.handle).close(service, request.handle);
            continue;
        }
        let (service, link) = (Arc::clone(service), Arc::clone(&link));
        std::thread::spawn(move || {
            let seq = request.seq;
            let mut answer = calls::carry_out(&service, &link, &request);
            answer.seq = seq;
            link.answer(answer);
        });
    }
    locked(&service.links).retain(|other| !Arc::ptr_eq(other, &link));
    link.close_all(service);
    Ok(())
}
