/** Checking an exported video: docs/format-export.md, "What checking does". Nothing here asks a network for anything. */
import { sha256 } from "@noble/hashes/sha2.js";

import { hash, toHex, utf8 } from "../vault/crypto";
import { within } from "../vault/part";
import { locate, NoManifest } from "./boxes";
import type { At, Finding, Step } from "./findings";
import { parseManifest, type Manifest } from "./manifest";
import { parseKey, parseNote, signedBy, type VerifierKey } from "./note";
import { checkPictures, type Pictures } from "./pictures";
import { provenLeaf, Unproven } from "./proof";

export interface Report {
  manifest: Manifest;
  /** What the ledger's leaf `exported` names the manifest by. */
  digest: string;
  /** Whether the site's key was given by who checks. */
  pinned: boolean;
  findings: Finding[];
  fragments: number;
  gaps: Pictures["gaps"];
  recovered: number;
  toldMs: number | null;
}

export type Outcome = { kind: "checked"; report: Report } | { kind: "refused"; sentence: string };

const CHANGED = "Its manifest cannot be read: it was changed.";

async function digestOf(file: Blob, bytes: number, progress: (done: number) => void): Promise<string> {
  const state = sha256.create();
  const reader = file.slice(0, bytes).stream().getReader();
  let done = 0;
  for (;;) {
    const { value } = await reader.read();
    if (!value) return toHex(state.digest());
    state.update(value);
    done += value.byteLength;
    progress(done);
  }
}

/** Step 2. */
function isTheSites(manifest: Manifest, ledger: VerifierKey, site: VerifierKey | null): string | null {
  if (site && site.text !== ledger.text) return `It is from another site: its ledger's key is ${ledger.text}.`;
  const key = parseKey(manifest.key);
  const name = `louver.invalid/site/${manifest.site}`;
  if (key?.name !== `${name}/export` || ledger.name !== name) return `The manifest's keys are not those of the site ${manifest.site}.`;
  const leaf = provenLeaf(manifest.key_proof, ledger);
  const fits = leaf["what"] === "export-key" && leaf["key"] === toHex(hash(utf8(key.text)));
  return fits ? null : "The ledger says something else than the manifest about the key that signs exports.";
}

/** Step 4. */
function whyNotAllowed(manifest: Manifest, ledger: VerifierKey, { camera, used, frames }: Pictures): { at: At | null; sentence: string } | null {
  const granted: { from: number; to: number }[] = [];
  for (const proof of manifest.released) {
    const { what, t, request, cameras, from, to, until } = provenLeaf(proof, ledger);
    const fits = what === "opening-released" && request === manifest.request && Array.isArray(cameras) && cameras.includes(camera);
    if (!fits || typeof t !== "number" || typeof from !== "number" || typeof to !== "number" || typeof until !== "number") {
      return { at: null, sentence: "The ledger says something else than the manifest about the release." };
    }
    if (t > manifest.made) return { at: null, sentence: "It was exported before the holders had released it." };
    if (manifest.made >= until) return { at: null, sentence: "It was exported after the time for which the holders had released it." };
    granted.push({ from, to });
  }
  if (granted.length === 0) return { at: null, sentence: "Nobody released this." };
  const released = frames.map((segment) => {
    const arrived = segment.map((f) => ({ n: f.sequence, firstMs: Number(f.firstUs) / 1000, lastMs: Number(f.lastUs) / 1000, key: f.key }));
    return new Set(granted.flatMap(({ from, to }) => within(arrived, from, to)).map(({ n }) => n));
  });
  for (const { at } of used) {
    if (released[at.segment]?.has(at.fragment) !== true) return { at, sentence: "nobody released this." };
  }
  const named = manifest.segments.reduce((sum, { fragments }) => sum + fragments.length, 0);
  if (used.length !== named) return { at: null, sentence: "Not checked: not all of its pictures could be looked at." };
  return null;
}

/** Checks a file. `site`: the key of the site's ledger, kept from elsewhere. */
export async function check(file: Blob, site: VerifierKey | null, progress: (done: number, of: number) => void): Promise<Outcome> {
  let located: Awaited<ReturnType<typeof locate>>;
  try {
    located = await locate(file);
  } catch (why) {
    if (why instanceof NoManifest) return { kind: "refused", sentence: why.message };
    throw why;
  }
  const { at: bytes } = located;
  const note = parseNote(located.note);
  if (!note || note.lines.length !== 1) return { kind: "refused", sentence: CHANGED };
  let manifest: Manifest;
  try {
    manifest = parseManifest(note.text);
  } catch {
    return { kind: "refused", sentence: CHANGED };
  }
  const findings: Finding[] = [];
  const find = (step: Step, sentence: string, at: At | null = null) => {
    findings.push({ step, at, sentence });
  };
  const key = parseKey(manifest.key);
  if (!key) find("unchanged", "The manifest names no usable key.");
  else if (!signedBy(note, key)) find("unchanged", "The manifest was changed after it was signed.");
  const of = manifest.kind === "original" ? 2 * bytes : bytes;
  if (manifest.bytes !== bytes) {
    find("unchanged", `The video is ${String(bytes)} bytes long and was ${String(manifest.bytes)} when it was signed.`);
  } else if ((await digestOf(file, bytes, (done) => { progress(done, of); })) !== manifest.sha256) {
    find("unchanged", "The video was changed after it was signed.");
  }
  const more = manifest.request !== null || manifest.released.length > 0 || manifest.segments.length > 0;
  if (manifest.kind === "masked" && more) find("unchanged", "The manifest contradicts itself: masked pictures have no request and no segments.");
  const ledger = parseKey(manifest.ledger);
  let found: Pictures = { findings: [], camera: null, used: [], frames: [], gaps: [], recovered: 0, toldMs: null };
  if (!ledger) {
    find("site", "The manifest names no usable key of a ledger.");
    if (manifest.kind === "original") for (const step of ["sealed", "allowed"] as const) find(step, "Not checked: it needs the ledger's key.");
  } else {
    guarded("site", "That the key signs the site's exports", find, () => {
      const why = isTheSites(manifest, ledger, site);
      if (why !== null) find("site", why);
    });
    if (manifest.kind === "original") {
      found = await checkPictures(file, bytes, manifest, ledger, (done) => { progress(bytes + done, of); });
      findings.push(...found.findings);
      guarded("allowed", "That it was released", find, () => {
        const why = whyNotAllowed(manifest, ledger, found);
        if (why) find("allowed", why.sentence, why.at);
      });
    }
  }
  const { gaps, recovered, toldMs, used } = found;
  const digest = toHex(hash(utf8(note.text)));
  return { kind: "checked", report: { manifest, digest, pinned: site !== null, findings, fragments: used.length, gaps, recovered, toldMs } };
}

/** Runs a step; a proof that does not hold is a finding of it. */
function guarded(step: Step, of: string, find: (step: Step, sentence: string) => void, run: () => void): void {
  try {
    run();
  } catch (why) {
    if (why instanceof Unproven) find(step, `${of} is not proven: ${why.message}.`);
    else if (why instanceof SyntaxError) find(step, `${of} is not proven: what it carries is no leaf.`);
    else throw why;
  }
}
