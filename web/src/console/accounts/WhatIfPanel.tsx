/** What the score would be if usage, tickets or the renewal were different. Stores nothing. */
import { Button } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import * as icons from '../../icons';
import { useWhatIf, type Facts, type Health, type Trend, type WhatIf } from '../api/accounts';
import { RiskTag } from '../parts/charts';
import { Icon } from '../parts/Icon';
import { ProblemNote } from '../parts/parts';
import { daysOf, signedOf, trendLook } from '../parts/risk';
import { plural } from '../parts/words';
import { Reasons } from './AccountHealth';
import { Block } from './Block';
import page from './account.module.css';

const trends: Trend[] = ['down', 'flat', 'up'];
const mostTickets = 12;
const mostDays = 365;
const settleMs = 120;

interface Values {
  trend: Trend;
  open_tickets: number;
  renewal_days: number;
}

export function WhatIfPanel(props: { account: string; health: Health; facts: Facts }) {
  const { usage, tickets } = props.facts;
  const renewal = props.health.factors.find((factor) => factor.name === 'renewal')?.value;
  const start: Values = {
    trend: usage.trend ?? 'flat',
    open_tickets: tickets.open_tickets ?? 0,
    renewal_days: typeof renewal === 'number' ? renewal : 180,
  };
  const [change, setChange] = useState<WhatIf>({});
  const [settled] = useDebouncedValue(change, settleMs);
  const answer = useWhatIf(props.account, settled);
  const now = { ...start, ...change };
  const set = (part: WhatIf) => setChange((before) => ({ ...before, ...part }));
  const changed = Object.keys(change).length > 0;
  return (
    <Block
      title="What if"
      id="what-if"
      note={
        changed && (
          <Button size="compact-xs" variant="subtle" onClick={() => setChange({})}>
            As it is
          </Button>
        )
      }
    >
      <div className={page.whatIf}>
        <div className={page.sliders}>
          <Slider
            label="Usage"
            told={trendLook(now.trend).word}
            value={trends.indexOf(now.trend)}
            max={2}
            onChange={(value) => set({ trend: trends[value] ?? 'flat' })}
          />
          <Slider
            label="Open tickets"
            told={plural(now.open_tickets, 'ticket')}
            value={now.open_tickets}
            max={Math.max(mostTickets, start.open_tickets)}
            onChange={(value) => set({ open_tickets: value })}
          />
          <Slider
            label="Days to renewal"
            told={daysOf(now.renewal_days)}
            value={now.renewal_days}
            max={Math.max(mostDays, start.renewal_days)}
            onChange={(value) => set({ renewal_days: value })}
          />
        </div>
        <div className={page.outcome} aria-live="polite" data-busy={answer.isFetching || undefined}>
          {answer.isError && (
            <ProblemNote error={answer.error} retry={() => void answer.refetch()} />
          )}
          {answer.data && (
            <>
              <div className={page.before}>
                <Score name="Now" health={answer.data.before} />
                <Icon path={icons.arrowFlat} size={18} />
                <Score name="Then" health={answer.data.after} />
                {changed &&
                  answer.data.after.score !== null &&
                  answer.data.before.score !== null && (
                    <b
                      className={page.delta}
                      data-sign={answer.data.after.score < answer.data.before.score ? 'down' : 'up'}
                    >
                      {signedOf(answer.data.after.score - answer.data.before.score)}
                    </b>
                  )}
              </div>
              {changed ? (
                <Reasons list={answer.data.attribution} />
              ) : (
                <p className={page.quiet}>Move a slider to see what it would change.</p>
              )}
            </>
          )}
        </div>
      </div>
    </Block>
  );
}

function Score({ name, health }: { name: string; health: Health }) {
  return (
    <div>
      <span className={page.quiet}>{name}</span>
      <strong>
        {health.score ?? (health.range ? `${health.range.low}–${health.range.high}` : '?')}
      </strong>
      <RiskTag risk={health.risk_level} />
    </div>
  );
}

function Slider(props: {
  label: string;
  told: string;
  value: number;
  max: number;
  onChange: (value: number) => void;
}) {
  return (
    <label className={page.slider}>
      <span>
        {props.label}
        <b>{props.told}</b>
      </span>
      <input
        type="range"
        min={0}
        max={props.max}
        step={1}
        value={props.value}
        aria-label={props.label}
        aria-valuetext={props.told}
        style={{ '--part': `${(100 * props.value) / props.max}%` } as React.CSSProperties}
        onChange={(event) => props.onChange(Number(event.currentTarget.value))}
      />
    </label>
  );
}
