/** How many tiles side by side make the pictures of a wall largest. */
export function columnsFor(count: number, width: number, height: number, captionPx = 44, gapPx = 16): number {
  if (count <= 1 || width <= 0 || height <= 0) return 1;
  let best = { columns: 1, area: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const byWidth = (width - gapPx * (columns - 1)) / columns;
    const byHeight = ((height - gapPx * (rows - 1)) / rows - captionPx) * (16 / 9);
    const tile = Math.min(byWidth, byHeight);
    if (tile > best.area) best = { columns, area: tile };
  }
  // Never so small that nothing can be told on it: then the wall scrolls.
  const readable = Math.max(1, Math.floor((width + gapPx) / (260 + gapPx)));
  return Math.min(best.columns, readable);
}
