import type { Bus } from '#shared/bus/link/bus.ts';
import { subscribeHeartbeats } from '#shared/bus/link/heartbeat-channel.ts';
import type { Succession } from '#shared/bus/link/succession.ts';
import type { Publisher } from '#shared/bus/publish/publisher.ts';
import type { Clock } from '#shared/runtime/clock.ts';

/**
 * Takes part in the succession of a manager's resolvers: hears the heartbeats of all, and sends one (`beat`) when the
 * others should know something at once.
 * @returns the function that ends it
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
  ];
  bus.linked().then(connected, () => undefined);
  void publisher.claimed().then(beat);
  return () => {
    for (const stop of stops) stop();
  };
}
