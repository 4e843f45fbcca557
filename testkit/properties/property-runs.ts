/** How often a property that guards against hostile input is tried; `fc.assert` takes it as its parameters. */
export const propertyRuns = { numRuns: 10_000 };
