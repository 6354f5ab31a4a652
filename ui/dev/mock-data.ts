/** Made-up cameras, a made-up day. */
import type { Camera, EventClass, EventPage, LouverEvent, Timeline } from "../src/api/types";

const NAMES = [
  "School gate", "Car park", "Bicycle shed", "Harbour steps", "Loading bay", "Kiosk", "West path", "Playground edge",
  "Gym entrance", "Canteen door", "Bus stop", "North fence", "Roof", "Boiler room", "Bridge", "Slipway",
];

export function makeCameras(): Camera[] {
  const count = Number(process.env["LOUVER_MOCK_CAMERAS"] ?? 4);
  return NAMES.slice(0, count).map((name, i): Camera => {
    const sealedOnly = i === 2;
    return {
      id: name.toLowerCase().replaceAll(" ", "-"),
      name,
      purpose: "Sees whether the gate is shut after hours, and counts how many come and go.",
      owner: "Harbour school, house service",
      contact: "privacy@harbour-school.example",
      retention_hours: 72,
      analysis: sealedOnly ? "off" : "on",
      sealed_only: sealedOnly,
      audio_sealed: i === 1,
      live: !sealedOnly,
      show: i === 1 ? ["vehicle"] : [],
      zones: i === 0 ? [{ name: "Neighbour", kind: "exclude", polygon: [[0, 0], [20, 0], [20, 30], [0, 30]] }] : [],
      status: {
        main: i === 5 ? { state: "retrying", reason: "The camera does not answer. Check its power and network." } : { state: "running" },
        sub: sealedOnly ? { state: "off" } : { state: "running" },
        last_sealed_ms: Date.now() - 900,
        last_masked_ms: sealedOnly ? null : Date.now() - 100,
        notice: i === 3 ? "Learning the place: everything is masked for about a minute" : null,
        recording_problem: null,
        fps: 10,
        skipped_frames: 0,
      },
    };
  });
}

/** The same number for the same input, spread over 0 to 1. */
function chance(seed: number): number {
  const x = Math.sin(seed * 12.9898) * 43758.5453;
  return x - Math.floor(x);
}

const CLASSES: readonly EventClass[] = ["person", "person", "vehicle", "person", "vehicle", "animal"];

function eventsOf(camera: string, fromMs: number, toMs: number): LouverEvent[] {
  const out: LouverEvent[] = [];
  const SLOT = 4 * 60_000;
  for (let slot = Math.floor(fromMs / SLOT); slot * SLOT < Math.min(toMs, Date.now()); slot += 1) {
    const seed = slot * 7 + camera.length * 131;
    const hour = new Date(slot * SLOT).getHours();
    if (chance(seed) > (hour > 6 && hour < 20 ? 0.8 : 0.2)) continue;
    const start = slot * SLOT + chance(seed + 1) * SLOT * 0.6;
    const end = start + 5_000 + chance(seed + 2) * 70_000;
    if (end < fromMs || start > Date.now()) continue;
    out.push({
      id: (slot * 1000 + camera.length).toString(16).padStart(32, "0"),
      camera,
      class: CLASSES[Math.floor(chance(seed + 3) * CLASSES.length)] ?? "person",
      start_ms: Math.round(start),
      end_ms: end > Date.now() ? null : Math.round(end),
      still: chance(seed + 4) > 0.05,
      stays_ms: null,
      leaves_ms: end > Date.now() ? null : Math.round(end),
      confidence: 0.8,
    });
  }
  return out;
}

/** Every so often nothing was recorded for a while. */
const HOLE = 37 * 60_000;
const HOLE_LONG = 4 * 60_000;

export function isRecorded(ms: number): boolean {
  return ms <= Date.now() && ms % HOLE >= HOLE_LONG;
}

export function makeTimeline(camera: string, fromMs: number, toMs: number): Timeline {
  const until = Math.min(toMs, Date.now());
  if (until <= fromMs) return { masked: [], sealed: [], gaps: [], events: [], events_cut: false };
  const holes = [];
  for (let at = Math.ceil(fromMs / HOLE) * HOLE; at < until; at += HOLE) holes.push(at);
  const masked = [];
  let at = fromMs;
  for (const hole of holes) {
    masked.push({ start_ms: at, end_ms: hole });
    at = hole + HOLE_LONG;
  }
  if (at < until) masked.push({ start_ms: at, end_ms: until });
  const gaps = holes.map((hole) => ({
    start_ms: hole + 60_000,
    end_ms: hole + 110_000,
    stream: "sealed" as const,
    reason: "the camera stopped answering",
  }));
  const sealedOnly = camera === "bicycle-shed";
  return {
    masked: sealedOnly ? [] : masked.filter((s) => s.end_ms > s.start_ms),
    sealed: [{ start_ms: fromMs, end_ms: until }],
    gaps,
    events: sealedOnly ? [] : eventsOf(camera, fromMs, toMs),
    events_cut: false,
  };
}

export function pageOfEvents(query: URLSearchParams): EventPage {
  const toMs = Number(query.get("before_ms") ?? query.get("to_ms") ?? Date.now());
  const fromMs = Number(query.get("from_ms") ?? toMs - 24 * 3_600_000);
  const limit = Number(query.get("limit") ?? 100);
  const all = makeCameras()
    .filter((c) => !c.sealed_only && (query.get("camera") === null || query.get("camera") === c.id))
    .flatMap((c) => eventsOf(c.id, fromMs, toMs))
    .filter((e) => e.start_ms < toMs && (query.get("class") === null || query.get("class") === e.class))
    .sort((a, b) => b.start_ms - a.start_ms);
  const events = all.slice(0, limit);
  const last = events.at(-1);
  return all.length > limit && last ? { events, next_before_ms: last.start_ms } : { events };
}
