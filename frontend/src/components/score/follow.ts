import type { BarBox } from "@/lib/score/engraving";

const MARGIN = 12; // pixels kept free above the line that is played

/** What of the page can be seen, in pixels from the top of the engraving. */
export interface Seen {
  top: number;
  bottom: number;
}

/**
 * How far to scroll so that a player can read on: the line that is played and the one after it are seen together; where
 * the screen is too low for two, the next line is there as soon as the last bar of this one begins. 0: nothing to do.
 */
export function scrollFor(now: BarBox, next: BarBox | undefined, nextLine: BarBox | undefined, seen: Seen): number {
  const ahead = nextLine ?? now;
  const lowest = ahead.y > now.y ? ahead.y + ahead.height : now.y + now.height;
  const room = seen.bottom - seen.top;
  const top = now.y - MARGIN;
  if (lowest - top <= room) return now.y >= seen.top && lowest <= seen.bottom ? 0 : top - seen.top;
  const turns = next !== undefined && next.y !== now.y;
  const wanted = turns ? next : now;
  if (wanted.y >= seen.top && wanted.y + wanted.height <= seen.bottom) return 0;
  return turns && next.y > now.y ? Math.min(next.y - MARGIN, next.y + next.height - room) - seen.top : wanted.y - MARGIN - seen.top;
}

/** Scrolls whatever the element scrolls in, gently unless the reader wants less motion. */
export function scrollBy(element: Element, pixels: number): void {
  const scroller = element.closest(".full-page") ?? window;
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  scroller.scrollBy({ top: pixels, behavior: still ? "instant" : "smooth" });
}

/** What is seen of an element between the top of the screen and the player at its foot. */
export function seenOf(element: Element, scale: number): Seen {
  const top = element.getBoundingClientRect().top;
  const docks = element.closest("[data-stand]")?.querySelectorAll("[data-dock]") ?? [];
  const tops = Array.from(docks, (dock) => dock.getBoundingClientRect()).filter((box) => box.height > 0);
  const bottom = Math.min(window.innerHeight, ...tops.map((box) => box.top));
  return { top: -top / scale, bottom: (bottom - top) / scale };
}
