import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GatewayProcess } from '#bench/overload/gateway-process.ts';
import { webhookPath } from '#shared/contracts/kubernetes/webhook-path.ts';
import { requestText } from '#testkit/gateway/wire-request.ts';
import { runGoClient } from './go-client.ts';

const windowSeconds = 4;

/** What tools/overload says of good traffic. */
export interface GoodTraffic {
  offered: number;
  accepted: number;
  shed: number;
  timedOut: number;
  failed: number;
  p99Ms: number;
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Good traffic for a few seconds. */
export async function goodTraffic(
  program: string,
  gateway: GatewayProcess,
  rate: number,
): Promise<GoodTraffic> {
  const body = await readFile(join(import.meta.dirname, '../test/golden/review-12k.json'), 'utf8');
  const plan = {
    address: `127.0.0.1:${gateway.webhookPort}`,
    request: requestText({ path: `${webhookPath}?timeout=5s`, body }),
    seats: 16,
    perSecond: rate,
    backsOff: false,
    seconds: windowSeconds,
    timeoutMs: 5_000,
  };
  return await runGoClient<GoodTraffic>(program, plan, { env: { GOMAXPROCS: '1' } });
}
