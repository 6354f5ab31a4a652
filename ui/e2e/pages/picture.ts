import { expect, type Locator } from "@playwright/test";

/** What a canvas shows, looked at small. */
interface Look {
  /** Another picture, another number. */
  print: number;
  /** How far its brightness spreads; a flat ground has none. */
  spread: number;
  colours: number;
}

/** A scene on a page, judged by what is on its canvas. */
export class Picture {
  readonly canvas: Locator;

  constructor(readonly screen: Locator) {
    this.canvas = screen.locator("canvas");
  }

  look(): Promise<Look> {
    return this.canvas.evaluate((from: HTMLCanvasElement): Look => {
      const small = document.createElement("canvas");
      small.width = 160;
      small.height = 90;
      const context = small.getContext("2d");
      if (!context) throw new Error("no canvas");
      context.drawImage(from, 0, 0, 160, 90);
      const { data } = context.getImageData(0, 0, 160, 90);
      const colours = new Set<number>();
      let [print, sum, squares] = [7, 0, 0];
      for (let at = 0; at < data.length; at += 4) {
        const [r = 0, g = 0, b = 0] = data.subarray(at, at + 3);
        const light = 0.3 * r + 0.59 * g + 0.11 * b;
        sum += light;
        squares += light * light;
        colours.add((r >> 3) * 1024 + (g >> 3) * 32 + (b >> 3));
        print = (print * 31 + r + g * 7 + b * 13) % 1_000_000_007;
      }
      const count = data.length / 4;
      return { print, spread: Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2)), colours: colours.size };
    });
  }

  /** How many of these pixels have about this colour, of a canvas as it is. */
  pixelsOf(colour: [r: number, g: number, b: number]): Promise<number> {
    return this.canvas.evaluate((from: HTMLCanvasElement, [r, g, b]) => {
      const { data } = from.getContext("2d")?.getImageData(0, 0, from.width, from.height) ?? { data: [] };
      let count = 0;
      for (let at = 0; at < data.length; at += 4) {
        const far = Math.abs((data[at] ?? 0) - r) + Math.abs((data[at + 1] ?? 0) - g) + Math.abs((data[at + 2] ?? 0) - b);
        if (far < 12) count += 1;
      }
      return count;
    }, colour);
  }

  /** The moment on the canvas, ms since 1970. */
  async atMs(): Promise<number> {
    return Number((await this.screen.getAttribute("data-at")) ?? 0);
  }

  /** A place is drawn, not one flat ground. */
  async expectPlace(): Promise<void> {
    await expect.poll(async () => (await this.look()).spread, { message: "a place, not a flat ground", timeout: 90_000 }).toBeGreaterThan(8);
    expect((await this.look()).colours).toBeGreaterThan(40);
  }

  /** Pictures are there, follow one another, and differ. */
  async expectMoving(): Promise<void> {
    await expect(this.screen).toHaveAttribute(this.#state, "playing", { timeout: 30_000 });
    const fromMs = await this.atMs();
    const { print } = await this.look();
    await expect.poll(() => this.atMs(), { message: "time goes on" }).toBeGreaterThan(fromMs + 1_000);
    await expect.poll(async () => (await this.look()).print, { message: "another picture", timeout: 30_000 }).not.toBe(print);
  }

  get #state(): string {
    return this instanceof LivePicture ? "data-live" : "data-archive";
  }
}

/** A live picture says how far behind the newest one it is. */
export class LivePicture extends Picture {
  async expectUnderOneSecondBehind(): Promise<void> {
    await expect(this.screen).toHaveAttribute("data-live", "playing", { timeout: 30_000 });
    // Measured here too, not only believed: recorder and browser have one clock in these tests.
    await expect.poll(async () => Date.now() - (await this.atMs()), { message: "ms from camera to canvas" }).toBeLessThan(1_000);
    expect(Number(await this.screen.getAttribute("data-behind"))).toBeLessThan(1);
  }
}
