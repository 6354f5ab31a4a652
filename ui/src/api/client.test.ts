import { afterEach, expect, test, vi } from "vitest";

import { api, eventStillAddress, sceneAddress } from "./client";
import { sentence } from "./fetched";

/** The network, as far as a test needs one: answers, and remembers what it was asked. */
function network(answer: () => Response | Promise<Response>): { asked: Request[] } {
  const asked: Request[] = [];
  vi.stubGlobal("fetch", async (address: string, options: RequestInit) => {
    asked.push(new Request(new URL(address, "http://louver.test"), options));
    return await answer();
  });
  return { asked };
}

afterEach(() => {
  vi.unstubAllGlobals();
});

test("a good answer comes back as its value", async () => {
  network(() => Response.json([{ id: "gate" }]));
  expect(await api.cameras()).toEqual({ kind: "ok", value: [{ id: "gate" }] });
});

test("a refusal carries the server's code and its sentence", async () => {
  network(() => Response.json({ error: { code: "wrong_password", message: "That is not it." } }, { status: 401 }));
  const outcome = await api.signIn("guess");
  expect(outcome).toMatchObject({ kind: "refused", status: 401, code: "wrong_password" });
  expect(sentence(outcome)).toBe("That is not it.");
});

test("a refusal that is no JSON, as from a proxy, still says something", async () => {
  network(() => new Response("<h1>Bad gateway</h1>", { status: 502 }));
  expect(await api.system()).toEqual({
    kind: "refused",
    status: 502,
    code: "http_502",
    message: "The server answered 502.",
  });
});

test("a refusal with a body of another shape is not taken at its word", async () => {
  network(() => Response.json({ error: { code: 7 } }, { status: 500 }));
  expect(await api.system()).toMatchObject({ kind: "refused", code: "http_500" });
});

test("no network is unreachable, and so is an answer that breaks off", async () => {
  network(() => Promise.reject(new TypeError("Failed to fetch")));
  expect(await api.session()).toEqual({ kind: "unreachable" });
  network(() => new Response("{", { headers: { "content-type": "application/json" } }));
  expect(await api.session()).toEqual({ kind: "unreachable" });
});

test("what the page itself gave up is no failure and has no sentence", async () => {
  network(() => Promise.reject(new DOMException("gone", "AbortError")));
  const outcome = await api.cameras(new AbortController().signal);
  expect(outcome).toEqual({ kind: "aborted" });
  expect(sentence(outcome)).toBeNull();
});

test("the filter's empty fields are not sent, times go as whole milliseconds", async () => {
  const { asked } = network(() => Response.json({ events: [] }));
  await api.events({ camera: "gate", class: "person", fromMs: 1.6, limit: 48 });
  expect(new URL(asked[0]?.url ?? "").search).toBe("?camera=gate&class=person&from_ms=2&limit=48");
});

test("a password goes in the body, never in the address", async () => {
  const { asked } = network(() => Response.json({ state: "signed_in", version: "1" }));
  await api.signIn("correct horse");
  expect(asked[0]?.url).not.toContain("horse");
  expect(await asked[0]?.json()).toEqual({ password: "correct horse" });
});

test("a recording's scenes come as bytes, of the time that is asked for", async () => {
  const { asked } = network(() => new Response(new Uint8Array([1, 2, 3])));
  const outcome = await api.sceneArchive("gate", { fromMs: 5_000, toMs: 9_000.4 }, new AbortController().signal);
  expect(outcome).toEqual({ kind: "ok", value: new Uint8Array([1, 2, 3]) });
  expect(asked[0]?.url).toMatch(/\/api\/v1\/cameras\/gate\/scene\/archive\?from_ms=5000&to_ms=9000$/);
});

test("an answer without end is cut off, not kept", async () => {
  let given = 0;
  network(
    () =>
      new Response(
        new ReadableStream({
          pull: (stream) => {
            given += 1;
            stream.enqueue(new Uint8Array(1024 * 1024));
          },
        }),
      ),
  );
  const outcome = await api.sceneArchive("gate", { fromMs: 0, toMs: 1 }, new AbortController().signal);
  expect(outcome.kind === "ok" ? outcome.value.byteLength : 0).toBe(16 * 1024 * 1024);
  expect(given).toBeLessThan(20);
});

test("the live feed goes over the protection that the page came by", () => {
  expect(sceneAddress("gate", { protocol: "https:", host: "l.test" })).toBe("wss://l.test/api/v1/cameras/gate/scene");
  expect(sceneAddress("gate", { protocol: "http:", host: "l.test:1" })).toBe("ws://l.test:1/api/v1/cameras/gate/scene");
});

test("an id cannot lead an address elsewhere", () => {
  expect(eventStillAddress("../x?y")).toBe("/api/v1/events/..%2Fx%3Fy/still");
});
