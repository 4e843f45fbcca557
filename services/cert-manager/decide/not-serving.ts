import type { RotationFacts } from './rotation-facts.ts';

/**
 * Who keeps a leaf from being served everywhere, by name; empty when every endpoint that connections reach has lately
 * reported it, and there is one. An endpoint that is not ready counts when the last it said was another leaf: it may
 * become ready with it.
 */
export function notServing({ endpoints }: Pick<RotationFacts, 'endpoints'>, leaf: string): string[] {
  if (typeof endpoints === 'string') return [endpoints];
  const waiting = endpoints.filter(({ ready, fresh, leaf: reported }) =>
    ready ? !fresh || reported !== leaf : reported !== undefined && reported !== leaf,
  );
  const noneReady = !endpoints.some(({ ready }) => ready);
  return [
    ...(noneReady ? ['no endpoint of the Service is ready'] : []),
    ...waiting.map(({ name }) => name).sort(),
  ];
}
