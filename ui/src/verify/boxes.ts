/** Where the manifest stands in an MP4: its last box. */
import { join, same, u32, utf8 } from "../vault/crypto";
import { MANIFEST_MAX } from "./manifest";

const UUID = utf8("Louver manifest1");
const HEAD = 24;

/** The box around a signed note, to be put behind a video. */
export function manifestBox(note: string): Uint8Array<ArrayBuffer> {
  const bytes = utf8(note);
  return join(u32(HEAD + bytes.byteLength), utf8("uuid"), UUID, bytes);
}

/** Why there is no manifest to be read, as a sentence. */
export class NoManifest extends Error {}

export async function read(file: Blob, at: number, size: number): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await file.slice(at, at + size).arrayBuffer());
}

/** Box heads that are read at once: those of small boxes lie near each other. */
const WINDOW = 65_536;

/** Where the manifest's box begins, and its note. Throws `NoManifest`. */
export async function locate(file: Blob): Promise<{ at: number; note: Uint8Array<ArrayBuffer> }> {
  let [window, begin] = [new Uint8Array(), 0];
  for (let at = 0; at < file.size; ) {
    if (at < begin || at + HEAD > begin + window.byteLength) [window, begin] = [await read(file, at, WINDOW), at];
    const head = window.subarray(at - begin, at - begin + HEAD);
    const size = head.byteLength < 8 ? 0 : new DataView(head.buffer, head.byteOffset).getUint32(0);
    const left = file.size - at;
    if (size < 8 || size > left) {
      throw new NoManifest(
        `No box of an MP4 begins at byte ${String(at)}: the file was changed or cut off there, or is no video that Louver exported.`,
      );
    }
    if (size >= HEAD && same(head.subarray(4, 8), utf8("uuid")) && same(head.subarray(8), UUID)) {
      if (size < left) throw new NoManifest(`Bytes stand behind its manifest, from byte ${String(at + size)} on: they were added later.`);
      if (size - HEAD > MANIFEST_MAX) throw new NoManifest("Its manifest is larger than 32 MiB, which none is.");
      return { at, note: await read(file, at + HEAD, size - HEAD) };
    }
    at += size;
  }
  throw new NoManifest("It carries no manifest: it was not exported by Louver, or the manifest was cut off.");
}
