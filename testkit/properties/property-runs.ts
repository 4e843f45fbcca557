import process from 'node:process';

/** Enough to see what one pod in thousands does; `npm run test:unit` asks for fewer. */
const defaultRuns = 10_000;

/** How often a property that guards against hostile input is tried; `fc.assert` takes it as its parameters. */
export const propertyRuns = { numRuns: Number(process.env.LATCHKEY_PROPERTY_RUNS ?? defaultRuns) };
