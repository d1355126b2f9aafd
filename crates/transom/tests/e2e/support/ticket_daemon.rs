//! What stands in for a credentials-fetcher daemon, which needs an Active Directory: it speaks the
//! same gRPC at a Unix socket, and its tickets are texts.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{HeaderMap, Request, Response};
use serde_json::Value;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;
use tokio::task::LocalSet;

/// The daemon; it ends when dropped.
pub(crate) struct TicketDaemon {
    folder: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl TicketDaemon {
    /// One that keeps its socket and tickets in this folder.
    pub(crate) fn start(folder: &Path) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let own = folder.to_owned();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("there is memory for a runtime");
            let serving = async {
                let socket = UnixListener::bind(own.join("sock")).expect("the folder is ours");
                ready.send(()).expect("the test waits");
                tokio::select! {
                    () = serve(socket, &own) => {}
                    _ = stopped => {}
                }
            };
            LocalSet::new().block_on(&runtime, serving);
        });
        is_ready.recv().expect("the daemon is up");
        Self { folder: folder.to_owned(), stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("sock")
    }

    /// The tickets of all leases that have not been given back.
    pub(crate) fn tickets(&self) -> Vec<PathBuf> {
        let inside = |path: PathBuf| std::fs::read_dir(path).into_iter().flatten().flatten();
        let leases = inside(self.folder.join("krbdir"));
        let accounts = leases.flat_map(|lease| inside(lease.path()));
        accounts.map(|account| account.path().join("krb5cc")).collect()
    }
}

impl Drop for TicketDaemon {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // A panic in it has been printed.
            let _ = thread.join();
        }
    }
}

async fn serve(socket: UnixListener, folder: &Path) {
    loop {
        let (stream, _) = socket.accept().await.expect("the socket stays");
        if let Err(error) = connection(stream, folder).await {
            eprintln!("a connection to the daemon ended: {error}");
        }
    }
}

async fn connection(stream: UnixStream, folder: &Path) -> Result<(), h2::Error> {
    let mut connection = h2::server::handshake(stream).await?;
    while let Some(accepted) = connection.accept().await {
        let (request, respond) = accepted?;
        let folder = folder.to_owned();
        // The connection must go on meanwhile.
        tokio::task::spawn_local(async move {
            if let Err(error) = answer(request, respond, &folder).await {
                eprintln!("a call was not answered: {error}");
            }
        });
    }
    Ok(())
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    folder: &Path,
) -> Result<(), h2::Error> {
    assert_eq!(request.headers()["content-type"], "application/grpc");
    let method = request.uri().path().to_owned();
    let mut body = request.into_body();
    let mut message = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len())?;
        message.extend_from_slice(&piece);
    }
    let outcome = match method.as_str() {
        "/credentialsfetcher.CredentialsFetcherService/AddKerberosLease" => add(&message, folder),
        "/credentialsfetcher.CredentialsFetcherService/DeleteKerberosLease" => {
            let lease = text(&message);
            let removed = std::fs::remove_dir_all(folder.join("krbdir").join(&lease));
            removed.map(|()| vec![lease]).map_err(|error| error.to_string())
        }
        other => Err(format!("no such method: {other}")),
    };
    let head = Response::builder().header("content-type", "application/grpc");
    let mut stream = respond.send_response(head.body(()).expect("it is well-formed"), false)?;
    let (code, told) = match outcome {
        Ok(texts) => {
            stream.send_data(framed(&texts), false)?;
            ("0", String::new())
        }
        Err(why) => ("3", why.replace(' ', "%20")),
    };
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", code.parse().expect("a digit"));
    trailers.insert("grpc-message", told.parse().expect("plain text"));
    stream.send_trailers(trailers)
}

/// A lease for the account that a credential spec names.
fn add(message: &[u8], folder: &Path) -> Result<Vec<String>, String> {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let spec: Value = serde_json::from_str(&text(message)).map_err(|error| error.to_string())?;
    let account = &spec["ActiveDirectoryConfig"]["GroupManagedServiceAccounts"][0]["Name"];
    let account = account.as_str().ok_or("the credential spec has no account")?;
    let lease = format!("lease{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let place = folder.join("krbdir").join(&lease).join(account);
    std::fs::create_dir_all(&place).map_err(|error| error.to_string())?;
    let ticket = format!("ticket of {account}");
    std::fs::write(place.join("krb5cc"), ticket).map_err(|error| error.to_string())?;
    Ok(vec![lease, place.display().to_string()])
}

/// The first field of a framed message, which is short.
fn text(message: &[u8]) -> String {
    let (length, at) = match message[6] {
        low @ 128.. => (usize::from(low & 127) + (usize::from(message[7]) << 7), 8),
        length => (usize::from(length), 7),
    };
    String::from_utf8_lossy(&message[at..at + length]).into_owned()
}

/// Texts as the fields of a message, the first as field 1 and so on.
fn framed(texts: &[String]) -> Bytes {
    let mut message = Vec::new();
    for (field, text) in (1_u8..).zip(texts) {
        let length = u8::try_from(text.len()).ok().filter(|length| *length < 128);
        message.extend([field << 3 | 2, length.expect("texts of tests are short")]);
        message.extend(text.as_bytes());
    }
    let length = u32::try_from(message.len()).expect("it is short").to_be_bytes();
    [&[0][..], &length, &message].concat().into()
}
