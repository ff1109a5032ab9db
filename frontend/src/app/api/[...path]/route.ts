import type { NextRequest } from "next/server";

import { forward } from "@/lib/bff/forward";

type Context = RouteContext<"/api/[...path]">;

async function answer(request: NextRequest, { params }: Context): Promise<Response> {
  const { path } = await params;
  return forward(request, path.join("/"));
}

export { answer as DELETE, answer as GET, answer as PATCH, answer as POST };
