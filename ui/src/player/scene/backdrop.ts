/** The place without people, as far as it is known, in picture pixels; clear where it is not. */

import { jpegFile } from "./jpeg";
import { Layer } from "./layer";
import type { Header } from "./model";
import { sameBytes } from "./parse";
import { tileBox } from "./sections";
import type { SceneState } from "./state";

/** Decodes a scene's tiles, in the background and each once. */
export class Backdrop {
  readonly #layer = new Layer();
  readonly #onChange: () => void;
  #header: Header | null = null;
  /** What is drawn or will be as soon as it is decoded. */
  #held = new Map<number, Uint8Array>();
  #seenVersion = -1;
  #version = 0;
  #decoding = 0;
  #waiting: (() => void)[] = [];

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get canvas(): HTMLCanvasElement {
    return this.#layer.canvas;
  }

  /** Another number, another picture. */
  get version(): number {
    return this.#version;
  }

  /** Draws what the state knows, and takes away what it no longer does. */
  follow(state: SceneState): void {
    const { header } = state;
    if (!header || this.#seenVersion === state.tilesVersion) return;
    this.#seenVersion = state.tilesVersion;
    if (!this.#fits(header)) {
      this.#held.clear();
      this.#layer.reset(header.width, header.height);
      this.#version += 1;
    }
    this.#header = header;
    for (const number of this.#held.keys()) {
      if (!state.tiles.has(number)) this.#drop(number, header);
    }
    for (const [number, body] of state.tiles) {
      const held = this.#held.get(number);
      if (held && sameBytes(held, body)) continue;
      this.#held.set(number, body);
      void this.#draw(number, body, header);
    }
  }

  /** When all that was asked for is drawn. */
  settled(): Promise<void> {
    if (this.#decoding === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #fits(header: Header): boolean {
    const old = this.#header;
    return (
      old !== null &&
      old.width === header.width &&
      old.height === header.height &&
      old.tile === header.tile &&
      sameBytes(old.tables, header.tables)
    );
  }

  #drop(number: number, header: Header): void {
    this.#held.delete(number);
    const { left, top, right, bottom } = tileBox(number, header);
    this.#layer.on.clearRect(left, top, right - left, bottom - top);
    this.#version += 1;
  }

  async #draw(number: number, body: Uint8Array, header: Header): Promise<void> {
    this.#decoding += 1;
    const image = await createImageBitmap(jpegFile(header.tables, body)).catch(() => null);
    this.#decoding -= 1;
    // Meanwhile it may have changed again or been forgotten; then this picture is of no use.
    if (this.#held.get(number) === body && this.#header === header) {
      const { left, top, right, bottom } = tileBox(number, header);
      this.#layer.on.clearRect(left, top, right - left, bottom - top);
      if (image?.width === right - left && image.height === bottom - top) this.#layer.on.drawImage(image, left, top);
      this.#version += 1;
      this.#onChange();
    }
    image?.close();
    if (this.#decoding === 0) for (const done of this.#waiting.splice(0)) done();
  }
}
