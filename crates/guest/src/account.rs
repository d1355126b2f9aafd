//! Accounts that every Windows container has, by name and by SID.
//!
//! A name that is not here is looked up in the running system by `win::account`.

use schema::guest::User;

/// Whether processes can be started as an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// They can.
    User,
    /// It is a group, or a stand-in such as `Everyone`.
    Group,
}

/// One account of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    /// Its name as Windows spells it.
    pub(crate) name: &'static str,
    /// Its domain; empty for the universal ones.
    pub(crate) domain: &'static str,
    /// `S-1-...`.
    pub(crate) sid: &'static str,
    /// What it is.
    pub(crate) kind: Kind,
}

/// The account of a process whose request names none.
pub(crate) const ADMINISTRATOR: Account =
    account("ContainerAdministrator", "User Manager", "S-1-5-93-2-1", Kind::User);

/// The account with fewer rights.
pub(crate) const USER: Account =
    account("ContainerUser", "User Manager", "S-1-5-93-2-2", Kind::User);

/// The system itself.
pub(crate) const SYSTEM: Account = account("SYSTEM", "NT AUTHORITY", "S-1-5-18", Kind::User);

const KNOWN: &[Account] = &[
    ADMINISTRATOR,
    USER,
    SYSTEM,
    account("LOCAL SERVICE", "NT AUTHORITY", "S-1-5-19", Kind::User),
    account("NETWORK SERVICE", "NT AUTHORITY", "S-1-5-20", Kind::User),
    account("ANONYMOUS LOGON", "NT AUTHORITY", "S-1-5-7", Kind::Group),
    account("Authenticated Users", "NT AUTHORITY", "S-1-5-11", Kind::Group),
    account("BATCH", "NT AUTHORITY", "S-1-5-3", Kind::Group),
    account("INTERACTIVE", "NT AUTHORITY", "S-1-5-4", Kind::Group),
    account("NETWORK", "NT AUTHORITY", "S-1-5-2", Kind::Group),
    account("SERVICE", "NT AUTHORITY", "S-1-5-6", Kind::Group),
    account("SELF", "NT AUTHORITY", "S-1-5-10", Kind::Group),
    account("Everyone", "", "S-1-1-0", Kind::Group),
    account("LOCAL", "", "S-1-2-0", Kind::Group),
    account("CREATOR OWNER", "", "S-1-3-0", Kind::Group),
    account("CREATOR GROUP", "", "S-1-3-1", Kind::Group),
    account("OWNER RIGHTS", "", "S-1-3-4", Kind::Group),
    account("Administrators", "BUILTIN", "S-1-5-32-544", Kind::Group),
    account("Users", "BUILTIN", "S-1-5-32-545", Kind::Group),
    account("Guests", "BUILTIN", "S-1-5-32-546", Kind::Group),
    account("Power Users", "BUILTIN", "S-1-5-32-547", Kind::Group),
    account("Print Operators", "BUILTIN", "S-1-5-32-550", Kind::Group),
    account("Backup Operators", "BUILTIN", "S-1-5-32-551", Kind::Group),
    account("Replicator", "BUILTIN", "S-1-5-32-552", Kind::Group),
    account("Remote Desktop Users", "BUILTIN", "S-1-5-32-555", Kind::Group),
    account("Network Configuration Operators", "BUILTIN", "S-1-5-32-556", Kind::Group),
    account("Performance Monitor Users", "BUILTIN", "S-1-5-32-558", Kind::Group),
    account("Performance Log Users", "BUILTIN", "S-1-5-32-559", Kind::Group),
    account("Distributed COM Users", "BUILTIN", "S-1-5-32-562", Kind::Group),
    account("IIS_IUSRS", "BUILTIN", "S-1-5-32-568", Kind::Group),
    account("Event Log Readers", "BUILTIN", "S-1-5-32-573", Kind::Group),
    account("Remote Management Users", "BUILTIN", "S-1-5-32-580", Kind::Group),
    account(
        "TrustedInstaller",
        "NT SERVICE",
        "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
        Kind::Group,
    ),
    account("ALL APPLICATION PACKAGES", "APPLICATION PACKAGE AUTHORITY", "S-1-15-2-1", Kind::Group),
];

const fn account(
    name: &'static str,
    domain: &'static str,
    sid: &'static str,
    kind: Kind,
) -> Account {
    Account { name, domain, sid, kind }
}

impl Account {
    /// In the form that a reply carries.
    pub(crate) fn to_user(self) -> User {
        User { name: self.name.into(), domain: self.domain.into(), sid: self.sid.into() }
    }

    /// Its profile directory.
    pub(crate) fn profile(self) -> String {
        match self.sid {
            "S-1-5-18" => r"C:\Windows\system32\config\systemprofile".into(),
            "S-1-5-19" => r"C:\Windows\ServiceProfiles\LocalService".into(),
            "S-1-5-20" => r"C:\Windows\ServiceProfiles\NetworkService".into(),
            _ => format!(r"C:\Users\{}", self.name),
        }
    }
}

/// The account that `name` means: empty, `Name`, `DOMAIN\Name`, `.\Name` or its SID.
pub(crate) fn known(name: &str) -> Option<Account> {
    if name.is_empty() {
        return Some(ADMINISTRATOR);
    }
    let (domain, bare) = name.rsplit_once('\\').map_or((None, name), |(d, n)| (Some(d), n));
    KNOWN
        .iter()
        .find(|known| {
            known.sid.eq_ignore_ascii_case(name)
                || (alike(known.name, bare) && domain.is_none_or(|domain| known.is_of(domain)))
        })
        .copied()
}

impl Account {
    /// Whether `domain` may stand before the name; the two container accounts are also reached
    /// as local ones.
    fn is_of(self, domain: &str) -> bool {
        self.domain.eq_ignore_ascii_case(domain)
            || (domain == "." && self.domain == ADMINISTRATOR.domain)
    }
}

/// Equal without case; Windows also takes the service accounts without their blank.
fn alike(known: &str, asked: &str) -> bool {
    known.eq_ignore_ascii_case(asked)
        || (known.ends_with(" SERVICE") && known.replace(' ', "").eq_ignore_ascii_case(asked))
}

/// Whether `text` is a SID in the form `S-1-<authority>-<number>...`; whether it exists is not
/// asked.
pub(crate) fn is_sid(text: &str) -> bool {
    let mut parts = text.split('-');
    let prefix = parts.next().is_some_and(|s| s.eq_ignore_ascii_case("S"));
    let revision = parts.next() == Some("1");
    let authority = parts.next().is_some_and(|part| {
        part.bytes().all(|b| b.is_ascii_digit()) && part.parse::<u64>().is_ok_and(|n| n < 1 << 48)
    });
    let mut count = 0;
    let numbers = parts.all(|part| {
        count += 1;
        part.bytes().all(|b| b.is_ascii_digit()) && part.parse::<u32>().is_ok()
    });
    prefix && revision && authority && numbers && (1..=15).contains(&count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_the_administrator() {
        assert_eq!(known(""), Some(ADMINISTRATOR));
    }

    #[test]
    fn names_are_found_in_any_case_and_with_their_domain() {
        for name in ["containeruser", r"User Manager\ContainerUser", r".\CONTAINERUSER"] {
            assert_eq!(known(name), Some(USER), "{name}");
        }
        assert_eq!(known(r"BUILTIN\Administrators").unwrap().sid, "S-1-5-32-544");
        assert_eq!(known(r"nt authority\system"), Some(SYSTEM));
        assert_eq!(known("LocalService").unwrap().sid, "S-1-5-19");
    }

    #[test]
    fn a_sid_of_the_table_is_its_account() {
        assert_eq!(known("s-1-5-93-2-1"), Some(ADMINISTRATOR));
    }

    #[test]
    fn a_name_of_another_domain_is_not_taken() {
        assert_eq!(known(r"BUILTIN\ContainerUser"), None);
        assert_eq!(known("bob"), None);
    }

    #[test]
    fn an_account_has_its_own_profile_and_tells_its_names() {
        assert_eq!(USER.profile(), r"C:\Users\ContainerUser");
        assert_eq!(SYSTEM.profile(), r"C:\Windows\system32\config\systemprofile");
        assert_eq!(SYSTEM.to_user().domain, "NT AUTHORITY");
    }

    #[test]
    fn sids_are_told_from_names() {
        for good in ["S-1-5-18", "s-1-5-21-1-2-3-1000", "S-1-1-0"] {
            assert!(is_sid(good), "{good}");
        }
        for bad in ["S-1-5", "S-1-5-", "S-2-5-18", "S-1-5-x", "S-1-5-+1", "S-1-5-4294967296", "SID"]
        {
            assert!(!is_sid(bad), "{bad}");
        }
    }
}
