import { expect, type Locator } from "@playwright/test";

/** A `<video>` on a page, judged by what it shows. */
export class Picture {
  readonly video: Locator;

  constructor(readonly screen: Locator) {
    this.video = screen.locator("video");
  }

  /** Seconds on the element's own clock; -1 before there is a picture. */
  timeS(): Promise<number> {
    return this.video.evaluate((v: HTMLVideoElement) => (v.videoWidth > 0 ? v.currentTime : -1));
  }

  /** A number for what is on screen now: another picture, another number. */
  print(): Promise<number> {
    return this.video.evaluate((v: HTMLVideoElement) => {
      const canvas = document.createElement("canvas");
      canvas.width = 160;
      canvas.height = 90;
      const context = canvas.getContext("2d");
      if (!context) throw new Error("no canvas");
      context.drawImage(v, 0, 0, 160, 90);
      return context.getImageData(0, 0, 160, 90).data.reduce((sum, value, i) => (sum * 31 + value + i) % 1_000_000_007, 7);
    });
  }

  /** Pictures are there, follow one another, and differ. */
  async expectMoving(): Promise<void> {
    await expect.poll(() => this.timeS(), { message: "first picture", timeout: 30_000 }).toBeGreaterThanOrEqual(0);
    const fromS = await this.timeS();
    const print = await this.print();
    await expect.poll(() => this.timeS(), { message: "time goes on" }).toBeGreaterThan(fromS + 1);
    await expect.poll(() => this.print(), { message: "another picture" }).not.toBe(print);
  }
}

/** A live picture says how far behind the newest one it is. */
export class LivePicture extends Picture {
  async expectUnderOneSecondBehind(): Promise<void> {
    await expect(this.screen).toHaveAttribute("data-live", "playing", { timeout: 30_000 });
    // Measured here too, not only believed: from the end of what is buffered to what is on screen.
    await expect
      .poll(() => this.video.evaluate((v: HTMLVideoElement) => v.buffered.end(v.buffered.length - 1) - v.currentTime))
      .toBeLessThan(1);
    expect(Number(await this.screen.getAttribute("data-behind"))).toBeLessThan(1);
  }
}
