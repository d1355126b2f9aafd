//! Asking other servers. What they say is passed on as it is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

/// A server that has not answered by then is passed over.
const LIMIT: Duration = Duration::from_secs(3);
const PORT: u16 = 53;

/// How a question came, and so how it is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Datagram,
    Stream,
}

/// The first answer that one of `servers` gives.
pub(super) async fn ask(servers: &[IpAddr], question: &[u8], way: Way) -> Option<Vec<u8>> {
    for server in servers {
        let address = SocketAddr::new(*server, PORT);
        let asking = async {
            match way {
                Way::Datagram => by_datagram(address, question).await,
                Way::Stream => by_stream(address, question).await,
            }
        };
        match tokio::time::timeout(LIMIT, asking).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => tracing::debug!(%server, %error, "a name server was not reached"),
            Err(_) => tracing::debug!(%server, "a name server does not answer"),
        }
    }
    None
}

async fn by_datagram(server: SocketAddr, question: &[u8]) -> std::io::Result<Vec<u8>> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    // Connected, so that only this server is heard.
    socket.connect(server).await?;
    socket.send(question).await?;
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        let length = socket.recv(&mut buffer).await?;
        if length >= 2 && buffer[..2] == question[..2] {
            return Ok(buffer[..length].to_vec());
        }
    }
}

async fn by_stream(server: SocketAddr, question: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(question.len()).map_err(std::io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes()[..], question].concat()).await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

/// This host's servers. Those on its loopback are among them: they are asked from the host.
pub(super) fn of_host(resolv_conf: &str) -> Vec<IpAddr> {
    let lines = resolv_conf.lines();
    lines.filter_map(|line| line.trim().strip_prefix("nameserver")?.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_own_servers_are_asked_on_its_loopback_too() {
        let text = "# x\nnameserver 127.0.0.53\noptions edns0\n nameserver ::1\nnameserver\n";
        let expected: [IpAddr; 2] = ["127.0.0.53".parse().unwrap(), "::1".parse().unwrap()];
        assert_eq!(of_host(text), expected);
    }
}
