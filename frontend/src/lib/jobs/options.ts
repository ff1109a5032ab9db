// The folded options of the start page, as the form holds them and as the server wants them.
import type { JobOptions } from "@/lib/api/types";

export const OPTION_NAMES = ["title", "bpm", "time_signature", "voices", "separation", "sensitivity", "paper", "model"] as const;

const text = (form: FormData, name: string): string | undefined => {
  const value = form.get(name);
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
};

const figure = (form: FormData, name: string): number | undefined => {
  const value = text(form, name);
  return value === undefined || Number.isNaN(Number(value)) ? undefined : Number(value);
};

/** What was changed; what was left alone is not named, so that the server's own choice holds. */
export function readOptions(form: FormData): JobOptions {
  const separation = text(form, "separation");
  const paper = text(form, "paper");
  const options: JobOptions = {
    title: text(form, "title"),
    bpm: figure(form, "bpm"),
    time_signature: text(form, "time_signature"),
    voices: figure(form, "voices"),
    sensitivity: figure(form, "sensitivity"),
    model: text(form, "model"),
    separation: separation === "none" || separation === "light" || separation === "demucs" ? separation : undefined,
    paper: paper === "a4" || paper === "letter" ? paper : undefined,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
