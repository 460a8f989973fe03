/** A past day to look at: the field that chooses it, and the band that says that one looks back. */
import { Button, TextInput } from '@mantine/core';
import * as icons from '../../icons';
import type { AddressState } from '../parts/address';
import { Icon } from '../parts/Icon';
import page from './account.module.css';

const longDate = new Intl.DateTimeFormat(undefined, { dateStyle: 'long', timeZone: 'UTC' });
const today = () => new Date().toISOString().slice(0, 10);

/** The day of the address, if it is a day; anything else is today. */
export function asOfOf(address: AddressState): string | null {
  const day = address.read('as_of');
  return day && /^\d{4}-\d\d-\d\d$/.test(day) && Date.parse(day) ? day : null;
}
const choose = (address: AddressState, day: string | null) =>
  address.write({ as_of: day && day < today() ? day : null }, true);

export function AsOfField({ address }: { address: AddressState }) {
  return (
    <TextInput
      type="date"
      size="xs"
      aria-label="As of"
      leftSection="As of"
      leftSectionWidth={48}
      w={172}
      max={today()}
      value={asOfOf(address) ?? ''}
      onChange={(event) => choose(address, event.currentTarget.value || null)}
    />
  );
}

/** `what`: "this account as it was". */
export function PastBand({ address, what }: { address: AddressState; what: string }) {
  const asOf = asOfOf(address);
  if (!asOf) return null;
  return (
    <div className={page.past} role="status">
      <Icon path={icons.history} size={18} />
      <p>
        You see {what} at the end of{' '}
        <strong>{longDate.format(Date.parse(`${asOf}T12:00:00Z`))}</strong>.
      </p>
      <Button size="compact-sm" variant="default" onClick={() => choose(address, null)}>
        Back to today
      </Button>
    </div>
  );
}
