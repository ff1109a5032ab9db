// Whether this device tells when a song is done. The browser asks; what was answered is kept by the browser, the wish here.
const KEY = "notify";

export type NoticeState = "unavailable" | "off" | "on" | "refused";

/** How things stand. Without encryption browsers have no notifications at all. */
export function noticeState(): NoticeState {
  if (typeof window === "undefined" || !("Notification" in window) || !window.isSecureContext) return "unavailable";
  if (Notification.permission === "denied") return "refused";
  return Notification.permission === "granted" && localStorage.getItem(KEY) === "on" ? "on" : "off";
}

const listeners = new Set<() => void>();

export function subscribeToNotices(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export async function setNotices(on: boolean): Promise<void> {
  if (on && (await Notification.requestPermission()) === "granted") localStorage.setItem(KEY, "on");
  else localStorage.removeItem(KEY);
  listeners.forEach((listener) => listener());
}

/** Tell, unless the page is being looked at. */
export function tell(title: string, body: string, url: string): void {
  if (noticeState() !== "on" || document.visibilityState === "visible") return;
  try {
    const notice = new Notification(title, { body, icon: "/icon.svg", tag: url });
    notice.onclick = () => {
      window.focus();
      notice.close();
    };
  } catch {
    // Android wants a service worker for this; the page's title still tells
  }
}
