import type { Position } from '#shared/bus/records/freshness.ts';
import type { Heartbeat } from '#shared/contracts/heartbeat.ts';
import { notReadyReasons, type ReadinessFacts } from './readiness.ts';

/** What a gateway says of itself on the bus. */
export function gatewayHeartbeat(
  uid: string,
  facts: ReadinessFacts,
  { applied, fingerprint }: { applied: readonly Position[]; fingerprint: string | undefined },
): Heartbeat {
  const reasons = notReadyReasons(facts);
  return {
    schema: 1,
    service: 'gateway',
    uid,
    ready: reasons.length === 0,
    ...(reasons.length === 0 ? {} : { reason: reasons.join('; ') }),
    applied: [...applied],
    ...(fingerprint === undefined ? {} : { servingCertificate: fingerprint }),
    sourceAgeMs: 0,
  };
}
