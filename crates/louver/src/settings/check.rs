//! From what people write to what Louver uses; every problem is found, not only the first.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::ops::Range;
use std::path::Path;

use louver_base::{CameraAddress, IdError, Pii};
use louver_codec::detector::ModelKind;
use louver_ledger::note::{KeyKind, VerifierKey};
use louver_ledger::witness::Witness;
use louver_node::{Analysis, CameraSettings, DEFAULT_RETENTION_HOURS, GateMode, Transport};
use louver_onvif::OnvifAddress;
use louver_vault::{HolderPublic, HolderSet, MAX_HOLDERS};
use toml::Spanned;

use super::file::{Camera, File};
use super::problem::repeated;
use super::{DetectorSettings, Problem, Settings, connection, keys, metrics, show, storage};

/// Ten years.
const MAX_RETENTION_HOURS: u32 = 87_600;

/// Checks a whole file. Problems come with their lines, in the order of the file.
pub(super) fn check(file: &Path, text: &str) -> Result<Settings, Vec<(usize, Problem)>> {
    let mut problems = Problems { text, found: Vec::new() };
    let Some(raw) = problems.parse() else { return Err(problems.in_order()) };
    let folder = file.parent().unwrap_or(Path::new("/"));

    let data = raw.data.filter(|d| !d.get_ref().trim().is_empty());
    if data.is_none() {
        problems.add(0..0, Problem::NoData);
    }
    let listen = raw.listen.unwrap_or_else(|| Spanned::new(0..0, "127.0.0.1:8470".to_owned()));
    let address = listen.get_ref().parse();
    if address.is_err() {
        problems.add(listen.span(), Problem::Listen(repeated(listen.get_ref())));
    }
    let (holders, holder_names) = problems.holders(raw.holders.unwrap_or_default()).unzip();
    let detector = problems.detector(raw.detector.unwrap_or_default(), folder);
    let storage = storage::storage(raw.storage.unwrap_or_default(), folder, &mut problems.found);
    let witnesses = problems.witnesses(raw.ledger.unwrap_or_default().witnesses);
    let metrics_token_file = metrics::token_file(raw.metrics.unwrap_or_default(), folder);
    let cameras = problems.cameras(raw.camera.unwrap_or_default());

    match (data, address) {
        (Some(data), Ok(listen)) if problems.found.is_empty() => Ok(Settings {
            file: file.to_path_buf(),
            data: folder.join(data.into_inner()),
            listen,
            site_name: raw.site_name.map_or_else(|| "Louver".to_owned(), Spanned::into_inner),
            holders,
            holder_names: holder_names.unwrap_or_default(),
            detector,
            min_free_percent: storage.min_free_percent,
            when_full: storage.when_full,
            disks: storage.disks,
            move_after: storage.move_after,
            move_rate: storage.move_rate,
            witnesses,
            metrics_token_file,
            cameras,
        }),
        _ => Err(problems.in_order()),
    }
}

/// Each is asked in its turn, and may take some seconds.
const MAX_WITNESSES: usize = 8;

/// `https://… NAME+ID+KEY`.
fn witness(text: &str) -> Option<Witness> {
    let (url, key) = text.trim().split_once(' ')?;
    let key: VerifierKey =
        key.trim().parse().ok().filter(|key: &VerifierKey| key.kind() == KeyKind::Witness)?;
    let parsed = url::Url::parse(url).ok()?;
    let fits = matches!(parsed.scheme(), "https" | "http") && parsed.has_host() && parsed.query().is_none();
    fits.then(|| Witness { url: url.to_owned(), key })
}

struct Problems<'t> {
    text: &'t str,
    found: Vec<(Range<usize>, Problem)>,
}

impl Problems<'_> {
    fn add(&mut self, place: Range<usize>, problem: Problem) {
        self.found.push((place, problem));
    }

    fn line(&self, place: &Range<usize>) -> usize {
        let before = self.text.as_bytes().get(..place.start).unwrap_or(self.text.as_bytes());
        1 + before.iter().filter(|b| **b == b'\n').count()
    }

    fn in_order(mut self) -> Vec<(usize, Problem)> {
        self.found.sort_by_key(|(place, _)| place.start);
        let lines: Vec<usize> = self.found.iter().map(|(place, _)| self.line(place)).collect();
        lines.into_iter().zip(self.found.into_iter().map(|(_, problem)| problem)).collect()
    }

    /// TOML, known keys, right kinds of value: in this order, because each needs the one before.
    fn parse(&mut self) -> Option<File> {
        let document = match toml_edit::Document::parse(self.text) {
            Ok(document) => document,
            Err(e) => {
                // Without the line itself, which TomlError's own text would show: it may hold a password.
                let said = e.message().lines().next().unwrap_or("it cannot be read").to_owned();
                self.add(e.span().unwrap_or_default(), Problem::Syntax(said));
                return None;
            }
        };
        self.found = keys::unknown(document.as_table());
        if !self.found.is_empty() {
            return None;
        }
        match toml::from_str(self.text) {
            Ok(raw) => Some(raw),
            Err(e) => {
                let place = e.span().unwrap_or_default();
                let key = keys::covering(document.as_table(), &place);
                // What stands behind "expected" names a type; what stands before it repeats the value.
                let expected = e.message().rsplit_once("expected ").map_or("another", |(_, kind)| kind);
                let expected = in_words(expected);
                self.add(place, Problem::WrongKind { key: key.unwrap_or_else(|| "?".to_owned()), expected });
                None
            }
        }
    }

    fn witnesses(&mut self, raw: Option<Spanned<Vec<Spanned<String>>>>) -> Vec<Witness> {
        let mut witnesses: Vec<Witness> = Vec::new();
        let Some(raw) = raw else { return witnesses };
        let place = raw.span();
        for one in raw.into_inner() {
            match witness(one.get_ref()) {
                Some(witness) => witnesses.push(witness),
                None => self.add(one.span(), Problem::Witness(repeated(one.get_ref()))),
            }
        }
        if witnesses.len() > MAX_WITNESSES {
            self.add(place, Problem::TooManyWitnesses(witnesses.len()));
        }
        witnesses
    }

    /// The set, and the holders' names; `None` where the file names no holder, or something is wrong.
    fn holders(&mut self, raw: super::file::Holders) -> Option<(HolderSet, Vec<String>)> {
        let Some(list) = raw.list.filter(|list| !list.get_ref().is_empty()) else {
            if let Some(needed) = raw.needed {
                self.add(needed.span(), Problem::NeededNobody);
            }
            return None;
        };
        let (place, list) = (list.span(), list.into_inner());
        if list.len() > MAX_HOLDERS {
            self.add(place, Problem::TooManyHolders(list.len()));
            return None;
        }
        let before = self.found.len();
        let (mut publics, mut names) = (Vec::new(), Vec::new());
        for (n, one) in list.into_iter().enumerate() {
            let (place, one) = (one.span(), one.into_inner());
            match one.name.map(|name| (name.span(), name.into_inner())) {
                Some((_, name)) if (1..=64).contains(&name.trim().chars().count()) => names.push(name),
                other => self.add(other.map_or(place.clone(), |(span, _)| span), Problem::HolderName(n + 1)),
            }
            let Some(public) = one.public else {
                self.add(place, Problem::NoPublic(n + 1));
                continue;
            };
            match public.get_ref().parse::<HolderPublic>() {
                Ok(parsed) if publics.contains(&parsed) => {
                    self.add(public.span(), Problem::DoubleHolder(n + 1))
                }
                Ok(parsed) => publics.push(parsed),
                Err(why) => self.add(public.span(), Problem::BadHolder { number: n + 1, why }),
            }
        }
        if self.found.len() > before {
            return None;
        }
        let count = publics.len();
        let Some(needed) = raw.needed else {
            self.add(place, Problem::NoNeeded { count });
            return None;
        };
        let set = HolderSet::new(*needed.get_ref() as usize, publics);
        if set.is_err() {
            self.add(needed.span(), Problem::Needed { needed: *needed.get_ref(), count });
        }
        set.ok().map(|set| (set, names))
    }

    fn detector(&mut self, raw: super::file::Detector, folder: &Path) -> DetectorSettings {
        let model = raw.model.as_ref().map(|m| folder.join(m.get_ref()));
        let kind = match &raw.kind {
            Some(word) => {
                let kind = word.get_ref().parse::<ModelKind>().ok();
                if kind.is_none() {
                    self.add(word.span(), Problem::DetectorKind(repeated(word.get_ref())));
                }
                kind
            }
            None => model.as_deref().and_then(ModelKind::guess),
        };
        if let (Some(model), None, None) = (&raw.model, &raw.kind, kind) {
            self.add(model.span(), Problem::NoDetectorKind);
        }
        let library = raw.library.map(|l| folder.join(l.into_inner()));
        DetectorSettings { beside: Some(folder.to_path_buf()), model, kind, library }
    }

    fn cameras(&mut self, raw: Vec<Spanned<Camera>>) -> Vec<CameraSettings> {
        let mut lines_by_id: HashMap<String, usize> = HashMap::new();
        let mut cameras = Vec::new();
        for (n, table) in raw.into_iter().enumerate() {
            let (place, camera) = (table.span(), table.into_inner());
            if let Some(id) = &camera.id {
                let line = self.line(&id.span());
                if let Some(other) = lines_by_id.get(id.get_ref()).copied() {
                    self.add(id.span(), Problem::DoubleId { id: repeated(id.get_ref()), other });
                }
                lines_by_id.insert(id.get_ref().clone(), line);
            }
            cameras.extend(self.camera(n + 1, &place, camera));
        }
        cameras
    }

    /// One camera, or `None` with at least one problem added.
    fn camera(&mut self, number: usize, place: &Range<usize>, raw: Camera) -> Option<CameraSettings> {
        let Some(id) = raw.id else {
            self.add(place.clone(), Problem::NoId(number));
            return None;
        };
        let (id_place, id) = (id.span(), id.into_inner());
        let parsed = id.parse();
        let id = match parsed {
            Ok(id) => id,
            Err(_) => {
                self.add(id_place, Problem::BadId(IdError::Camera(repeated(&id))));
                return None;
            }
        };
        let camera = String::from(louver_base::CameraId::clone(&id));

        let asked = raw.onvif.is_some();
        let onvif = raw.onvif.and_then(|onvif| self.onvif(&camera, onvif));
        let sub_place = raw.sub.as_ref().map(Spanned::span);
        let sub = raw.sub.and_then(|sub| self.address(&camera, "sub", sub));
        let (main, sub) = match (raw.main, sub_place) {
            (Some(main), _) => (self.address(&camera, "main", main), sub),
            (None, Some(sub)) if asked => {
                self.add(sub, Problem::SubWithoutMain(camera.clone()));
                (None, None)
            }
            (None, None) if asked => (Some(CameraAddress::told()), Some(CameraAddress::told())),
            (None, _) => {
                self.add(place.clone(), Problem::NoMain(camera.clone()));
                (None, None)
            }
        };
        let onvif = onvif.map(|onvif| match onvif.credentials() {
            Some(_) => onvif,
            // What is asked goes in clear, and its digest with it: a password that is encrypted on its way stays out of it.
            None => onvif.with_credentials(
                main.as_ref()
                    .filter(|main| !main.is_encrypted())
                    .and_then(|main| main.credentials().cloned()),
            ),
        });
        let certificate_place = raw.certificate.as_ref().map(Spanned::span);
        let raw_connection =
            connection::Raw { transport: raw.transport, certificate: raw.certificate, audio: raw.audio };
        let connection = connection::checked(&camera, raw_connection, &mut self.found);
        let encrypted = [main.as_ref(), sub.as_ref()].into_iter().flatten().any(CameraAddress::is_encrypted);
        if encrypted && connection.transport == Transport::Udp {
            self.add(place.clone(), Problem::UdpInClear { camera: camera.clone() });
        }
        if let Some(place) = certificate_place.filter(|_| !encrypted && main.is_some()) {
            self.add(place, Problem::CertificateForNothing { camera: camera.clone() });
        }
        let entry = [("purpose", raw.purpose), ("owner", raw.owner), ("contact", raw.contact)];
        let entry = entry.map(|(key, value)| (key, value.map(Spanned::into_inner).unwrap_or_default()));
        let missing: Vec<_> =
            entry.iter().filter(|(_, v)| v.trim().is_empty()).map(|(key, _)| *key).collect();
        if !missing.is_empty() {
            self.add(place.clone(), Problem::NotInRegister { camera: camera.clone(), missing });
        }
        let [purpose, owner, contact] = entry.map(|(_, value)| value);
        let reason = raw.retention_reason.map(Spanned::into_inner).filter(|r| !r.trim().is_empty());
        let hours = self.retention(&camera, raw.retention_hours, reason.is_some());
        let analysis = self.analysis(&camera, raw.analysis);
        let gate = self.gate(&camera, raw.gate);
        let shown = show::shown(&camera, raw.show, &mut self.found);
        let zones = show::zones(&camera, place, raw.zone.unwrap_or_default(), &mut self.found);

        let name = raw.name.map(Spanned::into_inner).filter(|n| !n.trim().is_empty());
        Some(CameraSettings {
            name: name.unwrap_or(camera),
            id,
            onvif,
            main: main?,
            sub,
            connection,
            purpose,
            owner: Pii::new(owner),
            contact: Pii::new(contact),
            retention_hours: hours?,
            retention_reason: reason,
            analysis: analysis?,
            gate: gate?,
            show: shown,
            zones,
        })
    }

    fn address(&mut self, camera: &str, key: &'static str, text: Spanned<String>) -> Option<CameraAddress> {
        let camera = camera.to_owned();
        text.get_ref()
            .parse()
            .map_err(|why| self.add(text.span(), Problem::BadAddress { camera, key, why }))
            .ok()
    }

    fn onvif(&mut self, camera: &str, text: Spanned<String>) -> Option<OnvifAddress> {
        let camera = camera.to_owned();
        text.get_ref().parse().map_err(|why| self.add(text.span(), Problem::BadOnvif { camera, why })).ok()
    }

    fn retention(&mut self, camera: &str, raw: Option<Spanned<u32>>, has_reason: bool) -> Option<NonZeroU32> {
        let Some(raw) = raw else { return Some(DEFAULT_RETENTION_HOURS) };
        let (place, hours, camera) = (raw.span(), raw.into_inner(), camera.to_owned());
        match NonZeroU32::new(hours) {
            Some(checked) if hours <= MAX_RETENTION_HOURS => {
                if checked > DEFAULT_RETENTION_HOURS && !has_reason {
                    self.add(place, Problem::NoRetentionReason { camera, hours });
                }
                Some(checked)
            }
            _ => {
                self.add(place, Problem::RetentionRange { camera, hours });
                None
            }
        }
    }

    fn gate(&mut self, camera: &str, raw: Option<Spanned<String>>) -> Option<GateMode> {
        let Some(raw) = raw else { return Some(GateMode::Auto) };
        match raw.get_ref().as_str() {
            "auto" => Some(GateMode::Auto),
            "off" => Some(GateMode::Off),
            value => {
                let value = repeated(value);
                self.add(raw.span(), Problem::Gate { camera: camera.to_owned(), value });
                None
            }
        }
    }

    fn analysis(&mut self, camera: &str, raw: Option<Spanned<String>>) -> Option<Analysis> {
        match raw.as_ref().map(|r| r.get_ref().as_str()) {
            None | Some("on") => Some(Analysis::On),
            Some("off") => Some(Analysis::Off),
            Some(value) => {
                let value = repeated(value);
                let place = raw.as_ref().map(Spanned::span).unwrap_or_default();
                self.add(place, Problem::Analysis { camera: camera.to_owned(), value });
                None
            }
        }
    }
}

/// Rust's names of kinds in words.
fn in_words(kind: &str) -> String {
    match kind {
        "a string" => "a text in \"quotes\"".to_owned(),
        "u32" => "a whole number".to_owned(),
        "f32" => "a number".to_owned(),
        "u8" => "a whole number from 0 to 255".to_owned(),
        "a sequence" => "a list in [brackets]".to_owned(),
        "a borrowed string" => "a text in \"quotes\"".to_owned(),
        kind if kind.starts_with("struct ") => "a table".to_owned(),
        kind => kind.chars().take(80).collect(),
    }
}

#[cfg(test)]
mod tests;
