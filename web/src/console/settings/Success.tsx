/** How the success copilot works for this organisation: the formula that scores, and the language of answers. */
import { Button, Select, Table, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useFormulaChoice, useFormulas, useOrgLanguage, type Formula } from '../api/formulas';
import { FormDialog } from '../parts/dialogs';
import { ListTable } from '../parts/ListTable';
import { Bones, Empty, ProblemNote, Tag } from '../parts/parts';
import parts from '../parts/parts.module.css';
import { factorName } from '../parts/risk';
import { dateOf, languageOf, numberOf, writtenLanguages } from '../parts/words';
import * as icons from '../../icons';
import { useSession } from '../shell/session';
import css from './settings.module.css';

const share = (part: number) => `${numberOf(Math.round(part * 100))} %`;

export function Success() {
  return (
    <>
      <Formulas />
      <Language />
    </>
  );
}

function Formulas() {
  const formulas = useFormulas();
  const { may } = useSession();
  const [chosen, setChosen] = useState<Formula | null>(null);
  if (formulas.isError)
    return <ProblemNote error={formulas.error} retry={() => void formulas.refetch()} />;
  return (
    <section aria-labelledby="formulas">
      <h2 id="formulas" className={css.head}>
        Health formulas
      </h2>
      <p className={css.about}>
        One formula scores every account. Others can be registered from a back-test (
        <code>rapport health backtest --register NAME</code>); an account’s page then shows what
        they would give, and nothing changes until one is chosen here.
      </p>
      <ListTable
        list={formulas}
        head={['Formula', 'Weights', { label: 'Learnt from', className: parts.extra ?? '' }]}
        acts
        bones={{ rows: 1 }}
        empty={<Empty icon={icons.pulse} title="No formula" />}
        row={(formula) => (
          <Table.Tr key={formula.formula}>
            <Table.Td>
              <strong className={css.strong}>{formula.formula}</strong>
              {formula.title && formula.provenance && (
                <span className={css.sub}>{formula.title}</span>
              )}
            </Table.Td>
            <Table.Td>
              <span className={css.tags}>
                {Object.entries(formula.weights).map(([name, weight]) => (
                  <Tag key={name}>{`${factorName(name)} ${share(weight)}`}</Tag>
                ))}
              </span>
            </Table.Td>
            <Table.Td className={parts.extra ?? ''}>
              <Origin formula={formula} />
            </Table.Td>
            <Table.Td w={96}>
              {formula.active ? (
                <Tag tone="good" icon={icons.check}>
                  In force
                </Tag>
              ) : (
                may('formulas') && (
                  <Button
                    size="compact-xs"
                    variant="default"
                    aria-label={`Score by ${formula.formula}`}
                    onClick={() => setChosen(formula)}
                  >
                    Use…
                  </Button>
                )
              )}
            </Table.Td>
          </Table.Tr>
        )}
      />
      {chosen && <Choose formula={chosen} onClose={() => setChosen(null)} />}
    </section>
  );
}

function Origin({ formula }: { formula: Formula }) {
  const { provenance: from, registered_at } = formula;
  if (!from) return <>Comes with the program</>;
  return (
    <>
      {from.cases !== undefined && `${numberOf(from.cases)} accounts`}
      {from.outcome && `, ${from.outcome}`}
      <span className={css.sub}>
        {from.auc !== undefined &&
          `AUC ${from.auc.toFixed(2)}${from.fixed_auc !== undefined ? `, fixed weights ${from.fixed_auc.toFixed(2)}` : ''}`}
        {registered_at ? `${from.auc !== undefined ? ' · ' : ''}${dateOf(registered_at)}` : ''}
      </span>
    </>
  );
}

function Choose({ formula, onClose }: { formula: Formula; onClose: () => void }) {
  const [reason, setReason] = useState('');
  const change = useFormulaChoice();
  return (
    <FormDialog
      title={`Score by “${formula.formula}”?`}
      verb="Score by it"
      change={change}
      ready
      onClose={onClose}
      onSubmit={() =>
        change.mutate(
          { formula: formula.formula, ...(reason.trim() ? { reason: reason.trim() } : {}) },
          { onSuccess: onClose },
        )
      }
    >
      <p className={css.said}>
        Every account is scored anew from now on. Scores of before keep the formula that made them.
      </p>
      <TextInput
        label="Reason"
        description="Stands in the audit log"
        maxLength={300}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        data-autofocus
      />
    </FormDialog>
  );
}

const choices = [
  ...writtenLanguages.map((value) => ({ value, label: languageOf(value) })),
  { value: 'account', label: 'Each account’s own, where it is known' },
];

function Language() {
  const { may, org } = useSession();
  const language = useOrgLanguage(org.id);
  return (
    <section aria-labelledby="language">
      <h2 id="language" className={css.head}>
        Language of answers
      </h2>
      <p className={css.about}>
        Briefs, reviews and their documents are in this language unless a question asks for another.
        E-mails are in the account’s own where that is known.
      </p>
      {language.isError && <ProblemNote error={language.error} />}
      {language.isPending ? (
        <Bones lines={1} />
      ) : (
        <Select
          w={320}
          aria-label="Language of answers"
          allowDeselect={false}
          disabled={!may('members') || language.saving}
          data={choices}
          value={language.value}
          onChange={(value) => value && language.save(value)}
        />
      )}
    </section>
  );
}
