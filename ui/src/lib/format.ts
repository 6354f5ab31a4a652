/** Times, sizes and spans as people read them: the viewer's own zone, 24 hours, no seconds where none help. */

const LOCALE = "en-GB";

function formatter(options: Intl.DateTimeFormatOptions): (ms: number) => string {
  const format = new Intl.DateTimeFormat(LOCALE, { hourCycle: "h23", ...options });
  return (ms) => format.format(ms);
}

/** 14:05 */
export const clock = formatter({ hour: "2-digit", minute: "2-digit" });
/** 14:05:09 */
export const clockSeconds = formatter({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
/** Sat 23 Nov */
export const day = formatter({ weekday: "short", day: "numeric", month: "short" });

/** 14:05:09 today, Sat 23 Nov 14:05:09 on another day. */
export function moment(ms: number, nowMs: number): string {
  return sameDay(ms, nowMs) ? clockSeconds(ms) : `${day(ms)} ${clockSeconds(ms)}`;
}

export function sameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}

/** "8 s", "3 min", "1 h 20 min", "2 days": the two largest parts at most. */
export function duration(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${String(s)} s`;
  const min = Math.round(s / 60);
  if (min < 60) return `${String(min)} min`;
  const h = Math.floor(min / 60);
  const rest = min % 60;
  if (h < 48) return rest === 0 ? `${String(h)} h` : `${String(h)} h ${String(rest)} min`;
  return `${String(Math.round(h / 24))} days`;
}

/** "just now", "3 min ago". */
export function ago(ms: number, nowMs: number): string {
  const gone = nowMs - ms;
  return gone < 5_000 ? "just now" : `${duration(gone)} ago`;
}

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** Decimal units, as on the disk's label: "1.5 TB". */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && value < 10 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? "B"}`;
}

/** "72 hours" or "30 days". */
export function retention(hours: number): string {
  if (hours % 24 === 0 && hours > 72) return `${String(hours / 24)} days`;
  return hours === 1 ? "1 hour" : `${String(hours)} hours`;
}

const two = (n: number): string => String(n).padStart(2, "0");

/** A moment as a date field and a 24 h time field hold it, in the viewer's zone. */
export function toFields(ms: number): { date: string; time: string } {
  const at = new Date(ms);
  return {
    date: `${String(at.getFullYear())}-${two(at.getMonth() + 1)}-${two(at.getDate())}`,
    time: `${two(at.getHours())}:${two(at.getMinutes())}`,
  };
}

/** The moment the two fields say; an empty time is midnight; `null` when they say none. */
export function fromFields(date: string, time: string): number | null {
  const clockTime = /^([01]?\d|2[0-3])[:.]([0-5]\d)$/.exec(time === "" ? "00:00" : time.trim());
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date) || !clockTime) return null;
  const ms = new Date(`${date}T${two(Number(clockTime[1]))}:${clockTime[2] ?? "00"}`).getTime();
  return Number.isNaN(ms) ? null : ms;
}
