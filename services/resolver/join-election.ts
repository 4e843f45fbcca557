import type { Bus } from '#shared/bus/link/bus.ts';
import { subscribeHeartbeats } from '#shared/bus/link/heartbeats.ts';
import type { PublisherElection } from '#shared/bus/link/publisher-election.ts';
import type { Publisher } from '#shared/bus/publish/publisher.ts';
import type { Clock } from '#shared/runtime/clock.ts';

/**
 * Takes part in the election of a manager's resolvers: hears the heartbeats of all, and sends one (`beat`) when the
 * others should know something at once.
 * @returns the function that ends it
 */
export function joinElection(
  bus: Bus,
  options: {
    manager: string;
    election: PublisherElection;
    publisher: Publisher;
    clock: Clock;
    beat(): void;
  },
): () => void {
  const { manager, election, publisher, clock, beat } = options;
  const connected = (): void => {
    election.connected(clock.monotonicMs());
    beat();
  };
  const stops = [
    subscribeHeartbeats(bus, { manager }, (heartbeat) => election.heard(heartbeat, clock.monotonicMs())),
    bus.onReconnect(connected),
  ];
  bus.linked().then(connected, () => undefined);
  void publisher.claimed().then(beat);
  return () => {
    for (const stop of stops) stop();
  };
}
