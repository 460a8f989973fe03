/** What follows from a line of daily users, by the rule that the server has (docs/accounts.md). */
import type { Trend } from '../api/accounts';

export const longestLine = 365;

/** Numbers with blanks, commas or semicolons between; the first piece that is none is `wrong`. */
export function readLine(text: string): { values: number[]; wrong: string | null } {
  const pieces = text.split(/[\s,;]+/).filter(Boolean);
  const values = pieces.map(Number);
  const at = values.findIndex((value) => !Number.isFinite(value) || value < 0);
  return { values: at < 0 ? values : [], wrong: pieces[at] ?? null };
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value / values.length, 0);

/** The slope of least squares, against max(0.1, a thousandth of the mean). */
export function trendOf(values: number[]): Trend | null {
  const n = values.length;
  if (n === 0) return null;
  if (n === 1) return 'flat';
  const middle = (n - 1) / 2;
  const average = mean(values);
  let above = 0;
  let below = 0;
  values.forEach((value, i) => {
    above += (i - middle) * (value - average);
    below += (i - middle) ** 2;
  });
  const slope = above / below;
  const threshold = Math.max(0.1, 0.001 * average);
  return slope > threshold ? 'up' : slope < -threshold ? 'down' : 'flat';
}

/** Whole, half to even. */
export function meanOf(values: number[]): number | null {
  if (values.length === 0) return null;
  const average = mean(values);
  const whole = Math.floor(average);
  const rest = average - whole;
  return whole + (rest > 0.5 || (rest === 0.5 && whole % 2 === 1) ? 1 : 0);
}
