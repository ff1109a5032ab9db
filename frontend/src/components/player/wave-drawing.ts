import type { Loop } from "@/lib/player/clock";
import type { Hit } from "@/lib/player/schedule";
import { PEAKS_PER_SECOND } from "@/lib/player/pcm";
import type { BarTime } from "@/lib/score/score";

export interface Wave {
  peaks: readonly number[];
  hits: readonly Hit[];
  bars: readonly BarTime[];
  duration: number;
  loop: Loop | null;
}

/** Draws peaks, bar lines, hits by strength and the loop into a canvas, sharp at the screen's own resolution. */
export function drawWave(canvas: HTMLCanvasElement, wave: Wave): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  context.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  // Nothing may glide here: where less motion is wanted every change is a very short transition, which reads as not begun.
  canvas.style.setProperty("transition", "none", "important");
  // Tokens that depend on the theme are read from a real property, where the browser has resolved them.
  const colour = (token: string) => {
    canvas.style.outlineColor = `var(${token})`;
    return style.outlineColor;
  };
  const x = (time: number) => (time / Math.max(wave.duration, 0.001)) * width;
  const middle = height / 2;
  if (wave.loop) {
    context.fillStyle = colour("--wash");
    context.fillRect(x(wave.loop.start), 0, x(wave.loop.end) - x(wave.loop.start), height);
  }
  context.fillStyle = colour("--line");
  for (const bar of wave.bars) context.fillRect(x(bar.start), 0, 1, height);
  context.fillStyle = colour("--edge");
  for (let column = 0; column < width; column++) {
    const from = Math.floor((column / width) * wave.duration * PEAKS_PER_SECOND);
    const to = Math.max(from + 1, Math.floor(((column + 1) / width) * wave.duration * PEAKS_PER_SECOND));
    let peak = 0;
    for (let index = from; index < to; index++) peak = Math.max(peak, wave.peaks[index] ?? 0);
    const reach = peak * (middle - 4);
    if (reach > 0) context.fillRect(column, middle - reach, 1, Math.max(1, 2 * reach));
  }
  context.fillStyle = colour("--accent");
  const alone = wave.peaks.length === 0;
  for (const hit of wave.hits) {
    // Beside a recording the hits stand small at its foot; without one they are what is played.
    const length = alone ? 4 + hit.velocity * (height - 8) : 3 + hit.velocity * 7;
    context.fillRect(x(hit.time), alone ? middle - length / 2 : height - length, 1, length);
  }
  canvas.style.outlineColor = "";
}
