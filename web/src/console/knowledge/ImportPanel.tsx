/** Files dropped or chosen, imported one after the other, each with its own outcome. */
import { Button, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useRef, useState, type DragEvent } from 'react';
import * as icons from '../../icons';
import { Problem, request } from '../api/http';
import { Icon } from '../parts/Icon';
import { Tag } from '../parts/parts';
import { bytesOf } from '../parts/words';
import css from './knowledge.module.css';

const accepted: Record<string, string> = {
  md: 'text/markdown',
  markdown: 'text/markdown',
  html: 'text/html',
  htm: 'text/html',
  txt: 'text/plain',
  csv: 'text/csv',
};
const largestBytes = 8_000_000;

interface Job {
  key: string;
  file: File;
  state: 'waiting' | 'busy' | 'done' | 'failed';
  why?: string;
}

const typeOf = (file: File) => accepted[file.name.split('.').pop()?.toLowerCase() ?? ''];

export function ImportPanel() {
  const [namespace, setNamespace] = useState('help');
  const [jobs, setJobs] = useState<Job[]>([]);
  const [over, setOver] = useState(false);
  const picker = useRef<HTMLInputElement>(null);
  const running = useRef(false);
  const queue = useRef<Job[]>([]);
  const queries = useQueryClient();

  function mark(key: string, state: Job['state'], why?: string) {
    setJobs((now) =>
      now.map((job) => (job.key === key ? { ...job, state, ...(why ? { why } : {}) } : job)),
    );
  }

  function add(files: File[]) {
    const made = files.map((file): Job => {
      const why = !typeOf(file)
        ? 'Only Markdown, HTML, text and CSV files can be imported.'
        : file.size > largestBytes
          ? `The file is larger than ${bytesOf(largestBytes)}.`
          : file.size === 0
            ? 'The file is empty.'
            : undefined;
      return {
        key: `${file.name}-${Math.random()}`,
        file,
        state: why ? 'failed' : 'waiting',
        ...(why ? { why } : {}),
      };
    });
    setJobs((now) => [...made, ...now]);
    queue.current.push(...made.filter((job) => job.state === 'waiting'));
    void work();
  }

  async function work() {
    if (running.current) return;
    running.current = true;
    for (let job = queue.current.shift(); job; job = queue.current.shift()) {
      mark(job.key, 'busy');
      try {
        await send(job.file, namespace.trim() || 'help');
        mark(job.key, 'done');
      } catch (error) {
        const problem = error instanceof Problem ? error : null;
        const line = typeof problem?.body.line === 'number' ? `Line ${problem.body.line}: ` : '';
        mark(job.key, 'failed', line + (problem?.detail ?? 'It could not be imported.'));
      }
    }
    running.current = false;
    void queries.invalidateQueries({ queryKey: ['documents'] });
  }

  function drop(event: DragEvent) {
    event.preventDefault();
    setOver(false);
    add([...event.dataTransfer.files]);
  }

  return (
    <div className={css.importing}>
      <TextInput
        label="Namespace"
        description="Agents name the namespaces that they answer from"
        value={namespace}
        onChange={(event) => setNamespace(event.currentTarget.value)}
        maxLength={60}
      />
      <div
        className={css.drop}
        data-over={over || undefined}
        onDrop={drop}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
      >
        <Icon path={icons.upload} size={24} />
        <p>Drop files here</p>
        <p>Markdown, HTML, text or CSV, up to {bytesOf(largestBytes)} each</p>
        <Button variant="default" size="xs" onClick={() => picker.current?.click()}>
          Choose files
        </Button>
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          aria-label="Files to import"
          accept=".md,.markdown,.html,.htm,.txt,.csv"
          onChange={(event) => {
            add([...(event.currentTarget.files ?? [])]);
            event.currentTarget.value = '';
          }}
        />
      </div>
      {jobs.length > 0 && (
        <ul className={css.jobs} aria-live="polite">
          {jobs.map((job) => (
            <li key={job.key}>
              <span>
                {job.file.name} <em>{bytesOf(job.file.size)}</em>
              </span>
              <Tag tone={job.state === 'done' ? 'good' : job.state === 'failed' ? 'bad' : 'info'}>
                {
                  {
                    waiting: 'waiting',
                    busy: 'importing…',
                    done: 'imported',
                    failed: 'not imported',
                  }[job.state]
                }
              </Tag>
              {job.why && <p>{job.why}</p>}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** As a form with the file: the server finds the title, and its name makes importing it again a change. */
async function send(file: File, namespace: string): Promise<void> {
  const form = new FormData();
  form.set('namespace', namespace);
  form.set('file', file, file.name);
  await request('POST', '/documents', { form });
}
