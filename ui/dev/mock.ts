/**
 * A stand-in for `louver serve`, for work on the page without cameras: `npm run dev:mock`.
 *
 * Drawn places with figures that walk by the clock, live and as an archive of a day with made-up events. Never part of the build.
 */
import { execFileSync } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";

import type { Plugin, ViteDevServer } from "vite";
import { WebSocketServer, type WebSocket } from "ws";

import { isRecorded, makeCameras, makeTimeline, pageOfEvents } from "./mock-data";
import { drawStill, HEIGHT, WIDTH } from "./place";
import { archiveAnswer, EVERY_MS, liveNext, liveStart, makePlace, type Place } from "./scene";

function live(socket: WebSocket, place: Place): void {
  socket.send(JSON.stringify({ type: "notice", text: null }));
  const start = liveStart(place, Date.now());
  let { number } = start;
  socket.send(start.bytes);
  const timer = setInterval(() => {
    while ((number + 1) * EVERY_MS <= Date.now()) {
      number += 1;
      socket.send(liveNext(place, number));
    }
  }, 20);
  socket.on("close", () => {
    clearInterval(timer);
  });
}

function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

interface Mock {
  signedIn: boolean;
  places: Place[];
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
  const scene = /^\/cameras\/([^/]+)\/scene\/archive$/.exec(path);
  if (path === "/cameras") json(response, cameras);
  else if (path === "/system") {
    const disk = { total_bytes: 2e12, free_bytes: 1.26e12 };
    json(response, { version: "mock", disk, masked_bytes: 3.1e10, sealed_bytes: 6.4e11, uptime_s: 91_000, notices: [] });
  } else if (path === "/events") json(response, pageOfEvents(url.searchParams));
  else if (path.endsWith("/timeline")) json(response, makeTimeline(path.split("/")[2] ?? "", time("from_ms"), time("to_ms")));
  else if (scene) {
    const place = mock.places[cameras.findIndex((c) => c.id === scene[1]) % mock.places.length];
    response.writeHead(200, { "content-type": "application/vnd.louver.scene" });
    response.end(place ? archiveAnswer(place, time("from_ms"), time("to_ms"), isRecorded) : undefined);
  } else if (path.endsWith("/archive")) {
    const files = [];
    for (let at = Math.floor(time("from_ms") / 60_000) * 60_000; at < Math.min(time("to_ms"), Date.now()); at += 60_000) {
      if (!isRecorded(at + 30_000)) continue;
      files.push({ id: String(at), start_ms: at, end_ms: at + 60_000, bytes: 40_000, mime: "application/vnd.louver.scene", format: "scene" });
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
      const places = [0, 1, 2, 3].map(makePlace);
      const still = execFileSync(
        "ffmpeg",
        ["-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", `${String(WIDTH)}x${String(HEIGHT)}`, "-i", "-", "-f", "mjpeg", "-"],
        { input: drawStill() },
      );
      const mock: Mock = { signedIn: process.env["LOUVER_MOCK_SIGNED_OUT"] === undefined, places, still };
      server.middlewares.use((request, response, next) => {
        if (request.url?.startsWith("/api/v1/")) answer(mock, request, response);
        else next();
      });
      const sockets = new WebSocketServer({ noServer: true });
      server.httpServer?.on("upgrade", (request, socket, head) => {
        const id = /^\/api\/v1\/cameras\/([^/]+)\/scene$/.exec(request.url ?? "")?.[1];
        if (id === undefined) return;
        const at = makeCameras().findIndex((c) => c.id === id);
        const place = places[at % places.length];
        sockets.handleUpgrade(request, socket, head, (ws) => {
          if (place) live(ws, place);
        });
      });
    },
  };
}
