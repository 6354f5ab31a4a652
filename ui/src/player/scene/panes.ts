/** Windows: pictures of what the camera's policy allows to be seen, decoded once each. */

import { jpegFile } from "./jpeg";
import type { Header, Pane } from "./model";

export class Panes {
  readonly #onChange: () => void;
  #images = new Map<Pane, ImageBitmap | null>();

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Draws those that are decoded; the others come as soon as they are, or stay what they cover. */
  draw(on: CanvasRenderingContext2D, panes: readonly Pane[], header: Header, perPixel: number): void {
    for (const [pane, image] of this.#images) {
      if (panes.includes(pane)) continue;
      image?.close();
      this.#images.delete(pane);
    }
    for (const pane of panes) {
      const image = this.#images.get(pane);
      if (image === undefined) this.#decode(pane, header);
      if (!image) continue;
      const { left, top, right, bottom } = pane;
      on.drawImage(image, left * perPixel, top * perPixel, (right - left) * perPixel, (bottom - top) * perPixel);
    }
  }

  clear(): void {
    for (const image of this.#images.values()) image?.close();
    this.#images.clear();
  }

  #decode(pane: Pane, header: Header): void {
    this.#images.set(pane, null);
    void createImageBitmap(jpegFile(header.tables, pane.body)).then(
      (image) => {
        const fits = image.width === pane.right - pane.left && image.height === pane.bottom - pane.top;
        if (!fits || !this.#images.has(pane)) {
          image.close();
          return;
        }
        this.#images.set(pane, image);
        this.#onChange();
      },
      () => undefined,
    );
  }
}
