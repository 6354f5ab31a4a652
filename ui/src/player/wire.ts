/** What comes over the live WebSocket. */
export type LiveMessage =
  | { type: "start"; mime: string }
  | { type: "notice"; text: string | null }
  | { type: "init"; bytes: Uint8Array<ArrayBuffer> }
  /** `key`: a player can start with it. `wallMs`: when its first picture was taken, on the recorder's clock. */
  | { type: "fragment"; key: boolean; wallMs: number; bytes: Uint8Array<ArrayBuffer> }
  /** Something this page does not know; a newer server may send it. */
  | { type: "unknown" };

/** One byte of kind, eight bytes of wall time (big endian, ms since 1970), then fMP4. */
const HEADER_BYTES = 9;

function readText(text: string): LiveMessage {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { type: "unknown" };
  }
  if (typeof body !== "object" || body === null || !("type" in body)) return { type: "unknown" };
  if (body.type === "start" && "mime" in body && typeof body.mime === "string") {
    return { type: "start", mime: body.mime };
  }
  if (body.type === "notice") {
    const text = "text" in body && typeof body.text === "string" && body.text !== "" ? body.text : null;
    return { type: "notice", text };
  }
  return { type: "unknown" };
}

/** Reads one message; whatever it is, it does not throw. */
export function readLiveMessage(data: unknown): LiveMessage {
  if (typeof data === "string") return readText(data);
  if (!(data instanceof ArrayBuffer) || data.byteLength <= HEADER_BYTES) return { type: "unknown" };
  const view = new DataView(data);
  const bytes = new Uint8Array(data, HEADER_BYTES);
  const wallMs = Number(view.getBigInt64(1));
  switch (view.getUint8(0)) {
    case 0:
      return { type: "init", bytes };
    case 1:
      return { type: "fragment", key: false, wallMs, bytes };
    case 2:
      return { type: "fragment", key: true, wallMs, bytes };
    default:
      return { type: "unknown" };
  }
}
