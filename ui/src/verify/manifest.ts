/** The manifest of an exported video: docs/format-export.md. */
import { must } from "../lib/bytes";
import { strictBase64 } from "./note";

/** Longest manifest, bytes. */
export const MANIFEST_MAX = 32 * 1024 * 1024;

export interface Fragment {
  n: number;
  list: Uint8Array<ArrayBuffer>;
  blind: Uint8Array<ArrayBuffer>;
  at: number;
  size: number;
}

export interface Segment {
  /** 64 hex digits. */
  header: string;
  heads: Uint8Array<ArrayBuffer>;
  proof: string;
  fragments: Fragment[];
}

export interface Manifest {
  kind: "original" | "masked";
  site: string;
  camera: string;
  from: number;
  to: number;
  made: number;
  bytes: number;
  sha256: string;
  request: string | null;
  released: string[];
  segments: Segment[];
  ledger: string;
  key: string;
  key_proof: string;
}

type Fields = Record<string, unknown>;

function fields(value: unknown, names: readonly string[]): Fields {
  must(typeof value === "object" && value !== null && !Array.isArray(value));
  must(Object.keys(value).every((name) => names.includes(name)));
  return value as Fields;
}

function text(value: unknown): string {
  must(typeof value === "string");
  return value;
}

function hex(value: unknown, digits: number): string {
  const digest = text(value);
  must(digest.length === digits && /^[0-9a-f]*$/.test(digest));
  return digest;
}

function whole(value: unknown): number {
  must(typeof value === "number" && Number.isSafeInteger(value));
  return value;
}

function count(value: unknown): number {
  must(whole(value) >= 0);
  return whole(value);
}

function bytes(value: unknown): Uint8Array<ArrayBuffer> {
  const decoded = strictBase64(text(value));
  must(decoded !== null);
  return decoded;
}

function list(value: unknown): unknown[] {
  must(Array.isArray(value));
  return value;
}

function fragment(value: unknown): Fragment {
  const { n, list: sealed, blind, at, size } = fields(value, ["n", "list", "blind", "at", "size"]);
  return { n: count(n), list: bytes(sealed), blind: bytes(blind), at: count(at), size: count(size) };
}

function segment(value: unknown): Segment {
  const { header, heads, proof, fragments } = fields(value, ["header", "heads", "proof", "fragments"]);
  return { header: hex(header, 64), heads: bytes(heads), proof: text(proof), fragments: list(fragments).map(fragment) };
}

const NAMES = [
  "what", "v", "kind", "site", "camera", "from", "to", "made", "bytes", "sha256", "request", "released", "segments", "ledger", "key", "key_proof",
];

/** Reads a manifest. Throws `Damage`, or what `JSON.parse` throws. */
export function parseManifest(line: string): Manifest {
  const said = fields(JSON.parse(line), NAMES);
  must(said["what"] === "louver export" && said["v"] === 1);
  const kind = said["kind"];
  must(kind === "original" || kind === "masked");
  const camera = text(said["camera"]);
  must(/^[a-z0-9][a-z0-9-]{0,31}$/.test(camera));
  return {
    kind,
    camera,
    site: hex(said["site"], 32),
    from: whole(said["from"]),
    to: whole(said["to"]),
    made: whole(said["made"]),
    bytes: count(said["bytes"]),
    sha256: hex(said["sha256"], 64),
    request: said["request"] === undefined ? null : hex(said["request"], 64),
    released: list(said["released"] ?? []).map(text),
    segments: list(said["segments"] ?? []).map(segment),
    ledger: text(said["ledger"]),
    key: text(said["key"]),
    key_proof: text(said["key_proof"]),
  };
}
