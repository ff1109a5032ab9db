// A link to a shared score, and what is pasted into a page to show it there.

/** Height of the frame that is offered: two lines of music and the player. */
const FRAME_HEIGHT = 560;

export const linkOf = (origin: string, token: string): string => `${origin}/s/${token}`;

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

export function embedCodeOf(origin: string, token: string, title: string): string {
  const name = escaped(`Drum score: ${title}`);
  return `<iframe src="${origin}/embed/${token}" title="${name}" width="100%" height="${FRAME_HEIGHT}" style="border:0" allow="screen-wake-lock" loading="lazy"></iframe>`;
}

/** Put a field's text on the clipboard; true if that worked. Pages without encryption only have the old way. */
export async function copyFrom(field: HTMLInputElement | HTMLTextAreaElement): Promise<boolean> {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    return document.execCommand("copy");
  }
}
