//! `serve`: the process that lives as long as its container or pod.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use engine::Engine;
use resources::Host;
use schema::TaskId;
use ttrpc::r#async::Server;
use ttrpc::r#async::transport::Listener;

use super::{READY, rest};
use crate::address;
use crate::cli::Flags;
use crate::driver::World;
use crate::events::{Publisher, Sink};
use crate::options;
use crate::service::{Ending, Service, services};

/// How long connections may take to end after a graceful shutdown.
const GRACE: Duration = Duration::from_secs(3);
/// How long the answer to a shutdown may take to be sent.
const LAST_WORD: Duration = Duration::from_millis(50);
/// How long the last events may take to be delivered.
const LAST_EVENTS: Duration = Duration::from_secs(5);

/// What `serve` is started with.
pub(crate) struct Serve {
    pub(crate) flags: Flags,
    pub(crate) socket: String,
    pub(crate) is_sandbox: bool,
}

/// Serves until asked to end. Errors before requests are taken go to stdout, and with that to
/// `start`'s stderr.
pub(crate) fn serve<E: Engine, H: Host>(serve: &Serve, engine: E, host: H) -> anyhow::Result<()> {
    let mut stdin = Vec::new();
    std::io::stdin().read_to_end(&mut stdin).context("cannot read the runtime options")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .thread_stack_size(1 << 20)
        .thread_keep_alive(Duration::from_secs(1))
        .build()
        .context("cannot start the runtime")?;
    let served = runtime.block_on(async {
        let options = options::from_stdin(&stdin)?;
        super::log::start(&options, &serve.flags)?;
        run(serve, engine, host).await
    });
    runtime.shutdown_background();
    served
}

async fn run<E: Engine, H: Host>(serve: &Serve, engine: E, host: H) -> anyhow::Result<()> {
    let mut up = match up(serve, engine, host).await {
        Ok(up) => up,
        Err(error) => {
            println!("{error:#}");
            return Err(error);
        }
    };
    tell_ready()?;
    let unused = async {
        up.service.end_if_unused().await;
        up.service.ended().await
    };
    let ending = tokio::select! {
        ending = up.service.ended() => ending,
        ending = unused => ending,
        never = rest::whenever_quiet(&up.heard, engine::os::memory::let_go) => match never {},
    };
    tokio::time::sleep(LAST_WORD).await;
    up.server.stop_listen().await;
    if ending == Ending::Gracefully {
        // Those that stay are cut off.
        let _ = tokio::time::timeout(GRACE, up.server.disconnect()).await;
    }
    up.service.end_all().await;
    // What cannot be delivered by then is lost with the shim.
    let _ = tokio::time::timeout(LAST_EVENTS, up.publisher.flush()).await;
    up.worker.abort();
    Ok(())
}

/// A shim that takes requests.
struct Up<E: Engine, H> {
    service: Service<E, H>,
    server: Server,
    heard: rest::Heard,
    publisher: Publisher,
    worker: tokio::task::JoinHandle<()>,
}

async fn up<E: Engine, H: Host>(serve: &Serve, engine: E, host: H) -> anyhow::Result<Up<E, H>> {
    let flags = &serve.flags;
    let socket = address::path(&serve.socket)
        .with_context(|| format!("`{}` is no address of a socket", serve.socket))?;
    let id = TaskId::new(&flags.id)?;
    let ttrpc_address = std::env::var("TTRPC_ADDRESS").ok();
    let sink = Sink::choose(ttrpc_address.as_deref(), &flags.publish_binary, &flags.address);
    let (publisher, worker) = Publisher::new(&flags.namespace, sink);
    let world = Arc::new(World {
        engine,
        host,
        facts: resources::facts(),
        state: address::state_folder(),
        namespace: flags.namespace.clone(),
    });
    let service = Service::new(id, serve.is_sandbox, world, publisher.clone(), socket.to_owned());
    address::make_free(socket)
        .await
        .with_context(|| format!("cannot listen at `{}`", socket.display()))?;
    let listener = engine::sockets::listen(socket)
        .with_context(|| format!("cannot listen at `{}`", socket.display()))?;
    let heard = rest::Heard::default();
    let services = rest::heard(services(&service), &heard);
    let mut server = Server::new().add_listener(Listener::new(listener)).register_service(services);
    server.start().await.map_err(|error| anyhow!("cannot take requests: {error}"))?;
    Ok(Up { service, server, heard, publisher, worker })
}

/// One word and the end of stdout; nothing is written there any more.
fn tell_ready() -> anyhow::Result<()> {
    let mut stdout = std::io::stdout();
    stdout.write_all(READY.as_bytes()).and_then(|()| stdout.flush()).context("nobody listens")?;
    engine::pipes::close_stdout().context("cannot close stdout")
}
