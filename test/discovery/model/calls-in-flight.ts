import type { KubernetesCall } from '#shared/kubernetes/requests/kubernetes-call.ts';
import type { SecretStore, StoredSecret } from './secret-store.ts';

/** A call of ours in flight: sent, then carried out by the API server, then answered. */
interface Flight {
  call: KubernetesCall;
  outcome?: { secret: StoredSecret | undefined } | { err: unknown };
  answer: PromiseWithResolvers<unknown>;
}

/** Delays calls and their answers until the schedule says so. */
export interface CallsInFlight {
  /** Sends a call. */
  send(call: KubernetesCall): Promise<unknown>;
  /** Forgets the calls of a process that is gone. */
  forget(): void;
  /** Has the store carry out the oldest call. */
  carryOut(): void;
  /** Answers the oldest call that was carried out. */
  answer(): void;
  count(): number;
  /** Counts the calls that were not carried out yet. */
  waiting(): number;
}

/** @param onAnswer called before a call is answered that has succeeded */
export function createCallsInFlight(
  store: SecretStore,
  onAnswer: (call: KubernetesCall, secret: StoredSecret | undefined) => void,
): CallsInFlight {
  let flights: Flight[] = [];
  return {
    send: (call) => {
      const flight: Flight = { call, answer: Promise.withResolvers() };
      flights.push(flight);
      return flight.answer.promise;
    },
    forget: () => {
      flights = [];
    },
    carryOut: () => {
      const flight = flights.find(({ outcome }) => outcome === undefined);
      if (flight === undefined) return;
      try {
        flight.outcome = { secret: store.apply(flight.call) };
      } catch (err) {
        flight.outcome = { err };
      }
    },
    answer: () => {
      const index = flights.findIndex(({ outcome }) => outcome !== undefined);
      const [flight] = index < 0 ? [] : flights.splice(index, 1);
      if (flight?.outcome === undefined) return;
      if ('err' in flight.outcome) {
        flight.answer.reject(flight.outcome.err);
        return;
      }
      const { secret } = flight.outcome;
      onAnswer(flight.call, secret);
      flight.answer.resolve(secret ?? {});
    },
    count: () => flights.length,
    waiting: () => flights.filter(({ outcome }) => outcome === undefined).length,
  };
}
