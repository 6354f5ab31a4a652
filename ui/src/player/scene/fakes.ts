/** A stage without a canvas, frames and a network that the test moves. */
import { Motion, type DrawnFigure } from "./motion";
import type { Header, Pane, SceneRecord } from "./model";
import type { Surface } from "./stage";
import { SceneState } from "./state";

export interface Painted {
  atMs: number | null;
  freshness: "fresh" | "old";
  figures: DrawnFigure[];
  panes: readonly Pane[];
}

export class FakeStage implements Surface {
  readonly state = new SceneState();
  readonly motion = new Motion();
  readonly frameMs = 0;
  readonly painted: Painted[] = [];
  begun = 0;
  closed = false;

  begin(header: Header): void {
    this.begun += 1;
    this.state.begin(header);
    this.motion.clear();
  }

  apply(records: readonly SceneRecord[]): number {
    return records.filter((r) => this.state.apply(r)).length;
  }

  settled(): Promise<void> {
    return Promise.resolve();
  }

  paint(atMs: number | null, _movement: "smooth" | "reduced", easeMs: number, freshness: "fresh" | "old"): void {
    const figures = atMs === null ? [] : this.motion.at(atMs, "smooth", easeMs);
    this.painted.push({ atMs, freshness, figures, panes: atMs === null ? [] : this.motion.panesAt(atMs) });
  }

  close(): void {
    this.closed = true;
  }

  get last(): Painted | undefined {
    return this.painted.at(-1);
  }
}

export class FakeFrames {
  readonly wanting = new Set<(nowMs: number) => boolean>();

  want(draw: (nowMs: number) => boolean): void {
    this.wanting.add(draw);
  }

  forget(draw: (nowMs: number) => boolean): void {
    this.wanting.delete(draw);
  }

  /** One animation frame. */
  pass(nowMs: number): void {
    for (const draw of [...this.wanting]) if (!draw(nowMs)) this.wanting.delete(draw);
  }
}

export class FakeSocket {
  binaryType = "blob";
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;

  close(): void {
    this.closed = true;
  }

  text(body: unknown): void {
    this.onmessage?.({ data: JSON.stringify(body) });
  }

  bytes(bytes: Uint8Array): void {
    this.onmessage?.({ data: bytes.slice().buffer });
  }
}
