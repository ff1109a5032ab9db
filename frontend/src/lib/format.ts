// Figures as a person reads them.

/** 3:05, or 1:02:03 from an hour on. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = String(whole % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** How long something took: 0.4 s, 12 s, 2 min 5 s. */
export function took(seconds: number): string {
  const safe = Math.max(0, seconds);
  if (safe < 9.95) return `${safe.toFixed(1)} s`;
  const whole = Math.round(safe);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 === 0 ? `${minutes} min` : `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A length as a limit: 90 seconds, 15 minutes, 24 hours, 30 days. */
export function span(seconds: number): string {
  if (seconds < 120) return plural(Math.round(seconds), "second");
  if (seconds < 7200) return plural(Math.round(seconds / 60), "minute");
  if (seconds < 72 * 3600) return plural(Math.round(seconds / 3600), "hour");
  return plural(Math.round(seconds / 86_400), "day");
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Size of a file, in the units that the server's limit is given in. */
export function megabytes(bytes: number): string {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

const DAY = 86_400_000;

/** How long ago, or on which day: just now, 5 min ago, yesterday, 3 March. */
export function since(iso: string, now: number): string {
  const then = Date.parse(iso);
  const passed = now - then;
  if (passed < 60_000) return "just now";
  if (passed < 3_600_000) return `${Math.floor(passed / 60_000)} min ago`;
  if (passed < DAY) return `${plural(Math.floor(passed / 3_600_000), "hour")} ago`;
  if (passed < 2 * DAY) return "yesterday";
  const sameYear = new Date(then).getUTCFullYear() === new Date(now).getUTCFullYear();
  return new Date(then).toLocaleDateString("en-GB", {
    day: "numeric",
    month: "long",
    year: sameYear ? undefined : "numeric",
    timeZone: "UTC",
  });
}

/** What is left: in 5 minutes, in 3 hours. */
export function remaining(iso: string, now: number): string {
  const left = (Date.parse(iso) - now) / 1000;
  return left <= 0 ? "now" : `in ${span(left)}`;
}
