/**
 * The sample Langfuse as a process: three days of traffic up to last midnight (UTC). Prints the settings that read it,
 * `NAME=value` each, and stays until it is stopped.
 *
 *   tsx scripts/sample-langfuse.ts [MILLISECONDS THAT EACH ANSWER TAKES]
 */
import { startSampleServer } from '../src/demo/sample-server.ts';
import { createSampleTraffic } from '../src/demo/traffic.ts';
import { dayMs, toIso } from '../src/shared/time.ts';

const latencyMs = Number(process.argv[2] ?? 0);
const days = 3;
const startMs = (Math.floor(Date.now() / dayMs) - days) * dayMs;
const server = await startSampleServer({
  traffic: createSampleTraffic({ seed: 7, startMs, days, requestsPerDay: 40 }),
  latencyMs,
});
const settings = {
  LANGFUSE_BASE_URL: server.url,
  LANGFUSE_PUBLIC_KEY: server.keys.publicKey,
  LANGFUSE_SECRET_KEY: server.keys.secretKey,
  SYNC_START: toIso(startMs),
};
for (const [name, value] of Object.entries(settings)) process.stdout.write(`${name}=${value}\n`);
