/** Drawn places: what the stand-in's cameras look at. */
import { execFileSync } from "node:child_process";

export const WIDTH = 640;
export const HEIGHT = 360;
export const TILE = 64;

type Colour = [r: number, g: number, b: number];

class Canvas {
  readonly pixels = new Uint8Array(WIDTH * HEIGHT * 3);

  each(box: [number, number, number, number], colour: (x: number, y: number) => Colour | null): void {
    const [left, top, right, bottom] = box.map(Math.round) as [number, number, number, number];
    for (let y = Math.max(0, top); y < Math.min(HEIGHT, bottom); y += 1) {
      for (let x = Math.max(0, left); x < Math.min(WIDTH, right); x += 1) {
        const c = colour(x, y);
        if (c) this.pixels.set(c.map((v) => Math.max(0, Math.min(255, v + grain(x, y) * 7))), (y * WIDTH + x) * 3);
      }
    }
  }

  rect(box: [number, number, number, number], colour: Colour): void {
    this.each(box, () => colour);
  }

  /** From one colour above to another below. */
  fade(box: [number, number, number, number], above: Colour, below: Colour): void {
    this.each(box, (_, y) => mix(above, below, (y - box[1]) / (box[3] - box[1])));
  }

  disc(x: number, y: number, radius: number, colour: Colour): void {
    this.each([x - radius, y - radius, x + radius, y + radius], (px, py) => {
      const far = Math.hypot(px - x, (py - y) * 1.1) + grain(px >> 2, py >> 2) * 5;
      return far < radius ? mix(colour, [colour[0] + 26, colour[1] + 26, colour[2] + 14], (y - py) / radius / 2 + 0.3) : null;
    });
  }
}

function mix(a: Colour, b: Colour, share: number): Colour {
  const at = (i: 0 | 1 | 2): number => a[i] + (b[i] - a[i]) * share;
  return [at(0), at(1), at(2)];
}

/** The same number for the same place, -0.5 to 0.5. */
function grain(x: number, y: number): number {
  const n = Math.sin(x * 127.1 + y * 311.7) * 43758.5453;
  return n - Math.floor(n) - 0.5;
}

/** Somebody on the pavement, as stills of events show them. */
export function drawStill(): Uint8Array {
  const on = new Canvas();
  on.pixels.set(drawPlace(0));
  for (const [at, colour] of [[[304, 164, 328, 236], [0, 114, 178]], [[488, 272, 640, 344], [230, 159, 0]]] as const) {
    on.rect([at[0] - 2, at[1] - 2, at[2] + 2, at[3] + 2], [16, 24, 30]);
    on.rect([...at], [...colour]);
  }
  return on.pixels;
}

/** A yard in front of a house, in four lights. */
export function drawPlace(variant: number): Uint8Array {
  const on = new Canvas();
  const sky: [Colour, Colour][] = [
    [[150, 178, 200], [214, 222, 224]],
    [[188, 196, 198], [226, 222, 212]],
    [[120, 140, 168], [232, 190, 150]],
    [[134, 164, 190], [206, 220, 226]],
  ];
  const [above, below] = sky[variant % 4] ?? [[150, 178, 200], [214, 222, 224]];
  on.fade([0, 0, WIDTH, 150], above, below);
  on.fade([0, 130, WIDTH, HEIGHT], [148, 146, 138], [112, 111, 106]);
  const left = variant % 2 === 0 ? 60 : 250;
  const wall: Colour = variant % 3 === 0 ? [176, 122, 98] : [190, 180, 160];
  on.rect([left, 44, left + 300, 168], wall);
  on.rect([left - 8, 34, left + 308, 46], [84, 80, 78]);
  for (let i = 0; i < 6; i += 1) {
    const x = left + 18 + i * 47;
    if (i === 3) continue;
    on.rect([x, 62, x + 30, 104], [236, 232, 222]);
    on.fade([x + 3, 65, x + 27, 101], [74, 96, 112], [120, 142, 150]);
  }
  on.rect([left + 156, 84, left + 192, 168], [70, 60, 52]);
  on.rect([left + 161, 90, left + 187, 164], [96, 78, 62]);
  on.rect([left + 140, 168, left + 210, 176], [168, 164, 156]);
  // A road at the front, and its edge.
  on.each([0, 268, WIDTH, HEIGHT], (x, y) => (y > 276 + x * 0.02 ? [84, 86, 88] : [178, 174, 164]));
  for (let x = 20; x < WIDTH; x += 110) on.rect([x, 322, x + 54, 327], [206, 204, 196]);
  // Grass, trees, a lamp, a bench, bins.
  on.each([0, 172, 150, 230], (x, y) => (y > 180 + x * 0.26 ? null : [98, 122, 74]));
  const trunk = variant % 2 === 0 ? 520 : 110;
  on.rect([trunk - 6, 96, trunk + 6, 214], [82, 66, 52]);
  for (const [x, y, r] of [[0, 70, 52], [-34, 92, 34], [36, 90, 36], [4, 42, 34]] as const) on.disc(trunk + x, y, r, [74, 104, 62]);
  on.rect([404, 70, 409, 236], [58, 62, 64]);
  on.rect([398, 62, 426, 71], [58, 62, 64]);
  on.rect([566, 202, 632, 210], [110, 84, 60]);
  on.rect([572, 210, 577, 226], [60, 58, 56]);
  on.rect([620, 210, 625, 226], [60, 58, 56]);
  on.rect([566, 186, 632, 192], [110, 84, 60]);
  on.rect([22, 196, 46, 236], [62, 84, 78]);
  on.rect([52, 198, 74, 236], [92, 92, 70]);
  return on.pixels;
}

export interface Coded {
  tables: Uint8Array;
  tiles: { number: number; body: Uint8Array }[];
}

function cut(pixels: Uint8Array, left: number, top: number, width: number, height: number): Uint8Array {
  const out = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    const at = ((top + y) * WIDTH + left) * 3;
    out.set(pixels.subarray(at, at + width * 3), y * width * 3);
  }
  return out;
}

function jpegs(raw: Uint8Array, width: number, height: number): Uint8Array[] {
  const args = ["-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", `${String(width)}x${String(height)}`, "-i", "-"];
  const out = execFileSync(
    "ffmpeg",
    [...args, "-pix_fmt", "yuvj420p", "-c:v", "mjpeg", "-huffman", "default", "-q:v", "3", "-f", "image2pipe", "-"],
    { input: raw, maxBuffer: 1 << 26 },
  );
  const files: Uint8Array[] = [];
  for (let at = 0; at < out.length; ) {
    const end = out.indexOf(Buffer.from([0xff, 0xd9]), at) + 2;
    files.push(out.subarray(at, end));
    at = end;
  }
  return files;
}

/** Where what differs from tile to tile begins: the frame header. */
function frameAt(file: Uint8Array): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let at = 2;
  while (view.getUint8(at + 1) !== 0xc0) at += 2 + view.getUint16(at + 2);
  return at;
}

/** A picture as tiles that share their tables. */
export function codePlace(pixels: Uint8Array): Coded {
  const across = Math.ceil(WIDTH / TILE);
  const down = Math.ceil(HEIGHT / TILE);
  const tiles: Coded["tiles"] = [];
  let tables = new Uint8Array();
  for (let row = 0; row < down; row += 1) {
    const height = Math.min(TILE, HEIGHT - row * TILE);
    const parts = Array.from({ length: across }, (_, column) => cut(pixels, column * TILE, row * TILE, TILE, height));
    jpegs(Buffer.concat(parts), TILE, height).forEach((file, column) => {
      const at = frameAt(file);
      tables = Uint8Array.from(file.subarray(0, at));
      tiles.push({ number: row * across + column, body: Uint8Array.from(file.subarray(at)) });
    });
  }
  return { tables, tiles };
}
