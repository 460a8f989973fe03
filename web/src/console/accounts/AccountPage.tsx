/** One account with everything that is known about it, now or at the end of a past day. */
import { Button, Menu } from '@mantine/core';
import { useEffect, useState } from 'react';
import { Link, useLocation, useNavigate, useParams } from 'react-router-dom';
import * as icons from '../../icons';
import { useOverview, type Overview } from '../api/accounts';
import { Problem } from '../api/http';
import { useAddress, type AddressState } from '../parts/address';
import { RiskTag, TrendTag, UsageChart } from '../parts/charts';
import { Icon } from '../parts/Icon';
import { Ago, Bones, Empty, Face, Fields, ProblemNote, Tag, useTitle } from '../parts/parts';
import parts from '../parts/parts.module.css';
import { dateDaysOf, daysOf, roundMoneyOf } from '../parts/risk';
import { dateOf, numberOf, plain, plural } from '../parts/words';
import { useSession } from '../shell/session';
import { AccountDialog } from './AccountForm';
import { AccountHealth } from './AccountHealth';
import page from './account.module.css';
import { AskItems } from './AskItems';
import { AsOfField, asOfOf, PastBand } from './AsOf';
import { Block, Unknown } from './Block';
import { ownerName } from './Filters';
import { Notes } from './Notes';
import { RemoveAccount } from './RemoveAccount';
import { askAddress, taskName } from './tasks';
import { WhatIfPanel } from './WhatIfPanel';

const entriesAtFirst = 12;

export default function AccountPage() {
  const { id = '' } = useParams();
  const address = useAddress();
  const asOf = asOfOf(address);
  const overview = useOverview(id, asOf);
  const data = overview.data;
  useTitle(data?.account.name ?? 'Account');
  useShownPart(data !== undefined);
  if (!data)
    return (
      <div className={parts.page}>
        <BackLink asOf={asOf} />
        {overview.isError ? (
          <Refused error={overview.error} retry={overview.refetch} />
        ) : (
          <Bones lines={10} />
        )}
      </div>
    );
  return (
    <div className={parts.page} data-busy={overview.isPlaceholderData || undefined}>
      <BackLink asOf={asOf} />
      <Head overview={data} address={address} asOf={asOf} />
      <PastBand address={address} what="this account as it was" />
      {overview.isError && (
        <ProblemNote error={overview.error} retry={() => void overview.refetch()} />
      )}
      <div className={page.columns} aria-busy={overview.isPlaceholderData}>
        <div className={page.main}>
          <AccountHealth overview={data} asOf={asOf} />
          <Block title="Usage" id="usage" source={data.usage}>
            <UsageBlock overview={data} />
          </Block>
          {!asOf && <WhatIfPanel account={data.account.id} health={data.health} facts={data} />}
          <Block title="Timeline" id="timeline">
            <Timeline overview={data} />
          </Block>
        </div>
        <div className={page.side}>
          <Block title="Contract" id="contract" source={data.contract}>
            <ContractBlock overview={data} />
          </Block>
          <Block title="Tickets" id="tickets" source={data.tickets}>
            <TicketsBlock overview={data} />
          </Block>
          <Block title="Contacts" id="contacts">
            <ContactsBlock overview={data} />
          </Block>
          {!asOf && (
            <Block title="Notes" id="notes">
              <Notes account={data.account.id} notes={data.notes} />
            </Block>
          )}
          <Block title="Briefs" id="briefs">
            <BriefsBlock overview={data} until={asOf} />
          </Block>
        </div>
      </div>
    </div>
  );
}

/** A link to a part of the page, such as that of a figure, leads to it once it is there. */
function useShownPart(ready: boolean): void {
  const { hash } = useLocation();
  useEffect(() => {
    const part = ready && hash.length > 1 ? document.getElementById(hash.slice(1)) : null;
    if (!part) return undefined;
    part.scrollIntoView({ block: 'center' });
    part.dataset.shown = 'true';
    return () => {
      delete part.dataset.shown;
    };
  }, [ready, hash]);
}

function Refused({ error, retry }: { error: unknown; retry: () => unknown }) {
  if (error instanceof Problem && error.status === 404)
    return (
      <Empty
        icon={icons.briefcase}
        title="There is no such account"
        action={<Link to="/accounts">To the portfolio</Link>}
      >
        It may have been deleted, or belong to somebody else.
      </Empty>
    );
  return <ProblemNote error={error} retry={() => void retry()} />;
}

function BackLink({ asOf }: { asOf: string | null }) {
  return (
    <Link to={`/accounts${asOf ? `?as_of=${asOf}` : ''}`} className={page.back}>
      <Icon path={icons.back} size={15} />
      Portfolio
    </Link>
  );
}

interface HeadProps {
  overview: Overview;
  address: AddressState;
  asOf: string | null;
}

function Head({ overview, address, asOf }: HeadProps) {
  const { may } = useSession();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<'change' | 'remove' | null>(null);
  const { account, health } = overview;
  const about = [
    account.industry,
    account.country && countryOf(account.country),
    account.owner && `owned by ${ownerName(account.owner)}`,
  ].filter(Boolean);
  return (
    <header className={page.head}>
      <Face name={account.name} size={44} />
      <div className={page.title}>
        <h1>{account.name}</h1>
        <p>
          <RiskTag risk={health.risk_level} />
          {account.stage && <Tag>{plain(account.stage)}</Tag>}
          {account.plan && <Tag>{plain(account.plan)}</Tag>}
          <span>{about.join(' · ')}</span>
        </p>
      </div>
      <div className={page.acts}>
        <AsOfField address={address} />
        {!asOf && may('accounts') && (
          <Button size="xs" variant="default" onClick={() => setDialog('change')}>
            Edit
          </Button>
        )}
        <Menu position="bottom-end">
          <Menu.Target>
            <Button
              size="xs"
              leftSection={<Icon path={icons.compass} size={15} />}
              rightSection={<Icon path={icons.chevronDown} size={14} />}
            >
              Ask
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <AskItems slug={account.slug} />
            {!asOf && may('removeAccounts') && (
              <>
                <Menu.Divider />
                <Menu.Item
                  color="red"
                  leftSection={<Icon path={icons.trash} size={16} />}
                  onClick={() => setDialog('remove')}
                >
                  Delete the account…
                </Menu.Item>
              </>
            )}
          </Menu.Dropdown>
        </Menu>
      </div>
      {dialog === 'change' && (
        <AccountDialog
          account={account.slug}
          onClose={() => setDialog(null)}
          onSaved={() => setDialog(null)}
        />
      )}
      {dialog === 'remove' && (
        <RemoveAccount
          account={account}
          onClose={() => setDialog(null)}
          onRemoved={() => navigate('/accounts')}
        />
      )}
    </header>
  );
}

const regions = new Intl.DisplayNames(undefined, { type: 'region', fallback: 'code' });
function countryOf(code: string): string {
  try {
    return regions.of(code) ?? code;
  } catch {
    return code;
  }
}

function UsageBlock({ overview: { usage } }: { overview: Overview }) {
  if (usage.missing)
    return <Unknown>Nothing is known about usage. It counts as missing, not as bad.</Unknown>;
  return (
    <>
      <dl className={page.numbers}>
        <div>
          <dt>Trend</dt>
          <dd>
            <TrendTag trend={usage.trend} />
          </dd>
        </div>
        {usage.avg_daily_users !== null && (
          <div>
            <dt>Daily users</dt>
            <dd>{numberOf(usage.avg_daily_users)}</dd>
          </div>
        )}
        {usage.sparkline.length > 1 && (
          <div>
            <dt>Lowest and highest</dt>
            <dd>
              {numberOf(Math.min(...usage.sparkline))} to {numberOf(Math.max(...usage.sparkline))}
            </dd>
          </div>
        )}
      </dl>
      <UsageChart values={usage.sparkline} trend={usage.trend} />
      {usage.sparkline.length > 1 && (
        <details className={page.alternative}>
          <summary>As numbers</summary>
          <p>{usage.sparkline.map((value) => numberOf(value)).join(', ')}</p>
        </details>
      )}
    </>
  );
}

function ContractBlock({ overview: { contract, health } }: { overview: Overview }) {
  const renewal = health.factors.find((factor) => factor.name === 'renewal');
  const days = renewal?.date_days ?? null;
  return (
    <>
      {contract.renewal_date_ms === null && <Unknown>The renewal date is not known.</Unknown>}
      <Fields
        rows={[
          [
            'Renewal',
            contract.renewal_date_ms !== null && (
              <>
                {dateOf(contract.renewal_date_ms)}
                {days !== null && (
                  <span className={page.quiet}>
                    {' '}
                    · {days > 0 ? `in ${daysOf(days)}` : dateDaysOf(days)}
                  </span>
                )}
              </>
            ),
          ],
          [
            'Revenue a year',
            contract.arr_cents !== null && roundMoneyOf(contract.arr_cents, contract.currency),
          ],
          ['Plan', contract.plan && plain(contract.plan)],
          [
            'Seats',
            contract.seats !== null && contract.seats !== undefined && numberOf(contract.seats),
          ],
        ]}
      />
    </>
  );
}

function TicketsBlock({ overview: { tickets } }: { overview: Overview }) {
  if (tickets.missing) return <Unknown>Nothing is known about tickets.</Unknown>;
  return (
    <>
      <p className={page.lead}>
        {tickets.open_tickets ? plural(tickets.open_tickets, 'open ticket') : 'No open tickets'}
      </p>
      {tickets.recent_tickets.length > 0 && (
        <ul className={page.list}>
          {tickets.recent_tickets.map((ticket) => (
            <li key={ticket.id}>
              <span className={page.grow}>
                <b>{ticket.subject ?? ticket.id}</b>
                <span className={page.quiet}>
                  {ticket.subject ? ticket.id : ''}
                  {ticket.created_at_ms ? (
                    <>
                      {ticket.subject ? ' · ' : ''}
                      <Ago ms={ticket.created_at_ms} />
                    </>
                  ) : null}
                </span>
              </span>
              {ticket.severity && (
                <Tag tone={severityTones[ticket.severity] ?? 'plain'}>{plain(ticket.severity)}</Tag>
              )}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
const severityTones: Record<string, 'bad' | 'human'> = {
  high: 'bad',
  critical: 'bad',
  urgent: 'bad',
  medium: 'human',
};

function ContactsBlock({ overview: { contacts } }: { overview: Overview }) {
  if (contacts.length === 0) return <Unknown>No contacts are known.</Unknown>;
  return (
    <ul className={page.list}>
      {contacts.map((contact) => (
        <li key={contact.id}>
          <Face name={contact.name} tone="human" size={28} />
          <span className={page.grow}>
            <b>
              {contact.name}
              {contact.champion && <Tag tone="accent">Champion</Tag>}
              {contact.sponsor && <Tag tone="info">Sponsor</Tag>}
            </b>
            <span className={page.quiet}>
              {[contact.title, contact.email].filter(Boolean).join(' · ')}
            </span>
          </span>
        </li>
      ))}
    </ul>
  );
}

function BriefsBlock({ overview, until }: { overview: Overview; until: string | null }) {
  const { account } = overview;
  const last = until ? Date.parse(`${until}T23:59:59.999Z`) : Infinity;
  const briefs = overview.briefs.filter((brief) => brief.created_at <= last);
  if (briefs.length === 0 && until) return <p className={page.quiet}>Nothing had been asked.</p>;
  if (briefs.length === 0)
    return (
      <p className={page.quiet}>
        Nothing has been asked yet.{' '}
        <Link to={askAddress(account.slug, 'renewal')}>Prepare a renewal brief</Link>
      </p>
    );
  return (
    <ul className={page.list}>
      {briefs.map((brief) => (
        <li key={brief.id}>
          <span className={page.grow}>
            <Link to={`/success?account=${account.slug}&brief=${brief.id}`}>{brief.question}</Link>
            <span className={page.quiet}>
              {brief.task && `${taskName(brief.task)} · `}
              <Ago ms={brief.created_at} />
            </span>
          </span>
        </li>
      ))}
    </ul>
  );
}

const kinds: Record<string, string> = {
  health: icons.pulse,
  ticket: icons.inbox,
  tickets: icons.inbox,
  note: icons.book,
  brief: icons.compass,
  conversation: icons.chat,
  contract: icons.calendar,
  usage: icons.arrowUp,
};

function Timeline({ overview: { timeline } }: { overview: Overview }) {
  const [all, setAll] = useState(false);
  if (timeline.length === 0) return <p className={page.quiet}>Nothing has happened yet.</p>;
  return (
    <>
      <ol className={page.timeline}>
        {timeline.slice(0, all ? undefined : entriesAtFirst).map((entry, i) => (
          <li key={`${entry.at_ms}-${i}`}>
            <span className={page.dot}>
              <Icon path={kinds[entry.kind] ?? icons.clock} size={14} />
            </span>
            <span>
              {entry.link?.startsWith('/') ? (
                <Link to={entry.link.replace(/^\/console/, '')}>{entry.text}</Link>
              ) : (
                entry.text
              )}
            </span>
            <Ago ms={entry.at_ms} />
          </li>
        ))}
      </ol>
      {timeline.length > entriesAtFirst && (
        <Button
          size="compact-xs"
          variant="subtle"
          className={page.more ?? ''}
          aria-expanded={all}
          onClick={() => setAll(!all)}
        >
          {all ? 'Show fewer' : `Show all ${timeline.length}`}
        </Button>
      )}
    </>
  );
}
