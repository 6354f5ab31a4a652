/** How a figure looks: colour, shape, pattern and sign all say its class, so that none of them has to be seen. */

import { ICONS } from "../../lib/icons";
import { EDGE_DARK, EDGE_LIGHT, FIGURE, ON_FIGURE } from "./colours";
import type { Box, FigureKind } from "./model";
import type { DrawnFigure } from "./motion";

/** Below this a figure would not be seen from across a room; page pixels. */
const SMALLEST = 7;
/** From this on its sign fits inside. */
const SIGN_FROM = 15;
const SIGN_MOST = 34;

/** A box of at least `least`, around the same middle. */
export function widened(box: Box, least: number): Box {
  const x = Math.max(0, least - (box.right - box.left)) / 2;
  const y = Math.max(0, least - (box.bottom - box.top)) / 2;
  return { left: box.left - x, right: box.right + x, top: box.top - y, bottom: box.bottom + y };
}

function shapeOf(kind: FigureKind, { left, top, right, bottom }: Box, point: number): Path2D {
  const path = new Path2D();
  const [width, height] = [right - left, bottom - top];
  const least = Math.min(width, height);
  switch (kind) {
    case "person": {
      const round = Math.min(width / 2, height / 3, 26 * point);
      path.roundRect(left, top, width, height, [round, round, least * 0.12, least * 0.12]);
      return path;
    }
    case "vehicle": {
      const cut = Math.min(least * 0.28, 14 * point);
      path.moveTo(left + cut, top);
      path.lineTo(right - cut, top);
      path.lineTo(right, top + cut);
      path.lineTo(right, bottom);
      path.lineTo(left, bottom);
      path.lineTo(left, top + cut);
      path.closePath();
      return path;
    }
    case "animal": {
      const round = Math.min(least * 0.5, 26 * point);
      path.roundRect(left, top, width, height, [round, least * 0.1, round, least * 0.1]);
      return path;
    }
    case "parcel":
    case "moving":
      path.rect(left, top, width, height);
      return path;
    default:
      return kind satisfies never;
  }
}

/** Draws one figure; `perPixel`: device pixels for one of the picture; `perPoint`: for one that lines and signs are measured in. */
export function drawFigure(on: CanvasRenderingContext2D, figure: DrawnFigure, perPixel: number, perPoint: number): void {
  const box = widened(
    {
      left: figure.left * perPixel,
      top: figure.top * perPixel,
      right: figure.right * perPixel,
      bottom: figure.bottom * perPixel,
    },
    SMALLEST * perPoint,
  );
  const path = shapeOf(figure.kind, box, perPoint);
  on.save();
  on.globalAlpha = figure.alpha;
  on.lineJoin = "round";
  if (!figure.outline) fill(on, figure.kind, box, path, perPoint);
  edge(on, figure, path, perPoint);
  sign(on, figure, box, perPoint);
  on.restore();
}

function fill(on: CanvasRenderingContext2D, kind: FigureKind, box: Box, path: Path2D, point: number): void {
  on.fillStyle = FIGURE[kind];
  on.fill(path);
  on.save();
  on.clip(path);
  on.strokeStyle = ON_FIGURE[kind];
  on.fillStyle = ON_FIGURE[kind];
  on.globalAlpha *= kind === "moving" ? 0.6 : 0.26;
  on.lineWidth = Math.max(1, 1.2 * point);
  on.stroke(textureOf(kind, box, 6 * point));
  on.restore();
}

/** People plain, vehicles striped across, animals upright, parcels crossed, the unnamed slanting. */
function textureOf(kind: FigureKind, { left, top, right, bottom }: Box, pitch: number): Path2D {
  const path = new Path2D();
  const line = (x1: number, y1: number, x2: number, y2: number): void => {
    path.moveTo(x1, y1);
    path.lineTo(x2, y2);
  };
  switch (kind) {
    case "person":
      return path;
    case "vehicle":
      for (let y = bottom - pitch; y > top; y -= pitch) line(left, y, right, y);
      return path;
    case "animal":
      for (let x = left + pitch; x < right; x += pitch) line(x, top, x, bottom);
      return path;
    case "parcel":
      line((left + right) / 2, top, (left + right) / 2, bottom);
      line(left, (top + bottom) / 2, right, (top + bottom) / 2);
      return path;
    case "moving":
      for (let x = left - (bottom - top); x < right; x += pitch * 1.4) line(x, bottom, x + (bottom - top), top);
      return path;
    default:
      return kind satisfies never;
  }
}

function edge(on: CanvasRenderingContext2D, figure: DrawnFigure, path: Path2D, point: number): void {
  on.strokeStyle = EDGE_DARK;
  on.lineWidth = 3.2 * point;
  on.stroke(path);
  if (figure.kind === "moving") on.setLineDash([5 * point, 4 * point]);
  on.strokeStyle = figure.outline ? FIGURE[figure.kind] : EDGE_LIGHT;
  on.lineWidth = (figure.outline || figure.kind === "moving" ? 1.8 : 1.1) * point;
  on.stroke(path);
  on.setLineDash([]);
}

function sign(on: CanvasRenderingContext2D, figure: DrawnFigure, box: Box, point: number): void {
  const [width, height] = [box.right - box.left, box.bottom - box.top];
  if (figure.outline || Math.min(width, height) < SIGN_FROM * point) return;
  const size = Math.min(SIGN_MOST * point, Math.min(width, height) * 0.72);
  const y = figure.kind === "person" ? box.top + Math.min(height / 2, width / 2 + 2 * point) : (box.top + box.bottom) / 2;
  on.save();
  on.translate((box.left + box.right) / 2 - size / 2, y - size / 2);
  on.scale(size / 20, size / 20);
  on.lineWidth = 1.8;
  on.lineCap = "round";
  on.strokeStyle = ON_FIGURE[figure.kind];
  on.stroke(new Path2D(ICONS[figure.kind]));
  on.restore();
}
