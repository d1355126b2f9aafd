//! `login` and `logout`. Whether the registry takes the credentials, and what of docker's
//! configuration changes, is `image`'s; here they are asked for, and the file is written.

use std::fs;
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use engine::os::signals::Endings;
use engine::os::unix::fs::OpenOptionsExt;

use super::Status;
use crate::attach::terminal::RawTerminal;
use crate::cli::image::{Login, Logout};
use crate::draft::Draft;
use crate::host::Host;

/// What docker calls its own registry.
const HUB: &str = "https://index.docker.io/v1/";

/// `login`. What ends this program while a password is typed leaves the terminal as it was.
pub(super) async fn login(host: &Host, args: Login) -> Result<()> {
    let mut endings = Endings::listen().context("listening for signals")?;
    tokio::select! {
        done = log_in(host, args) => done,
        signal = endings.next() => Err(Status(u8::try_from(128 + signal).unwrap_or(1)).into()),
    }
}

async fn log_in(host: &Host, args: Login) -> Result<()> {
    let images = host.images().await?;
    let file = file(&images)?;
    let (user, password) = credentials(args.username, args.password, args.password_stdin).await?;
    let server = args.server.as_deref().unwrap_or(HUB);
    let registry = images.login(server, &user, &password).await?;
    let text = read(&file)?;
    let kept = images.keep_login(&text, &registry, &user, &password).await?;
    write(&file, &kept.text)?;
    if kept.in_file {
        eprintln!("WARNING! Your credentials are stored unencrypted in '{}'.", file.display());
    }
    println!("Login Succeeded");
    Ok(())
}

/// `logout`
pub(super) async fn logout(host: &Host, args: Logout) -> Result<()> {
    let images = host.images().await?;
    let file = file(&images)?;
    let server = args.server.as_deref().unwrap_or(HUB);
    let forgotten = images.forget_login(&read(&file)?, server).await?;
    match &forgotten.text {
        Some(text) => {
            println!("Removing login credentials for {server}");
            write(&file, text)?;
        }
        None => println!("Not logged in to {server}"),
    }
    if let Some(error) = forgotten.failed {
        eprintln!("WARNING! Could not erase credentials: {error}");
    }
    Ok(())
}

fn file(images: &image::Store) -> Result<PathBuf> {
    images.login_file().context(
        "there is no place for credentials: set HOME (on Windows USERPROFILE) or DOCKER_CONFIG",
    )
}

fn read(file: &Path) -> Result<String> {
    match fs::read_to_string(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        other => other.with_context(|| format!("reading {}", file.display())),
    }
}

/// One that is new is its owner's alone.
fn write(file: &Path, text: &str) -> Result<()> {
    let writing = || format!("writing {}", file.display());
    if let Some(folder) = file.parent() {
        engine::os::fs::make_private(folder).with_context(writing)?;
    }
    let new = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    match new {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(error).with_context(writing);
        }
        _ => {}
    }
    let draft = Draft::begin(file)?;
    draft.file()?.write_all(text.as_bytes()).with_context(writing)?;
    draft.keep()
}

async fn credentials(
    user: Option<String>,
    password: Option<String>,
    from_stdin: bool,
) -> Result<(String, String)> {
    let password = match (password, from_stdin) {
        (Some(_), true) => bail!("--password and --password-stdin are mutually exclusive"),
        (None, true) if user.is_none() => bail!("Must provide --username with --password-stdin"),
        (None, true) => {
            let text = blocking(|| io::read_to_string(io::stdin()).context("reading the password"));
            let text = text.await?;
            let text = text.strip_suffix('\n').unwrap_or(&text);
            Some(text.strip_suffix('\r').unwrap_or(text).to_owned())
        }
        (Some(password), false) => {
            eprintln!("WARNING! Using --password via the CLI is insecure. Use --password-stdin.");
            Some(password)
        }
        (None, false) => None,
    };
    let user = match user {
        Some(user) => user,
        None => ask("Username: ", true).await?,
    };
    let password = match password {
        Some(password) => password,
        None => ask("Password: ", false).await?,
    };
    if user.is_empty() || password.is_empty() {
        bail!("a name and a password are wanted");
    }
    Ok((user, password))
}

/// Asks whoever is at the terminal; a password is not shown.
async fn ask(what: &str, shown: bool) -> Result<String> {
    if !io::stdin().is_terminal() {
        bail!("cannot perform an interactive login from a non-TTY device");
    }
    eprint!("{what}");
    io::stderr().flush().context("asking")?;
    if shown {
        let read = || io::stdin().lines().next().unwrap_or_else(|| Ok(String::new()));
        let line = blocking(move || read().context("reading the answer")).await?;
        return Ok(line.trim().to_owned());
    }
    // Not the reader's, who may never end.
    let raw = RawTerminal::enter().context("hiding what is typed")?;
    let typed = blocking(|| hidden_line(&mut io::stdin())).await;
    drop(raw);
    eprintln!("");
    typed
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(read).await?
}

/// A line as a raw terminal gives it, byte by byte: what its keys do is done here, and what does
/// nothing is no part of a password.
fn hidden_line(input: &mut impl Read) -> Result<String> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while input.read(&mut byte).context("reading the password")? == 1 {
        match byte[0] {
            b'\r' | b'\n' => break,
            // Ctrl-D: the end, or of nothing.
            4 if !line.is_empty() => break,
            3 | 4 => bail!("interrupted"),
            // Ctrl-U
            21 => line.clear(),
            // Backspace takes back a whole character.
            8 | 127 => while line.pop().is_some_and(|byte: u8| byte & 0xC0 == 0x80) {},
            control if control.is_ascii_control() => {}
            other => line.push(other),
        }
    }
    String::from_utf8(line).context("the password is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_line_ends_with_enter_and_can_be_corrected() {
        let typed = |bytes: &str| hidden_line(&mut bytes.as_bytes());
        assert_eq!(typed("secret\rmore").unwrap(), "secret");
        assert_eq!(typed("a\u{e9}\u{7f}b\u{8}\u{8}\u{8}c").unwrap(), "c");
        assert_eq!(typed("wrong\u{15}ri\u{1}\u{1b}g\tht\u{4}more").unwrap(), "right");
        assert!(typed("ab\u{3}").is_err() && typed("\u{4}").is_err());
    }

    #[tokio::test]
    async fn a_password_comes_from_one_place() {
        let some = |text: &str| Some(text.to_owned());
        assert!(credentials(some("u"), some("p"), true).await.is_err());
        assert!(credentials(None, None, true).await.is_err());
        assert!(credentials(some("u"), some(""), false).await.is_err());
        let given = credentials(some("u"), some("p"), false).await.unwrap();
        assert_eq!(given, ("u".into(), "p".into()));
    }

    #[test]
    fn a_new_configuration_is_its_owners_alone_and_an_old_one_keeps_its_mode() {
        use engine::os::unix::fs::{MetadataExt, set_mode};
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".docker/config.json");
        let mode = || fs::metadata(&file).unwrap().mode() & 0o777;
        write(&file, "{}").unwrap();
        assert_eq!(mode(), 0o600);
        set_mode(&file, 0o640).unwrap();
        write(&file, "{ }").unwrap();
        assert_eq!((mode(), read(&file).unwrap().as_str()), (0o640, "{ }"));
    }
}
