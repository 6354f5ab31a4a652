//! The ledger's files over HTTP, and what stands in it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod site;

use louver_ledger::leaf::{Digest, Viewing};
use louver_ledger::{Leaf, Ledger};

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

/// What stands in the ledger of looks at masked video.
fn looks(ledger: &Ledger) -> Vec<(Viewing, i64, i64)> {
    let size = ledger.append_now(&Leaf::Omitted { leaves: 0 }).unwrap() + 1;
    let leaves = (0..size).map(|n| Leaf::parse(&ledger.leaf(n).unwrap()).unwrap().leaf);
    let gate = ledger.salt().camera(&"gate".parse().unwrap());
    let look = |leaf| match leaf {
        Leaf::Viewed { camera, from, to, how, user } => {
            assert_eq!((camera, user), (gate, ledger.salt().user("owner")));
            Some((how, from.0, to.0))
        }
        _ => None,
    };
    leaves.filter_map(look).collect()
}

#[tokio::test]
async fn whoever_looks_at_recordings_or_at_what_happened_stands_in_the_ledger_once_and_not_for_each_request()
{
    let site = site::start().await;
    let cookie = site.sign_in().await;
    let begin = 1_767_261_600_000_i64;
    let ask = async |path: &str, from: i64, to: i64| {
        let path = format!("/api/v1/cameras/gate/{path}?from_ms={from}&to_ms={to}");
        site.get(&path, &cookie).await.status.as_u16()
    };
    for n in 0..50 {
        let (from, to) = (begin - n * 1000, begin + n * 1000 + 1000);
        assert_eq!(ask("scene/archive", from, to).await, 200);
        assert_eq!(ask("timeline", from, to).await, 200);
    }
    let first = |how| (how, begin, begin + 1000);
    assert_eq!(looks(&site.ledger), [first(Viewing::Recorded), first(Viewing::Events)]);
    // Refused, or nothing there: nobody saw anything.
    assert_eq!(site.get("/api/v1/cameras/gate/timeline?from_ms=0&to_ms=1", "").await.status, 401);
    assert_eq!(ask("scene/archive", 5, 5).await, 400);
    assert_eq!(ask("masked.mp4", 5, 6).await, 404);
    assert_eq!(site.get("/api/v1/cameras/gate/still", &cookie).await.status, 404);
    assert_eq!(looks(&site.ledger).len(), 2);
    // How far somebody went is written at the end.
    site.stop.cancel();
    site.task.await.unwrap();
    let whole = |how| (how, begin - 49_000, begin + 50_000);
    let mut at_the_end = looks(&site.ledger).split_off(2);
    at_the_end.sort_by_key(|(how, ..)| format!("{how:?}"));
    assert_eq!(at_the_end, [whole(Viewing::Events), whole(Viewing::Recorded)]);
}
