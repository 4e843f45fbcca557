const units = [
  { name: 's', ms: 1_000 },
  { name: 'min', ms: 60_000 },
  { name: 'h', ms: 3_600_000 },
  { name: 'd', ms: 86_400_000 },
];
const soonMs = 10_000;

/** An age for people, in the largest unit of which there are two: `less than 10 s`, `45 s`, `3 h`. */
export function describeAge(ageMs: number): string {
  if (ageMs < soonMs) return 'less than 10 s';
  const unit = units.findLast(({ ms }) => ageMs >= 2 * ms) ?? { name: 's', ms: 1_000 };
  return `${Math.floor(ageMs / unit.ms)} ${unit.name}`;
}
