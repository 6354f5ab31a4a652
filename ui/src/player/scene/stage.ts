import { Backdrop } from "./backdrop";
import { drawFigure } from "./figure-shapes";
import { Ground, type Scale } from "./ground";
import type { Header, SceneRecord } from "./model";
import { Motion, type Movement } from "./motion";
import { Panes } from "./panes";
import { SceneState } from "./state";

/** More device pixels than this show nothing more of a small scene. */
const WIDTH_MOST = 2_560;

/** How fresh what is shown is: an old picture must not look like a live one. */
export type Freshness = "fresh" | "old";

/** What players need of a stage; tests have one without a canvas. */
export type Surface = Pick<Stage, "state" | "motion" | "begin" | "apply" | "settled" | "paint" | "frameMs" | "close">;

/** One canvas and the scene on it. */
export class Stage {
  readonly state = new SceneState();
  readonly motion = new Motion();
  readonly #canvas: HTMLCanvasElement;
  readonly #on: CanvasRenderingContext2D;
  readonly #backdrop: Backdrop;
  readonly #panes: Panes;
  readonly #ground = new Ground();
  #perPoint = 1;
  #again = (): void => undefined;

  /** `onChange`: something to draw came in by itself, such as a tile that is decoded. */
  constructor(canvas: HTMLCanvasElement, onChange: () => void) {
    const on = canvas.getContext("2d", { alpha: false });
    if (!on) throw new Error("this browser draws nothing on a canvas");
    this.#canvas = canvas;
    this.#on = on;
    this.#backdrop = new Backdrop(onChange);
    this.#panes = new Panes(onChange);
  }

  /** The page gave the canvas another size; page pixels, and device pixels for one of them. */
  resize(width: number, height: number, density: number): void {
    const most = Math.min(density, WIDTH_MOST / Math.max(1, width));
    this.#perPoint = most;
    const [w, h] = [Math.max(1, Math.round(width * most)), Math.max(1, Math.round(height * most))];
    if (this.#canvas.width === w && this.#canvas.height === h) return;
    this.#canvas.width = w;
    this.#canvas.height = h;
    // Another size empties the canvas: it is filled again before the page shows it.
    this.#again();
  }

  /** Shortest time between two drawings worth their cost: a small picture shows no more at a higher rate. */
  get frameMs(): number {
    return this.#canvas.width / this.#perPoint < 640 ? 30 : 0;
  }

  /** Begins a stream; until a record is applied nothing of it is known, and nothing is shown. */
  begin(header: Header): void {
    this.state.begin(header);
    this.motion.clear();
    this.#panes.clear();
  }

  /** Applies records, in order, to place and cells; says how many fitted. Their figures go to `motion`, by the caller. */
  apply(records: readonly SceneRecord[]): number {
    const fitted = records.filter((record) => this.state.apply(record)).length;
    if (fitted > 0) this.#backdrop.follow(this.state);
    return fitted;
  }

  /** When the place that the state knows is decoded. */
  settled(): Promise<void> {
    return this.#backdrop.settled();
  }

  /** Draws the moment `atMs`; `null`: the place alone. */
  paint(atMs: number | null, movement: Movement, easeMs: number, freshness: Freshness): void {
    this.#again = () => {
      this.paint(atMs, movement, easeMs, freshness);
    };
    const { width, height } = this.#canvas;
    const scale = this.#scale();
    const [left, top] = [Math.round((width - scale.width) / 2), Math.round((height - scale.height) / 2)];
    const on = this.#on;
    on.setTransform(1, 0, 0, 1, 0, 0);
    on.fillStyle = "#0b0e0d";
    on.fillRect(0, 0, width, height);
    on.save();
    on.translate(left, top);
    on.beginPath();
    on.rect(0, 0, scale.width, scale.height);
    on.clip();
    const { header } = this.state;
    this.#ground.draw(on, this.state, this.#backdrop, scale, () => {
      if (header && atMs !== null) this.#panes.draw(on, this.motion.panesAt(atMs), header, scale.perPixel);
    });
    if (freshness === "old") {
      on.fillStyle = "rgb(11 14 13 / 55%)";
      on.fillRect(0, 0, scale.width, scale.height);
    }
    if (atMs !== null) {
      for (const figure of this.motion.at(atMs, movement, easeMs)) drawFigure(on, figure, scale.perPixel, scale.perPoint);
    }
    on.restore();
  }

  close(): void {
    this.#panes.clear();
  }

  /** The picture as large as it fits. Before there is one, all of the canvas. */
  #scale(): Scale {
    const { width, height } = this.#canvas;
    // A large picture is looked at from further away: lines and signs grow with it.
    const perPoint = this.#perPoint * Math.min(2.4, Math.max(1, width / this.#perPoint / 900));
    const { header } = this.state;
    if (!header) return { width, height, perPixel: 1, perPoint };
    const perPixel = Math.min(width / header.width, height / header.height);
    return {
      width: Math.round(header.width * perPixel),
      height: Math.round(header.height * perPixel),
      perPixel,
      perPoint,
    };
  }
}
