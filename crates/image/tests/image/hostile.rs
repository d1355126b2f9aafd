//! Archives that mean harm are refused with the name of the entry, and leave nothing.

use image::{Error, Settings};

use crate::common::{Host, Layer};

/// Unpacks a layer that must be refused; gives the entry that is blamed and why.
async fn refused(host: &Host, layer: Layer) -> (String, String) {
    let before = host.leftovers();
    let outside = host.dir.path().join("outside");
    match host.unpack_one(layer).await {
        Ok(folder) => panic!("unpacked into {}", folder.display()),
        Err(Error::Entry { entry, rule, .. }) => {
            assert_eq!(host.leftovers(), before, "{entry}");
            assert!(!outside.exists(), "{entry}");
            (entry, rule)
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn names_that_lead_out_or_mean_something_else() {
    let host = Host::new().await;
    for name in [
        "/etc/passwd",
        "/Files/x",
        "../outside",
        "Files/../../outside",
        "Files/a/../../../outside",
        "Files/..",
        "C:/Windows/x",
        "Files/C:/x",
        r"Files\..\..\outside",
        r"Files/a\b",
        r"\\server\share\x",
        "Files/CON",
        "Files/nul.txt",
        "Files/a/COM1",
        "Files/aux/b",
        "Files/lpt9.tar.gz",
        "Files/trailing.",
        "Files/trailing ",
        "Files/trailing./x",
        "Files/...",
        "Files/tab\there",
        "Files/new\nline",
        "Files/wild*card",
        "Files/quo\"te",
        "Files/pi|pe",
        "Files/dir:stream/x",
        "Files/nobody:stream",
        "Files/a::$INDEX_ALLOCATION",
        "Files/.wh.CON",
        "Files/.wh...",
        "Files/.wh.",
        "UtilityVM/../../outside",
        "Hives/NUL",
        "Hives/.wh.System_Delta",
        "etc/passwd",
        "Program/x",
        "files/x",
    ] {
        let (entry, rule) = refused(&host, Layer::new().file(name, "x")).await;
        assert_eq!(entry, name, "{rule}");
    }
}

#[tokio::test]
async fn hives_are_plain_files_alone() {
    let host = Host::new().await;
    for (layer, name) in [
        (Layer::new().symlink("Hives/Sam_Base", r"C:\x"), "Hives/Sam_Base"),
        (Layer::new().hard_link("Hives/Sam_Base", "Files/x"), "Hives/Sam_Base"),
        (Layer::new().dir("Hives/folder"), "Hives/folder"),
        (Layer::new().file("Hives/folder/x", "x"), "Hives/folder/x"),
    ] {
        let (entry, rule) = refused(&host, layer).await;
        assert_eq!((entry.trim_end_matches('/'), &*rule), (name, "Hives has plain files alone"));
    }
}

#[tokio::test]
async fn a_name_that_is_not_unicode_is_shown_as_it_is() {
    let host = Host::new().await;
    let mut layer = Layer::new();
    layer.raw(b'0', b"Files/\xff\xfe", b"", b"x");
    let error = host.unpack_one(layer).await.unwrap_err().to_string();
    assert!(error.contains(r"Files/\xff\xfe"), "{error}");
    assert!(host.leftovers().is_empty());
}

#[tokio::test]
async fn names_longer_than_a_file_system_holds() {
    let host = Host::new().await;
    let name = format!("Files/{}", "x".repeat(300));
    assert_eq!(refused(&host, Layer::new().file(&name, "")).await.0, name);
}

#[tokio::test]
async fn links_that_lead_out() {
    let host = Host::new().await;
    for target in [
        r"D:\x",
        r"Z:\etc\passwd",
        r"\\server\share",
        r"\??\UNC\server\share",
        r"\\?\Volume{00000000-0000-0000-0000-000000000000}\",
        r"\\?\unix\etc\passwd",
        r"..\..\outside",
        r"C:\..\outside",
        "C:relative",
        "../../../outside",
        r"C:\con",
        "a\u{1}b",
    ] {
        let (entry, rule) = refused(&host, Layer::new().symlink("Files/link", target)).await;
        assert_eq!(entry, "Files/link", "{rule}");
    }
    for target in [
        "../outside",
        "/etc/passwd",
        "Files/../../x",
        "etc/passwd",
        "Files",
        "Hives/SAM",
        r"Files\x",
    ] {
        let (entry, rule) = refused(&host, Layer::new().hard_link("Files/link", target)).await;
        assert_eq!(entry, "Files/link", "{rule}");
    }
}

#[tokio::test]
async fn nothing_is_written_through_a_link() {
    let host = Host::new().await;
    let layer = Layer::new().symlink("Files/link", "C:\\windows").file("Files/link/x", "x");
    assert_eq!(refused(&host, layer).await.0, "Files/link/x");
    let layer = Layer::new().symlink("Files/link", "C:\\windows").file("Files/LINK", "x");
    assert_eq!(refused(&host, layer).await.0, "Files/LINK");
}

#[tokio::test]
async fn a_hard_link_to_what_is_no_file_of_the_chain() {
    let host = Host::new().await;
    for layer in [
        Layer::new().hard_link("Files/link", "Files/missing"),
        Layer::new().hard_link("Files/link", "Files/link"),
        Layer::new().hard_link("Files/link", "Files/later").hard_link("Files/later", "Files/link"),
        Layer::new().dir("Files/dir").hard_link("Files/link", "Files/dir"),
        Layer::new().symlink("Files/soft", r"C:\x").hard_link("Files/link", "Files/soft"),
    ] {
        assert_eq!(refused(&host, layer).await.0, "Files/link");
    }
}

#[tokio::test]
async fn a_hard_link_does_not_follow_a_link_of_a_parent() {
    let host = Host::new().await;
    let base = Layer::new().file("Files/real", "x").symlink("Files/soft", r"C:\real");
    let child = Layer::new().hard_link("Files/link", "Files/soft");
    let image = host.image(None, &[base, child]).await;
    assert!(matches!(host.unpack(&image).await, Err(Error::Entry { .. })));
}

#[tokio::test]
async fn two_names_that_windows_takes_for_one() {
    let host = Host::new().await;
    for (one, other) in [("File.txt", "FILE.TXT"), ("é", "É"), ("same", "same")] {
        let layer =
            Layer::new().file(&format!("Files/{one}"), "1").file(&format!("Files/{other}"), "2");
        assert_eq!(refused(&host, layer).await.0, format!("Files/{other}"));
    }
    let layer = Layer::new().file("Files/a", "").file("Files/A/b", "");
    assert_eq!(refused(&host, layer).await.0, "Files/A/b");
    let layer = Layer::new().dir("Files/a").file("Files/A", "");
    assert_eq!(refused(&host, layer).await.0, "Files/A");
    // A folder may be spelled in several ways: it is one folder.
    let layer = Layer::new().file("Files/Dir/a", "").file("Files/DIR/b", "").dir("Files/dir");
    let folder = host.unpack_one(layer).await.unwrap();
    assert!(folder.join("fs/Dir/a").is_file() && folder.join("fs/Dir/b").is_file());
}

#[tokio::test]
async fn devices_pipes_and_unknown_things() {
    let host = Host::new().await;
    for kind in *b"346SDVM\x7f" {
        let layer = Layer::new().entry(kind, "Files/thing", "", b"");
        assert_eq!(refused(&host, layer).await.0, "Files/thing", "{kind}");
    }
}

#[tokio::test]
async fn bombs() {
    let settings =
        Settings { max_unpacked_bytes: 1 << 20, max_entries: 100, ..Settings::default() };
    let host = Host::with(settings).await;
    let zeros = vec![0; 600_000];
    let layer = Layer::new().file("Files/one", &zeros).file("Files/two", &zeros);
    assert_eq!(refused(&host, layer).await.0, "Files/two");
    let mut layer = Layer::new();
    for i in 0..200 {
        layer = layer.file(&format!("Files/{i}"), "");
    }
    assert_eq!(refused(&host, layer).await.0, "Files/98");
    // One file of a parent, linked to again and again.
    let base = Layer::new().file("Files/big", &zeros);
    let child = Layer::new().hard_link("Files/1", "Files/big").hard_link("Files/2", "Files/big");
    let image = host.image(None, &[base, child]).await;
    assert!(
        matches!(host.unpack(&image).await, Err(Error::Entry { entry, .. }) if entry == "Files/2")
    );
    let owner = Layer::new().file("Files/a", "").file("Files/a:s", vec![0; 1_040_000]);
    assert!(host.unpack_one(owner).await.is_ok());
    let host = Host::new().await;
    let owner = Layer::new().file("Files/a", "").file("Files/a:s", vec![0; 1_100_000]);
    assert_eq!(refused(&host, owner).await.0, "Files/a:s");
    let huge = "x".repeat(2 << 20);
    let error = host.unpack_one(Layer::new().pax(&[("comment", &huge)]).file("Files/a", "")).await;
    assert!(error.unwrap_err().to_string().contains("extension header"));
}

#[tokio::test]
async fn a_header_that_promises_more_than_there_is() {
    let host = Host::new().await;
    let whole = Layer::new().file("Files/whole", vec![b'x'; 5000]).0;
    // In the padding, in the data, right after the header, in the header.
    for cut in [1, 1000, 5120, 5500] {
        let image = host.image_of(None, vec![whole[..whole.len() - cut].to_vec()]).await;
        let error = host.unpack(&image).await.unwrap_err();
        assert!(matches!(error, Error::Layer { .. } | Error::Io { .. }), "{cut}: {error:?}");
        assert!(host.leftovers().is_empty(), "{cut}");
    }
    let mut layer = Layer::new();
    layer.raw(b'0', b"Files/x", b"", b"");
    let size = layer.0.len() - 512 + 124;
    layer.0[size..size + 12].copy_from_slice(&[0xff; 12]);
    assert!(host.unpack_one(layer).await.is_err());
}

#[tokio::test]
async fn a_layer_that_is_not_what_the_configuration_says() {
    let host = Host::new().await;
    let image = host.image(None, &[Layer::new().file("Files/a", "a")]).await;
    let mut other = image.clone();
    other.config.rootfs.diff_ids[0] = image::Digest::of(b"something else");
    assert!(matches!(host.unpack(&other).await, Err(Error::WrongDigest { .. })));
    assert!(host.leftovers().is_empty());
}
