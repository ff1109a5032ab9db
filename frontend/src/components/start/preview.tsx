"use client";

import { useEffect, useRef, useState } from "react";

/** The recording to listen to before it is sent: is it the right take? Left out where this browser cannot play it. */
export function Preview({ file }: { file: File }) {
  const player = useRef<HTMLAudioElement>(null);
  const [canPlay, setCanPlay] = useState(true);
  useEffect(() => {
    const url = URL.createObjectURL(file);
    const element = player.current;
    if (element) element.src = url;
    return () => {
      element?.removeAttribute("src");
      URL.revokeObjectURL(url);
    };
  }, [file]);
  if (!canPlay) return null;
  return <audio ref={player} controls preload="metadata" aria-label={`Listen to ${file.name}`} onError={() => setCanPlay(false)} className="w-full" />;
}
