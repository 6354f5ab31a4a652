//! Signed exports over HTTP: what is signed is what was released, and the ledger knows of it first. docs/format-export.md.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod site;

use std::io::Cursor;
use std::ops::ControlFlow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use louver_base::WallTime;
use louver_export::{Base64, Draft, DraftSegment, Fragment, Manifest, check, manifest_box};
use louver_ledger::Leaf;
use louver_ledger::leaf::Digest;
use louver_vault::opening::{Existing, Export, Written, export_pieces};
use serde_json::{Value, json};
use site::asking::*;
use site::{Answer, Running};

type Change<'a> = &'a dyn Fn(&mut Draft);

/// An opening that two of three agreed to, and the video that was made of it.
struct Opened {
    site: Running,
    cookie: String,
    asked: Asked,
    segment: String,
    video: Vec<u8>,
    written: Written,
}

impl Opened {
    /// Groups 3 to 6 of ten.
    async fn new() -> Self {
        Self::of(3, 6).await
    }

    async fn of(first: i64, last: i64) -> Self {
        Self::of_parts(1, (first, last), first).await
    }

    /// Groups of so many fragments: which are granted, and with which the answer begins.
    async fn of_parts(parts: i64, (granted, last): (i64, i64), first: i64) -> Self {
        let site = site::start().await;
        let cookie = site.sign_in().await;
        let start = sealed_in_parts(&site, parts).await;
        let asked = ask_for(&site, start, start + 10 * GROUP_MS);
        assert_eq!(asked.post(&site, &cookie).await.status, 201);
        let (from, to) = (start + granted * GROUP_MS, start + (last + 1) * GROUP_MS);
        for n in [1, 2] {
            approve(&site, &cookie, &asked, n, from, to).await;
        }
        let keys = keys(&site, &cookie, &asked).await;
        let segments = site.get(&asked.path("/segments"), &cookie).await.json();
        let segment = segments[0]["id"].as_str().unwrap().to_owned();
        let given: Vec<_> =
            segments[0]["fragments"].as_array().unwrap().iter().map(|f| f["n"].as_i64()).collect();
        assert_eq!(given, (first..=last).map(Some).collect::<Vec<_>>());
        let mut pieces = BASE64.decode(segments[0]["header"].as_str().unwrap()).unwrap();
        let fragments = asked.path(&format!("/segments/{segment}/fragments/{first}-{last}"));
        pieces.extend_from_slice(&site.get(&fragments, &cookie).await.body);
        let dir = tempfile::tempdir().unwrap();
        let (file, out) = (dir.path().join("pieces"), dir.path().join("out.mp4"));
        std::fs::write(&file, pieces).unwrap();
        let files = [file];
        let (from, to) = (WallTime::from_millis(from), WallTime::from_millis(to));
        let job = Export { keys: &keys, segments: &files, from, to, out: &out, existing: Existing::Keep };
        let mut written = None;
        export_pieces(&job, &mut |_| ControlFlow::Continue(()), &mut |made| {
            written = Some(made);
            Vec::new()
        })
        .unwrap();
        let video = std::fs::read(&out).unwrap();
        Self { site, cookie, asked, segment, video, written: written.unwrap() }
    }

    fn draft(&self) -> Draft {
        let used = self.written.fragments.iter().map(|f| Fragment {
            n: f.sequence,
            list: Base64(f.list.to_vec()),
            blind: Base64(f.blind.to_vec()),
            at: f.at,
            size: f.size,
        });
        let segment = DraftSegment { id: self.segment.clone(), fragments: used.collect() };
        Draft::new(camera(), self.written.bytes, Digest::from_bytes(self.written.sha256), vec![segment])
    }

    async fn post(&self, draft: &Draft) -> Answer {
        let body = json!({ "draft": draft.to_text().unwrap() });
        self.site.post(&self.asked.path("/exports"), &self.cookie, body).await
    }

    fn exported(&self) -> Vec<Leaf> {
        let leaves = (0..self.site.ledger.status().size)
            .filter_map(|n| Leaf::parse(&self.site.ledger.leaf(n).unwrap()));
        leaves.map(|entry| entry.leaf).filter(|leaf| matches!(leaf, Leaf::Exported { .. })).collect()
    }
}

#[tokio::test]
async fn what_was_released_is_signed_and_holds_and_the_ledger_names_the_manifest() {
    let opened = Opened::new().await;
    let answer = opened.post(&opened.draft()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let note = answer.json()["manifest"].as_str().unwrap().to_owned();
    let file = [&opened.video[..], &manifest_box(&note).unwrap()].concat();
    let report = check(&mut Cursor::new(&file), Some(opened.site.ledger.verifier())).unwrap();
    assert_eq!((&report.findings[..], report.fragments, report.recovered), (&[][..], 4, 1));
    let text = note.split_inclusive('\n').next().unwrap();
    let manifest = Manifest::digest_of(text);
    let leaf = answer.json()["leaf"].as_u64().unwrap();
    let told = Leaf::parse(&opened.site.ledger.leaf(leaf).unwrap()).unwrap().leaf;
    assert_eq!(told, Leaf::Exported { request: report.facts.request, manifest });
    assert_eq!(report.facts.manifest, manifest);
    // Once more: the segment's leaf stands there already, and so does the key's.
    let before = opened.site.ledger.status().size;
    assert_eq!(opened.post(&opened.draft()).await.status, 201);
    assert_eq!(opened.site.ledger.status().size, before + 1, "another `exported`, and nothing else");
}

#[tokio::test]
async fn what_was_released_from_the_middle_of_a_group_begins_with_its_key_frame_and_is_signed_and_holds() {
    let opened = Opened::of_parts(3, (5, 7), 3).await;
    let answer = opened.post(&opened.draft()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let note = answer.json()["manifest"].as_str().unwrap().to_owned();
    let file = [&opened.video[..], &manifest_box(&note).unwrap()].concat();
    let report = check(&mut Cursor::new(&file), Some(opened.site.ledger.verifier())).unwrap();
    assert_eq!((&report.findings[..], report.fragments), (&[][..], 5));
    let mut more = opened.draft();
    more.segments[0].fragments[0].n = 2;
    assert_eq!(opened.post(&more).await.status, 404, "the group before it");
}

#[tokio::test]
async fn what_was_not_released_or_is_not_whole_is_not_signed_and_stands_nowhere() {
    let opened = Opened::new().await;
    let with = |change: &dyn Fn(&mut Draft)| {
        let mut draft = opened.draft();
        change(&mut draft);
        draft
    };
    let other_segment = format!("gate.{}", i64::MAX);
    let changes: [(&str, u16, Change); 8] = [
        ("before what was released", 404, &|d| d.segments[0].fragments[0].n = 2),
        ("behind it", 404, &|d| d.segments[0].fragments[3].n = 7),
        ("beyond all", 404, &|d| d.segments[0].fragments[0].n = u32::MAX),
        ("a hole", 400, &|d| drop(d.segments[0].fragments.remove(1))),
        ("doubled", 400, &|d| d.segments[0].fragments[1].n = 3),
        ("no blind", 400, &|d| d.segments[0].fragments[1].blind = Base64(vec![])),
        ("another segment", 404, &|d| d.segments[0].id.clone_from(&other_segment)),
        ("no segment", 400, &|d| d.segments.clear()),
    ];
    for (what, status, change) in changes {
        let answer = opened.post(&with(change)).await;
        assert_eq!(answer.status, status, "{what}: {answer:?}");
    }
    let other_camera = with(&|d| d.camera = "vault".parse().unwrap());
    assert_eq!(opened.post(&other_camera).await.status, 404);
    let no_draft =
        opened.site.post(&opened.asked.path("/exports"), &opened.cookie, json!({ "draft": "{}" })).await;
    assert_eq!((no_draft.status.as_u16(), no_draft.code()), (400, "opening_refused".to_owned()));
    let holder = opened.site.sign_in_as_holder(1).await;
    let body: Value = json!({ "draft": opened.draft().to_text().unwrap() });
    assert_eq!(opened.site.post(&opened.asked.path("/exports"), &holder, body.clone()).await.status, 403);
    assert_eq!(opened.site.post(&opened.asked.path("/exports"), "", body).await.status, 401);
    assert_eq!(opened.exported(), []);
    // Without a ledger nothing is signed.
    opened.site.ledger.close();
    let down = opened.post(&opened.draft()).await;
    assert_eq!((down.status.as_u16(), down.code().as_str()), (503, "ledger_failed"));
}

#[tokio::test]
async fn a_segment_is_not_signed_twice_nor_in_two_parts_the_wrong_way_round() {
    let opened = Opened::of(0, 9).await;
    let whole = opened.draft();
    assert_eq!(opened.post(&whole).await.status, 201);
    for parts in [[0..10, 0..10], [5..10, 0..5]] {
        let mut draft = whole.clone();
        let segment = &whole.segments[0];
        let part = |part: std::ops::Range<usize>| DraftSegment {
            id: segment.id.clone(),
            fragments: segment.fragments[part].to_vec(),
        };
        draft.segments = parts.map(part).into();
        let answer = opened.post(&draft).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(
            String::from_utf8_lossy(&answer.body).contains("its segments are not in order"),
            "{answer:?}"
        );
    }
    assert_eq!(opened.exported().len(), 1);
}
