// The recorded material as Rapport's own formats: recordings for `rapport replay`, an agent's YAML
// from policy and tools, and the databases behind the tools. The material itself stays where it is.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AIRLINE, AIRLINE_CHANGES } from '../fake/tau/airline.js';
import { RETAIL, RETAIL_CHANGES } from '../fake/tau/retail.js';
import { agentYaml } from '../wire/agent_yaml.js';

const DATA = resolve(process.env.RAPPORT_DATA ?? '../shared/data', 'agent_tasks');
const STEPS_A_TURN = 7;
/** How the simulated customer of the recordings says that it is done; nobody answers that. */
const STOP = /###STOP###/;

export const DOMAINS = {
  airline: { folder: 'tau_airline', tools: AIRLINE, changes: AIRLINE_CHANGES },
  retail: { folder: 'tau_retail', tools: RETAIL, changes: RETAIL_CHANGES },
};

/** Why there is nothing to replay, or false. */
export const missing = existsSync(join(DATA, 'tau_airline')) ? false : `no ${DATA}/tau_airline`;

const text = (domain, file) => readFile(join(DATA, DOMAINS[domain].folder, file), 'utf8');
const json = async (domain, file) => JSON.parse(await text(domain, file));
const lines = async (domain, file) =>
  (await text(domain, file))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** The tables behind the tools. The shop's recorded users do not repeat their own id. */
export async function database(domain) {
  const db = await json(domain, 'db.json');
  if (domain === 'retail') for (const user of Object.values(db.users)) delete user.user_id;
  return db;
}

const valueOf = (content) => {
  try {
    return JSON.parse(content);
  } catch {
    return content;
  }
};

/** The one known difference: `province` of an address is called `state` since. */
function renamed(value) {
  if (!value?.address || !('province' in value.address)) return value;
  const { province, ...address } = value.address;
  return { ...value, address: { ...address, state: province } };
}

function turnsOf(messages) {
  const turns = [];
  for (const message of messages) {
    const turn = turns.at(-1);
    if (message.role === 'user') turns.push({ contact: message.content, calls: [] });
    else if (message.role === 'tool')
      turn.calls.find((call) => !('result' in call)).result = renamed(valueOf(message.content));
    else if (message.tool_calls)
      for (const { function: call } of message.tool_calls)
        turn.calls.push({
          name: call.name,
          arguments: JSON.parse(call.arguments),
          ...(message.content && { said: message.content }),
        });
    else turn.answer = message.content;
  }
  return turns.filter((turn) => !STOP.test(turn.contact) || turn.answer || turn.calls.length);
}

const pad = (id) => String(id).padStart(3, '0');

/** Conversations as they were held: { name, contact, turns, reward, truth }. */
export async function trajectories() {
  const all = await lines('airline', 'gpt4o_trajectories.jsonl');
  return all.map((row) => {
    const name = `airline-${pad(row.task_id)}-${row.trial}`;
    return {
      name,
      contact: { name },
      turns: turnsOf(row.messages),
      reward: row.reward,
      truth: row.gt_actions,
    };
  });
}

/** Ground-truth actions as conversations: what is to be done, then the calls that do it. */
export async function oracle(domain) {
  const tasks = new Map((await json(domain, 'tasks.json')).map((task) => [task.id, task]));
  const all = await lines(domain, 'oracle.jsonl');
  return all.map((row) => {
    const name = `${domain}-oracle-${pad(row.task_id)}`;
    const { reason_for_call: why } = tasks.get(row.task_id).user_scenario.instructions;
    // steps without an output were made with a tool that the recorded tools do not have
    const calls = row.steps
      .filter((step) => step.name in DOMAINS[domain].tools)
      .map((step) => ({ name: step.name, arguments: step.arguments, result: step.output }));
    const turns = [];
    for (let at = 0; at === 0 || at < calls.length; at += STEPS_A_TURN)
      turns.push({
        contact: at ? 'Please go on.' : why.slice(0, 4000),
        calls: calls.slice(at, at + STEPS_A_TURN),
        answer: at + STEPS_A_TURN < calls.length ? 'Not yet done, one moment.' : 'That is done.',
      });
    return { name, contact: { name }, turns, changed: row.changed };
  });
}

/** A row of an agent's tools: HTTP, signed, and a change is made without asking the contact. */
export function httpTool(tool, url, changes) {
  return {
    ...tool,
    status: 'implemented',
    timeout_s: 30,
    side_effects: changes,
    ...(changes && { confirm: false }),
    run: { http: { method: 'POST', url, secret_ref: 'tau', sign: true, allow_private: true } },
  };
}

/** The tools as a model is told of them: { name, description, parameters }. */
export const toolsOf = async (domain) =>
  (await json(domain, 'tools.json')).map(({ function: tool }) => tool);

/** The agent: policy as its prompt, the tools as HTTP tools of the server at `url`. */
export async function agentOf(domain, { url, llm, config }) {
  const { changes } = DOMAINS[domain];
  const tools = await toolsOf(domain);
  return agentYaml({
    slug: `replayed-${domain}`,
    prompt: await text(domain, 'policy.md'),
    llm,
    tools: tools.map((tool) =>
      httpTool(tool, `${url}/${domain}/${tool.name}`, changes.has(tool.name)),
    ),
    ...config,
  });
}

const MCP_NAME = 'tau';

/** The same agent with the tools of an MCP server at `url`, all approved for good. */
export async function mcpAgentOf(domain, { url, llm, config }) {
  const approve = Object.fromEntries([...DOMAINS[domain].changes].map((name) => [name, 'never']));
  const server = { name: MCP_NAME, url, allow_private: true, allow: ['*'], approve };
  const slug = `replayed-${domain}-mcp`;
  const yaml = agentYaml({ slug, prompt: await text(domain, 'policy.md'), llm, ...config });
  return `${yaml}mcp_servers: ${JSON.stringify([server])}\n`;
}

/** Recordings whose calls have the names under which an agent offers tools of that server. */
export const asMcp = (recordings) =>
  recordings.map((one) => ({
    ...one,
    name: `mcp-${one.name}`,
    contact: { name: `mcp-${one.name}` },
    turns: one.turns.map((turn) => ({
      ...turn,
      calls: turn.calls.map((call) => ({ ...call, name: `${MCP_NAME}__${call.name}` })),
    })),
  }));
