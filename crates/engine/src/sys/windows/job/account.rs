//! Whom a job container's processes run as.
//!
//! ```text
//! inherit-user    the shim's own token
//! a local group   a new account in it, which goes with the container
//! anybody else    logged on without a password: service accounts, since Windows lets nobody else
//! ```

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};

use schema::SystemId;
use uuid::Uuid;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::NetworkManagement::NetManagement::{
    LOCALGROUP_MEMBERS_INFO_3, NERR_UserNotFound, NetApiBufferFree, NetLocalGroupAddMembers,
    NetUserAdd, NetUserDel, NetUserGetInfo, UF_DONT_EXPIRE_PASSWD, UF_NORMAL_ACCOUNT, UF_SCRIPT,
    USER_INFO_1, USER_PRIV_USER,
};
use windows_sys::Win32::Security::{
    LOGON32_LOGON, LOGON32_LOGON_INTERACTIVE, LOGON32_LOGON_SERVICE, LOGON32_PROVIDER_DEFAULT,
    LogonUserW, LookupAccountNameW, SID_NAME_USE, SidTypeAlias, TOKEN_ALL_ACCESS,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use super::super::text::{read, wide};
use super::leftovers::Leftovers;
use crate::error::ErrorKind;

/// Service accounts' domain: they log on as services, without a password.
const SERVICES: &str = "NT AUTHORITY";

/// An account that processes are started as.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) token: OwnedHandle,
    /// The token is this process' own: a process is started without naming it.
    pub(super) own: bool,
}

impl Account {
    pub(super) fn raw(&self) -> HANDLE {
        self.token.as_raw_handle()
    }
}

/// The account of a container's processes. One that is made for it stands in its note.
pub(super) fn find(
    id: &SystemId,
    user: &str,
    inherit: bool,
    note: &mut Leftovers,
) -> Result<Account, ErrorKind> {
    if inherit {
        return Ok(Account { token: own_token()?, own: true });
    }
    if user.is_empty() {
        return Err(wrong(user, "empty username or group name passed"));
    }
    if is_group(user) {
        return member_of(id, user, note);
    }
    let (domain, name) = match user.split('\\').collect::<Vec<_>>().as_slice() {
        [name] => (".", *name),
        [domain, name] => (*domain, *name),
        _ => return Err(wrong(user, "an account is `name` or `domain\\name`")),
    };
    let kind = if domain.eq_ignore_ascii_case(SERVICES) {
        LOGON32_LOGON_SERVICE
    } else {
        LOGON32_LOGON_INTERACTIVE
    };
    let token = log_on(domain, name, None, kind)
        .map_err(|error| ErrorKind::io(format!("log on as `{user}`"), error))?;
    Ok(Account { token, own: false })
}

fn wrong(user: &str, rule: &str) -> ErrorKind {
    ErrorKind::InvalidDocument { field: "User".into(), value: user.into(), rule: rule.into() }
}

fn own_token() -> Result<OwnedHandle, ErrorKind> {
    let mut token = std::ptr::null_mut();
    // SAFETY: the token has a place.
    let done = unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_ALL_ACCESS, &raw mut token) };
    if done == 0 {
        return Err(ErrorKind::io("open the shim's token", io::Error::last_os_error()));
    }
    // SAFETY: the handle is new and nobody else's.
    Ok(unsafe { OwnedHandle::from_raw_handle(token) })
}

/// What kind of account a name is; nothing when there is none.
fn kind_of(name: &str) -> Option<SID_NAME_USE> {
    let name = wide(name);
    let (mut sid, mut sid_size) = (vec![0_u8; 128], 128);
    let (mut domain, mut domain_size) = (vec![0_u16; 256], 256);
    let mut kind = 0;
    // SAFETY: the name ends with a zero, and the answers have the places that they are said to have.
    let done = unsafe {
        LookupAccountNameW(
            std::ptr::null(),
            name.as_ptr(),
            sid.as_mut_ptr().cast(),
            &raw mut sid_size,
            domain.as_mut_ptr(),
            &raw mut domain_size,
            &raw mut kind,
        )
    };
    (done != 0).then_some(kind)
}

fn is_group(name: &str) -> bool {
    // Service accounts count as well-known groups, and nobody can be put into one.
    kind_of(name) == Some(SidTypeAlias)
}

/// The account that a container gets in a group.
fn made_name(id: &SystemId) -> String {
    id.as_str().chars().take(20).collect()
}

fn member_of(id: &SystemId, group: &str, note: &mut Leftovers) -> Result<Account, ErrorKind> {
    let (name, password) = (made_name(id), Uuid::new_v4().to_string());
    if is_there(&name) {
        let rule = format!("a new account, but there is one with the name `{name}`");
        return Err(wrong(group, &rule));
    }
    note.note_account(Some(&name))?;
    if let Err(error) = add(&name, &password, &comment(id)) {
        // Whoever was quicker keeps theirs.
        note.note_account(None)?;
        return Err(ErrorKind::io(format!("make the account `{name}`"), error));
    }
    let in_group = join(&name, group)
        .map_err(|error| ErrorKind::io(format!("put `{name}` into `{group}`"), error));
    let token = in_group.and_then(|()| {
        log_on(".", &name, Some(&password), LOGON32_LOGON_INTERACTIVE)
            .map_err(|error| ErrorKind::io(format!("log on as `{name}`"), error))
    });
    match token {
        Ok(token) => Ok(Account { token, own: false }),
        Err(error) => {
            // It may be asked for again. What stays is in the note.
            if remove(&name).is_ok() {
                note.note_account(None)?;
            }
            Err(error)
        }
    }
}

fn checked(code: u32) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code.cast_signed())) }
}

/// What an administrator reads beside an account of Transom's, and what tells it from others.
const COMMENT: &str = "Made by Transom for a host process container";

fn comment(id: &SystemId) -> String {
    format!("{COMMENT}: {}", id.as_str())
}

fn add(name: &str, password: &str, comment: &str) -> io::Result<()> {
    let (mut name, mut password, mut comment) = (wide(name), wide(password), wide(comment));
    let about = USER_INFO_1 {
        usri1_name: name.as_mut_ptr(),
        usri1_password: password.as_mut_ptr(),
        usri1_password_age: 0,
        usri1_priv: USER_PRIV_USER,
        usri1_home_dir: std::ptr::null_mut(),
        usri1_comment: comment.as_mut_ptr(),
        usri1_flags: UF_SCRIPT | UF_NORMAL_ACCOUNT | UF_DONT_EXPIRE_PASSWD,
        usri1_script_path: std::ptr::null_mut(),
    };
    // SAFETY: the structure is whole, and its texts live through the call.
    let code =
        unsafe { NetUserAdd(std::ptr::null(), 1, (&raw const about).cast(), std::ptr::null_mut()) };
    checked(code)
}

fn join(name: &str, group: &str) -> io::Result<()> {
    let (mut name, group) = (wide(name), wide(group));
    let member = LOCALGROUP_MEMBERS_INFO_3 { lgrmi3_domainandname: name.as_mut_ptr() };
    // SAFETY: as above; there is one member.
    let code = unsafe {
        NetLocalGroupAddMembers(std::ptr::null(), group.as_ptr(), 3, (&raw const member).cast(), 1)
    };
    checked(code)
}

/// Whether there is an account of this name.
fn is_there(name: &str) -> bool {
    matches!(comment_of(name), Ok(Some(_)))
}

/// What stands beside an account; nothing when there is none.
#[expect(clippy::cast_ptr_alignment, reason = "Windows gives it aligned for its kind")]
fn comment_of(name: &str) -> io::Result<Option<String>> {
    let name = wide(name);
    let mut about: *mut u8 = std::ptr::null_mut();
    // SAFETY: the name ends with a zero; what Windows gives is of the level's kind, and given back.
    unsafe {
        match NetUserGetInfo(std::ptr::null(), name.as_ptr(), 1, &raw mut about) {
            code if code == NERR_UserNotFound => return Ok(None),
            code => checked(code)?,
        }
        let told = read((*about.cast::<USER_INFO_1>()).usri1_comment);
        NetApiBufferFree(about.cast());
        Ok(Some(told))
    }
}

/// Takes away the account that was made for a container, and no other of its name.
pub(super) fn remove_made(name: &str, id: &SystemId) -> io::Result<()> {
    // Ids are compared without case, as their notes are.
    let is_made = comment_of(name)?.is_some_and(|told| told.eq_ignore_ascii_case(&comment(id)));
    if is_made { remove(name) } else { Ok(()) }
}

/// Takes an account away; one that is gone is a success.
fn remove(name: &str) -> io::Result<()> {
    let name = wide(name);
    // SAFETY: the name ends with a zero.
    match unsafe { NetUserDel(std::ptr::null(), name.as_ptr()) } {
        code if code == NERR_UserNotFound => Ok(()),
        code => checked(code),
    }
}

fn log_on(
    domain: &str,
    name: &str,
    password: Option<&str>,
    kind: LOGON32_LOGON,
) -> io::Result<OwnedHandle> {
    let (domain, name, password) = (wide(domain), wide(name), password.map(wide));
    let mut token = std::ptr::null_mut();
    // SAFETY: the texts end with zeros, and the token has a place.
    let done = unsafe {
        LogonUserW(
            name.as_ptr(),
            domain.as_ptr(),
            password.as_ref().map_or(std::ptr::null(), Vec::as_ptr),
            kind,
            LOGON32_PROVIDER_DEFAULT,
            &raw mut token,
        )
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is new and nobody else's.
    Ok(unsafe { OwnedHandle::from_raw_handle(token) })
}

#[cfg(test)]
mod tests {
    use schema::job::JobContainer;

    use super::*;

    fn note(place: &std::path::Path, id: &SystemId) -> Leftovers {
        let root = place.join("root").display().to_string();
        let container = JobContainer { root, ..JobContainer::default() };
        Leftovers::note(place, id, "test", &container, "").unwrap()
    }

    #[test]
    fn an_account_of_a_group_is_made_and_goes_with_its_container() {
        let place = tempfile::tempdir().unwrap();
        let id = SystemId::new(format!("acc{}-of-a-container", std::process::id())).unwrap();
        let mut left = note(place.path(), &id);
        let account = find(&id, "Administrators", false, &mut left).unwrap();
        assert!(!account.own && is_there(&made_name(&id)));
        let second = find(&id, "Administrators", false, &mut left).unwrap_err();
        assert!(second.to_string().contains("a new account"), "{second}");
        // As after a kill: all that is known is the note.
        drop(left);
        Leftovers::read(place.path(), &id).unwrap().unwrap().give_back().unwrap();
        // Wine keeps no comments: there it is nobody's, and stays.
        let stays = comment_of(&made_name(&id)).unwrap();
        assert!(stays.is_none_or(|comment| comment.is_empty()));
        remove(&made_name(&id)).unwrap();
        assert!(!is_there(&made_name(&id)));
        assert!(Leftovers::read(place.path(), &id).unwrap().is_none());
    }

    #[test]
    fn an_account_that_only_has_the_name_stays() {
        let place = tempfile::tempdir().unwrap();
        let id = SystemId::new(format!("else{}", std::process::id())).unwrap();
        let name = made_name(&id);
        let mut left = note(place.path(), &id);
        left.note_account(Some(&name)).unwrap();
        add(&name, &Uuid::new_v4().to_string(), "somebody's").unwrap();
        left.give_back().unwrap();
        let stays = is_there(&name);
        remove(&name).unwrap();
        assert!(stays);
    }

    #[test]
    fn an_inherited_account_is_the_shims_own_and_makes_none() {
        let place = tempfile::tempdir().unwrap();
        let id = SystemId::new(format!("own{}", std::process::id())).unwrap();
        let mut left = note(place.path(), &id);
        assert!(find(&id, "Administrators", true, &mut left).unwrap().own);
        assert!(!is_there(&made_name(&id)));
        left.give_back().unwrap();
    }

    #[test]
    fn a_service_account_is_no_group() {
        assert!(is_group("Administrators") && is_group(r"BUILTIN\Users"));
        assert!(!is_group(r"NT AUTHORITY\SYSTEM") && !is_group("nobody-has-this-name"));
    }
}
