/** A picture in memory that is drawn on another. */
export class Layer {
  readonly canvas: HTMLCanvasElement;
  readonly on: CanvasRenderingContext2D;

  constructor(width = 1, height = 1) {
    this.canvas = document.createElement("canvas");
    this.canvas.width = width;
    this.canvas.height = height;
    const context = this.canvas.getContext("2d");
    if (!context) throw new Error("this browser draws nothing on a canvas");
    this.on = context;
  }

  /** Of this size and empty. */
  reset(width: number, height: number): void {
    if (this.canvas.width === width && this.canvas.height === height) {
      this.on.setTransform(1, 0, 0, 1, 0, 0);
      this.on.globalCompositeOperation = "source-over";
      this.on.clearRect(0, 0, width, height);
      return;
    }
    this.canvas.width = width;
    this.canvas.height = height;
  }
}
