/**
 * A stand-in for `louver serve`, for work on the page without cameras: `npm run dev:mock`.
 *
 * Plays one or more clips (LOUVER_MOCK_CLIPS, separated by colons; a test picture without) as live cameras and
 * as an archive of a day with made-up events. Never part of the build.
 */
import { execFileSync } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";

import type { Plugin, ViteDevServer } from "vite";
import { WebSocketServer, type WebSocket } from "ws";

import { makeCameras, makeTimeline, pageOfEvents } from "./mock-data";

const MIME = 'video/mp4; codecs="avc1.64001E"';
const FPS = 10;

interface Clip {
  init: Buffer;
  fragments: { bytes: Buffer; key: boolean }[];
  /** Ticks a second. */
  scale: number;
}

function boxes(file: Buffer): { kind: string; bytes: Buffer }[] {
  const out = [];
  for (let at = 0; at + 8 <= file.length; ) {
    const size = file.readUInt32BE(at);
    out.push({ kind: file.toString("latin1", at + 4, at + 8), bytes: file.subarray(at, at + size) });
    at += size;
  }
  return out;
}

/** A clip as one fragment a picture. */
function readClip(input: string[]): Clip {
  const file = execFileSync(
    "ffmpeg",
    [
      ...["-v", "error", ...input, "-an", "-r", String(FPS), "-c:v", "libx264", "-profile:v", "high", "-level", "3.0"],
      ...["-preset", "veryfast", "-g", String(FPS * 2), "-bf", "0", "-pix_fmt", "yuv420p", "-video_track_timescale", "90000"],
      ...["-movflags", "frag_every_frame+empty_moov+default_base_moof", "-f", "mp4", "-"],
    ],
    { maxBuffer: 1 << 28 },
  );
  const all = boxes(file);
  const init = Buffer.concat(all.filter((b) => b.kind === "ftyp" || b.kind === "moov").map((b) => b.bytes));
  const fragments: Clip["fragments"] = [];
  all.forEach((box, i) => {
    const data = all[i + 1];
    if (box.kind !== "moof" || data?.kind !== "mdat") return;
    fragments.push({ bytes: Buffer.concat([box.bytes, data.bytes]), key: fragments.length % (FPS * 2) === 0 });
  });
  return { init, fragments, scale: 90_000 };
}

/** The fragment with another place on the clip's clock, so that the clip can go round for ever. */
function retimed(fragment: Buffer, number: number, scale: number): Buffer {
  const copy = Buffer.from(fragment);
  const at = copy.indexOf("tfdt");
  copy.writeBigUInt64BE(BigInt(Math.round((number / FPS) * scale)), at + 8);
  return copy;
}

function live(socket: WebSocket, clip: Clip, notice: string | null): void {
  socket.send(JSON.stringify({ type: "notice", text: notice }));
  socket.send(JSON.stringify({ type: "start", mime: MIME }));
  const message = (kind: number, bytes: Buffer): void => {
    const head = Buffer.alloc(9);
    head.writeUInt8(kind);
    head.writeBigInt64BE(BigInt(kind === 0 ? 0 : Date.now()), 1);
    socket.send(Buffer.concat([head, bytes]));
  };
  message(0, clip.init);
  let number = 0;
  const timer = setInterval(() => {
    const fragment = clip.fragments[number % clip.fragments.length];
    if (fragment) message(fragment.key ? 2 : 1, retimed(fragment.bytes, number, clip.scale));
    number += 1;
  }, 1000 / FPS);
  socket.on("close", () => {
    clearInterval(timer);
  });
}

function minuteOf(clip: Clip, startMs: number, fromMs: number): Buffer {
  const first = Math.floor(Math.max(0, fromMs - startMs) / 2000) * FPS * 2;
  const offset = (Math.floor(startMs / 60_000) * 7 * FPS * 2) % clip.fragments.length;
  const out = [clip.init];
  for (let n = first; n < 60 * FPS; n += 1) {
    const fragment = clip.fragments[(offset + n) % clip.fragments.length];
    if (fragment) out.push(retimed(fragment.bytes, n, clip.scale));
  }
  return Buffer.concat(out);
}

function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

interface Mock {
  signedIn: boolean;
  clips: Clip[];
  still: Buffer;
}

function answer(mock: Mock, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "/", "http://mock");
  const path = url.pathname.replace("/api/v1", "");
  const time = (name: string): number => Number(url.searchParams.get(name) ?? Date.now());
  const refuse = (status: number, code: string, message: string): void => {
    json(response, { error: { code, message } }, status);
  };
  const session = (): void => {
    json(response, { state: mock.signedIn ? "signed_in" : "signed_out", version: "mock", site_name: "Harbour school" });
  };
  if (path.startsWith("/session")) {
    mock.signedIn = request.method === "DELETE" ? false : mock.signedIn || request.method !== "GET";
    session();
    return;
  }
  if (!mock.signedIn) {
    refuse(401, "signed_out", "Sign in first.");
    return;
  }
  const cameras = makeCameras();
  const file = /^\/cameras\/([^/]+)\/archive\/(\d+)$/.exec(path);
  if (path === "/cameras") json(response, cameras);
  else if (path === "/system") {
    const disk = { total_bytes: 2e12, free_bytes: 1.26e12 };
    json(response, { version: "mock", disk, masked_bytes: 3.1e10, sealed_bytes: 6.4e11, uptime_s: 91_000, notices: [] });
  } else if (path === "/events") json(response, pageOfEvents(url.searchParams));
  else if (path.endsWith("/timeline")) json(response, makeTimeline(path.split("/")[2] ?? "", time("from_ms"), time("to_ms")));
  else if (file) {
    const at = cameras.findIndex((c) => c.id === file[1]);
    const clip = mock.clips[at % mock.clips.length];
    response.writeHead(200, { "content-type": "video/mp4" });
    response.end(clip ? minuteOf(clip, Number(file[2]), Number(url.searchParams.get("from_ms") ?? 0)) : undefined);
  } else if (path.endsWith("/archive")) {
    const files = [];
    for (let at = Math.floor(time("from_ms") / 60_000) * 60_000; at < Math.min(time("to_ms"), Date.now()); at += 60_000) {
      files.push({ id: String(at), start_ms: at, end_ms: at + 60_000, bytes: 400_000, mime: MIME });
    }
    json(response, files);
  } else if (path.endsWith("/still")) {
    response.writeHead(200, { "content-type": "image/jpeg" });
    response.end(mock.still);
  } else refuse(404, "not_found", "There is no such thing.");
}

export function mockServer(): Plugin {
  return {
    name: "louver-mock",
    configureServer(server: ViteDevServer) {
      const given = (process.env["LOUVER_MOCK_CLIPS"] ?? "").split(":").filter((path) => path !== "");
      const inputs = given.length > 0 ? given.map((path) => ["-i", path]) : [["-f", "lavfi", "-t", "30", "-i", "testsrc2=s=640x360"]];
      const clips = inputs.map(readClip);
      const still = execFileSync("ffmpeg", ["-v", "error", ...(inputs[0] ?? []), "-frames:v", "1", "-f", "mjpeg", "-"]);
      const mock: Mock = { signedIn: process.env["LOUVER_MOCK_SIGNED_OUT"] === undefined, clips, still };
      server.middlewares.use((request, response, next) => {
        if (request.url?.startsWith("/api/v1/")) answer(mock, request, response);
        else next();
      });
      const sockets = new WebSocketServer({ noServer: true });
      server.httpServer?.on("upgrade", (request, socket, head) => {
        const id = /^\/api\/v1\/cameras\/([^/]+)\/live$/.exec(request.url ?? "")?.[1];
        if (id === undefined) return;
        const at = makeCameras().findIndex((c) => c.id === id);
        const clip = clips[at % clips.length];
        sockets.handleUpgrade(request, socket, head, (ws) => {
          if (clip) live(ws, clip, makeCameras()[at]?.status.notice ?? null);
        });
      });
    },
  };
}
