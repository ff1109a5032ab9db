import next from "eslint-config-next/core-web-vitals";
import typescript from "eslint-config-next/typescript";

const config = [
  { ignores: [".next/**", "node_modules/**", "next-env.d.ts", "src/lib/api/schema.d.ts", "test-results/**"] },
  ...next,
  ...typescript,
  {
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "no-restricted-globals": ["error", { name: "fetch", message: "src/lib/api is the only door to the server." }],
      "max-lines": ["error", 150],
    },
  },
  { files: ["**/*.cjs"], rules: { "@typescript-eslint/no-require-imports": "off" } },
  {
    files: ["src/lib/api/**", "src/lib/bff/**", "e2e/**", "scripts/**", "**/*.test.*"],
    rules: { "no-restricted-globals": "off", "max-lines": ["error", 400] },
  },
];

export default config;
