import process from 'node:process';

/** Enough to see what one pod in thousands does; `npm run test:unit` asks for fewer. */
const defaultRuns = 10_000;

/** How often a property that guards against hostile input is tried; `fc.assert` takes it as its parameters. */
export const propertyRuns = { numRuns: Number(process.env.LATCHKEY_PROPERTY_RUNS ?? defaultRuns) };

/** Runs of a heavy property: a share of the others, at most so many. A number that is not whole would never be reached. */
export const heavyPropertyRuns = (most: number, share: number): { numRuns: number } => ({
  numRuns: Math.max(1, Math.min(most, Math.floor(propertyRuns.numRuns * share))),
});
