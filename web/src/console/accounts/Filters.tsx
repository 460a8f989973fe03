/** The filters of the portfolio. All of them stand in the address. */
import { Button, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useEffect, useState } from 'react';
import * as icons from '../../icons';
import { usePortfolio, type PortfolioRow } from '../api/accounts';
import type { AddressState } from '../parts/address';
import { Icon } from '../parts/Icon';
import { riskLook, risks, trendLook } from '../parts/risk';
import { plain } from '../parts/words';
import css from './accounts.module.css';

export const filterNames = [
  'q',
  'risk',
  'trend',
  'stage',
  'plan',
  'owner',
  'renews_within_days',
  'min_score',
  'max_score',
];
const typingMs = 250;
const rowsForChoices = 200;

export function Filters({ address }: { address: AddressState }) {
  const rows = usePortfolio({}, rowsForChoices, null).data?.items ?? [];
  const any = filterNames.some((name) => address.read(name));
  const pick = (name: string, label: string, data: { value: string; label: string }[]) => (
    <Select
      size="xs"
      aria-label={label}
      placeholder={label}
      data={data}
      value={address.read(name)}
      onChange={(value) => address.write({ [name]: value })}
      clearable
      allowDeselect
      searchable={data.length > 8}
      clearButtonProps={{ 'aria-label': `Any ${label.toLowerCase()}` }}
    />
  );
  return (
    <div className={css.filters} role="search" aria-label="Accounts">
      <SearchField address={address} />
      {pick(
        'risk',
        'Risk',
        risks.map((value) => ({ value, label: riskLook(value).word })),
      )}
      {pick(
        'trend',
        'Usage',
        (['up', 'flat', 'down'] as const).map((value) => ({ value, label: trendLook(value).word })),
      )}
      {pick('stage', 'Stage', choicesOf(rows, 'stage', plain))}
      {pick('plan', 'Plan', choicesOf(rows, 'plan', plain))}
      {pick('owner', 'Owner', choicesOf(rows, 'owner', ownerName))}
      {any && (
        <Button
          size="compact-xs"
          variant="subtle"
          onClick={() => address.write(Object.fromEntries(filterNames.map((n) => [n, null])))}
        >
          Clear filters
        </Button>
      )}
    </div>
  );
}

function SearchField({ address }: { address: AddressState }) {
  const told = address.read('q') ?? '';
  const [text, setText] = useState(told);
  const write = useDebouncedCallback(
    (value: string) => address.write({ q: value.trim() || null }),
    typingMs,
  );
  useEffect(() => setText((now) => (now.trim() === told ? now : told)), [told]);
  return (
    <TextInput
      size="xs"
      className={css.search ?? ''}
      aria-label="Search accounts"
      placeholder="Search accounts"
      leftSection={<Icon path={icons.search} size={15} />}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        write(event.currentTarget.value);
      }}
    />
  );
}

function choicesOf(
  rows: PortfolioRow[],
  name: 'stage' | 'plan' | 'owner',
  label: (value: string) => string,
) {
  const values = new Set(rows.map((row) => row[name]).filter((value): value is string => !!value));
  return [...values].sort().map((value) => ({ value, label: label(value) }));
}

/** "marek@brightwell.example" is "Marek" where there is little room. */
export function ownerName(owner: string): string {
  return owner.includes('@') ? plain((owner.split('@')[0] ?? owner).replace(/\./g, ' ')) : owner;
}
