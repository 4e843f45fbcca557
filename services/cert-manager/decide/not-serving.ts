import type { RotationFacts } from './rotation-facts.ts';

/** Bounds what is stored of names that anybody who writes EndpointSlices chooses. */
const [mostNames, mostCharacters] = [20, 253];

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
  const names = waiting.map(({ name }) => name.slice(0, mostCharacters)).sort();
  const others = names.length - mostNames;
  return [
    ...(noneReady ? ['no endpoint of the Service is ready'] : []),
    ...names.slice(0, mostNames),
    ...(others > 0 ? [`and ${others} others`] : []),
  ];
}
