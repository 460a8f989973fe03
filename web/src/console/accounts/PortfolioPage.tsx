/** All accounts that one sees: what they are worth, how they are, and which to look at first. */
import { Button, Tabs } from '@mantine/core';
import { useState } from 'react';
import { useNavigate } from 'react-router-dom';
import * as icons from '../../icons';
import { usePortfolio, type PortfolioQuery } from '../api/accounts';
import { useAddress, type AddressState } from '../parts/address';
import { Icon } from '../parts/Icon';
import { PageFrame } from '../parts/parts';
import { useSession } from '../shell/session';
import { AccountDialog } from './AccountForm';
import { AsOfField, asOfOf, PastBand } from './AsOf';
import { Filters, filterNames } from './Filters';
import { ImportDialog } from './ImportDialog';
import { PortfolioTable } from './PortfolioTable';
import { Renewals } from './Renewals';
import { Summary } from './Summary';

export default function PortfolioPage() {
  const address = useAddress();
  const tab = address.read('tab') === 'renewals' ? 'renewals' : 'accounts';
  const asOf = tab === 'accounts' ? asOfOf(address) : null;
  const filter: PortfolioQuery = {};
  for (const name of filterNames) filter[name] = address.read(name) ?? undefined;
  // The cards and the histogram show everything that could be chosen, not only what is.
  const { risk: _risk, min_score: _min, max_score: _max, ...wider } = filter;
  const all = usePortfolio({ ...wider, as_of: asOf ?? undefined }, 1, null);
  return (
    <PageFrame
      title="Portfolio"
      note="Every account with its health, and what comes up next."
      actions={tab === 'accounts' && <Acts address={address} asOf={asOf} />}
    >
      <Tabs
        value={tab}
        onChange={(value) => address.write({ tab: value === 'renewals' ? value : null }, true)}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="accounts">Accounts</Tabs.Tab>
          <Tabs.Tab value="renewals">Renewals</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="accounts">
          <PastBand address={address} what="the portfolio as it was" />
          <Summary summary={all.data?.summary} address={address} />
          <Filters address={address} />
          <PortfolioTable filter={filter} asOf={asOf} address={address} />
        </Tabs.Panel>
        <Tabs.Panel value="renewals">
          <Renewals address={address} />
        </Tabs.Panel>
      </Tabs>
    </PageFrame>
  );
}

/** What was cannot be changed: a past day offers the way to another day alone. */
function Acts({ address, asOf }: { address: AddressState; asOf: string | null }) {
  const { may } = useSession();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<'add' | 'import' | null>(null);
  return (
    <>
      <AsOfField address={address} />
      {!asOf && may('accounts') && (
        <>
          <Button
            size="xs"
            variant="default"
            leftSection={<Icon path={icons.upload} size={15} />}
            onClick={() => setDialog('import')}
          >
            Import
          </Button>
          <Button
            size="xs"
            leftSection={<Icon path={icons.plus} size={15} />}
            onClick={() => setDialog('add')}
          >
            Add account
          </Button>
        </>
      )}
      {dialog === 'import' && <ImportDialog onClose={() => setDialog(null)} />}
      {dialog === 'add' && (
        <AccountDialog
          account={null}
          onClose={() => setDialog(null)}
          onSaved={(account) => navigate(`/accounts/${account.slug}`)}
        />
      )}
    </>
  );
}
