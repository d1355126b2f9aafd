//! Acquiring and giving back, whatever fails.

mod support;

use engine::memory::{Holding, MemoryHost};
use resources::{Held, ReleaseError, release_ledger};
use schema::SystemId;
use support::{Failing, everything};

#[tokio::test]
async fn everything_is_acquired_and_the_document_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let plan = everything(folder.path());
    let host = MemoryHost::new();
    let ledger = folder.path().join("ledger");
    let (held, document) = Held::acquire(&plan, &host, &ledger).await.unwrap();

    let container = document.container.unwrap();
    assert_eq!(container.storage.path, folder.path().join("scratch").to_str().unwrap());
    assert_eq!(container.storage.layers.len(), 2);
    assert_eq!(container.networking.unwrap().namespace, "web");
    assert!(container.container_credential_guard.is_some());
    assert!(!document.should_terminate_on_last_handle_closed);
    assert_eq!(host.held().len(), 6, "{:?}", host.held());

    held.release(&host).await.unwrap();
    assert_eq!(host.held(), [Holding::Scratch(folder.path().join("scratch"))]);
    assert!(!ledger.exists(), "a ledger was left behind");
}

#[tokio::test]
async fn whichever_call_fails_nothing_is_left_behind_and_the_step_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let plan = everything(folder.path());
    let ledger = folder.path().join("ledger");
    let counting = Failing::on_call(0);
    let (held, _) = Held::acquire(&plan, &counting, &ledger).await.unwrap();
    let acquiring = counting.calls();
    held.release(&counting).await.unwrap();

    for fails in 1..=acquiring {
        let host = Failing::on_call(fails);
        let error = Held::acquire(&plan, &host, &ledger).await.unwrap_err();
        assert_eq!(host.inner.held(), [], "call {fails} left something behind: {error}");
        assert!(error.leaked.is_empty());
        assert!(!ledger.exists(), "call {fails} left a ledger behind");
        let summaries = plan.steps.iter().map(|step| step.summary().0);
        assert!(summaries.into_iter().any(|step| step == error.step), "{error}");
    }
    assert!(acquiring >= 6, "the plan names too little: {acquiring} calls");
}

#[tokio::test]
async fn what_cannot_be_given_back_stays_in_the_ledger_and_the_rest_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let plan = everything(folder.path());
    let counting = Failing::on_call(0);
    let first = folder.path().join("first");
    let (held, _) = Held::acquire(&plan, &counting, &first).await.unwrap();
    let acquiring = counting.calls();
    held.release(&counting).await.unwrap();
    let releasing = counting.calls() - acquiring;

    for fails in acquiring + 1..=acquiring + releasing {
        let host = Failing::on_call(fails);
        let ledger = folder.path().join(format!("ledger-{fails}"));
        let (held, _) = Held::acquire(&plan, &host, &ledger).await.unwrap();
        let error = held.release(&host).await.unwrap_err();
        assert!(matches!(&error, ReleaseError::Leaked { others, .. } if others.is_empty()));
        assert!(ledger.exists(), "the ledger was dropped though something leaked");
        release_ledger(&ledger, &host).await.unwrap();
        assert_eq!(host.inner.held(), [Holding::Scratch(folder.path().join("scratch"))]);
        assert!(!ledger.exists());
    }
}

#[tokio::test]
async fn a_killed_owner_s_ledger_gives_everything_back_but_the_scratch() {
    let folder = tempfile::tempdir().unwrap();
    let plan = everything(folder.path());
    let host = MemoryHost::new();
    let ledger = folder.path().join("ledger");
    let (held, _) = Held::acquire(&plan, &host, &ledger).await.unwrap();
    // Killed: nobody runs its destructors.
    std::mem::forget(held);

    release_ledger(&ledger, &host).await.unwrap();
    assert_eq!(host.held(), [Holding::Scratch(folder.path().join("scratch"))]);
    release_ledger(&ledger, &host).await.expect("releasing twice is a success");
}

#[tokio::test]
async fn a_ledger_cut_off_in_the_middle_gives_back_what_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let plan = everything(folder.path());
    let host = MemoryHost::new();
    let ledger = folder.path().join("ledger");
    let (held, _) = Held::acquire(&plan, &host, &ledger).await.unwrap();
    std::mem::forget(held);
    // As after a kill during acquisition: the end is missing, and the last line is half written.
    let text = std::fs::read_to_string(&ledger).unwrap();
    let without_end = text.trim_end().rsplit_once('\n').unwrap().0;
    std::fs::write(&ledger, format!("{without_end}\n{{\"undo\":\"Unm")).unwrap();

    release_ledger(&ledger, &host).await.unwrap();
    assert_eq!(host.held(), [], "a scratch that acquisition made is its own to remove");
}

#[tokio::test]
async fn a_namespace_of_somebody_else_is_not_deleted() {
    use engine::Network;
    let folder = tempfile::tempdir().unwrap();
    let plan = everything(folder.path());
    let host = MemoryHost::new();
    host.create_namespace("web").await.unwrap();
    let error = Held::acquire(&plan, &host, &folder.path().join("ledger")).await.unwrap_err();
    assert_eq!(error.step, "create namespace");
    assert_eq!(host.held(), [Holding::Namespace("web".into())]);
}

#[tokio::test]
async fn two_owners_cannot_hold_one_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let plan = everything(folder.path());
    let host = MemoryHost::new();
    let ledger = folder.path().join("ledger");
    let (held, _) = Held::acquire(&plan, &host, &ledger).await.unwrap();
    let before = host.held();
    let error = Held::acquire(&plan, &host, &ledger).await.unwrap_err();
    assert_eq!(error.step, "begin the ledger");
    assert_eq!(host.held(), before);
    assert_eq!(held.system(), &SystemId::new("web").unwrap());
    held.release(&host).await.unwrap();
}
