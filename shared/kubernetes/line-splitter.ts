const newline = 0x0a;

/**
 * Cuts a byte stream into lines, however they are split over chunks. A last line without its newline is never given
 * out: it may be torn. Bytes are joined before they are decoded, so that a character split over chunks survives.
 */
export function createLineSplitter(): { push(chunk: Buffer): string[] } {
  let pending: Buffer[] = [];
  return {
    push: (chunk) => {
      const lines: string[] = [];
      let start = 0;
      for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
        pending.push(chunk.subarray(start, end));
        lines.push(Buffer.concat(pending).toString('utf8'));
        pending = [];
        start = end + 1;
      }
      if (start < chunk.length) pending.push(chunk.subarray(start));
      return lines;
    },
  };
}
