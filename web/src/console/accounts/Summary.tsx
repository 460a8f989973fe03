/** The cards above the table. What they count can be chosen by pressing it. */
import { Skeleton } from '@mantine/core';
import type { PortfolioSummary, Risk } from '../api/accounts';
import type { AddressState } from '../parts/address';
import { Histogram, RiskMark } from '../parts/charts';
import { riskLook, risks, shortMoneyOf } from '../parts/risk';
import { numberOf } from '../parts/words';
import css from './accounts.module.css';

interface Props {
  summary: PortfolioSummary | undefined;
  address: AddressState;
}

export function Summary({ summary, address }: Props) {
  if (!summary)
    return (
      <div className={css.cards} aria-busy="true">
        {[0, 1, 2, 3].map((i) => (
          <div key={i} className={css.card}>
            <Skeleton height={12} width="40%" mb={14} />
            <Skeleton height={28} width="60%" />
          </div>
        ))}
      </div>
    );
  const worth = Object.entries(summary.arr_cents).filter(([, cents]) => cents > 0);
  const low = address.read('min_score');
  const within = address.read('renews_within_days');
  return (
    <div className={css.cards}>
      <section className={css.card} aria-label="Accounts">
        <h2>Accounts</h2>
        <p className={css.figure}>{numberOf(summary.total)}</p>
        <p className={css.sub}>
          {worth.length === 0
            ? 'No revenue known'
            : `${worth.map(([currency, cents]) => shortMoneyOf(cents, currency)).join(' + ')} a year`}
        </p>
      </section>
      <section className={css.card} aria-label="Risk">
        <h2>Risk</h2>
        <RiskShare summary={summary} />
        <div className={css.risks}>
          {risks.map((risk) => (
            <RiskCount
              key={risk}
              risk={risk}
              count={summary.by_risk[risk] ?? 0}
              address={address}
            />
          ))}
        </div>
      </section>
      <section className={css.card} aria-label="Renewals">
        <h2>Renewals</h2>
        <div className={css.pair}>
          {[
            { days: '30', count: summary.renewals_30d },
            { days: '90', count: summary.renewals_90d },
          ].map((row) => (
            <button
              key={row.days}
              type="button"
              className={css.count}
              aria-pressed={within === row.days}
              onClick={() =>
                address.write({ renews_within_days: within === row.days ? null : row.days })
              }
            >
              <b className={css.figure}>{numberOf(row.count)}</b>
              <span className={css.sub}>within {row.days} days</span>
            </button>
          ))}
        </div>
      </section>
      <section className={css.card} aria-label="Health">
        <h2>Health scores</h2>
        <Histogram
          counts={summary.histogram}
          chosen={low ? Math.min(9, Math.floor(Number(low) / 10)) : null}
          onChoose={(bin) =>
            address.write(
              bin === null
                ? { min_score: null, max_score: null }
                : {
                    min_score: String(bin * 10),
                    max_score: String(bin === 9 ? 100 : bin * 10 + 9),
                    risk: null,
                  },
            )
          }
        />
      </section>
    </div>
  );
}

function RiskShare({ summary }: { summary: PortfolioSummary }) {
  return (
    <div className={css.share} aria-hidden="true">
      {risks.map((risk) => (
        <i
          key={risk}
          style={{ flexGrow: summary.by_risk[risk] ?? 0, background: riskLook(risk).color }}
        />
      ))}
    </div>
  );
}

function RiskCount(props: { risk: Risk; count: number; address: AddressState }) {
  const chosen = props.address.read('risk') === props.risk;
  return (
    <button
      type="button"
      className={css.count}
      aria-pressed={chosen}
      onClick={() =>
        props.address.write({
          risk: chosen ? null : props.risk,
          min_score: null,
          max_score: null,
        })
      }
    >
      <b>
        <RiskMark risk={props.risk} />
        {numberOf(props.count)}
      </b>
      <span className={css.sub}>{riskLook(props.risk).word}</span>
    </button>
  );
}
