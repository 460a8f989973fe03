/**
 * The charts of the success pages. All are plain SVG, say in words what they show, and never tell
 * by colour alone.
 */
import { useEffect, useId, useState, type PointerEvent } from 'react';
import type { Factor, Health, HistoryPoint, Risk, Trend } from '../api/accounts';
import { Icon } from './Icon';
import { Tag } from './parts';
import css from './charts.module.css';
import { factorName, lowRiskFrom, mediumRiskFrom, riskLook, signedOf, trendLook } from './risk';
import { dateOf, numberOf, plain } from './words';

/** A disc, a diamond, a triangle or a ring: the risk without its colour. */
export function RiskMark({ risk, size = 10 }: { risk: Risk; size?: number }) {
  const color = riskLook(risk).color;
  return (
    <svg width={size} height={size} viewBox="0 0 10 10" aria-hidden="true" style={{ flex: 'none' }}>
      {risk === 'low' && <circle cx="5" cy="5" r="4.200" fill={color} />}
      {risk === 'medium' && <path d="M5 .4 9.600 5 5 9.600.4 5z" fill={color} />}
      {risk === 'high' && <path d="M5 .6 9.800 9.200H.2z" fill={color} />}
      {risk === 'unknown' && (
        <circle
          cx="5"
          cy="5"
          r="3.600"
          fill="none"
          stroke={color}
          strokeWidth="1.500"
          strokeDasharray="2.200 1.600"
        />
      )}
    </svg>
  );
}

export function RiskTag({ risk }: { risk: Risk }) {
  const look = riskLook(risk);
  return (
    <Tag tone={look.tone}>
      <RiskMark risk={risk} />
      {look.word}
    </Tag>
  );
}

/** Score, risk and what became of it in the last 30 days, in the width of a table cell. */
export function ScoreBadge(props: { score: number | null; risk: Risk; delta?: number | null }) {
  const look = riskLook(props.risk);
  const delta = props.delta ?? 0;
  return (
    <span className={css.score} title={look.word}>
      <RiskMark risk={props.risk} />
      <b>{props.score ?? '–'}</b>
      <span className={css.hidden}>{look.word}</span>
      {delta !== 0 && (
        <em data-sign={delta > 0 ? 'up' : 'down'} title="in the last 30 days">
          {signedOf(delta)}
          <span className={css.hidden}> in the last 30 days</span>
        </em>
      )}
    </span>
  );
}

export function TrendTag({ trend }: { trend: Trend | null }) {
  if (!trend) return <span className={css.none}>Not known</span>;
  const look = trendLook(trend);
  return (
    <span className={css.trend} data-tone={look.tone}>
      <Icon path={look.icon} size={14} />
      {look.word}
    </span>
  );
}

interface Box {
  width: number;
  height: number;
  pad: number;
}
function pathOf(values: number[], box: Box): { line: string; last: [number, number] } {
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  const step = (box.width - 2 * box.pad) / Math.max(1, values.length - 1);
  const points = values.map((value, i): [number, number] => [
    box.pad + i * step,
    box.height - box.pad - ((value - low) / span) * (box.height - 2 * box.pad),
  ]);
  return {
    line: points.map(([x, y], i) => `${i ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join(''),
    last: points[points.length - 1] ?? [0, 0],
  };
}

export function Sparkline(props: {
  values: number[];
  trend: Trend | null;
  width?: number;
  height?: number;
}) {
  const { values, trend, width = 84, height = 24 } = props;
  if (values.length < 2) return <span className={css.none}>–</span>;
  const { line, last } = pathOf(values, { width, height, pad: 3 });
  const words = `Daily users from ${values[0]} to ${values[values.length - 1]}`;
  return (
    <svg
      className={css.spark}
      data-trend={trend ?? undefined}
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={trend ? `${words}, ${trendLook(trend).word.toLowerCase()}` : words}
    >
      <path d={line} />
      <circle cx={last[0]} cy={last[1]} r="2.200" />
    </svg>
  );
}

const gauge = { cx: 80, cy: 78, r: 64, from: Math.PI, sweep: Math.PI };
function onGauge(score: number, r = gauge.r): [number, number] {
  const angle = gauge.from + (gauge.sweep * score) / 100;
  return [gauge.cx + r * Math.cos(angle), gauge.cy + r * Math.sin(angle)];
}
function arc(from: number, to: number): string {
  const [x0, y0] = onGauge(from);
  const [x1, y1] = onGauge(to);
  return `M${x0.toFixed(2)} ${y0.toFixed(2)}A${gauge.r} ${gauge.r} 0 0 1 ${x1.toFixed(2)} ${y1.toFixed(2)}`;
}

/** The score on a half circle with the two borders of risk; without one, the scores still possible. */
export function Gauge({ health, size = 160 }: { health: Health; size?: number }) {
  const { score, risk_level: risk, range } = health;
  const look = riskLook(risk);
  const words =
    score === null
      ? `Health is not known${range ? `; between ${range.low} and ${range.high}` : ''}`
      : `Health ${score} of 100, ${look.word.toLowerCase()}`;
  return (
    <svg
      className={css.gauge}
      width={size}
      height={(size * 92) / 160}
      viewBox="0 0 160 92"
      role="img"
      aria-label={words}
    >
      <path d={arc(0, 100)} className={css.track} />
      {score === null && range && <path d={arc(range.low, range.high)} className={css.range} />}
      {score !== null && score > 0 && (
        <path d={arc(0, score)} className={css.value} style={{ stroke: look.color }} />
      )}
      {[mediumRiskFrom, lowRiskFrom].map((border) => {
        const [x0, y0] = onGauge(border, gauge.r - 8);
        const [x1, y1] = onGauge(border, gauge.r + 8);
        return <path key={border} d={`M${x0} ${y0}L${x1} ${y1}`} className={css.border} />;
      })}
      <text x="80" y="70" className={css.big}>
        {score ?? (range ? `${range.low}–${range.high}` : '?')}
      </text>
      <text x="80" y="88" className={css.small}>
        {score === null ? 'still possible' : 'of 100'}
      </text>
    </svg>
  );
}

/** What each factor adds, out of the most that it could: the bars sum to the score. */
export function FactorBars({ factors }: { factors: Factor[] }) {
  return (
    <ul className={css.factors}>
      {factors.map((factor) => {
        const most = Math.round(factor.weight * 100);
        const part = factor.missing ? null : (factor.contribution ?? 0);
        return (
          <li key={factor.name} data-missing={part === null || undefined}>
            <span className={css.factorName}>
              <b>{factorName(factor.name)}</b>
              <span>{factor.text}</span>
            </span>
            <span className={css.factorBar} aria-hidden="true">
              <i style={{ width: `${part === null ? 100 : (100 * part) / most}%` }} />
            </span>
            <span className={css.factorValue}>
              {part === null ? (
                'no data'
              ) : (
                <>
                  <b>{numberOf(Math.round(part * 10) / 10)}</b> of {most}
                </>
              )}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

/** How many accounts have which score; a bar narrows the list to its scores. */
export function Histogram(props: {
  counts: number[];
  chosen: number | null;
  onChoose: (bin: number | null) => void;
}) {
  const most = Math.max(1, ...props.counts);
  return (
    <div className={css.histogram} role="group" aria-label="Accounts by health score">
      {props.counts.map((count, bin) => {
        const from = bin * 10;
        const to = bin === 9 ? 100 : from + 9;
        const risk: Risk = from >= 80 ? 'low' : from >= 50 ? 'medium' : 'high';
        // The bin of 70 to 79 holds the border of 75: it is drawn in both colours.
        const fill =
          from === 70
            ? 'linear-gradient(90deg, var(--human) 50%, var(--good) 50%)'
            : riskLook(risk).color;
        return (
          <button
            key={bin}
            type="button"
            aria-pressed={props.chosen === bin}
            title={`${from}–${to}: ${count}`}
            onClick={() => props.onChoose(props.chosen === bin ? null : bin)}
          >
            <span className={css.hidden}>
              {`Score ${from} to ${to}: ${count} account${count === 1 ? '' : 's'}`}
            </span>
            <b aria-hidden="true">{count || ''}</b>
            <i
              style={{
                height: `${count ? Math.max(4, (count / most) * 44) : 2}px`,
                background: count ? fill : 'var(--line)',
              }}
            />
            <em aria-hidden="true">{from}</em>
          </button>
        );
      })}
    </div>
  );
}

const plot = { height: 176, left: 30, right: 10, top: 10, bottom: 24 };
const widthAtFirst = 640;
const innerHeight = plot.height - plot.top - plot.bottom;
const yOf = (score: number) => plot.top + innerHeight * (1 - score / 100);

/** The width that a chart has, so that its lines and letters are never stretched. */
function useWidth(): [(element: HTMLElement | null) => void, number] {
  const [element, setElement] = useState<HTMLElement | null>(null);
  const [width, setWidth] = useState(widthAtFirst);
  useEffect(() => {
    if (!element) return undefined;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth || widthAtFirst));
    observer.observe(element);
    return () => observer.disconnect();
  }, [element]);
  return [setElement, width];
}

/** The score over time as steps, over the three bands of risk; hovering tells a point's reason. */
export function HistoryChart({ points, now }: { points: HistoryPoint[]; now: number }) {
  const title = useId();
  const [frame, width] = useWidth();
  const innerWidth = width - plot.left - plot.right;
  const [near, setNear] = useState<number | null>(null);
  const known = points.filter((p) => p.score !== null) as (HistoryPoint & { score: number })[];
  const first = known[0];
  const final = known[known.length - 1];
  if (!first || !final) return null;
  const span = Math.max(1, now - first.at_ms);
  const xOf = (at: number) => plot.left + (innerWidth * (at - first.at_ms)) / span;
  const steps = known
    .map((p, i) =>
      i
        ? `H${xOf(p.at_ms).toFixed(1)}V${yOf(p.score).toFixed(1)}`
        : `M${xOf(p.at_ms).toFixed(1)} ${yOf(p.score).toFixed(1)}`,
    )
    .join('');
  const shown = near === null ? null : (known[near] ?? null);
  const onMove = (event: PointerEvent<SVGSVGElement>) => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left;
    let best = 0;
    known.forEach((p, i) => {
      if (Math.abs(xOf(p.at_ms) - x) < Math.abs(xOf((known[best] ?? p).at_ms) - x)) best = i;
    });
    setNear(best);
  };
  return (
    <figure className={css.figure} ref={frame}>
      <svg
        width={width}
        height={plot.height}
        className={css.plot}
        role="img"
        aria-labelledby={title}
        onPointerMove={onMove}
        onPointerLeave={() => setNear(null)}
      >
        <title id={title}>
          {`Health from ${dateOf(first.at_ms)} to ${dateOf(now)}: first ${first.score}, now ${final.score}, ${known.length} scores`}
        </title>
        <Band from={lowRiskFrom} to={100} risk="low" width={innerWidth} />
        <Band from={mediumRiskFrom} to={lowRiskFrom} risk="medium" width={innerWidth} />
        <Band from={0} to={mediumRiskFrom} risk="high" width={innerWidth} />
        {[0, mediumRiskFrom, lowRiskFrom, 100].map((score) => (
          <text key={score} x={plot.left - 6} y={yOf(score) + 4} className={css.axis} data-end="">
            {score}
          </text>
        ))}
        {[first.at_ms, first.at_ms + span / 2, now].map((at, i) => (
          <text
            key={at}
            x={xOf(at)}
            y={plot.height - 6}
            className={css.axis}
            style={{ textAnchor: i === 0 ? 'start' : i === 1 ? 'middle' : 'end' }}
          >
            {dateOf(at)}
          </text>
        ))}
        <path d={`${steps}H${xOf(now).toFixed(1)}`} className={css.steps} />
        {known.map((p, i) => (
          <circle
            key={p.at_ms}
            cx={xOf(p.at_ms)}
            cy={yOf(p.score)}
            r={near === i ? 5 : 3.5}
            className={css.dot}
            style={{ fill: riskLook(p.risk_level).color }}
          />
        ))}
      </svg>
      <figcaption aria-hidden={shown ? undefined : true}>
        {shown ? (
          <>
            <b>{shown.score}</b>
            {shown.delta ? ` (${signedOf(shown.delta)})` : ''} · {dateOf(shown.at_ms)}
            {reasonOf(shown) && ` · ${reasonOf(shown)}`}
          </>
        ) : (
          <span className={css.hint}>Point at a step to see what changed it.</span>
        )}
      </figcaption>
    </figure>
  );
}

const reasonOf = (point: HistoryPoint): string =>
  point.attribution.map((part) => part.text).join('; ') || plain(point.cause ?? '');

function Band(props: { from: number; to: number; risk: Risk; width: number }) {
  const { from, to, risk, width } = props;
  return (
    <rect
      x={plot.left}
      width={width}
      y={yOf(to)}
      height={yOf(from) - yOf(to)}
      style={{ fill: riskLook(risk).color }}
      className={css.band}
    />
  );
}

/** Daily users, oldest first: a line over its area, with the first, the last and the extremes named. */
export function UsageChart({ values, trend }: { values: number[]; trend: Trend | null }) {
  const [frame, width] = useWidth();
  const box = { width, height: 120, pad: 22 };
  if (values.length < 2) return null;
  const { line, last } = pathOf(values, box);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const final = values[values.length - 1] ?? 0;
  const word = trend ? `, ${trendLook(trend).word.toLowerCase()}` : '';
  return (
    <div ref={frame}>
      <svg
        width={box.width}
        height={box.height}
        className={css.usage}
        data-trend={trend ?? undefined}
        role="img"
        aria-label={`Daily users over ${values.length} readings from ${values[0]} to ${final}${word}; lowest ${low}, highest ${high}`}
      >
        <path
          d={`${line}L${box.width - box.pad} ${box.height}L${box.pad} ${box.height}Z`}
          className={css.area}
        />
        <path d={line} className={css.line} />
        <circle cx={last[0]} cy={last[1]} r="4" />
        <text
          x={Math.min(last[0], box.width - 6)}
          y={Math.max(12, last[1] - 9)}
          style={{ textAnchor: 'end' }}
        >
          {numberOf(final)}
        </text>
      </svg>
    </div>
  );
}
