import { describe, expect, it } from "vitest";

import { Clock } from "./clock";
import { Film, PictureChanged } from "./film";
import { fragment, initSegment } from "./fmp4";
import type { Opened, Picture } from "./open";

const MS = 90n;

/** Four pictures 40 ms apart. */
function group(mediaMs: number, wallMs: number): Picture[] {
  return [0, 1, 2, 3].map((n) => ({
    media: BigInt(mediaMs + n * 40) * MS,
    wallUs: BigInt(wallMs + n * 40) * 1000n,
    key: n === 0,
    data: Uint8Array.of(0, 0, 0, 1, 0x40 + n),
  }));
}

function opened(pictures: Picture[], width = 640): Opened {
  const frame = {
    sequence: 0, body: 0, packets: 4, end: false, key: true, firstUs: 0n, lastUs: 0n, commitment: new Uint8Array(32),
  };
  return { frame, coding: "h264", width, height: 360, config: Uint8Array.of(1, 0x42, 0xc0, 0x1e), pictures, sound: null, heard: [], list: new Uint8Array(), blind: new Uint8Array() };
}

/** Kinds and sizes of the boxes one behind the other. */
function boxes(bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kinds: string[] = [];
  for (let at = 0; at < bytes.byteLength; at += view.getUint32(at)) {
    kinds.push(new TextDecoder().decode(bytes.subarray(at + 4, at + 8)));
  }
  return kinds;
}

describe("a film", () => {
  it("is a start and one fragment a group, each as long as the next one lets it be", () => {
    const film = new Film(opened(group(5000, 9000)));
    expect(boxes(film.start())).toEqual(["ftyp", "moov"]);
    expect(film.push(opened(group(5000, 9000)))).toBeNull();
    const piece = film.push(opened(group(5160, 9160)));
    expect(boxes(piece?.bytes ?? new Uint8Array())).toEqual(["moof", "mdat"]);
    expect(piece?.bytes.subarray(piece.data, piece.data + 5)).toEqual(Uint8Array.of(0, 0, 0, 1, 0x40));
    expect(film.finish()).not.toBeNull();
    expect(film.finish()).toBeNull();
  });

  it("ends where the picture changes", () => {
    const film = new Film(opened(group(0, 0)));
    film.push(opened(group(0, 0)));
    expect(() => film.push(opened(group(160, 160), 320))).toThrow(PictureChanged);
  });

  it("says how large it is and how it is coded", () => {
    const start = initSegment({ coding: "h264", sound: null, width: 640, height: 360, config: Uint8Array.of(1, 0x42, 0xc0, 0x1e) });
    expect(new TextDecoder("latin1").decode(start)).toContain("avcC\u0001B\u00c0\u001e");
  });

  it("gives reordered pictures a composition offset and decoding times that only grow", () => {
    const times = [0, 120, 40, 80].map((ms) => ({ ...(group(ms, 0)[0] as Picture) }));
    const { bytes } = fragment(1, 0n, [{ pictures: times, heard: [] }], 3600n, 0n);
    const view = new DataView(bytes.buffer);
    const trun = new TextDecoder("latin1").decode(bytes).indexOf("trun");
    const samples = [0, 1, 2, 3].map((n) => {
      const at = trun + 16 + n * 16;
      return { duration: view.getUint32(at), offset: view.getInt32(at + 12) };
    });
    expect(samples.map((s) => s.duration)).toEqual([3600, 3600, 3600, 3600]);
    expect(samples.map((s) => s.offset)).toEqual([0, 7200, -3600, -3600]);
  });
});

/** Start of each group in the file, ms, and the holes. */
function placed(groups: Picture[][]): { starts: number[]; holes: number } {
  const clock = new Clock();
  let holes = 0;
  const starts = groups.map((pictures) => {
    const step = clock.step(pictures);
    holes += step.gap ? 1 : 0;
    return Number((pictures[0]?.media ?? 0n) - step.origin) / 90;
  });
  return { starts, holes };
}

// The same cases as louver-vault's: one rule, two implementations.
describe("times in a file", () => {
  it("run by the camera's clock however bunched the pictures arrive", () => {
    expect(placed([group(5000, 9000), group(5160, 9500), group(5320, 9200)])).toEqual({ starts: [0, 160, 320], holes: 0 });
  });
  it("go by the arrival after a new session, and the hole is told", () => {
    expect(placed([group(500_000, 9000), group(0, 39_120)])).toEqual({ starts: [0, 30_120], holes: 1 });
  });
  it("neither jump nor run backwards when a camera sets its clock", () => {
    expect(placed([group(1000, 1000), group(9_000_000, 1160), group(9_000_160, 1320)])).toEqual({ starts: [0, 160, 320], holes: 0 });
    expect(placed([group(9_000_000, 1000), group(0, 1160)])).toEqual({ starts: [0, 160], holes: 0 });
  });
  it("go on when the recorder's clock is set back", () => {
    expect(placed([group(1000, 3_600_000), group(1160, 1000), group(1320, 1160)])).toEqual({ starts: [0, 160, 320], holes: 0 });
  });
  it("keep a missing segment of one session as a hole of its length", () => {
    expect(placed([group(1000, 1000), group(61_000, 61_010)])).toEqual({ starts: [0, 60_000], holes: 1 });
  });
});
