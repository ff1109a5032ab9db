// What can be said of a link before it is sent.

const HOSTS = /^(?:(?:www|m|music)\.)?youtube(?:-nocookie)?\.com$|^youtu\.be$/;

/** The address in what was typed, or why it will not do. Which videos can be had, the server knows. */
export function readLink(typed: string): { url: string } | { objection: string } {
  const text = typed.trim();
  if (text === "") return { objection: "Paste the address of a video, such as https://www.youtube.com/watch?v=…" };
  const address = /^https?:\/\//i.test(text) ? text : `https://${text}`;
  if (!URL.canParse(address) || /\s/.test(text)) return { objection: "This is no web address. Copy it from the video's page." };
  const url = new URL(address);
  if (!HOSTS.test(url.hostname)) {
    return { objection: `This is not a YouTube address but one of ${url.hostname}. For songs from elsewhere, upload the file.` };
  }
  const isVideo = url.hostname === "youtu.be" ? url.pathname.length > 1 : /^\/(watch|shorts\/|live\/|embed\/)/.test(url.pathname);
  if (!isVideo || (url.pathname === "/watch" && !url.searchParams.get("v"))) {
    return { objection: "This address leads to YouTube, but not to one video. Open the video and copy its address." };
  }
  return { url: url.href };
}
