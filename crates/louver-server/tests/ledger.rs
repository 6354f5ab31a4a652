//! The ledger's files over HTTP, and what stands in it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod site;

use louver_ledger::Leaf;
use louver_ledger::leaf::Digest;

#[tokio::test]
async fn the_ledgers_files_are_served_to_everybody_and_nothing_else_of_its_folder() {
    let site = site::start().await;
    site.ledger.append_now(&Leaf::Exported { request: None, manifest: Digest::of(b"a") }).unwrap();
    let checkpoint = site.get("/ledger/checkpoint", "").await;
    assert_eq!(
        (checkpoint.status.as_u16(), &checkpoint.body[..]),
        (200, site.ledger.checkpoint().as_bytes())
    );
    assert_eq!(checkpoint.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(checkpoint.headers["cache-control"], "no-cache");
    let tile = site.get("/ledger/tile/entries/000.p/1", "").await;
    assert_eq!(
        (tile.status.as_u16(), &tile.headers["content-type"]),
        (200, &"application/octet-stream".parse().unwrap())
    );
    assert_eq!(tile.headers["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(&tile.body[2..], &site.ledger.leaf(0).unwrap()[..]);
    for path in [
        "site.key",
        "salt",
        "journal",
        "register.json",
        "..%2Flouver.db",
        "tile/0/..%2F..%2Fsalt",
        "tile/0/001",
    ] {
        let answer = site.get(&format!("/ledger/{path}"), "").await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_ledger_in_trouble_is_told_of_on_the_page() {
    let site = site::start().await;
    let cookie = site.sign_in().await;
    site.ledger.close();
    assert!(site.ledger.offer(&Leaf::OpeningExpired { request: Digest::of(b"a") }).is_err());
    let system = site.get("/api/v1/system", &cookie).await;
    let text = String::from_utf8(system.body.to_vec()).unwrap();
    assert!(
        text.contains("1 of what should stand in the ledger since the start could not be written."),
        "{text}"
    );
}
