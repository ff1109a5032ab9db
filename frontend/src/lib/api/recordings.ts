const HEAD_BYTES = 4096;

async function* bytesOf(reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** A recording that the service does not keep any more, or never gave away. */
export class RecordingGone extends Error {}

/** Opens a recording and gives its first bytes at once and the others as they arrive. */
export async function openRecording(url: string): Promise<{ head: Uint8Array; rest: AsyncGenerator<Uint8Array> }> {
  const response = await fetch(url, { credentials: "same-origin" });
  if ([403, 404, 410].includes(response.status)) throw new RecordingGone();
  if (!response.ok || !response.body) throw new Error("The recording could not be loaded. Reload the page to try again.");
  const rest = bytesOf(response.body.getReader());
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < HEAD_BYTES) {
    const { done, value } = await rest.next();
    if (done) break;
    const joined = new Uint8Array(head.length + value.length);
    joined.set(head);
    joined.set(value, head.length);
    head = joined;
  }
  return { head, rest };
}

/** Text of one download, such as the MusicXML of a score. */
export async function readText(url: string): Promise<string> {
  const response = await fetch(url, { credentials: "same-origin" });
  if (!response.ok) throw new Error("The score could not be loaded. Reload the page to try again.");
  return response.text();
}
