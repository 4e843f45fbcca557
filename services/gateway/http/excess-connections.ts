/**
 * Chooses whom to end so that what waits for the others is no more than `mostBytes`: whoever's answer is due longest.
 * @param due an answer's connection and the bytes of it that wait, in the order in which they became due
 */
export function excessConnections<Connection>(
  due: Iterable<readonly [Connection, number]>,
  mostBytes: number,
): Connection[] {
  const waiting = new Map<Connection, number>();
  let sum = 0;
  for (const [connection, bytes] of due) {
    waiting.set(connection, (waiting.get(connection) ?? 0) + bytes);
    sum += bytes;
  }
  const excess: Connection[] = [];
  for (const [connection, bytes] of waiting) {
    if (sum <= mostBytes) break;
    if (bytes === 0) continue;
    sum -= bytes;
    excess.push(connection);
  }
  return excess;
}
