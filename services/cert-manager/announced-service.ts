import type { Bus } from '#shared/bus/link/bus.ts';
import { publishHeartbeat } from '#shared/bus/link/heartbeat-channel.ts';
import { heartbeatIntervalMs } from '#shared/contracts/heartbeat.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { ReadyService } from '#shared/service/ready-service.ts';

/** The service, which also says on the bus that it is alive; the bus is closed when it has stopped. */
export function announce(
  service: ReadyService,
  options: { bus: Bus; uid: string; clock: Clock },
): ReadyService {
  const { bus, uid, clock } = options;
  let stopBeating = (): void => undefined;
  const beat = (): void => {
    const reasons = service.notReady();
    publishHeartbeat(bus, {
      schema: 1,
      service: 'cert-manager',
      uid,
      ready: reasons.length === 0,
      ...(reasons.length === 0 ? {} : { reason: reasons.join('; ') }),
      applied: [],
      sourceAgeMs: 0,
    });
  };
  return {
    ...service,
    start: async () => {
      stopBeating = clock.every(heartbeatIntervalMs, beat);
      await service.start();
    },
    stop: async () => {
      stopBeating();
      await service.stop();
      await bus.close();
    },
  };
}
