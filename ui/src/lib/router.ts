import type { EventClass } from "../api/types";
import { isClass } from "./classes";

/** Where in the page someone is; every one has an address that can be kept and shared. */
export type Route =
  | { page: "wall" }
  | { page: "camera"; id: string; atMs: number | null }
  | { page: "events"; filter: EventFilter }
  | { page: "openings" }
  | { page: "new_opening"; camera: string | null; fromMs: number | null; toMs: number | null }
  | { page: "opening"; id: string }
  | { page: "holders" }
  | { page: "missing" };

export interface EventFilter {
  camera: string | null;
  class: EventClass | null;
  fromMs: number | null;
  toMs: number | null;
}

export const NO_FILTER: EventFilter = { camera: null, class: null, fromMs: null, toMs: null };

function number(text: string | null): number | null {
  if (text === null || !/^\d{1,16}$/.test(text)) return null;
  return Number(text);
}

export function readRoute(path: string, search: string): Route {
  const query = new URLSearchParams(search);
  if (path === "/" || path === "/sign-in") return { page: "wall" };
  const camera = /^\/cameras\/([a-z0-9][a-z0-9-]{0,31})$/.exec(path)?.[1];
  if (camera !== undefined) return { page: "camera", id: camera, atMs: number(query.get("at")) };
  if (path === "/events") {
    const klass = query.get("class");
    return {
      page: "events",
      filter: {
        camera: query.get("camera"),
        class: isClass(klass) ? klass : null,
        fromMs: number(query.get("from")),
        toMs: number(query.get("to")),
      },
    };
  }
  if (path === "/openings") return { page: "openings" };
  if (path === "/openings/new") {
    return { page: "new_opening", camera: query.get("camera"), fromMs: number(query.get("from")), toMs: number(query.get("to")) };
  }
  const opening = /^\/openings\/([0-9a-f]{32})$/.exec(path)?.[1];
  if (opening !== undefined) return { page: "opening", id: opening };
  if (path === "/holders") return { page: "holders" };
  return { page: "missing" };
}

export function addressOf(route: Route): string {
  switch (route.page) {
    case "wall":
    case "missing":
      return "/";
    case "openings":
    case "holders":
      return `/${route.page}`;
    case "opening":
      return `/openings/${route.id}`;
    case "new_opening": {
      const query = new URLSearchParams();
      if (route.camera !== null) query.set("camera", route.camera);
      if (route.fromMs !== null) query.set("from", String(Math.round(route.fromMs)));
      if (route.toMs !== null) query.set("to", String(Math.round(route.toMs)));
      return `/openings/new?${query.toString()}`;
    }
    case "camera":
      return `/cameras/${route.id}${route.atMs === null ? "" : `?at=${String(Math.round(route.atMs))}`}`;
    case "events": {
      const { filter } = route;
      const query = new URLSearchParams();
      if (filter.camera !== null) query.set("camera", filter.camera);
      if (filter.class !== null) query.set("class", filter.class);
      if (filter.fromMs !== null) query.set("from", String(filter.fromMs));
      if (filter.toMs !== null) query.set("to", String(filter.toMs));
      const text = query.toString();
      return text === "" ? "/events" : `/events?${text}`;
    }
    default:
      return route satisfies never;
  }
}
