/** Media Source Extensions as this page uses them; phones of one maker have them under another name. */
export interface MediaSources {
  create: () => MediaSource;
  canPlay: (mime: string) => boolean;
  addressOf: (source: MediaSource) => string;
  forget: (address: string) => void;
}

type MediaSourceClass = typeof MediaSource;

function known(): MediaSourceClass | null {
  const scope = globalThis as { ManagedMediaSource?: MediaSourceClass; MediaSource?: MediaSourceClass };
  return scope.MediaSource ?? scope.ManagedMediaSource ?? null;
}

/** The browser's own. */
export const browserMediaSources: MediaSources = {
  create: () => {
    const Source = known();
    if (!Source) throw new Error("this browser has no Media Source Extensions");
    return new Source();
  },
  canPlay: (mime) => known()?.isTypeSupported(mime) ?? false,
  addressOf: (source) => URL.createObjectURL(source),
  forget: (address) => {
    URL.revokeObjectURL(address);
  },
};
