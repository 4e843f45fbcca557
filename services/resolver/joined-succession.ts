import type { Bus } from '#shared/bus/link/bus.ts';
import { subscribeHeartbeats } from '#shared/bus/link/heartbeat-channel.ts';
import type { Succession } from '#shared/bus/link/succession.ts';
import type { Publisher } from '#shared/bus/publish/publisher.ts';
import { heartbeatIntervalMs } from '#shared/contracts/heartbeat.ts';
import type { Clock } from '#shared/runtime/clock.ts';

/**
 * Takes part in the succession of a manager's resolvers: hears what all of them say, and speaks (`beat`) every 2 s and
 * whenever the others should know at once. Returns the function that ends it.
 */
export function joinSuccession(
  bus: Bus,
  options: {
    manager: string;
    succession: Succession;
    publisher: Publisher;
    clock: Clock;
    beat(): void;
  },
): () => void {
  const { manager, succession, publisher, clock, beat } = options;
  const connected = (): void => {
    succession.connected(clock.monotonicMs());
    beat();
  };
  const stops = [
    subscribeHeartbeats(bus, { manager }, (heartbeat) => succession.heard(heartbeat, clock.monotonicMs())),
    bus.onReconnect(connected),
    clock.every(heartbeatIntervalMs, beat),
  ];
  bus.linked().then(connected, () => undefined);
  void publisher.claimed().then(beat);
  return () => {
    for (const stop of stops) stop();
  };
}
