import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';

/** What an empty latchkey.yaml means. */
export const defaultConfig = latchkeyConfigSchema.parse({});
