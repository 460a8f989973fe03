/** Beside a conversation: who it is with, which agent answers, and the runs that made the answers. */
import { Tabs } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router-dom';
import * as icons from '../../icons';
import { useMessages, useRecord, useRuns } from '../api/queries';
import type { Conversation, RecordDocument } from '../api/types';
import { Ago, Bones, Fields, Tag, type Tone } from '../parts/parts';
import { channelOf, dateOf, languageOf, moneyOf, plain, reasonOf, statusOf } from '../parts/words';
import { IconButton } from '../shell/Shell';
import css from './conversations.module.css';
import { isHuman, isWaiting, Mood } from './marks';
import { RunList } from './RunList';

interface Props {
  conversation: Conversation;
  close: () => void;
  overlay: boolean;
}

export function SidePanel({ conversation, close, overlay }: Props) {
  const runs = useRuns(conversation.id);
  const [tab, setTab] = useState<string | null>('about');
  return (
    <aside className={css.side} aria-label="Details" data-overlay={overlay || undefined}>
      <Tabs value={tab} onChange={setTab} className={css.sideTabs ?? ''}>
        <div className={css.sideHead}>
          <Tabs.List>
            <Tabs.Tab value="about">About</Tabs.Tab>
            <Tabs.Tab value="runs">
              Runs {runs.data && <span className={css.tabCount}>{runs.data.length}</span>}
            </Tabs.Tab>
          </Tabs.List>
          {overlay && <IconButton label="Close panel" icon={icons.close} onClick={close} />}
        </div>
        <Tabs.Panel value="about" className={css.sideBody ?? ''}>
          <About conversation={conversation} />
        </Tabs.Panel>
        <Tabs.Panel value="runs" className={css.sideBody ?? ''}>
          <RunList conversationId={conversation.id} />
        </Tabs.Panel>
      </Tabs>
    </aside>
  );
}

function About({ conversation }: { conversation: Conversation }) {
  const contact = useRecord(conversation.contact ? `contacts/${conversation.contact.id}` : null);
  const accountKey = conversation.contact?.account ?? text(contact.data, 'account');
  const seen = Math.max(
    number(contact.data, 'last_seen_at') ?? 0,
    ...(useMessages(conversation.id).messages ?? [])
      .filter((message) => message.role === 'contact')
      .map((message) => message.created_at),
  );
  const role = text(contact.data, 'portal_role');
  const language = text(contact.data, 'language');
  const account = useRecord(accountKey ? `accounts/${accountKey}` : null);
  return (
    <>
      <section>
        <h3>Contact</h3>
        {contact.isPending && conversation.contact ? (
          <Bones lines={3} height={12} />
        ) : (
          <Fields
            rows={[
              ['Name', conversation.contact?.name ?? 'Visitor'],
              [
                'E-mail',
                conversation.contact?.email && (
                  <a href={`mailto:${conversation.contact.email}`}>{conversation.contact.email}</a>
                ),
              ],
              ['Telephone', text(contact.data, 'phone')],
              ['Position', text(contact.data, 'title')],
              ['Portal role', role && plain(role)],
              ['Language', language && languageOf(language)],
              ['Last seen', seen > 0 && <Ago key="seen" ms={seen} />],
            ]}
          />
        )}
      </section>
      {account.data && <AccountFacts account={account.data} />}
      <section>
        <h3>Conversation</h3>
        <Fields
          rows={[
            ['State', statusOf(conversation.status)],
            [
              'Owner',
              isHuman(conversation)
                ? (conversation.assignee?.name ?? 'A person')
                : isWaiting(conversation)
                  ? 'Nobody yet'
                  : conversation.agent.name,
            ],
            [
              'Agent',
              <Link
                key="agent"
                to={`/agents/${conversation.agent.id}?version=${conversation.agent_version}`}
              >
                {conversation.agent.name}, version {conversation.agent_version}
              </Link>,
            ],
            ['Sentiment', <Mood key="mood" sentiment={conversation.sentiment} />],
            ['Channel', channelOf(conversation.channel)],
            ['Messages', conversation.message_count],
            ['Began', <Ago key="began" ms={conversation.created_at} />],
            ['Handed over', conversation.escalation && reasonOf(conversation.escalation.reason)],
            ['Priority', conversation.escalation && plain(conversation.escalation.priority)],
          ]}
        />
      </section>
    </>
  );
}

const riskTones: Record<string, Tone> = { high: 'bad', medium: 'human', low: 'good' };

function AccountFacts({ account }: { account: RecordDocument }) {
  const health = object(account, 'health');
  const usage = object(account, 'usage');
  const risk = text(health, 'risk');
  const line = Array.isArray(usage?.sparkline)
    ? (usage.sparkline as unknown[]).filter((v): v is number => typeof v === 'number')
    : [];
  const arr = number(account, 'arr_cents');
  const renewal = number(account, 'renewal_date');
  return (
    <section>
      <h3>Account</h3>
      <div className={css.account}>
        <strong>{text(account, 'name')}</strong>
        {risk && (
          <Tag tone={riskTones[risk] ?? 'plain'}>
            Health {number(health, 'score') ?? ''} · {risk} risk
          </Tag>
        )}
      </div>
      <Fields
        rows={[
          [
            'Plan',
            [
              text(account, 'plan') && plain(text(account, 'plan') as string),
              number(account, 'seats') && `${number(account, 'seats')} seats`,
            ]
              .filter(Boolean)
              .join(', '),
          ],
          ['Stage', text(account, 'stage') && plain(text(account, 'stage') as string)],
          ['Revenue', arr ? `${moneyOf(arr, text(account, 'currency') ?? 'EUR')} a year` : null],
          ['Renewal', renewal && dateOf(renewal)],
          ['Place', [text(account, 'city'), text(account, 'country')].filter(Boolean).join(', ')],
          ['Looked after by', text(account, 'owner')],
          ['Daily users', line.length > 1 && <Sparkline key="use" values={line} />],
        ]}
      />
    </section>
  );
}

/** Mean daily users of the last weeks as a line of 120 × 24. */
function Sparkline({ values }: { values: number[] }) {
  const most = Math.max(...values, 1);
  const points = values
    .map(
      (v, i) =>
        `${((i / (values.length - 1)) * 118 + 1).toFixed(1)},${(22 - (v / most) * 20).toFixed(1)}`,
    )
    .join(' ');
  return (
    <svg
      viewBox="0 0 120 24"
      width={120}
      height={24}
      role="img"
      className={css.sparkline}
      aria-label={`Daily users: ${values.join(', ')}`}
    >
      <polyline
        points={points}
        fill="none"
        stroke="var(--accent-ink)"
        strokeWidth={1.75}
        strokeLinejoin="round"
        strokeLinecap="round"
      />
    </svg>
  );
}

function text(record: Record<string, unknown> | undefined, field: string): string | undefined {
  const value = record?.[field];
  return typeof value === 'string' && value ? value : undefined;
}
function number(record: Record<string, unknown> | undefined, field: string): number | undefined {
  const value = record?.[field];
  return typeof value === 'number' ? value : undefined;
}
function object(
  record: Record<string, unknown>,
  field: string,
): Record<string, unknown> | undefined {
  const value = record[field];
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)
    : undefined;
}
