// A small valid agent for tests, as YAML. JSON is YAML, but what people write is not JSON.
import { createHash } from 'node:crypto';

const RULE = '{condition: "user_requests_human == true", action: immediate_handoff}';

/** The id of an agent's configuration: the same for the same slug. */
function configId(slug) {
  const hex = createHash('sha256').update(slug).digest('hex');
  return `01a1e1a7-4c00-7${hex.slice(0, 3)}-8${hex.slice(3, 6)}-${hex.slice(6, 18)}`;
}

export function agentYaml({ slug = 'wire', name = 'Wire', prompt = 'You help.', ...more } = {}) {
  const lines = [
    'schema_version: "1.0"',
    `organization_id: ${more.organization ?? '01a1e1a7-4c00-7b00-8000-000000000001'}`,
    `config_id: ${more.config ?? configId(slug)}`,
    'product_type: chatbot',
    `name: ${name}`,
    `slug: ${slug}`,
    `greeting: ${JSON.stringify(more.greeting ?? 'Hello.')}`,
    `system_prompt: ${JSON.stringify(prompt)}`,
    'channels: [webchat]',
    'external_integrations: []',
  ];
  if (more.rules) lines.push(`escalation_rules: ${JSON.stringify(more.rules)}`);
  else lines.push('escalation_rules:', `  - ${RULE}`);
  if (more.guardrails) lines.push(`guardrails: ${JSON.stringify(more.guardrails)}`);
  if (more.llm) lines.push(`llm_config: ${JSON.stringify(more.llm)}`);
  if (more.knowledge) lines.push(`knowledge: ${JSON.stringify(more.knowledge)}`);
  lines.push(more.tools ? `tools: ${JSON.stringify(more.tools)}` : 'tools: []');
  if (more.intents) lines.push(`intents: ${JSON.stringify(more.intents)}`);
  return `${lines.join('\n')}\n`;
}

/** A tool that reads one order of the contact's account. */
export const ORDER_TOOL = {
  name: 'get_order',
  description: 'Look up one order by its number.',
  parameters: {
    type: 'object',
    required: ['order_number'],
    additionalProperties: false,
    properties: { order_number: { type: 'string', pattern: '^BW-[0-9]{5}$' } },
  },
  status: 'implemented',
  timeout_s: 10,
  run: {
    record: 'order',
    op: 'get',
    match: { number: '.order_number' },
    own: 'account',
    require: [{ if: '.record != null', else: "I can't find order {{order_number}}." }],
    pick: '{number, status, total_cents, currency}',
  },
};
