/** One animation frame for every picture on the page. */

/** Draws what is due at page time `nowMs`; says whether another frame is wanted without anything new coming in. */
export type Draw = (nowMs: number) => boolean;

export interface FrameSource {
  request: (run: (nowMs: number) => void) => number;
  cancel: (id: number) => void;
}

const browserFrames: FrameSource = {
  request: (run) => requestAnimationFrame(run),
  cancel: (id) => {
    cancelAnimationFrame(id);
  },
};

/**
 * Calls those who want a frame, once a frame, and asks the browser for none while nobody does: a wall of quiet cameras
 * costs nothing.
 */
export class Frames {
  readonly #source: FrameSource;
  readonly #wanting = new Set<Draw>();
  #asked: number | null = null;

  constructor(source: FrameSource = browserFrames) {
    this.#source = source;
  }

  /** `draw` is called with the next frame, and again for as long as it says so. */
  want(draw: Draw): void {
    this.#wanting.add(draw);
    this.#ask();
  }

  forget(draw: Draw): void {
    this.#wanting.delete(draw);
    if (this.#wanting.size > 0 || this.#asked === null) return;
    this.#source.cancel(this.#asked);
    this.#asked = null;
  }

  #ask(): void {
    if (this.#asked !== null || this.#wanting.size === 0) return;
    this.#asked = this.#source.request(this.#frame);
  }

  readonly #frame = (nowMs: number): void => {
    this.#asked = null;
    for (const draw of [...this.#wanting]) {
      if (!draw(nowMs)) this.#wanting.delete(draw);
    }
    this.#ask();
  };
}

export const frames = new Frames();
