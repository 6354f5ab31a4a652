/** Asks now and every `everyMs` after the answer, not while the tab is hidden; gives back what ends it. */
export function poll(everyMs: number, ask: (signal: AbortSignal) => Promise<void>): () => void {
  const abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const round = async (): Promise<void> => {
    if (document.visibilityState === "visible") await ask(abort.signal);
    if (!abort.signal.aborted) timer = setTimeout(() => void round(), everyMs);
  };
  const shown = (): void => {
    if (document.visibilityState !== "visible") return;
    clearTimeout(timer);
    void round();
  };

  document.addEventListener("visibilitychange", shown, { signal: abort.signal });
  void round();
  return () => {
    clearTimeout(timer);
    abort.abort();
  };
}
