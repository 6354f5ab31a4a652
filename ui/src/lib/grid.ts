/** How a wall of 16:9 pictures fills a space. */
export interface Grid {
  columns: number;
  /** Width of the whole, pixels. */
  width: number;
}

const NARROWEST_PX = 240;

/** The grid whose pictures are largest; where that would make them too small to tell anything, the wall scrolls. */
export function gridFor(count: number, width: number, height: number, captionPx = 40, gapPx = 16): Grid {
  const readable = Math.max(1, Math.floor((width + gapPx) / (NARROWEST_PX + gapPx)));
  let best = { columns: 1, tile: 0 };
  for (let columns = 1; columns <= Math.min(count, readable); columns += 1) {
    const rows = Math.ceil(count / columns);
    const byWidth = (width - gapPx * (columns - 1)) / columns;
    const byHeight = ((height - gapPx * (rows - 1)) / rows - captionPx) * (16 / 9);
    const tile = Math.min(byWidth, byHeight);
    if (tile > best.tile) best = { columns, tile };
  }
  if (best.tile >= NARROWEST_PX) {
    return { columns: best.columns, width: Math.floor(best.columns * best.tile + gapPx * (best.columns - 1)) };
  }
  return { columns: Math.min(readable, Math.max(1, count)), width };
}
