//! docs/keys.md, "Site's holders: changing them", over HTTP with a real ledger, a real key ring and real sealed files.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod site;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use louver_base::WallTime;
use louver_ledger::Leaf;
use louver_opening::{HolderSets, Named};
use serde_json::{Value, json};
use site::{Answer, Held, Running, holder, named};

const SETS: &str = "/api/v1/holders/sets";
const PROPOSALS: &str = "/api/v1/holders/proposals";
const FIRST: &str = "/api/v1/vault/first-holder";

/// The chain as the server tells it, checked as anybody can.
async fn chain(site: &Running, cookie: &str) -> HolderSets {
    let told = site.get(SETS, cookie).await.json();
    let file = |set: &Value| json!({ "document": set["document"], "consents": set["consents"] }).to_string();
    let files: Vec<String> = told.as_array().unwrap().iter().map(file).collect();
    HolderSets::read(&files, &site.store.site_id().to_string()).unwrap()
}

async fn next(
    site: &Running,
    cookie: &str,
    needed: u8,
    holders: Vec<Named>,
    observers: Vec<Named>,
) -> String {
    chain(site, cookie).await.document(needed, holders, observers, WallTime::now())
}

fn body(document: &str, by: &[u8]) -> Value {
    let consent = |n: &u8| {
        let signature = holder(*n).consent(document.as_bytes()).unwrap();
        json!({ "holder": holder(*n).id().to_string(), "signature": BASE64.encode(signature) })
    };
    json!({ "document": document, "consents": by.iter().map(consent).collect::<Vec<_>>() })
}

async fn refused(site: &Running, cookie: &str, body: Value, says: &str) {
    let size = site.ledger.status().size;
    let answer = site.post(SETS, cookie, body).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "holders_refused"), "{answer:?}");
    assert!(
        answer.json()["error"]["message"].as_str().unwrap().to_lowercase().contains(&says.to_lowercase()),
        "{answer:?}"
    );
    assert_eq!(site.ledger.status().size, size, "what is not taken stands nowhere");
    assert_eq!(site.store.holder_sets().await.unwrap().len(), 1);
    assert!(!site.holders.has_changed().unwrap());
}

/// Numbers of the sets in the ledger.
fn numbers(site: &Running) -> Vec<u32> {
    let leaves =
        (0..site.ledger.status().size).map(|n| Leaf::parse(&site.ledger.leaf(n).unwrap()).unwrap().leaf);
    let number = |leaf| match leaf {
        Leaf::Holders { number, .. } => Some(number),
        _ => None,
    };
    leaves.filter_map(number).collect()
}

fn says(answer: &Answer) -> String {
    answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn k_holders_replace_one_of_them_at_once_and_who_was_removed_is_out() {
    let site = site::start().await;
    let (one, three, observer) =
        (site.sign_in_as_holder(1).await, site.sign_in_as_holder(3).await, site.sign_in_as_holder(9).await);
    let document = next(&site, &one, 2, vec![named(1), named(2), named(4)], vec![named(8)]).await;
    let taken = site.post(SETS, &one, body(&document, &[1, 2])).await;
    assert_eq!((taken.status.as_u16(), &taken.json()["number"]), (201, &json!(2)), "{taken:?}");
    assert_eq!(taken.json()["by"][1]["name"], "Holder 2");
    assert_eq!(numbers(&site), [2], "it stands in the ledger");
    assert_eq!(site.store.holder_sets().await.unwrap().len(), 2, "and on the disk");
    let ids = |n: &[u8]| n.iter().map(|n| holder(*n).public()).collect::<Vec<_>>();
    assert_eq!(site.holders.borrow().as_ref().unwrap().holders(), ids(&[1, 2, 4]), "and is sealed for");
    assert_eq!(chain(&site, &one).await.latest().unwrap().number(), 2);

    for gone in [&three, &observer] {
        assert_eq!(
            site.get("/api/v1/vault", gone).await.code(),
            "signed_out",
            "who was removed is out at once"
        );
    }
    let again = site.post("/api/v1/holders/session", "", site.holder_answer(3).await).await;
    assert_eq!(again.code(), "wrong_signature");
    assert!(!site.sign_in_as_holder(4).await.is_empty() && !site.sign_in_as_holder(8).await.is_empty());

    // The same again changes nothing.
    assert_eq!(site.post(SETS, &one, body(&document, &[1, 2])).await.status, 201);
    assert_eq!(numbers(&site), [2]);
}

#[tokio::test]
async fn a_set_that_its_holders_did_not_make_is_refused_with_a_sentence_and_nothing_is_changed() {
    let site = site::start().await;
    let cookie = site.sign_in().await;
    let mine = next(&site, &cookie, 1, vec![named(7)], vec![]).await;
    for by in [&[][..], &[1], &[1, 1], &[1, 7], &[1, 9]] {
        refused(&site, &cookie, body(&mine, by), "of the 2 holders needed agreed").await;
    }
    for (needed, holders, observers, says) in [
        (3, vec![named(1), named(2)], vec![], "needed"),
        (0, vec![named(1), named(2)], vec![], "needed"),
        (1, vec![], vec![], "leave one at least"),
        (1, vec![named(1), named(1)], vec![], "twice"),
        (1, vec![named(1)], vec![named(1)], "twice"),
        (1, vec![Named { name: " ".to_owned(), ..named(1) }], vec![], "name"),
    ] {
        let document = next(&site, &cookie, needed, holders, observers).await;
        refused(&site, &cookie, body(&document, &[1, 2]), says).await;
    }
    let good = next(&site, &cookie, 1, vec![named(1)], vec![]).await;
    let stale = good.replace("\"before\":\"", "\"before\":\"00");
    refused(&site, &cookie, body(&stale, &[1, 2]), "does not follow set 1").await;
    let later = good.replace("\"number\":2", "\"number\":3");
    refused(&site, &cookie, body(&later, &[1, 2]), "does not follow set 1").await;
    let elsewhere = good.replace(&site.store.site_id().to_string(), &"00".repeat(16));
    refused(&site, &cookie, body(&elsewhere, &[1, 2]), "no holder set of this site").await;
    refused(&site, &cookie, body("{}", &[1, 2]), "cannot be read as a holder set").await;
    refused(
        &site,
        &cookie,
        body(&chain(&site, &cookie).await.all()[0].text().replace("\"number\":1", "\"number\":2"), &[1, 2]),
        "does not follow",
    )
    .await;
    let unknown = json!({ "document": good, "consents": [{ "holder": "x", "signature": "" }] });
    assert_eq!(site.post(SETS, &cookie, unknown).await.code(), "bad_request");
    assert_eq!(site.post(SETS, "", body(&good, &[1, 2])).await.status, 401);
}

#[tokio::test]
async fn what_was_agreed_to_once_is_not_taken_again_after_another_set() {
    let site = site::start().await;
    let cookie = site.sign_in().await;
    let first = next(&site, &cookie, 1, vec![named(1), named(2), named(3)], vec![]).await;
    let rival = next(&site, &cookie, 1, vec![named(1)], vec![]).await;
    assert_eq!(site.post(SETS, &cookie, body(&first, &[1, 2])).await.status, 201);
    let late = site.post(SETS, &cookie, body(&rival, &[2, 3])).await;
    assert!(says(&late).contains("does not follow set 2"), "{late:?}");
    let back = next(&site, &cookie, 2, vec![named(1), named(2), named(3)], vec![]).await;
    assert_eq!(site.post(SETS, &cookie, body(&back, &[3])).await.status, 201, "1 of 3 is enough now");
    let replay = site.post(SETS, &cookie, body(&first, &[1, 2])).await;
    assert!(says(&replay).contains("does not follow set 3"), "{replay:?}");
    assert_eq!(numbers(&site), [2, 3]);
}

#[tokio::test]
async fn a_proposal_waits_for_holders_and_changes_nothing_by_itself() {
    let site = site::start().await;
    let (one, two) = (site.sign_in_as_holder(1).await, site.sign_in_as_holder(2).await);
    let document = next(&site, &one, 2, vec![named(1), named(2)], vec![]).await;
    let strange = site.post(PROPOSALS, &one, body(&document, &[7, 9])).await;
    assert!(says(&strange).contains("No holder of today agreed"), "{strange:?}");
    let proposed = site.post(PROPOSALS, &one, body(&document, &[1, 7])).await;
    assert_eq!(
        (proposed.status.as_u16(), proposed.json()["by"].as_array().unwrap().len()),
        (201, 1),
        "{proposed:?}"
    );
    assert_eq!(site.get(PROPOSALS, &two).await.json().as_array().unwrap().len(), 1);
    let both = site.post(PROPOSALS, &two, body(&document, &[2])).await.json();
    assert_eq!((both["by"].as_array().unwrap().len(), &both["consents_needed"]), (2, &json!(2)));
    assert_eq!((chain(&site, &one).await.all().len(), numbers(&site)), (1, vec![]), "until it is posted");

    // A holder has one proposal of their own.
    for n in [5, 6] {
        let other = next(&site, &one, 1, vec![named(n)], vec![]).await;
        assert_eq!(site.post(PROPOSALS, &two, body(&other, &[3])).await.status, 201);
    }
    assert_eq!(site.get(PROPOSALS, &two).await.json().as_array().unwrap().len(), 2);
    let posted = site.post(SETS, &two, json!({ "document": document, "consents": both["consents"] })).await;
    assert_eq!(posted.status, 201, "{posted:?}");
    assert_eq!(site.get(PROPOSALS, &two).await.json(), json!([]), "none of the others can follow it");
}

#[tokio::test]
async fn the_first_holder_is_made_once_by_the_owner_and_then_the_holders_decide() {
    let site = site::start_held(Held::ByNobody).await;
    let cookie = site.sign_in().await;
    assert_eq!(site.get("/api/v1/vault", &cookie).await.json()["state"], "no_holder");
    assert!(site.holders.borrow().is_none());
    let unasked = HolderSets::read(&[], &site.store.site_id().to_string()).unwrap();
    let document = unasked.document(1, vec![named(7)], vec![], WallTime::now());
    let by_the_other_door = site.post(SETS, &cookie, body(&document, &[])).await;
    assert!(says(&by_the_other_door).contains("There are no holders yet"), "{by_the_other_door:?}");
    let ada = json!({ "name": "Ada", "public": holder(1).public().to_string() });
    assert_eq!(site.post(FIRST, "", ada.clone()).await.status, 401);
    let no_key = site.post(FIRST, &cookie, json!({ "name": "Ada", "public": "holder1qqq" })).await;
    assert_eq!(no_key.code(), "bad_request");
    let nameless = json!({ "name": " ", "public": holder(1).public().to_string() });
    assert_eq!(site.post(FIRST, &cookie, nameless).await.code(), "holders_refused");
    let made = site.post(FIRST, &cookie, ada.clone()).await;
    assert_eq!((made.status.as_u16(), &made.json()["number"]), (201, &json!(1)), "{made:?}");
    assert_eq!(numbers(&site), [1]);
    assert!(site.holders.borrow().is_some(), "recording begins");
    let other = json!({ "name": "Eve", "public": holder(7).public().to_string() });
    assert!(says(&site.post(FIRST, &cookie, other).await).contains("There are holders already"));
    let one = site.sign_in_as_holder(1).await;
    assert_eq!(site.post(FIRST, &one, ada).await.code(), "owner_only");
    assert_eq!(chain(&site, &one).await.latest().unwrap().holders()[0].name, "Ada");
}

#[tokio::test]
async fn nobody_becomes_the_first_holder_of_a_site_whose_list_was_taken_away() {
    let site = site::start_held(Held::ByNobody).await;
    let cookie = site.sign_in().await;
    let camera = "gate".parse().unwrap();
    site.store.hour_secret(&camera, louver_vault::Hour::of(WallTime::now())).await.unwrap();
    let eve = json!({ "name": "Eve", "public": holder(7).public().to_string() });
    let answer = site.post(FIRST, &cookie, eve).await;
    assert!(says(&answer).contains("restore the folder holders/"), "{answer:?}");
    assert_eq!(numbers(&site), [] as [u32; 0]);
}
