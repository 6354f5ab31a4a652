/** What lies under the figures: the place where it is known, and patterns that say what is not shown and why. */

import type { Backdrop } from "./backdrop";
import { NEVER_GROUND, NEVER_LINE, UNKNOWN_GROUND, UNKNOWN_SLAT } from "./colours";
import { Layer } from "./layer";
import { NEVER_SHOWN, UNKNOWN, type Header } from "./model";
import type { SceneState } from "./state";

/** How large a scene is drawn. */
export interface Scale {
  /** Picture on the screen, device pixels. */
  width: number;
  height: number;
  /** Device pixels for one of the picture, and for one that lines and signs are measured in. */
  perPixel: number;
  perPoint: number;
}

/** One byte a cell, 255 where the state is `of`. */
export function maskOf(cells: Uint8Array, of: number): { mask: Uint8ClampedArray<ArrayBuffer>; any: boolean } {
  const mask = new Uint8ClampedArray(cells.length * 4);
  let any = false;
  for (let i = 0; i < cells.length; i += 1) {
    if (cells[i] !== of) continue;
    mask[i * 4 + 3] = 255;
    any = true;
  }
  return { mask, any };
}

export class Ground {
  readonly #place = new Layer();
  readonly #cover = new Layer();
  readonly #part = new Layer();
  readonly #mask = new Layer();
  #covers = false;
  #key = "";
  #coverKey = "";

  /** Draws place, then what `between` draws, then what covers both. */
  draw(on: CanvasRenderingContext2D, state: SceneState, backdrop: Backdrop, scale: Scale, between: () => void): void {
    const { header } = state;
    if (!header) {
      on.fillStyle = slats(on, scale.perPoint);
      on.fillRect(0, 0, scale.width, scale.height);
      return;
    }
    const size = `${String(scale.width)} ${String(scale.height)} ${String(scale.perPoint)}`;
    const key = `${size} ${String(backdrop.version)}`;
    if (key !== this.#key) this.#drawPlace(backdrop, scale);
    this.#key = key;
    const coverKey = `${size} ${String(state.cellsVersion)}`;
    if (coverKey !== this.#coverKey) this.#drawCover(state.cells, header, scale);
    this.#coverKey = coverKey;
    on.drawImage(this.#place.canvas, 0, 0);
    between();
    if (this.#covers) on.drawImage(this.#cover.canvas, 0, 0);
  }

  #drawPlace(backdrop: Backdrop, scale: Scale): void {
    this.#place.reset(scale.width, scale.height);
    const { on } = this.#place;
    on.fillStyle = slats(on, scale.perPoint);
    on.fillRect(0, 0, scale.width, scale.height);
    on.imageSmoothingEnabled = true;
    on.imageSmoothingQuality = "high";
    on.drawImage(backdrop.canvas, 0, 0, scale.width, scale.height);
  }

  #drawCover(cells: Uint8Array, header: Header, scale: Scale): void {
    const unknown = maskOf(cells, UNKNOWN);
    const never = maskOf(cells, NEVER_SHOWN);
    this.#covers = unknown.any || never.any;
    this.#cover.reset(scale.width, scale.height);
    if (unknown.any) this.#lay(unknown.mask, header, scale, slats(this.#part.on, scale.perPoint));
    if (never.any) this.#lay(never.mask, header, scale, hatch(this.#part.on, scale.perPoint));
  }

  /** A pattern on the cells of a mask, to the pixel. */
  #lay(mask: Uint8ClampedArray<ArrayBuffer>, header: Header, scale: Scale, pattern: CanvasPattern | string): void {
    this.#mask.reset(header.columns, header.rows);
    this.#mask.on.putImageData(new ImageData(mask, header.columns, header.rows), 0, 0);
    this.#part.reset(scale.width, scale.height);
    const { on } = this.#part;
    on.fillStyle = pattern;
    on.fillRect(0, 0, scale.width, scale.height);
    on.globalCompositeOperation = "destination-in";
    // Cells at the right and lower edge may reach over the picture's own edge.
    const side = header.cell * scale.perPixel;
    on.imageSmoothingEnabled = false;
    on.drawImage(this.#mask.canvas, 0, 0, header.columns * side, header.rows * side);
    this.#cover.on.drawImage(this.#part.canvas, 0, 0);
  }
}

/** Slats of a closed louver: nobody knows this part yet. */
function slats(on: CanvasRenderingContext2D, perPoint: number): CanvasPattern | string {
  const pitch = Math.max(4, Math.round(11 * perPoint));
  const line = Math.max(1, Math.round(1.5 * perPoint));
  const { canvas, on: part } = new Layer(pitch, pitch);
  part.fillStyle = UNKNOWN_GROUND;
  part.fillRect(0, 0, pitch, pitch);
  part.fillStyle = UNKNOWN_SLAT;
  part.fillRect(0, pitch - line, pitch, line);
  return on.createPattern(canvas, "repeat") ?? UNKNOWN_GROUND;
}

/** Crossed lines: this part is never shown. */
function hatch(on: CanvasRenderingContext2D, perPoint: number): CanvasPattern | string {
  const side = Math.max(4, Math.round(12 * perPoint));
  const { canvas, on: part } = new Layer(side, side);
  part.fillStyle = NEVER_GROUND;
  part.fillRect(0, 0, side, side);
  part.strokeStyle = NEVER_LINE;
  part.lineWidth = Math.max(1, perPoint * 1.2);
  part.beginPath();
  for (const shift of [-side, 0, side]) {
    part.moveTo(shift, 0);
    part.lineTo(shift + side, side);
    part.moveTo(shift + side, 0);
    part.lineTo(shift, side);
  }
  part.stroke();
  return on.createPattern(canvas, "repeat") ?? NEVER_GROUND;
}
