// Any request elsewhere, any script that the policy stops, any error in the console fails the test.
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, type TestType } from "@playwright/test";

/* eslint-disable-next-line @typescript-eslint/no-empty-object-type -- the runner's own type wants it */
export function watch(test: TestType<{ page: Page; baseURL: string | undefined }, {}>): void {
  const strange: string[] = [];
  test.beforeEach(({ page, baseURL }) => {
    strange.length = 0;
    page.on("request", (request) => {
      if (!request.url().startsWith(baseURL!) && !/^(blob|data):/.test(request.url())) strange.push(request.url());
    });
    page.on("console", (message) => {
      if (message.type() === "error" && !/status of (403|404|410|413|415|422)/.test(message.text())) strange.push(message.text());
    });
    page.on("pageerror", (error) => strange.push(String(error)));
  });
  test.afterEach(() => expect(strange).toEqual([]));
}

export async function axe(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}
