//! `attach`

use anyhow::{Result, bail};

use super::{Status, run};
use crate::attach::client::Connection;
use crate::attach::foreground::{Foreground, Left};
use crate::attach::wire::Hello;
use crate::cli::container::Attach;
use crate::host::Host;
use crate::store::Status as State;

/// `attach`
pub(super) async fn command(host: &Host, args: Attach) -> Result<()> {
    let found = host.find(&args.container).await?;
    let config = &found.record.config;
    match found.state.status {
        State::Running => {}
        State::Paused => bail!("you cannot attach to a paused container, unpause it first"),
        State::Restarting => {
            bail!("you cannot attach to a restarting container, wait until it is running")
        }
        State::Created | State::Exited | State::Dead => {
            bail!("you cannot attach to a stopped container, start it first")
        }
    }
    let stdin = config.open_stdin && !args.no_stdin;
    let hello = Hello { stdin, stdout: true, stderr: true, exit: true };
    let id = &found.record.id;
    let Some(connection) = Connection::open_with(&host.dirs.monitors(), id, hello).await? else {
        bail!("container {} has just ended", args.container);
    };
    let foreground = Foreground {
        monitors: host.dirs.monitors(),
        id: id.clone(),
        stdin,
        tty: config.tty,
        signals: args.sig_proxy,
        keys: run::detach_keys(args.detach_keys.as_deref())?,
    };
    match foreground.stay(connection).await? {
        Left::Detached => Ok(()),
        Left::Ended(outcome) => match run::status(outcome)? {
            0 => Ok(()),
            status => Err(Status(status).into()),
        },
    }
}
