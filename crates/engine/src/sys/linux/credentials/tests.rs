//! Guards, and leases of a daemon that gives what the test says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Response};
use tokio::net::{UnixListener, UnixStream};

use super::*;
use crate::host::HostConfig;

#[test]
fn only_a_guard_of_this_engine_is_taken() {
    let guard = |transport: &str, endpoint: &str| CredentialGuard {
        transport: transport.into(),
        rpc_endpoint: endpoint.into(),
        ..CredentialGuard::default()
    };
    assert_eq!(decide(None).unwrap(), None);
    let plan = decide(Some(&guard(TRANSPORT, "/krb/a/krb5cc"))).unwrap().unwrap();
    assert_eq!(plan.folder, Path::new("/krb/a"));
    assert_eq!(plan.variable().1, "FILE:/run/credentials/krb5cc");
    for (transport, endpoint) in [("LRPC", "/krb/a"), (TRANSPORT, "krb"), (TRANSPORT, "/")] {
        assert!(decide(Some(&guard(transport, endpoint))).is_err(), "{transport} {endpoint}");
    }
}

#[test]
fn a_lease_without_a_ticket_is_of_no_use() {
    let folder = tempfile::tempdir().unwrap();
    let lease = |tickets| fetcher::Lease { id: "l".into(), tickets };
    assert!(guard(&lease(vec![]), "{}").is_err());
    assert!(guard(&lease(vec![folder.path().into()]), "{}").is_err());
    std::fs::write(folder.path().join(TICKET), "t").unwrap();
    let made = guard(&lease(vec![folder.path().into()]), "{}").unwrap();
    assert!(made.rpc_endpoint.ends_with("/krb5cc"), "{}", made.rpc_endpoint);
}

/// What the daemon was asked, in order: the last word of each method.
type Asked = Arc<Mutex<Vec<String>>>;

/// A daemon that answers one call after the other with these texts, or refuses where there are none.
fn daemon(socket: &Path, answers: Vec<Vec<String>>) -> Asked {
    let asked = Asked::default();
    let told = Arc::clone(&asked);
    let listener = UnixListener::bind(socket).unwrap();
    tokio::spawn(async move {
        let mut answers = VecDeque::from(answers);
        while let (Some(answer), Ok((stream, _))) = (answers.pop_front(), listener.accept().await) {
            one_call(stream, answer, &told).await;
        }
    });
    asked
}

async fn one_call(stream: UnixStream, answer: Vec<String>, told: &Asked) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    let (request, mut respond) = connection.accept().await.unwrap().unwrap();
    told.lock().unwrap().push(request.uri().path().rsplit('/').next().unwrap().to_owned());
    let mut stream = respond.send_response(Response::new(()), false).unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", if answer.is_empty() { "13" } else { "0" }.parse().unwrap());
    let message: Vec<u8> = (1_u8..)
        .zip(&answer)
        .flat_map(|(field, text)| {
            let head = [field << 3 | 2, u8::try_from(text.len()).unwrap()];
            head.into_iter().chain(text.bytes()).collect::<Vec<_>>()
        })
        .collect();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    stream.send_data(Bytes::from([&[0][..], &length, &message].concat()), false).unwrap();
    stream.send_trailers(trailers).unwrap();
    // Until the client has everything and hangs up.
    while connection.accept().await.is_some() {}
}

/// An engine whose administrator has named a daemon in a folder.
fn engine(folder: &Path) -> HostEngine {
    let root = folder.join("root");
    std::fs::create_dir(&root).unwrap();
    let socket = folder.join("sock");
    let text = serde_json::json!({ "credentials_fetcher": socket }).to_string();
    std::fs::write(root.join("config.json"), text).unwrap();
    HostEngine::new(HostConfig { root, state: folder.join("state"), libexec: folder.into() })
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[tokio::test]
async fn a_lease_that_is_not_given_back_at_once_is_not_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    let system = SystemId::new("web").unwrap();
    // A lease without tickets, which is not taken back; then one with a ticket.
    let ticket = folder.path().join("krb5cc");
    std::fs::write(&ticket, "t").unwrap();
    let ticket = ticket.to_str().unwrap();
    let answers = vec![texts(&["a"]), vec![], texts(&["a"]), texts(&["b", ticket])];
    let asked = daemon(&folder.path().join("sock"), answers);
    let error = engine.add(&system, "{}").await.unwrap_err().kind.to_string();
    assert!(error.contains("ticket"), "{error}");
    let kept = Kept::of(&engine.config().state, &system);
    assert_eq!(kept.read().unwrap().map(|lease| lease.id).as_deref(), Some("a"));

    let guard = engine.add(&system, "{}").await.unwrap();
    assert_eq!(guard.cookie, "b");
    let calls = ["AddKerberosLease", "DeleteKerberosLease", "DeleteKerberosLease"];
    assert_eq!(asked.lock().unwrap()[..3], calls);

    let again = engine.add(&system, "{}").await.unwrap_err().kind;
    assert!(matches!(again, ErrorKind::AlreadyExists), "{again}");
    assert_eq!(kept.read().unwrap().map(|lease| lease.id).as_deref(), Some("b"));
}
