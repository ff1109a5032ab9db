import { StartPage } from "@/components/start/start-page";
import { getLimits, getModels } from "@/lib/api/calls";
import { apiForRequest } from "@/lib/api/server";

export default async function Start() {
  const api = await apiForRequest();
  const [limits, models] = await Promise.all([getLimits(api), getModels(api)]);
  return <StartPage limits={limits} models={models} />;
}
