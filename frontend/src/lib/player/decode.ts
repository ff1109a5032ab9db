import { FLACDecoder } from "@wasm-audio-decoders/flac";

export interface Format {
  sampleRate: number;
  frames: number;
}

/** Takes the bytes of a recording as they arrive and gives its sound. */
export interface Decoder {
  decode(bytes: Uint8Array): Promise<Float32Array[]>;
  finish(): Promise<Float32Array[]>;
}

/** Bytes of a file's head that tell its format. */
export const HEAD_BYTES = 256;

function ascii(view: DataView, at: number, length: number): string {
  return String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at, length));
}

/** Sample rate and length from the STREAMINFO block, which always comes first. */
function flacFormat(view: DataView): Format {
  const packed = view.getUint32(18);
  return { sampleRate: packed >>> 12, frames: (view.getUint8(21) & 0x0f) * 2 ** 32 + view.getUint32(22) };
}

async function flacDecoder(): Promise<Decoder> {
  const decoder = new FLACDecoder();
  await decoder.ready;
  return {
    decode: async (bytes) => (await decoder.decode(bytes)).channelData,
    finish: async () => {
      const { channelData } = await decoder.flush();
      decoder.free();
      return channelData;
    },
  };
}

interface Wave extends Format {
  code: number;
  channels: number;
  bits: number;
  dataAt: number;
}

const EXTENSIBLE = 0xfffe;

function waveFormat(view: DataView): Wave {
  const wave = { sampleRate: 0, frames: 0, code: 1, channels: 2, bits: 16, dataAt: 0 };
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const size = view.getUint32(at + 4, true);
    const kind = ascii(view, at, 4);
    if (kind === "fmt ") {
      const code = view.getUint16(at + 8, true);
      wave.code = code === EXTENSIBLE ? view.getUint16(at + 32, true) : code;
      wave.channels = view.getUint16(at + 10, true);
      wave.sampleRate = view.getUint32(at + 12, true);
      wave.bits = view.getUint16(at + 22, true);
    } else if (kind === "data") {
      return { ...wave, dataAt: at + 8, frames: Math.floor(size / ((wave.bits / 8) * wave.channels)) };
    }
    at += 8 + size + (size % 2);
  }
  throw new Error("The recording's header is damaged.");
}

function sample(view: DataView, at: number, wave: Wave): number {
  if (wave.code === 3) return view.getFloat32(at, true);
  if (wave.bits === 16) return view.getInt16(at, true) / 32768;
  if (wave.bits === 24) return ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 8388608;
  return view.getInt32(at, true) / 2147483648;
}

function waveDecoder(wave: Wave): Decoder {
  let rest: Uint8Array<ArrayBufferLike> = new Uint8Array(0);
  let skip = wave.dataAt;
  let left = wave.frames;
  const stride = (wave.bits / 8) * wave.channels;
  return {
    decode: async (bytes) => {
      const skipped = Math.min(skip, bytes.length);
      skip -= skipped;
      const joined = new Uint8Array(rest.length + bytes.length - skipped);
      joined.set(rest);
      joined.set(bytes.subarray(skipped), rest.length);
      const frames = Math.min(left, Math.floor(joined.length / stride));
      left -= frames;
      rest = joined.slice(frames * stride);
      const view = new DataView(joined.buffer);
      return Array.from({ length: Math.min(2, wave.channels) }, (_, side) =>
        Float32Array.from({ length: frames }, (_, frame) => sample(view, frame * stride + (side * wave.bits) / 8, wave)),
      );
    },
    finish: async () => [],
  };
}

/** Decoder for a recording that begins with these bytes; the service sends FLAC and WAV. */
export async function decoderFor(head: Uint8Array): Promise<{ format: Format; decoder: Decoder }> {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const kind = head.length > 44 ? ascii(view, 0, 4) : "";
  if (kind === "fLaC") return { format: flacFormat(view), decoder: await flacDecoder() };
  if (kind === "RIFF") {
    const wave = waveFormat(view);
    return { format: wave, decoder: waveDecoder(wave) };
  }
  throw new Error("The recording is in a format that this page cannot play.");
}
