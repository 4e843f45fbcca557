import { z } from 'zod';

/**
 * Checks what others wrote against its schema, as `safeParse` does and without its one throw: zod measures the `length` of
 * an object where a text or list is wanted, also when that is itself an object that cannot become a number.
 */
export function checkShape<T>(schema: z.ZodType<T>, value: unknown): z.ZodSafeParseResult<T> {
  try {
    return schema.safeParse(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const message = 'something in it has a length that is no number';
    const found: unknown = new z.ZodError([{ code: 'custom', path: [], message, input: value }]);
    return { success: false, error: found as z.ZodError<T> };
  }
}
