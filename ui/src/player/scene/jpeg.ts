/** What a JPEG says of itself, before a decoder gets it: a tile of the size it must have, or none. */

const SOF0 = 0xc0;
const SOS = 0xda;
const MARKERS_MAX = 16;

/** Whether these bytes, which follow the stream's tables, say that they are a baseline JPEG of exactly this size. */
export function isTileJpeg(body: Uint8Array, width: number, height: number): boolean {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let at = 0;
  let fits = false;
  for (let n = 0; n < MARKERS_MAX && at + 4 <= body.byteLength; n += 1) {
    if (view.getUint8(at) !== 0xff) return false;
    const marker = view.getUint8(at + 1);
    const length = view.getUint16(at + 2);
    if (length < 2 || at + 2 + length > body.byteLength) return false;
    if (marker === SOS) return fits;
    if (marker === SOF0) {
      if (fits || length < 8) return false;
      fits = view.getUint8(at + 4) === 8 && view.getUint16(at + 5) === height && view.getUint16(at + 7) === width;
      if (!fits) return false;
    } else if (marker > SOF0 && marker <= 0xcf && marker !== 0xc4) {
      // Progressive, lossless, arithmetic: not of this format.
      return false;
    }
    at += 2 + length;
  }
  return false;
}

/** The file that a decoder takes. */
export function jpegFile(tables: Uint8Array, body: Uint8Array): Blob {
  return new Blob([tables.slice(), body.slice()], { type: "image/jpeg" });
}
