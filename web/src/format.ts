// Numbers and times as text.

const two = (value: number): string => String(value).padStart(2, "0");

/** 14:03:22, in the reader's time zone. */
export function clock(t: number): string {
  const date = new Date(t);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** 14:03 */
export function clockShort(t: number): string {
  return clock(t).slice(0, 5);
}

/** 14:03:22, with the day before it when that is not `now`'s. */
export function moment(t: number, now: number): string {
  const date = new Date(t);
  if (date.toDateString() === new Date(now).toDateString()) return clock(t);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(t)}`;
}

/** UTC+01:00 */
export function zone(offsetMinutes: number): string {
  const ahead = -offsetMinutes;
  if (ahead === 0) return "UTC";
  const size = Math.abs(ahead);
  return `UTC${ahead < 0 ? "−" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** 120 ms, 3.2 s, 45 s, 10 min, 1 h 20 min */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10000 && ms % 1000 >= 50) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 && minutes < 10 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
}

/** 0.71 */
export function share(value: number | null | undefined): string {
  return typeof value === "number" && Number.isFinite(value) ? value.toFixed(2) : "–";
}

/** −0.37, +0.52 */
export function signed(value: number | null | undefined): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  const text = Math.abs(value).toFixed(2);
  return text === "0.00" ? text : (value < 0 ? "−" : "+") + text;
}

/** −23 dBFS; digital silence has no level. */
export function level(value: number | null | undefined): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  return `${value < 0 ? "−" : ""}${Math.abs(Math.round(value))} dBFS`;
}

/** Where a level stands on a meter from -60 to 0 dBFS: 0..1. */
export function meter(value: number | null | undefined): number {
  if (typeof value !== "number" || !Number.isFinite(value)) return 0;
  return Math.min(1, Math.max(0, (value + 60) / 60));
}

/** ring_overflow is "ring overflow". */
export function words(code: string): string {
  return code.replaceAll("_", " ").replaceAll("-", " ");
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

export function csvField(value: unknown): string {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
