import { api } from "../../api/client";
import type { Fetched } from "../../api/fetched";

/** Where recordings come from. */
export interface ArchiveSource {
  /** What is recorded. */
  list: (fromMs: number, toMs: number, signal: AbortSignal) => Promise<Fetched<{ start_ms: number; end_ms: number }[]>>;
  /** The scene stream of a time. */
  read: (fromMs: number, toMs: number, signal: AbortSignal) => Promise<Fetched<Uint8Array>>;
}

/** A camera's recordings on the server. */
export function archiveOf(camera: string): ArchiveSource {
  return {
    list: async (fromMs, toMs, signal) => {
      const list = await api.archive(camera, { fromMs, toMs }, signal);
      // Video of an older Louver is no scene: it has no stream to read.
      return list.kind === "ok" ? { kind: "ok", value: list.value.filter((f) => f.format === "scene") } : list;
    },
    read: (fromMs, toMs, signal) => api.sceneArchive(camera, { fromMs, toMs }, signal),
  };
}
