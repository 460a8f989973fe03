/**
 * The one meaning of a health score everywhere: at least 75 is low risk, at least 50 medium, less
 * is high; without a score it is unknown. Each has a word, a colour and a shape of its own.
 */
import type { FactorName, Risk, Trend } from '../api/accounts';
import type { Tone } from './parts';
import * as icons from '../../icons';
import { plain } from './words';

interface RiskLook {
  word: string;
  tone: Tone;
  color: string;
}
const looks: Record<Risk, RiskLook> = {
  low: { word: 'Healthy', tone: 'good', color: 'var(--good)' },
  medium: { word: 'Watch', tone: 'human', color: 'var(--human)' },
  high: { word: 'At risk', tone: 'bad', color: 'var(--danger)' },
  unknown: { word: 'Not known', tone: 'plain', color: 'var(--ink3)' },
};
export const risks: Risk[] = ['low', 'medium', 'high', 'unknown'];
export const riskLook = (risk: Risk): RiskLook => looks[risk] ?? looks.unknown;

export const lowRiskFrom = 75;
export const mediumRiskFrom = 50;
export function riskOfScore(score: number | null): Risk {
  if (score === null) return 'unknown';
  if (score >= lowRiskFrom) return 'low';
  return score >= mediumRiskFrom ? 'medium' : 'high';
}

const trends: Record<Trend, { word: string; icon: string; tone: Tone }> = {
  up: { word: 'Rising', icon: icons.arrowUp, tone: 'good' },
  flat: { word: 'Steady', icon: icons.arrowFlat, tone: 'plain' },
  down: { word: 'Falling', icon: icons.arrowDown, tone: 'bad' },
};
export const trendLook = (trend: Trend) => trends[trend] ?? trends.flat;

const factors: Record<FactorName, string> = {
  usage: 'Usage',
  tickets: 'Tickets',
  renewal: 'Renewal',
};
export const factorName = (name: string) => factors[name as FactorName] ?? plain(name);

/** Money without cents, as one speaks of contracts: "€11,760". */
export function roundMoneyOf(cents: number, currency: string | null): string {
  try {
    return new Intl.NumberFormat(undefined, {
      style: 'currency',
      currency: currency ?? 'EUR',
      maximumFractionDigits: 0,
    }).format(cents / 100);
  } catch {
    return `${Math.round(cents / 100)} ${currency}`;
  }
}
/** The same for sums: "€1.2M". */
export function shortMoneyOf(cents: number, currency: string): string {
  try {
    return new Intl.NumberFormat(undefined, {
      style: 'currency',
      currency,
      notation: 'compact',
      maximumFractionDigits: 1,
    }).format(cents / 100);
  } catch {
    return `${Math.round(cents / 100)} ${currency}`;
  }
}

export function signedOf(delta: number): string {
  return delta > 0 ? `+${delta}` : delta < 0 ? `−${Math.abs(delta)}` : '±0';
}

/** How far away a date is; negative when it has passed. */
export function dateDaysOf(days: number | null): string {
  if (days === null) return 'not known';
  if (days < 0) return 'passed';
  return days === 0 ? 'today' : daysOf(days);
}

export function daysOf(days: number | null): string {
  if (days === null) return 'not known';
  if (days === 0) return 'due';
  return days === 1 ? '1 day' : `${days} days`;
}
