/** The drums of the service, named for people; the keys are those of result.json and score.json. */
export const DRUM_NAMES: Record<string, string> = {
  kick: "Bass drum",
  snare: "Snare drum",
  cross_stick: "Cross stick",
  hihat_closed: "Hi-hat, closed",
  hihat_open: "Hi-hat, open",
  ride: "Ride cymbal",
  crash: "Crash cymbal",
  tom_high: "High tom",
  tom_mid: "Mid tom",
  tom_low: "Floor tom",
};

/** The name a person reads for one drum; a drum this page does not know keeps the service's word. */
export function drumName(drum: string): string {
  return DRUM_NAMES[drum] ?? drum.replaceAll("_", " ");
}

/** Drums in the order of the kit, those that the song uses only. */
export function drumsUsed(hits: readonly { instrument: string }[]): string[] {
  const used = new Set(hits.map((hit) => hit.instrument));
  const known = Object.keys(DRUM_NAMES).filter((drum) => used.delete(drum));
  return [...known, ...[...used].sort()];
}

/** MusicXML's midi-unpitched of every drum, as the service writes it: the General MIDI key and one. */
const UNPITCHED: Record<number, string> = {
  37: "kick",
  38: "cross_stick",
  39: "snare",
  43: "hihat_closed",
  44: "tom_low",
  47: "hihat_open",
  48: "tom_mid",
  49: "tom_high",
  50: "crash",
  52: "ride",
};

/** The drum of a MusicXML instrument such as "P1-I43", or null for one that the service never writes. */
export function drumOfInstrument(id: string | undefined): string | null {
  const number = /I(\d+)$/.exec(id ?? "")?.[1];
  return (number && UNPITCHED[Number(number)]) || null;
}
