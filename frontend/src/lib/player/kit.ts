/** A drum kit made of oscillators and noise: every drum is rendered once, then played at any strength. */
interface Voice {
  seconds: number;
  build: (context: OfflineAudioContext, out: AudioNode) => void;
}

function envelope(context: OfflineAudioContext, out: AudioNode, level: number, seconds: number): GainNode {
  const gain = context.createGain();
  gain.gain.setValueAtTime(level, 0);
  gain.gain.exponentialRampToValueAtTime(0.0008, seconds);
  gain.connect(out);
  return gain;
}

function tone(
  context: OfflineAudioContext,
  out: AudioNode,
  sound: { from: number; to: number; glide: number; level: number; seconds: number; type?: OscillatorType },
): void {
  const oscillator = context.createOscillator();
  oscillator.type = sound.type ?? "sine";
  oscillator.frequency.setValueAtTime(sound.from, 0);
  oscillator.frequency.exponentialRampToValueAtTime(sound.to, sound.glide);
  oscillator.connect(envelope(context, out, sound.level, sound.seconds));
  oscillator.start(0);
}

function noise(
  context: OfflineAudioContext,
  out: AudioNode,
  sound: { filter: BiquadFilterType; frequency: number; q?: number; level: number; seconds: number },
): void {
  const buffer = context.createBuffer(1, context.length, context.sampleRate);
  const samples = buffer.getChannelData(0);
  for (let index = 0; index < samples.length; index++) samples[index] = Math.random() * 2 - 1;
  const source = context.createBufferSource();
  source.buffer = buffer;
  const filter = context.createBiquadFilter();
  filter.type = sound.filter;
  filter.frequency.value = sound.frequency;
  filter.Q.value = sound.q ?? 0.7;
  source.connect(filter).connect(envelope(context, out, sound.level, sound.seconds));
  source.start(0);
}

/** Six squares at ratios that share no common period sound like metal. */
function metal(context: OfflineAudioContext, out: AudioNode, base: number, level: number, seconds: number, cut: number): void {
  const filter = context.createBiquadFilter();
  filter.type = "highpass";
  filter.frequency.value = cut;
  filter.connect(out);
  for (const ratio of [2, 3, 4.16, 5.43, 6.79, 8.21])
    tone(context, filter, { from: base * ratio, to: base * ratio, glide: 0.01, level: level / 6, seconds, type: "square" });
}

function tom(frequency: number): Voice {
  return {
    seconds: 0.5,
    build: (context, out) => {
      tone(context, out, { from: frequency * 1.6, to: frequency, glide: 0.09, level: 0.9, seconds: 0.5 });
      noise(context, out, { filter: "lowpass", frequency: 2500, level: 0.25, seconds: 0.05 });
    },
  };
}

function hat(seconds: number): Voice {
  return {
    seconds,
    build: (context, out) => {
      noise(context, out, { filter: "highpass", frequency: 7500, level: 0.35, seconds });
      metal(context, out, 90, 0.5, seconds * 0.8, 7000);
    },
  };
}

const VOICES: Record<string, Voice> = {
  kick: {
    seconds: 0.4,
    build: (context, out) => {
      tone(context, out, { from: 160, to: 48, glide: 0.07, level: 1, seconds: 0.38 });
      noise(context, out, { filter: "lowpass", frequency: 3500, level: 0.35, seconds: 0.015 });
    },
  },
  snare: {
    seconds: 0.3,
    build: (context, out) => {
      tone(context, out, { from: 260, to: 180, glide: 0.04, level: 0.55, seconds: 0.14 });
      noise(context, out, { filter: "highpass", frequency: 1400, level: 0.6, seconds: 0.24 });
    },
  },
  cross_stick: {
    seconds: 0.12,
    build: (context, out) => {
      tone(context, out, { from: 1800, to: 1700, glide: 0.02, level: 0.5, seconds: 0.05, type: "triangle" });
      noise(context, out, { filter: "bandpass", frequency: 2600, q: 3, level: 0.7, seconds: 0.04 });
    },
  },
  hihat_closed: hat(0.09),
  hihat_open: hat(0.7),
  ride: {
    seconds: 1.2,
    build: (context, out) => {
      metal(context, out, 210, 0.4, 1.1, 4200);
      noise(context, out, { filter: "highpass", frequency: 8000, level: 0.12, seconds: 0.6 });
    },
  },
  crash: {
    seconds: 1.9,
    build: (context, out) => {
      noise(context, out, { filter: "highpass", frequency: 3800, level: 0.5, seconds: 1.8 });
      metal(context, out, 130, 0.35, 1.3, 4500);
    },
  },
  tom_high: tom(190),
  tom_mid: tom(140),
  tom_low: tom(92),
};

/** Renders the kit for one sample rate; a drum that has no voice of its own sounds as a snare. */
export async function renderKit(sampleRate: number, drums: readonly string[]): Promise<Map<string, AudioBuffer>> {
  const kit = new Map<string, AudioBuffer>();
  for (const drum of drums) {
    const voice = VOICES[drum] ?? (VOICES.snare as Voice);
    const context = new OfflineAudioContext(1, Math.ceil(voice.seconds * sampleRate), sampleRate);
    voice.build(context, context.destination);
    kit.set(drum, await context.startRendering());
  }
  return kit;
}
