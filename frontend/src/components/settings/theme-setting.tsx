"use client";

import { useState } from "react";

import { applyTheme, type Theme, THEME_NAMES, THEMES } from "@/lib/preferences/theme";

export function ThemeSetting({ initial }: { initial: Theme }) {
  const [theme, setTheme] = useState(initial);
  return (
    <fieldset className="card p-4 sm:p-6">
      <legend className="sr-only">Appearance</legend>
      <h2 aria-hidden className="text-lg font-semibold">
        Appearance
      </h2>
      <div className="mt-3 flex flex-wrap gap-2">
        {THEMES.map((name) => (
          <label
            key={name}
            className="flex min-h-11 items-center gap-2 rounded-lg border border-edge px-4 has-checked:border-accent has-checked:bg-wash has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent"
          >
            <input
              type="radio"
              name="theme"
              className="accent-accent"
              checked={theme === name}
              onChange={() => {
                setTheme(name);
                applyTheme(name);
              }}
            />
            {THEME_NAMES[name]}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
