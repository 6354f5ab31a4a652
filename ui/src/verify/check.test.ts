/** docs/format-export.md against files that the recorder's own code exported: the second implementation. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

import { locate, manifestBox, read } from "./boxes";
import { check, type Outcome } from "./check";
import { told, type Step } from "./findings";
import { parseKey, parseNote } from "./note";
import { checkPictures } from "./pictures";

const vector = (name: string) => new Uint8Array(readFileSync(fileURLToPath(new URL(`../../../crates/louver-export/tests/vectors/${name}`, import.meta.url))));
const original = vector("original.mp4");
const site = parseKey(new TextDecoder().decode(vector("site.vkey")).trim());
const silent = () => undefined;

function checked(bytes: Uint8Array<ArrayBuffer>, key = site): Promise<Outcome> {
  return check(new Blob([bytes]), key, silent);
}

async function steps(bytes: Uint8Array<ArrayBuffer>): Promise<Step[] | string> {
  const outcome = await checked(bytes);
  return outcome.kind === "refused" ? outcome.sentence : [...new Set(outcome.report.findings.map(({ step }) => step))];
}

function changed(at: number): Uint8Array<ArrayBuffer> {
  const bytes = original.slice();
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}

async function report(bytes: Uint8Array<ArrayBuffer>, key = site) {
  const outcome = await checked(bytes, key);
  if (outcome.kind === "refused") throw new Error(outcome.sentence);
  return outcome.report;
}

describe("an export", () => {
  it("holds as it does for the recorder's own code", async () => {
    const { findings, fragments, pinned, manifest, gaps } = await report(original);
    expect(findings).toEqual([]);
    expect({ fragments, pinned, kind: manifest.kind, camera: manifest.camera, gaps: gaps.length }).toEqual({
      fragments: 6, pinned: true, kind: "original", camera: "gate", gaps: 1,
    });
    expect((await report(vector("masked.mp4"))).findings).toEqual([]);
    expect((await report(original, null)).pinned).toBe(false);
  });

  it("is refused wherever a byte is another", { timeout: 60_000 }, async () => {
    for (let at = 0; at < original.byteLength; at += 29) {
      expect(await steps(changed(at)), `byte ${String(at)}`).not.toEqual([]);
    }
    // The signature's last letters, where base64 has bits to spare.
    for (let at = original.byteLength - 8; at < original.byteLength; at += 1) {
      expect(await steps(changed(at)), `byte ${String(at)}`).not.toEqual([]);
    }
  });

  it("is refused when it was cut off or something was put behind it", async () => {
    for (const end of [0, 7, 500, original.byteLength - 1]) {
      expect(await steps(original.slice(0, end))).not.toEqual([]);
    }
    expect(await steps(Uint8Array.of(...original, 10))).toContain("Bytes stand behind its manifest");
  });

  it("names the fragment, its time and its place where a picture is another", async () => {
    const { manifest } = await report(original);
    const { at, n } = manifest.segments[1]?.fragments[1] ?? { at: 0, n: 0 };
    const { findings } = await report(changed(at + 5));
    expect(findings.map(({ step }) => step)).toEqual(["unchanged", "sealed"]);
    const last = findings[1];
    expect(last && told(last)).toBe(
      `Fragment ${String(n)} of segment 1 (2026-03-01T12:00:04.000Z), byte ${String(at)} of the file: its pictures are not what was sealed.`,
    );
  });

  it("is refused where a segment stands there twice, or in two parts the wrong way round", async () => {
    const { manifest } = await report(original);
    const [segment] = manifest.segments;
    if (!segment || !site) throw new Error("the vector has no segment");
    const part = (from: number, to?: number) => ({ ...segment, fragments: segment.fragments.slice(from, to) });
    for (const segments of [[segment, segment], [part(1), part(0, 1)]]) {
      const { findings } = await checkPictures(new Blob([original]), manifest.bytes, { ...manifest, segments }, site, silent);
      expect(findings.map(({ sentence }) => sentence)).toContain("The manifest contradicts itself: its segments are not in order.");
    }
  });

  it("shows no step that was not looked at", async () => {
    const { manifest } = await report(original);
    const { at } = manifest.segments[0]?.fragments[0] ?? { at: 0 };
    const { findings } = await report(changed(at + 5));
    expect(findings[findings.length - 1]).toEqual({ step: "allowed", at: null, sentence: "Not checked: not all of its pictures could be looked at." });
    const { at: end, note } = await locate(new Blob([original]));
    const text = new TextDecoder().decode(note).replace(`"ledger":"${manifest.ledger}"`, '"ledger":"no key"');
    const box = new Uint8Array(manifestBox(text));
    expect(await steps(Uint8Array.of(...original.slice(0, end), ...box))).toEqual(["unchanged", "site", "sealed", "allowed"]);
  });

  it("is of another site for who kept another key", async () => {
    const other = parseKey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
    expect(other).not.toBeNull();
    const { findings } = await report(original, other);
    expect(findings.map(({ step, sentence }) => [step, sentence.slice(0, 22)])).toEqual([["site", "It is from another sit"]]);
  });

  it("without its manifest is told from one that was changed", async () => {
    const { at } = await locate(new Blob([original]));
    expect(await steps(original.slice(0, at))).toBe("It carries no manifest: it was not exported by Louver, or the manifest was cut off.");
  });
});

describe("a manifest's box", () => {
  it("reads back as it was written", async () => {
    const file = new Blob([original]);
    const { at, note } = await locate(file);
    const text = new TextDecoder().decode(note);
    expect(manifestBox(text)).toEqual(await read(file, at, original.byteLength));
    expect(parseNote(note)?.lines.length).toBe(1);
  });
});

describe("a key", () => {
  it.each(["", "a+b+c", "louver", "x+00000000+AQ=="])("that is none is refused: %s", (text) => {
    expect(parseKey(text)).toBeNull();
  });
});
