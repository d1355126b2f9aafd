//! Names of containers, served to one container by DNS.
//!
//! ```text
//! in the container's namespace: 127.0.0.11:53 --question--> table   one of its networks' names
//!                                                     \--> forward  every other name, asked from
//!                                                                   the host's namespace
//! ```
//!
//! As Docker does it, each container has a server of its own, which knows what the container may
//! know: the members of its networks. It lives in the monitor, so it ends with the run, and no
//! address of the host is taken. Files tell who the members are, so a container that is connected
//! while it runs, or renamed, is found by the next question.

mod answer;
mod forward;
mod table;

pub use table::names;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::host::Host;

/// Where the server is, inside.
pub(super) const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11));
/// Where programs ask that do not find out which servers there are: Node's resolver under Wine.
const FALLBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PORT: u16 = 53;
/// Questions that are answered at once; more than these wait.
const AT_ONCE: usize = 64;
/// The longest datagram there is.
const DATAGRAM: usize = 64 << 10;
/// A connection on which nothing happens is closed.
const IDLE: Duration = Duration::from_secs(10);

/// A server; it ends when dropped.
#[derive(Debug)]
pub(super) struct Names {
    _serving: JoinSet<()>,
}

/// What a server answers from.
#[derive(Debug)]
struct Source {
    host: Host,
    namespace: String,
    /// `--dns`; this host's own servers when there are none.
    servers: Vec<IpAddr>,
    at_once: Semaphore,
}

impl Names {
    /// Serves the container whose namespace it is. `servers` are asked for what is not known here.
    pub(super) async fn serve(host: &Host, namespace: &str, servers: Vec<IpAddr>) -> Result<Self> {
        let source = Arc::new(Source {
            host: host.clone(),
            namespace: namespace.to_owned(),
            servers,
            at_once: Semaphore::new(AT_ONCE),
        });
        let mut serving = JoinSet::new();
        for address in [ADDRESS, FALLBACK].map(|address| SocketAddr::new(address, PORT)) {
            let sockets = host.networks.listen_inside(namespace, address).await;
            let (datagrams, streams) = sockets.context("starting the container's name server")?;
            datagrams.set_nonblocking(true)?;
            streams.set_nonblocking(true)?;
            serving.spawn(by_datagram(UdpSocket::from_std(datagrams)?, source.clone()));
            serving.spawn(by_stream(TcpListener::from_std(streams)?, source.clone()));
        }
        Ok(Self { _serving: serving })
    }
}

async fn by_datagram(socket: UdpSocket, source: Arc<Source>) {
    let socket = Arc::new(socket);
    let mut working = JoinSet::new();
    let mut buffer = vec![0; DATAGRAM];
    loop {
        while working.try_join_next().is_some() {}
        let permit = source.at_once.acquire().await.expect("the semaphore is never closed");
        let (length, from) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            // An earlier answer found nobody at its port any more.
            Err(error) => {
                tracing::debug!(%error, "a question was not received");
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        permit.forget();
        let (question, socket, source) =
            (buffer[..length].to_vec(), socket.clone(), source.clone());
        working.spawn(async move {
            if let Some(answer) = source.answer(&question, forward::Way::Datagram).await {
                // Who asked may have gone.
                socket.send_to(&answer, from).await.ok();
            }
            source.at_once.add_permits(1);
        });
    }
}

async fn by_stream(listener: TcpListener, source: Arc<Source>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let permit = source.at_once.acquire().await.expect("the semaphore is never closed");
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        permit.forget();
        let source = source.clone();
        connections.spawn(async move {
            if let Err(error) = connection(stream, &source).await {
                tracing::debug!(%error, "a connection for questions ended early");
            }
            source.at_once.add_permits(1);
        });
    }
}

/// Each message has its length before it.
async fn connection(mut stream: TcpStream, source: &Source) -> std::io::Result<()> {
    loop {
        let Ok(length) = tokio::time::timeout(IDLE, stream.read_u16()).await else { return Ok(()) };
        let mut question = vec![0; usize::from(length?)];
        let read = tokio::time::timeout(IDLE, stream.read_exact(&mut question));
        read.await.map_err(std::io::Error::from)??;
        let Some(answer) = source.answer(&question, forward::Way::Stream).await else {
            return Ok(());
        };
        let length = u16::try_from(answer.len()).map_err(std::io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes()[..], &answer].concat()).await?;
    }
}

impl Source {
    /// The answer to a message; none to what is no question.
    async fn answer(&self, message: &[u8], way: forward::Way) -> Option<Vec<u8>> {
        let question = answer::Question::parse(message)?;
        let table = match table::read(&self.host, &self.namespace).await {
            Ok(table) => table,
            Err(error) => {
                tracing::warn!(error = %format!("{error:#}"), "the networks' names were not read");
                return Some(answer::failure(message));
            }
        };
        if let Some(known) = answer::of_table(message, &question, &table) {
            return Some(known);
        }
        if !table.reaches_out {
            return Some(answer::unknown(message));
        }
        let servers = self.servers(&table);
        if servers.is_empty() {
            return Some(answer::unknown(message));
        }
        match forward::ask(&servers, message, way).await {
            Some(answer) => Some(answer),
            None => Some(answer::failure(message)),
        }
    }

    /// The user's, or the networks', or this host's.
    fn servers(&self, table: &table::Table) -> Vec<IpAddr> {
        if !self.servers.is_empty() {
            return self.servers.clone();
        }
        if !table.servers.is_empty() {
            return table.servers.clone();
        }
        forward::of_host(&std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default())
    }
}
