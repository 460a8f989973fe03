import { Button } from '@mantine/core';
import { useState } from 'react';
import { Link, useNavigate } from 'react-router-dom';
import * as icons from '../../icons';
import { useAgentCreate } from '../api/queries';
import { Icon } from '../parts/Icon';
import { useTitle } from '../parts/parts';
import { useSession } from '../shell/session';
import css from './agents.module.css';
import { LeaveGuard, SaveDialog } from './AgentPage';
import { EditorPane } from './EditorPane';
import { useValidation } from './useValidation';

function template(orgId: string): string {
  const id = crypto.randomUUID?.() ?? '00000000-0000-4000-8000-000000000000';
  return `# A new agent. Change what it is called, what it knows and what it may do.
schema_version: "1.0"
organization_id: ${orgId}
config_id: ${id}
product_type: chatbot
name: Sam
slug: sam
greeting: Hello, I am Sam. What can I do for you?
suggestions:
  - How can I reach a person?

system_prompt: >-
  You answer questions of our customers from the help centre, in short and friendly sentences.

channels: [webchat]
external_integrations: []
unavailable_action: queue_callback
knowledge: {namespaces: [help]}
llm_config: {preference: balanced, temperature: 0.3, max_tokens: 500}

escalation_rules:
  - {condition: "user_requests_human == true", action: immediate_handoff}

tools:
  - name: search_knowledge
    description: Look something up in the help centre.
    parameters:
      type: object
      required: [query]
      properties:
        query: {type: string, description: What to look for}
    status: implemented
    run: {builtin: search_knowledge}

intents:
  - name: help
    kind: support
    knowledge: true
    examples:
      - How do I reset my password?
      - Where do I find my invoices?
      - How does this work?
      - I need help with the app
      - Can you explain how to do this?
      - What are your opening hours?
`;
}

export default function NewAgentPage() {
  useTitle('New agent');
  const { org } = useSession();
  const [start] = useState(() => template(org.id));
  const [text, setText] = useState(start);
  const [saving, setSaving] = useState(false);
  const [done, setDone] = useState(false);
  const validation = useValidation(text);
  const create = useAgentCreate();
  const navigate = useNavigate();
  const invalid = validation.problems.some((problem) => problem.severity === 'error');
  return (
    <div className={css.agent}>
      <header className={css.agentHead}>
        <Link to="/agents" className={css.back} aria-label="Back to the agents">
          <Icon path={icons.back} size={20} />
        </Link>
        <div className={css.agentTitle}>
          <h1>New agent</h1>
        </div>
      </header>
      <div className={css.tabBody}>
        <EditorPane
          value={text}
          onChange={setText}
          validation={validation}
          onSave={() => !invalid && setSaving(true)}
          bar={
            <div className={css.saveBar}>
              <Button size="xs" disabled={invalid} onClick={() => setSaving(true)}>
                Create agent
              </Button>
            </div>
          }
        />
      </div>
      <SaveDialog
        opened={saving}
        onClose={() => setSaving(false)}
        busy={create.isPending}
        error={create.error}
        title="Create this agent"
        onSave={(message) =>
          create.mutate(
            { yaml: text, message },
            {
              onSuccess: (agent) => {
                setDone(true);
                // The guard must have heard that everything is saved.
                setTimeout(() => navigate(`/agents/${agent.id}`), 0);
              },
            },
          )
        }
      />
      <LeaveGuard when={!done && text !== start} />
    </div>
  );
}
