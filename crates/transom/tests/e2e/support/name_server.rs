//! A name server on this host's loopback that knows one answer to every name with a dot in it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use simple_dns::rdata::{A, RData};
use simple_dns::{CLASS, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};

/// What every name has: an address that nobody has (RFC 5737).
pub(crate) const ANSWER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);

/// The server; it ends when dropped.
pub(crate) struct NameServer {
    address: Ipv4Addr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    asked: Mutex<Vec<String>>,
    over: AtomicBool,
}

impl NameServer {
    /// One with an address of its own. Names that begin with `long` are answered by TCP only.
    pub(crate) fn start() -> Self {
        let address = free_address();
        let datagrams = UdpSocket::bind((address, 53)).expect("the loopback has many addresses");
        let streams = TcpListener::bind((address, 53)).expect("nobody listens there");
        // Each looks now and then whether it is over.
        datagrams.set_read_timeout(Some(Duration::from_millis(50))).expect("sockets have one");
        streams.set_nonblocking(true).expect("sockets can");
        let shared = Arc::new(Shared::default());
        let threads = vec![
            std::thread::spawn({
                let shared = Arc::clone(&shared);
                move || by_datagram(&datagrams, &shared)
            }),
            std::thread::spawn({
                let shared = Arc::clone(&shared);
                move || by_stream(&streams, &shared)
            }),
        ];
        Self { address, shared, threads }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// The names that somebody asked for, in order: with `/tcp` behind those of streams.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A panic in it has been printed.
            let _ = thread.join();
        }
    }
}

/// An address of the loopback for this process and this call; nobody listens there.
pub(crate) fn free_address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, high, low, NEXT.fetch_add(1, Ordering::Relaxed))
}

fn by_datagram(socket: &UdpSocket, shared: &Shared) {
    let mut buffer = [0; 4096];
    while !shared.over.load(Ordering::Relaxed) {
        if let Ok((length, from)) = socket.recv_from(&mut buffer)
            && let Some(answer) = shared.answer(&buffer[..length], false)
        {
            // Who asked may have gone.
            let _ = socket.send_to(&answer, from);
        }
    }
}

fn by_stream(listener: &TcpListener, shared: &Shared) {
    while !shared.over.load(Ordering::Relaxed) {
        let Ok((mut stream, _)) = listener.accept() else {
            std::thread::sleep(Duration::from_millis(20));
            continue;
        };
        let mut talk = || -> std::io::Result<()> {
            stream.set_nonblocking(false)?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            let mut length = [0; 2];
            stream.read_exact(&mut length)?;
            let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut question)?;
            let answer = shared.answer(&question, true).unwrap_or_default();
            let length = u16::try_from(answer.len()).map_err(std::io::Error::other)?;
            stream.write_all(&[&length.to_be_bytes()[..], &answer].concat())
        };
        // What is no question gets no answer.
        let _ = talk();
    }
}

impl Shared {
    fn answer(&self, message: &[u8], by_stream: bool) -> Option<Vec<u8>> {
        let question = Packet::parse(message).ok()?;
        let asked = question.questions.first()?;
        let name = asked.qname.to_string();
        let shown = if by_stream { format!("{name}/tcp") } else { name.clone() };
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(shown);
        let mut reply = Packet::new_reply(question.id());
        reply.set_flags(PacketFlag::RECURSION_DESIRED | PacketFlag::RECURSION_AVAILABLE);
        reply.questions.clone_from(&question.questions);
        if !name.contains('.') {
            *reply.rcode_mut() = RCODE::NameError;
        } else if name.starts_with("long") && !by_stream {
            reply.set_flags(PacketFlag::TRUNCATION);
        } else if asked.qtype == QTYPE::TYPE(TYPE::A) {
            let data = RData::A(A { address: ANSWER.into() });
            reply.answers.push(ResourceRecord::new(asked.qname.clone(), CLASS::IN, 60, data));
        }
        reply.build_bytes_vec().ok()
    }
}
