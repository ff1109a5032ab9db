// The drums of the evaluation, in the order of a kit's staff from below.
export const DRUMS = ["kick", "snare", "hihat_closed", "hihat_open", "crash", "ride", "tom_high", "tom_mid", "tom_low"] as const;

export type Drum = (typeof DRUMS)[number];

/** What a drummer should know where a drum is often wrong. */
export const ADVICE: Partial<Record<Drum, string>> = {
  hihat_open: "A hat that is wide open is often taken for a crash, one that is hardly open for a closed one. Check where the groove breathes.",
  crash: "Crashes drown under guitars and singers, and open hats are taken for them. Check the first beat of every section and the end of every fill.",
  tom_low: "Floor toms are mostly missed. Check fills and tom grooves first of all.",
  tom_high: "Toms are easily taken for one another. Check the fills.",
  tom_mid: "Toms are easily taken for one another. Check the fills.",
  ride: "Soft rides sink into a mix. Check whether the pattern goes on where notes are missing.",
};
