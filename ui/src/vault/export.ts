/** An MP4 of opened originals, and what the site signs of it: docs/format-export.md. */
import { sha256 } from "@noble/hashes/sha2.js";

import { toBase64, toHex } from "./crypto";
import { bytesOf, Film, type Piece } from "./film";
import type { Opened } from "./open";
import type { Originals, Spot } from "./source";

interface DraftFragment {
  n: number;
  /** Of the plaintext, base64: packet list, and the blind that opens the commitment. */
  list: string;
  blind: string;
  /** Where the pictures' bytes stand in the file. */
  at: number;
  size: number;
}

interface DraftSegment {
  id: string;
  fragments: DraftFragment[];
}

/** What this page knows of a video; times, heads, proofs and the signature are the server's to add. */
export interface Draft {
  what: "louver export draft";
  v: 1;
  camera: string;
  bytes: number;
  sha256: string;
  segments: DraftSegment[];
}

export interface Exported {
  draft: Draft;
  /** Arrival of the first picture, ms since 1970. */
  fromMs: number;
  gaps: readonly { fromMs: number; toMs: number }[];
}

export interface ExportJob {
  originals: Originals;
  camera: string;
  fromMs: number;
  toMs: number;
  /** Where the file's bytes go, in order. */
  write: (bytes: Uint8Array<ArrayBuffer>) => Promise<void> | void;
  progress: (done: number, of: number) => void;
  signal: AbortSignal;
}

/** Writes the file up to the manifest. Throws `PictureChanged` where two files are needed, `Unreadable` where something was changed. */
export async function exportFilm(job: ExportJob): Promise<Exported> {
  const { originals, signal } = job;
  const state = sha256.create();
  let at = 0;
  const segments = new Map<string, DraftSegment>();
  const spots = new Map<Opened, Spot>();
  const out = async (bytes: Uint8Array<ArrayBuffer>) => {
    state.update(bytes);
    await job.write(bytes);
    at += bytes.byteLength;
  };
  const note = async (piece: Piece) => {
    let data = at + piece.data;
    for (const opened of piece.from) {
      const spot = spots.get(opened);
      if (!spot) continue;
      spots.delete(opened);
      let segment = segments.get(spot.segment.id);
      if (!segment) {
        segment = { id: spot.segment.id, fragments: [] };
        segments.set(spot.segment.id, segment);
      }
      const size = bytesOf(opened);
      const [list, blind] = [toBase64(opened.list), toBase64(opened.blind)];
      segment.fragments.push({ n: spot.fragment.n, list, blind, at: data, size });
      data += size;
    }
    await out(piece.bytes);
  };
  const start = originals.at(job.fromMs);
  const end = originals.spots.findIndex(({ fragment }) => fragment.firstMs >= job.toMs);
  const last = end < 0 ? originals.spots.length : end;
  let film: Film | null = null;
  let fromMs = job.fromMs;
  for (let index = start; index < last; index += 1) {
    job.progress(index - start, last - start);
    const opened = await originals.open(index, signal);
    const spot = originals.spots[index];
    if (spot) {
      spots.set(opened, spot);
      if (!film) fromMs = spot.fragment.firstMs;
    }
    if (!film) {
      film = new Film(opened);
      await out(film.start());
    }
    const piece = film.push(opened);
    if (piece) await note(piece);
  }
  const rest = film?.finish();
  if (rest) await note(rest);
  job.progress(last - start, last - start);
  const [bytes, digest] = [at, toHex(state.digest())];
  const draft: Draft = {
    what: "louver export draft",
    v: 1,
    camera: job.camera,
    bytes,
    sha256: digest,
    segments: [...segments.values()],
  };
  return { draft, fromMs, gaps: film?.gaps ?? [] };
}
