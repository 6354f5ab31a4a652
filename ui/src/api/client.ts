import { ask, type Fetched } from "./fetched";
import type { ArchiveFile, Camera, EventClass, EventPage, Session, System, Timeline } from "./types";

const ROOT = "/api/v1";

/** A span of time, ms since 1970, end exclusive. */
export interface TimeSpan {
  fromMs: number;
  toMs: number;
}

export interface EventQuery {
  camera?: string | undefined;
  class?: EventClass | undefined;
  fromMs?: number | undefined;
  toMs?: number | undefined;
  limit?: number | undefined;
  beforeMs?: number | undefined;
}

function camera(id: string): string {
  return `${ROOT}/cameras/${encodeURIComponent(id)}`;
}

function query(entries: Record<string, string | number | undefined>): string {
  const text = new URLSearchParams();
  for (const [name, value] of Object.entries(entries)) {
    if (value !== undefined) text.set(name, typeof value === "number" ? String(Math.round(value)) : value);
  }
  const query = text.toString();
  return query === "" ? "" : `?${query}`;
}

async function json<T>(response: Response): Promise<T> {
  // The shape is the server's word, generated into schema.d.ts; both are built from one commit.
  return (await response.json()) as T;
}

/** An answer of scenes has 4 MiB at most, and a record more. */
const SCENE_BYTES_MAX = 16 * 1024 * 1024;

/** The first `most` bytes of an answer: what is longer is cut off, and its reader sees that it has no end. */
async function bounded(response: Response, most: number): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const part = await reader?.read();
    if (!part || part.done) break;
    parts.push(part.value);
    length += part.value.byteLength;
    if (length >= most) {
      await reader?.cancel();
      break;
    }
  }
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.byteLength;
  }
  return out.subarray(0, most);
}

function get<T>(address: string, signal?: AbortSignal): Promise<Fetched<T>> {
  return ask<T>(address, signal ? { signal } : {}, json);
}

function send<T>(method: string, address: string, body: unknown): Promise<Fetched<T>> {
  const options = { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  return ask<T>(address, options, json);
}

/** Louver's API, one function an operation. */
export const api = {
  session: () => get<Session>(`${ROOT}/session`),
  useLink: (token: string) => send<Session>("POST", `${ROOT}/session/link`, { token }),
  signIn: (password: string) => send<Session>("POST", `${ROOT}/session`, { password }),
  setPassword: (password: string) => send<Session>("PUT", `${ROOT}/session/password`, { password }),
  signOut: () => ask(`${ROOT}/session`, { method: "DELETE" }, () => Promise.resolve(null)),

  cameras: (signal?: AbortSignal) => get<Camera[]>(`${ROOT}/cameras`, signal),
  timeline: (id: string, span: TimeSpan, signal?: AbortSignal) =>
    get<Timeline>(`${camera(id)}/timeline${query({ from_ms: span.fromMs, to_ms: span.toMs })}`, signal),
  archive: (id: string, span: TimeSpan, signal?: AbortSignal) =>
    get<ArchiveFile[]>(`${camera(id)}/archive${query({ from_ms: span.fromMs, to_ms: span.toMs })}`, signal),
  /** The masked scene of a time, as `docs/format-scene.md` describes it; what is long ends with where to go on. */
  sceneArchive: (id: string, span: TimeSpan, signal: AbortSignal) =>
    ask(
      `${camera(id)}/scene/archive${query({ from_ms: span.fromMs, to_ms: span.toMs })}`,
      { signal },
      (response) => bounded(response, SCENE_BYTES_MAX),
    ),

  events: (filter: EventQuery, signal?: AbortSignal) =>
    get<EventPage>(
      `${ROOT}/events${query({
        camera: filter.camera,
        class: filter.class,
        from_ms: filter.fromMs,
        to_ms: filter.toMs,
        limit: filter.limit,
        before_ms: filter.beforeMs,
      })}`,
      signal,
    ),
  system: (signal?: AbortSignal) => get<System>(`${ROOT}/system`, signal),
};

/** Where an event's masked still is. */
export function eventStillAddress(id: string): string {
  return `${ROOT}/events/${encodeURIComponent(id)}/still`;
}

/** Where a camera's live scene is. */
export function sceneAddress(id: string, page: { protocol: string; host: string } = location): string {
  return `${page.protocol === "https:" ? "wss" : "ws"}://${page.host}${camera(id)}/scene`;
}
