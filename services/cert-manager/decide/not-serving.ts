import type { RotationFacts } from './rotation-facts.ts';

/**
 * Names the endpoints that do not serve a leaf. The list is empty when there is a ready endpoint and every ready one has
 * recently reported the leaf. An endpoint that is not ready counts when it last reported another leaf, since it may become
 * ready with that.
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
