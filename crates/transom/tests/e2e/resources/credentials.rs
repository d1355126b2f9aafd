//! Group managed service accounts: tickets that a daemon of the host keeps.

use serde_json::json;

use crate::support::container::{BASE, Container};
use crate::support::host::{self, Host};
use crate::support::probe::{self, PROBE};
use crate::support::ticket_daemon::TicketDaemon;

fn option(account: &str) -> String {
    let accounts = json!([{ "Name": account, "Scope": "sea.example" }]);
    let spec = json!({
        "CmsPlugins": ["ActiveDirectory"],
        "ActiveDirectoryConfig": { "GroupManagedServiceAccounts": accounts },
    });
    format!("--security-opt=credentialspec=raw://{spec}")
}

/// What is written down of leases.
fn written(host: &Host) -> usize {
    std::fs::read_dir(host.state().join("credentials")).into_iter().flatten().count()
}

#[test]
fn tickets_of_a_credential_spec_are_inside_as_long_as_the_container_runs() {
    let host = host::shared();
    let option = option("WebApp01");
    let line = ["run", "--rm", &option, BASE, "cmd", "/c", "ver"];
    let refused = host.transom(&line).fail();
    assert!(refused.errors().contains("`credentials_fetcher` in /etc/transom"), "{refused:?}");

    let folder = host.scratch();
    let daemon = TicketDaemon::start(folder.path());
    host.decide("credentials_fetcher", json!(daemon.socket()));
    let container = Container::run(&host, &[&option, &probe::mount()], &[BASE, PROBE, "nap"]);
    let cache = container.exec(&["cmd", "/c", "echo %KRB5CCNAME%"]).succeed().text();
    assert_eq!(cache, "FILE:/run/credentials/krb5cc");
    // Wine's Linux halves see none of a Windows process' variables.
    let own = container.exec(&[PROBE, "cat", "/proc/self/environ"]).succeed().text();
    assert!(own.contains("KRB5CCNAME=FILE:/run/credentials/krb5cc"), "{own}");
    let look = || container.exec(&[PROBE, "cat", "/run/credentials/krb5cc"]).succeed().text();
    assert_eq!(look(), "ticket of WebApp01");
    let [ticket] = &daemon.tickets()[..] else { panic!("{:?}", daemon.tickets()) };
    let renewed = ticket.with_extension("new");
    std::fs::write(&renewed, "renewed").unwrap();
    std::fs::rename(renewed, ticket).unwrap();
    assert_eq!(look(), "renewed");
    container.exec(&[PROBE, "create", "/run/credentials/own"]).fail();
    assert_eq!(written(&host), 1);
    container.remove();
    assert_eq!((daemon.tickets().len(), written(&host)), (0, 0), "the lease was not given back");

    // What the daemon says to a spec that it cannot use is told, and nothing stays.
    let bad = ["run", "--rm", "--security-opt=credentialspec=raw://{}", BASE, "cmd", "/c", "ver"];
    let refused = host.transom(&bad).fail();
    assert!(refused.errors().contains("the credential spec has no account"), "{refused:?}");
    drop(daemon);
    let refused = host.transom(&line).fail();
    assert!(refused.errors().contains("credentials-fetcher at"), "{refused:?}");
    assert_eq!(written(&host), 0);
    host.decide("credentials_fetcher", json!(null));
}
